//! Any bytes as an index file, or as changes to one: refused, or as good as right.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ptarmigan_core::hostile::index(bytes));
