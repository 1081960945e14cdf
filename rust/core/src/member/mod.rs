//! Turns (index, member number) into the member's bytes.

mod many;
mod read;

pub use many::{Report, read_many, verify};
pub use read::Reader;
