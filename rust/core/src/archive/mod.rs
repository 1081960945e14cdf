//! Turns a file as downloaded (tar, tar.gz, a directory) into members that can be read at random.

pub mod deflate;
pub(crate) mod gzip;
pub(crate) mod points;
pub(crate) mod tar;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::index::Index;
use crate::member::Reader;
use crate::progress::OnProgress;

/// When [`Archive::open`] may make an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Build {
    /// Where there is none.
    #[default]
    Auto,
    /// Never; a missing index is an error.
    Never,
    /// Always, replacing the one that is there.
    Rebuild,
}

/// How [`Archive::open`] finds or makes the index.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The index file; by default the archive's path with `.ptidx` added.
    pub index_path: Option<PathBuf>,
    /// When to make the index.
    pub build: Build,
    /// The md5 that the archive must have, 32 hexadecimal digits.
    pub expected_md5: Option<String>,
}

/// An archive with its index: members by number or by name.
#[derive(Debug)]
pub struct Archive {
    index: Index,
    path: PathBuf,
}

impl Archive {
    /// Opens `path`, making its index first where `options` ask for it.
    pub fn open(path: &Path, options: &OpenOptions, progress: &mut OnProgress<'_>) -> Result<Self> {
        let _ = (path, options, progress);
        unimplemented!()
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The archive's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads one member into `out` (cleared first) and checks its CRC32; `reader` keeps the memory
    /// that reads need, so keep one a thread.
    pub fn read_into(&self, member: usize, reader: &mut Reader, out: &mut Vec<u8>) -> Result<()> {
        let _ = (member, reader, out);
        unimplemented!()
    }

    /// Reads one member and checks its CRC32.
    pub fn read(&self, member: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.read_into(member, &mut Reader::default(), &mut out)?;
        Ok(out)
    }
}
