//! Turns any bytes into an agreement: what our readers make of them is what others make of them.
//!
//! Every check panics where two readers differ. The fuzz targets in `fuzz/` and the tests that
//! replay their corpora call the same functions. They are compiled for tests and under the feature
//! `fuzzing` only, and are no part of the interface.

mod deflate;
mod gzip;
mod index;
mod jpeg;
mod sample;
mod tar;

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod corruption;
#[cfg(test)]
mod replay;

pub use deflate::deflate;
pub use gzip::gzip;
pub use index::index;
pub use jpeg::jpeg;
pub use tar::tar;
