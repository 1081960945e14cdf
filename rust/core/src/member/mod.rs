//! Turns (index, member number) into the member's bytes.

mod compressed;
mod file;
mod group;
mod many;
mod point;
mod read;

pub use file::MemberFile;
pub use many::{Report, read_many, read_many_with, verify};
pub use read::Reader;
pub(crate) use read::check_sum;
