//! Turns the competition's annotation files into columns, and columns into samples of an archive.
//!
//! | step | module | main type |
//! |---|---|---|
//! | a JSON file, plain or in a zip | [`source`] | [`Source`] |
//! | its lists as columns | [`mod@file`] | [`File`] |
//! | one category for every image, sorted by file name | [`table`] | [`Table`] |
//! | the boxes of every image | [`boxes`] | [`Boxes`] |
//! | where and when a photo was taken | [`locations`] | [`Locations`] |
//! | file names to member numbers | [`join`] | [`join::Match`] |
//! | folders to classes, where there are no annotations | [`folders`] | [`Folders`] |
//!
//! The format is that of <https://github.com/visipedia/inat_comp/tree/master/2017>.

pub mod boxes;
pub mod file;
pub mod folders;
pub mod join;
pub mod locations;
pub(crate) mod parse;
pub mod source;
pub mod table;
pub mod text;

pub use boxes::Boxes;
pub use file::File;
pub use folders::Folders;
pub use locations::Locations;
pub use source::Source;
pub use table::Table;
pub use text::{Slices, Text};
