//! Reads photos at random from an unmodified `tar.gz`, decodes them into batches, scores them.
//!
//! The data path, one module a stage, in order:
//!
//! | stage | module | main type |
//! |---|---|---|
//! | a file as downloaded | [`archive`] | [`archive::Archive`] |
//! | where each member is | [`index`] | [`index::Index`] |
//! | the bytes of one member | [`member`] | [`member::Reader`] |
//! | JPEG or PNG bytes to pixels | [`pixels`] | [`pixels::Decoder`] |
//! | samples in order, in parallel | [`batch`] | [`batch::Loader`] |
//! | logits to labels to score | [`predictions`] | [`predictions::Submission`] |
//!
//! [`annotations`] reads the competition's JSON files into columns beside the path; [`export`] writes
//! an index for other programs; [`detections`] scores boxes.

pub mod annotations;
pub mod archive;
pub mod batch;
pub mod detections;
pub mod error;
pub mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod hostile;
pub mod images;
pub mod index;
pub mod limits;
pub mod member;
pub mod pixels;
pub mod predictions;
pub mod progress;
pub mod random;
pub mod synth;
pub mod team;

pub use error::{Error, ErrorKind, Result};
