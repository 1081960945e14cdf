//! Turns a path into the stream of a JSON file, plain or in a zip as downloaded.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 16;

/// Where a JSON file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    member: Option<String>,
}

impl Source {
    /// A JSON file by itself.
    pub fn plain(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            member: None,
        }
    }

    /// A JSON file in a zip, by name; a folder in front of the name does not matter.
    pub fn zipped(path: impl Into<PathBuf>, member: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            member: Some(member.into()),
        }
    }

    /// The JSON file, or the zip around it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds to `error` where it happened.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let error = error.with_path(&self.path);
        match &self.member {
            Some(member) => error.with_member(member.as_bytes()),
            None => error,
        }
    }

    /// Calls `work` with the JSON text; `limit` bounds it in bytes.
    pub(crate) fn read<T>(
        &self,
        limit: u64,
        work: impl FnOnce(&mut dyn Read) -> Result<T>,
    ) -> Result<T> {
        self.open(limit, work).map_err(|error| self.locate(error))
    }

    fn open<T>(&self, limit: u64, work: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
        let file = fs::File::open(&self.path).map_err(|error| Error::io(error, &self.path))?;
        let Some(member) = &self.member else {
            return work(&mut Bounded {
                inner: file,
                left: limit,
            });
        };
        let mut zip = ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, file))
            .map_err(|error| zip_error(error, &self.path))?;
        let number = find(&zip, member)?;
        let entry = zip
            .by_index(number)
            .map_err(|error| zip_error(error, &self.path))?;
        work(&mut Bounded {
            inner: entry,
            left: limit,
        })
    }
}

/// The number of the one entry with this name, whatever folder it is in.
fn find<R: Read + io::Seek>(zip: &ZipArchive<R>, member: &str) -> Result<usize> {
    // Names in an encoding that cannot be read cannot be the one that is looked for.
    let names = || zip.file_names().map(std::result::Result::unwrap_or_default);
    let is_it = |name: &str| name.rsplit('/').next() == Some(member);
    let found: Vec<usize> = names()
        .enumerate()
        .filter(|(_, name)| is_it(name))
        .map(|(number, _)| number)
        .collect();
    match found[..] {
        [number] => Ok(number),
        [] => Err(Error::annotation(format!(
            "the zip has no such file; it has `{}`; download it again",
            names().take(8).collect::<Vec<_>>().join("`, `")
        ))),
        _ => Err(Error::annotation(format!(
            "the zip has {} files of this name",
            found.len()
        ))),
    }
}

fn zip_error(error: ZipError, path: &Path) -> Error {
    match error {
        ZipError::Io(error) => read_error(error, path),
        error => Error::annotation(format!(
            "this is not a zip that can be read ({error}); download it again"
        )),
    }
}

/// What failed while reading: the operating system, or the bytes (a checksum, a truncated zip).
pub(crate) fn read_error(error: io::Error, path: &Path) -> Error {
    if error.raw_os_error().is_some() {
        return Error::io(error, path);
    }
    Error::annotation(format!(
        "cannot be read to its end ({error}); download it again"
    ))
}

/// Fails, rather than ends, behind its limit: a zip of a few megabytes can hold terabytes.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other("the JSON text is larger than any annotation file may be")
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_zip_that_grows_beyond_the_limit_is_refused_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.zip");
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        zip.start_file("a.json", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&vec![b' '; 100_000]).unwrap();
        zip.finish().unwrap();
        let source = Source::zipped(&path, "a.json");
        let mut seen = 0;
        let error = source
            .read(5_000, |json| {
                let mut piece = [0; 1000];
                loop {
                    match json.read(&mut piece) {
                        Ok(0) => return Ok(()),
                        Ok(read) => seen += read,
                        Err(error) => return Err(read_error(error, &path)),
                    }
                }
            })
            .unwrap_err();
        assert_eq!(seen, 5_000);
        assert!(
            error.message().contains("larger than any annotation file"),
            "{error}"
        );
        assert_eq!(error.member(), Some("a.json"));
        let whole = source.read(100_000, |json| Ok(io::copy(json, &mut io::sink()).unwrap()));
        assert_eq!(whole.unwrap(), 100_000);
    }
}
