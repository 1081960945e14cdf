//! Turns an archive's path into bytes at any position, by any number of threads and processes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::sequential::Sequential;
use crate::error::{Error, Result};

/// An open archive file; reads never move a shared position.
#[derive(Debug)]
pub(crate) struct ArchiveFile {
    file: File,
    path: PathBuf,
}

impl ArchiveFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// The open file itself.
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// The path, as given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> Result<u64> {
        let metadata = self
            .file
            .metadata()
            .map_err(|error| Error::io(error, &self.path))?;
        Ok(metadata.len())
    }

    /// Fails if the file has fewer than `count` bytes from `offset` on: an index may say anything,
    /// so this is asked before memory for them is taken.
    pub(crate) fn expect_bytes(&self, offset: u64, count: u64) -> Result<()> {
        match offset.checked_add(count) {
            Some(end) if end <= self.size()? => Ok(()),
            _ => Err(too_short(offset)),
        }
    }

    /// Fills `out` from `offset` on.
    pub(crate) fn read_exact(&self, out: &mut [u8], offset: u64) -> Result<()> {
        // The system has no such positions; an index that lies has.
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(too_short(offset));
        }
        self.file
            .read_exact_at(out, offset)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => too_short(offset),
                _ => Error::io(error, &self.path),
            })
    }

    /// Fills `out` from `offset` on as far as the file goes; returns how far.
    pub(crate) fn read_up_to(&self, out: &mut [u8], offset: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match self
                .file
                .read_at(&mut out[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(error, &self.path)),
            }
        }
        Ok(filled)
    }

    /// The same file with a position of its own, for reading from front to back.
    pub(crate) fn reopen(&self) -> Result<Sequential> {
        File::open(&self.path)
            .and_then(Sequential::new)
            .map_err(|error| Error::io(error, &self.path))
    }
}

fn too_short(offset: u64) -> Error {
    Error::archive("the archive is shorter than its index says").with_offset(offset)
}
