//! Turns an index file into memory that all processes on the machine share.
//!
//! The only place outside the SIMD files with `unsafe`.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// The bytes of a file, read as they are asked for.
#[derive(Debug)]
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        let length = file
            .metadata()
            .map_err(|error| Error::io(error, path))?
            .len();
        if length == 0 {
            return Err(Error::index("the index file is empty").with_path(path));
        }
        #[expect(unsafe_code, reason = "mapping a file has no safe form")]
        // SAFETY: the mapping is read-only and private to this type. Index files are never
        // written in place by this crate: a new one is made aside and renamed over the old one,
        // whose mapping keeps its own bytes. Another program that truncates the file in place
        // can raise SIGBUS, which ends the process but cannot be used to read other memory;
        // one that changes bytes in place is met by bounds checks on every value that is read.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| Error::io(error, path))?;
        Ok(Self(map))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
