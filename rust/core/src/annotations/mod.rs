//! Turns the competition's annotation files into columns.
