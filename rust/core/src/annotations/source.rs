//! Turns a path into the text of a JSON file, plain or in a zip or tar.gz as downloaded.
//!
//! A thread of its own reads and inflates while the caller parses.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::window::Window;
use super::zipped::{self, Zip, zip_error};
use crate::archive::stream::read_one;
use crate::error::{Error, Result};

/// Text that is handed on at once: few hand-overs, and memory that the allocator uses again.
const PIECE_BYTES: usize = 1 << 16;
/// Pieces that may wait for the parser.
const QUEUE: usize = 16;
/// Names that a message lists.
const LISTED: usize = 8;

/// Where a JSON file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    member: Option<String>,
}

/// What holds the JSON file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Nothing,
    Zip,
    Tar,
}

impl Source {
    /// A JSON file by itself, or the only one in an archive.
    pub fn plain(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            member: None,
        }
    }

    /// A JSON file in a zip or a tar.gz, by its base name or by its whole name.
    pub fn zipped(path: impl Into<PathBuf>, member: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            member: Some(member.into()),
        }
    }

    /// The JSON file, or the archive around it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name in the archive, where one was given.
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
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
        work: impl FnOnce(&mut Window<'_>) -> Result<T>,
    ) -> Result<T> {
        self.read_apart(limit, work)
            .map_err(|error| self.locate(error))
    }

    fn read_apart<T>(
        &self,
        limit: u64,
        work: impl FnOnce(&mut Window<'_>) -> Result<T>,
    ) -> Result<T> {
        thread::scope(|scope| {
            let (send, receive) = sync_channel::<Piece>(QUEUE);
            let (give_back, spare) = channel();
            let mut pieces = Pieces {
                send,
                spare,
                left: limit,
            };
            let reader = thread::Builder::new()
                .name("ptarmigan-json".to_owned())
                .spawn_scoped(scope, move || self.send_pieces(&mut pieces))
                .map_err(|error| Error::io(error, &self.path))?;
            let result = work(&mut Window::new(&mut |text| match receive.recv() {
                Ok((piece, length)) => {
                    text.extend_from_slice(&piece[..length]);
                    // Where the reader is done, nobody wants it.
                    let _ = give_back.send(piece);
                    true
                }
                Err(_) => false,
            }));
            // A damaged archive is why its text makes no sense, and may be known at its end only.
            while result.is_err() && receive.recv().is_ok() {}
            drop(receive);
            match reader.join() {
                Ok(read) => read.and(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn send_pieces(&self, pieces: &mut Pieces) -> Result<()> {
        let mut file = self.open()?;
        match self.container(&mut file)? {
            Container::Nothing => pieces.copy(file, &self.path),
            Container::Zip => {
                let (mut zip, number) = self.open_zip(file)?;
                let entry = zip
                    .by_index(number)
                    .map_err(|error| zip_error(error, &self.path))?;
                zipped::check_method(entry.compression())?;
                pieces.copy(entry, &self.path)
            }
            Container::Tar => self.send_tar(&file, pieces),
        }
    }

    /// Opens the file.
    pub(crate) fn open(&self) -> Result<File> {
        File::open(&self.path).map_err(|error| Error::io(error, &self.path))
    }

    /// Tells by the first bytes and the name what holds the JSON file.
    pub(crate) fn container(&self, file: &mut File) -> Result<Container> {
        use std::os::unix::fs::FileExt;
        let mut magic = [0; 4];
        let count = file
            .read_at(&mut magic, 0)
            .map_err(|error| Error::io(error, &self.path))?;
        let ends_with = |ending: &str| {
            let extension = self.path.extension().unwrap_or_default();
            extension.eq_ignore_ascii_case(ending)
        };
        Ok(match &magic[..count] {
            [b'P', b'K', ..] => Container::Zip,
            [0x1f, 0x8b, ..] => Container::Tar,
            _ if ["tar", "gz", "tgz"].iter().any(|one| ends_with(one)) => Container::Tar,
            _ if self.member.is_some() || ends_with("zip") => Container::Zip,
            _ => Container::Nothing,
        })
    }

    /// The zip and the number of the entry in it.
    pub(crate) fn open_zip(&self, file: File) -> Result<(Zip, usize)> {
        let zip = zipped::open(file, &self.path)?;
        // Names in an encoding that cannot be read cannot be the one that is looked for.
        let names: Vec<_> = zip
            .file_names()
            .map(std::result::Result::unwrap_or_default)
            .collect();
        let wanted = (0..names.len()).filter(|&number| self.wants(names[number].as_bytes()));
        let found: Vec<usize> = wanted.collect();
        let number = match found[..] {
            [number] => number,
            [] => return Err(Self::none_among(&names)),
            [first, second, ..] => return Err(twice(&names[first], &names[second])),
        };
        drop(names);
        Ok((zip, number))
    }

    fn send_tar(&self, mut file: &File, pieces: &mut Pieces) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        let mut found: Option<String> = None;
        let mut wanted = |name: &[u8]| {
            let text = String::from_utf8_lossy(name).into_owned();
            if !self.wants(name) {
                if names.len() < LISTED {
                    names.push(text);
                }
                return Ok(false);
            }
            match found.replace(text.clone()) {
                Some(before) => Err(twice(&before, &text)),
                None => Ok(true),
            }
        };
        let read = read_one(&mut file, &mut wanted, &mut |bytes| pieces.send(bytes));
        read.map_err(|error| match error.io_error() {
            Some(_) => error,
            None => Error::annotation(format!("{error}; download it again")),
        })?;
        match found {
            Some(_) => Ok(()),
            None => Err(Self::none_among(&names)),
        }
    }

    /// Whether a member is the file that is looked for; any `./` in front does not matter.
    fn wants(&self, name: &[u8]) -> bool {
        let mut name = name;
        while let Some(rest) = name.strip_prefix(b"./") {
            name = rest;
        }
        let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
        match self
            .member
            .as_deref()
            .map(|wanted| wanted.trim_start_matches("./"))
        {
            Some(wanted) if wanted.contains('/') => name == wanted.as_bytes(),
            Some(wanted) => base == wanted.as_bytes(),
            // macOS keeps the attributes of files under names such as `._train.json`.
            None => base.ends_with(b".json") && !base.starts_with(b"._"),
        }
    }

    fn none_among<S: AsRef<str>>(names: &[S]) -> Error {
        let listed: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
        Error::annotation(format!(
            "there is no such file in the archive; it has `{}`; download it again",
            listed.join("`, `")
        ))
    }
}

fn twice(first: &str, second: &str) -> Error {
    Error::annotation(format!(
        "expected one such file in the archive, found `{first}` and `{second}`; give the whole name"
    ))
}

/// Where the text goes; fails, rather than ends, behind the limit: a zip of a few megabytes can
/// hold terabytes.
struct Pieces {
    send: SyncSender<Piece>,
    /// Pieces that were parsed, to be filled again: new ones have to be zeroed.
    spare: Receiver<Box<[u8]>>,
    left: u64,
}

/// Some text, at the front of as many bytes as a piece has.
type Piece = (Box<[u8]>, usize);

impl Pieces {
    /// Hands on bytes that lie in memory.
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        bytes.chunks(PIECE_BYTES).try_for_each(|bytes| {
            let mut piece = self.empty();
            piece[..bytes.len()].copy_from_slice(bytes);
            self.push((piece, bytes.len()))
        })
    }

    fn empty(&self) -> Box<[u8]> {
        let spare = self.spare.try_recv().ok();
        spare.unwrap_or_else(|| vec![0; PIECE_BYTES].into())
    }

    fn push(&mut self, piece: Piece) -> Result<()> {
        self.left = self.left.checked_sub(piece.1 as u64).ok_or_else(|| {
            Error::annotation(
                "the JSON text is larger than any annotation file may be; download it again",
            )
        })?;
        self.send.send(piece).map_err(|_| Error::cancelled())
    }

    /// Hands on all that a reader yields.
    fn copy(&mut self, mut from: impl Read, path: &Path) -> Result<()> {
        loop {
            let mut piece = self.empty();
            let mut length = 0;
            while length < piece.len() {
                match from.read(&mut piece[length..]) {
                    Ok(0) => break,
                    Ok(count) => length += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(read_error(error, path)),
                }
            }
            if length == 0 {
                return Ok(());
            }
            self.push((piece, length))?;
        }
    }
}

/// What failed while reading: the operating system, or the bytes (a checksum, a truncated zip).
pub(super) fn read_error(error: io::Error, path: &Path) -> Error {
    if error.raw_os_error().is_some() {
        return Error::io(error, path);
    }
    Error::annotation(format!(
        "cannot be read to its end ({error}); download it again"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn first(json: &mut Window<'_>) -> Result<Option<u8>> {
        json.peek()
    }

    #[test]
    fn a_zip_that_grows_beyond_the_limit_is_refused_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("a.json", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&vec![b' '; 1_000_000]).unwrap();
        zip.finish().unwrap();
        let source = Source::zipped(&path, "a.json");
        let error = source.read(600_000, first).unwrap_err();
        assert!(
            error.message().contains("larger than any annotation file"),
            "{error}"
        );
        assert_eq!(error.member(), Some("a.json"));
        assert_eq!(source.read(1_000_000, first).unwrap(), None);
    }
}
