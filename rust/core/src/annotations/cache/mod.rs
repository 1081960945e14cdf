//! Turns a table into a file beside the annotations, from which it is opened again at once.
//!
//! `docs/annotation-cache.md` describes the file byte by byte.

mod format;
mod key;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

pub use format::{Directory, Entry, Kind, decode, encode};
pub use key::Key;

use crate::error::{Error, Result};

/// Writes the bytes that [`encode`] made, aside and then renamed; says whether that could be done.
///
/// A folder that cannot be written to means no cache, not an error. Nothing is synced: a file that a
/// crash left incomplete has a wrong checksum.
pub fn store(path: &Path, bytes: &[u8]) -> Result<bool> {
    let directory = decode(bytes, None)
        .ok_or_else(|| Error::argument("expected the bytes of a table, found others"))?;
    if !directory.key.is_settled() {
        return Ok(false);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let aside = tempfile::Builder::new()
        .prefix(".ptcols-")
        .suffix(".part")
        .make_in(folder.unwrap_or(Path::new(".")), |aside| {
            OpenOptions::new().write(true).create_new(true).open(aside)
        });
    let written = aside.and_then(|mut aside| {
        aside.as_file_mut().write_all(bytes)?;
        aside.persist(path).map_err(|error| error.error)
    });
    Ok(written.is_ok())
}
