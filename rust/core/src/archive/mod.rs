//! Turns a file as downloaded (tar, tar.gz, a directory) into members that can be read at random.

mod chunks;
mod cut;
pub mod deflate;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod gzip;
pub(crate) mod gzip_header;
mod magic;
pub(crate) mod md5;
pub(crate) mod points;
mod record;
mod rows;
mod scan;
mod sequential;
mod stamp;
pub mod stream;
pub(crate) mod tar;
#[cfg(test)]
mod tests;
mod unpack;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, Kind, Summary};
use crate::member::{Reader, check_sum};
use crate::progress::OnProgress;
use file::ArchiveFile;
use scan::{Input, Wanted};
use sequential::Sequential;

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
    /// Whether to leave the md5 out: where it is not needed, a pass may be faster. An expected md5
    /// cannot be checked then.
    pub no_md5: bool,
}

/// An archive with its index: members by number or by name.
#[derive(Debug)]
pub struct Archive {
    index: Index,
    path: PathBuf,
    storage: Storage,
    /// Memory of earlier reads; only ever tried, never waited for, so that a fork cannot hang.
    readers: Mutex<Vec<Reader>>,
}

#[derive(Debug)]
pub(crate) enum Storage {
    Tar(ArchiveFile),
    Gzip(ArchiveFile),
    Folder,
}

/// Where the index of `path` is unless the caller says otherwise.
pub fn default_index_path(path: &Path) -> PathBuf {
    // `dir/` and `dir` name the same directory, whose index lies beside it; so does that of `.`.
    let full = if path.file_name().is_none() {
        path.canonicalize().ok()
    } else {
        None
    };
    let mut name = full
        .as_deref()
        .unwrap_or(path)
        .components()
        .as_path()
        .as_os_str()
        .to_owned();
    name.push(".ptidx");
    name.into()
}

/// Indexes the file or directory `path` into the file `index_path`.
pub fn build_index(
    path: &Path,
    index_path: &Path,
    expected_md5: Option<&str>,
    no_md5: bool,
    progress: &mut OnProgress<'_>,
) -> Result<Summary> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(error, path))?;
    if metadata.is_dir() {
        if expected_md5.is_some() {
            return Err(argument("a directory has no md5; leave `expected_md5` out"));
        }
        return folder::scan(path, index_path, progress);
    }
    let file = ArchiveFile::open(path)?;
    let input = if metadata.is_file() {
        Input::File(file)
    } else {
        Input::Stream(Box::new(file.into_file()))
    };
    let wanted = Wanted {
        expected_md5,
        no_md5,
    };
    scan::scan(input, path, index_path, wanted, progress)
}

/// Indexes what `reader` yields, read once from front to back, into the file `index_path`;
/// `name` stands for it in messages.
pub fn build_index_from(
    reader: Box<dyn Read + Send>,
    name: &Path,
    index_path: &Path,
    expected_md5: Option<&str>,
    no_md5: bool,
    progress: &mut OnProgress<'_>,
) -> Result<Summary> {
    let wanted = Wanted {
        expected_md5,
        no_md5,
    };
    scan::scan(Input::Stream(reader), name, index_path, wanted, progress)
}

impl Archive {
    /// Opens `path`, making its index first where `options` ask for it.
    pub fn open(path: &Path, options: &OpenOptions, progress: &mut OnProgress<'_>) -> Result<Self> {
        let expected = options.expected_md5.as_deref();
        expected.map(checked_md5).transpose()?;
        let index_path = options
            .index_path
            .clone()
            .unwrap_or_else(|| default_index_path(path));
        let exists = index_path
            .try_exists()
            .map_err(|error| Error::io(error, &index_path))?;
        let build = |progress: &mut OnProgress<'_>| {
            build_index(path, &index_path, expected, options.no_md5, progress)
        };
        match options.build {
            Build::Auto if exists => {
                if has_grown(path, &index_path)? {
                    build(progress)?;
                }
            }
            Build::Never if exists => {}
            Build::Never => {
                return Err(Error::index(
                    "there is no index; make it with `ptarmigan index` or build=\"auto\"",
                )
                .with_path(index_path));
            }
            Build::Auto | Build::Rebuild => {
                build(progress)?;
            }
        }
        Self::open_with(path, Index::open(&index_path)?, expected)
    }

    fn open_with(path: &Path, index: Index, expected_md5: Option<&str>) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(error, path))?;
        let summary = index.summary();
        if metadata.is_dir() != (summary.kind == Kind::Folder) {
            return Err(stale(
                &index,
                "one of them is a directory, the other is not",
                path,
            ));
        }
        if let Some(expected) = expected_md5 {
            check_md5(summary.md5, expected).map_err(|error| error.with_path(path))?;
        }
        let storage = match summary.kind {
            Kind::Folder => Storage::Folder,
            Kind::Tar => Storage::Tar(ArchiveFile::open(path)?),
            Kind::Gzip => Storage::Gzip(ArchiveFile::open(path)?),
        };
        if let Storage::Tar(file) | Storage::Gzip(file) = &storage {
            let (expected, size) = (summary.stamp, file.size()?);
            // The index of a part is good for that part, whatever has come since.
            let part = summary.stopped.is_some() && size > expected.size;
            if expected.size != size && !part {
                let what = format!(
                    "it is about {} bytes, the archive has {size}",
                    expected.size
                );
                return Err(stale(&index, &what, path));
            }
            if expected != stamp::of_file(file, expected.size)? {
                return Err(stale(&index, "bytes of the archive differ", path));
            }
        }
        Ok(Self {
            index,
            path: path.to_owned(),
            storage,
            readers: Mutex::default(),
        })
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The archive's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the members' bytes are.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The archive's bytes from the first on; none for a directory.
    pub(crate) fn stream(&self) -> Result<Option<Sequential>> {
        match &self.storage {
            Storage::Tar(file) | Storage::Gzip(file) => file.reopen().map(Some),
            Storage::Folder => Ok(None),
        }
    }

    /// The file, if it is compressed.
    pub(crate) fn gzip_file(&self) -> Option<&ArchiveFile> {
        match &self.storage {
            Storage::Gzip(file) => Some(file),
            Storage::Tar(_) | Storage::Folder => None,
        }
    }

    /// Reads one member and checks its CRC32; the bytes lie in the memory that `reader` keeps for
    /// the next read, so keep one a thread.
    pub fn read_slice<'r>(&self, member: usize, reader: &'r mut Reader) -> Result<&'r [u8]> {
        self.read_checked(member, reader).map_err(|error| {
            error
                .with_member(&self.index.name(member).unwrap_or_default())
                .with_path(&self.path)
        })
    }

    fn read_checked<'r>(&self, member: usize, reader: &'r mut Reader) -> Result<&'r [u8]> {
        let place = self
            .index
            .place(member)
            .map_err(|error| error.with_path(&self.path))?;
        let bytes = match &self.storage {
            Storage::Tar(file) => reader.copy(file, &place)?,
            Storage::Gzip(file) => reader.inflate(file, &self.index, &place)?,
            Storage::Folder => {
                let name = self.index.name(member)?;
                folder::read(&self.path, &name, &place, reader.room())?
            }
        };
        check_sum(&place, bytes)?;
        Ok(bytes)
    }

    /// The memory of earlier reads, or none.
    pub(crate) fn lend(&self) -> Reader {
        let kept = self.readers.try_lock().ok().and_then(|mut kept| kept.pop());
        kept.unwrap_or_default()
    }

    /// Keeps memory for later reads.
    pub(crate) fn keep(&self, reader: Reader) {
        if let Ok(mut kept) = self.readers.try_lock() {
            kept.push(reader);
        }
    }

    /// Reads one member, checks its CRC32 and returns what `take` makes of the bytes.
    pub fn read_with<T>(&self, member: usize, take: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let mut reader = self.lend();
        let taken = take(self.read_slice(member, &mut reader)?);
        self.keep(reader);
        Ok(taken)
    }

    /// Reads one member and checks its CRC32.
    pub fn read(&self, member: usize) -> Result<Vec<u8>> {
        self.read_with(member, <[u8]>::to_vec)
    }
}

/// Whether the index is one of a part of the file, which has more by now.
fn has_grown(path: &Path, index_path: &Path) -> Result<bool> {
    let index = Index::open(index_path)?;
    let summary = index.summary();
    if summary.stopped.is_none() {
        return Ok(false);
    }
    let file = ArchiveFile::open(path)?;
    let (covered, size) = (summary.stamp, file.size()?);
    Ok(size > covered.size && stamp::of_file(&file, covered.size)? == covered)
}

fn stale(index: &Index, what: &str, path: &Path) -> Error {
    Error::index(format!(
        "the index does not belong to `{}`: {what}; make it anew with build=\"rebuild\"",
        path.display()
    ))
    .with_path(index.path())
}

fn argument(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, message)
}

fn check_md5(found: Option<[u8; 16]>, expected: &str) -> Result<()> {
    let Some(found) = found else {
        return Err(argument(
            "the index has no md5 (a directory has none, and a pass may leave it out); leave \
             `expected_md5` out, or make the index anew with build=\"rebuild\"",
        ));
    };
    let expected = checked_md5(expected)?;
    if expected == found {
        return Ok(());
    }
    Err(Error::archive(format!(
        "the md5 is wrong: expected `{}`, found `{}`; download the file again",
        hexadecimal(&expected),
        hexadecimal(&found)
    )))
}

/// The 16 bytes that 32 hexadecimal digits stand for.
fn checked_md5(digits: &str) -> Result<[u8; 16]> {
    let bad = || {
        argument(format!(
            "expected an md5 of 32 hexadecimal digits, found `{digits}`"
        ))
    };
    let mut md5 = [0; 16];
    if digits.len() != 32 || !digits.is_ascii() {
        return Err(bad());
    }
    for (byte, at) in md5.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(md5)
}

/// `bytes` as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02x}")
    })
}
