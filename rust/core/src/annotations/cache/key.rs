//! Turns annotation files into what tells them from others without reading them.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::annotations::source::{Container, Source};
use crate::annotations::zipped::zip_error;
use crate::error::{Error, Result};

/// A file that was changed so lately may change again without a new time: file systems count time
/// in steps of up to two seconds.
const SETTLING: Duration = Duration::from_secs(2);

/// The files of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    files: Vec<Stamp>,
    categories: Option<Stamp>,
}

/// One file, by its name without folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    name: String,
    member: Option<String>,
    /// Bytes of the file.
    size: u64,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    /// A member of a zip: bytes and CRC32 of its text.
    Zip { size: u64, crc32: u32 },
    /// Any other file: when it was written and when its record was changed, in nanoseconds.
    Times { modified: i128, changed: i128 },
}

impl Key {
    /// The key of `files` and of the file that replaces their categories.
    pub fn of(files: &[Source], categories: Option<&Source>) -> Result<Self> {
        let stamp = |source| Stamp::of(source).map_err(|error| source.locate(error));
        Ok(Self {
            files: files.iter().map(stamp).collect::<Result<_>>()?,
            categories: categories.map(stamp).transpose()?,
        })
    }

    /// As text, for a caller who keeps it.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The key that [`to_text`](Self::to_text) gave.
    pub fn from_text(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::argument(format!("expected a key of annotations: {error}")))
    }

    /// Where the table of these files is kept: beside the first file.
    pub fn path(&self, files: &[Source]) -> Option<PathBuf> {
        let names: Vec<_> = self
            .files
            .iter()
            .chain(&self.categories)
            .map(|stamp| (&stamp.name, &stamp.member))
            .collect();
        let names = serde_json::to_vec(&(self.files.len(), names)).ok()?;
        let mut path: OsString = files.first()?.path().into();
        path.push(format!(".{:08x}.ptcols", crc32fast::hash(&names)));
        Some(path.into())
    }

    /// Whether no file can be changed from now on and keep its stamp.
    pub(super) fn is_settled(&self) -> bool {
        let now = nanoseconds(SystemTime::now());
        let lately = now - SETTLING.as_nanos() as i128;
        self.files
            .iter()
            .chain(&self.categories)
            .all(|stamp| match stamp.content {
                Content::Zip { .. } => true,
                Content::Times { modified, .. } => modified < lately,
            })
    }
}

impl Stamp {
    fn of(source: &Source) -> Result<Self> {
        let mut file = source.open()?;
        let metadata = file
            .metadata()
            .map_err(|error| Error::io(error, source.path()))?;
        let content = if source.container(&mut file)? == Container::Zip {
            let (mut zip, number) = source.open_zip(file)?;
            let entry = zip
                .by_index_raw(number)
                .map_err(|error| zip_error(error, source.path()))?;
            Content::Zip {
                size: entry.size(),
                crc32: entry.crc32(),
            }
        } else {
            let time =
                |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
            Content::Times {
                modified: time(metadata.mtime(), metadata.mtime_nsec()),
                changed: time(metadata.ctime(), metadata.ctime_nsec()),
            }
        };
        let name = source.path().file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            member: source.member().map(str::to_owned),
            size: metadata.len(),
            content,
        })
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}
