//! Turns the competition's annotation files into columns, and columns into samples of an archive.
//!
//! | step | module | main type |
//! |---|---|---|
//! | a JSON file, plain or in a zip or tar.gz | [`source`] | [`Source`] |
//! | its lists as columns | [`mod@file`] | [`File`] |
//! | further keys of the records as columns | [`extras`] | [`Column`] |
//! | one category for every image, sorted by file name | [`table`] | [`Table`] |
//! | a table as a file that opens at once | [`cache`] | [`cache::Directory`] |
//! | the boxes of every image | [`boxes`] | [`Boxes`] |
//! | where and when a photo was taken | [`locations`] | [`Locations`] |
//! | file names to member numbers | [`join`] | [`join::Match`] |
//! | folders to classes, where there are no annotations | [`folders`] | [`Folders`] |
//!
//! The format is that of <https://github.com/visipedia/inat_comp/tree/master/2017>.

pub mod boxes;
pub mod cache;
pub mod extras;
pub mod file;
pub mod folders;
pub mod join;
pub mod locations;
pub(crate) mod parse;
mod records;
pub(crate) mod rows_by_id;
pub mod source;
pub mod table;
pub mod text;
mod window;
mod zipped;

pub use boxes::Boxes;
pub use extras::Column;
pub use file::File;
pub use folders::Folders;
pub use locations::Locations;
pub use source::Source;
pub use table::Table;
pub use text::{Slices, Text};
