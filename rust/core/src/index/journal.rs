//! Turns a pass over an archive into a journal beside the index, from which a later pass goes on.
//!
//! `INDEX.journal` logs what the pass gives to the index builder: members, hard links, windows, and
//! several times a second a checkpoint. Whatever ends the process, all up to the last checkpoint is
//! kept. The file is a magic number, then records: length of the payload (4 bytes), CRC32 of kind and
//! payload (4), kind (1), payload. What was being written when the process ended has a wrong
//! length or checksum, and is passed over.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::build::{IndexBuilder, folder_of};
use super::checkpoint::Checkpoint;
use super::members::{IMAGE_BYTES, PLACE_BYTES, Place, decode_image, encode_image};
use crate::limits::JOURNAL_RECORD_BYTES;
use crate::pixels::header::Header;

const MAGIC: [u8; 12] = *b"PTJRN\r\n\x1a\x02\0\0\0";

/// A process that dies loses nothing that was written; a machine that dies loses this much.
const SYNC_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Member = 1,
    Link = 2,
    Window = 3,
    Checkpoint = 4,
}

/// Where the journal of an index lies.
pub(crate) fn journal_path(index: &Path) -> PathBuf {
    let mut path = index.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

/// A journal that this process writes; no other one does as long as it lives.
#[derive(Debug)]
pub(crate) struct Journal {
    file: BufWriter<File>,
    path: PathBuf,
    synced: Instant,
    /// Whether it has a checkpoint.
    useful: bool,
}

impl Journal {
    /// An empty journal at `path`; `None` if another process writes one there.
    fn create(path: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        file.set_len(0)?;
        Self::start(file, path).map(Some)
    }

    fn start(file: File, path: &Path) -> io::Result<Self> {
        let mut journal = Self {
            file: BufWriter::with_capacity(1 << 16, file),
            path: path.to_owned(),
            synced: Instant::now(),
            useful: false,
        };
        journal.file.write_all(&MAGIC)?;
        Ok(journal)
    }

    fn record(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[kind as u8]);
        let mut length = 0;
        for part in parts {
            crc.update(part);
            length += part.len();
        }
        let length = u32::try_from(length).map_err(io::Error::other)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&crc.finalize().to_le_bytes())?;
        self.file.write_all(&[kind as u8])?;
        parts.iter().try_for_each(|part| self.file.write_all(part))
    }

    pub(super) fn member(&mut self, name: &[u8], place: &Place, image: &Header) -> io::Result<()> {
        let mut row = Vec::with_capacity(PLACE_BYTES);
        place.encode(&mut row);
        let mut header = [0; IMAGE_BYTES];
        encode_image(image, &mut header);
        self.record(Kind::Member, &[&row, &header, name])
    }

    pub(super) fn link(&mut self, name: &[u8], target: &[u8]) -> io::Result<()> {
        let length = (name.len() as u32).to_le_bytes();
        self.record(Kind::Link, &[&length, name, target])
    }

    pub(super) fn window(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.record(Kind::Window, &[encoded])
    }

    /// Everything so far is kept from now on, and a later pass may start here.
    pub(super) fn commit(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.record(Kind::Checkpoint, &[&checkpoint.encode()])?;
        self.file.flush()?;
        self.useful = true;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.file.get_ref().sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Whether a later pass can go on from it.
    pub(crate) fn is_useful(&self) -> bool {
        self.useful
    }

    /// Removes the file: the index is whole, or the archive is no good.
    pub(crate) fn remove(self) {
        // If it stays, the next pass finds that it is not needed.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Starts a journal for `builder`'s index, or goes on with the one that is there if `fits` says that
/// its last checkpoint is one of this archive; returns this checkpoint.
pub(crate) fn open(
    builder: &mut IndexBuilder,
    index: &Path,
    fits: impl FnOnce(&Checkpoint) -> bool,
) -> io::Result<Option<Checkpoint>> {
    let path = journal_path(index);
    let last = last_checkpoint(index)?.filter(fits);
    let Some(lock) = Journal::create_or_lock(&path, last.is_some())? else {
        return Ok(None);
    };
    let Some(checkpoint) = last else {
        builder.set_journal(lock);
        return Ok(None);
    };
    let aside = tempfile::Builder::new()
        .prefix(".ptarmigan-")
        .suffix(".journal")
        .tempfile_in(folder_of(index))?;
    let file = aside.as_file().try_clone()?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    builder.set_journal(Journal::start(file, &path)?);
    Records::open(&path)?.replay(&checkpoint, builder)?;
    builder.commit(&checkpoint)?;
    aside.persist(&path).map_err(|error| error.error)?;
    Ok(Some(checkpoint))
}

/// The last checkpoint in the journal of an index.
pub(crate) fn last_checkpoint(index: &Path) -> io::Result<Option<Checkpoint>> {
    match Records::open(&journal_path(index)) {
        Ok(mut records) => records.last_checkpoint(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Journal {
    /// As [`create`](Self::create), but leaves the bytes that are there if `keep`.
    fn create_or_lock(path: &Path, keep: bool) -> io::Result<Option<Self>> {
        if !keep {
            return Self::create(path);
        }
        let file = File::options().append(true).open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        // Never written to: it only holds the lock until the new journal has its name.
        Ok(Some(Self {
            file: BufWriter::with_capacity(0, file),
            path: path.to_owned(),
            synced: Instant::now(),
            useful: false,
        }))
    }
}

/// The records of a journal, from the first on.
struct Records {
    file: BufReader<File>,
    payload: Vec<u8>,
}

impl Records {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut magic = [0; MAGIC.len()];
        let whole = file.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !whole {
            // Nothing of use: an empty file reads as no records.
            file.get_mut().take(0);
            return Ok(Self {
                file: BufReader::new(File::open("/dev/null")?),
                payload: Vec::new(),
            });
        }
        Ok(Self {
            file,
            payload: Vec::new(),
        })
    }

    /// The next record's kind; `None` at the end or at a record that is not whole.
    fn next(&mut self) -> io::Result<Option<Kind>> {
        let mut head = [0; 9];
        match self.file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [a, b, c, d, e, f, g, h, kind] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length > JOURNAL_RECORD_BYTES {
            return Ok(None);
        }
        self.payload.resize(length as usize, 0);
        match self.file.read_exact(&mut self.payload) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[kind]);
        crc.update(&self.payload);
        if crc.finalize() != u32::from_le_bytes([e, f, g, h]) {
            return Ok(None);
        }
        Ok([Kind::Member, Kind::Link, Kind::Window, Kind::Checkpoint]
            .into_iter()
            .find(|known| *known as u8 == kind))
    }

    fn last_checkpoint(&mut self) -> io::Result<Option<Checkpoint>> {
        let mut last = None;
        while let Some(kind) = self.next()? {
            if kind == Kind::Checkpoint {
                last = Checkpoint::decode(&self.payload).or(last);
            }
        }
        Ok(last)
    }

    /// Gives `builder` all that lies before the checkpoint.
    fn replay(&mut self, checkpoint: &Checkpoint, builder: &mut IndexBuilder) -> io::Result<()> {
        while let Some(kind) = self.next()? {
            let payload = &self.payload;
            let member = builder.members() < checkpoint.members;
            match kind {
                Kind::Member if member => {
                    let (place, rest) = payload.split_at_checked(PLACE_BYTES).ok_or_else(bad)?;
                    let (image, name) = rest.split_at_checked(IMAGE_BYTES).ok_or_else(bad)?;
                    let image = decode_image(image).ok_or_else(bad)?;
                    builder.put(name, Place::decode(place), &image)?;
                }
                Kind::Link if member => {
                    let (length, names) = payload.split_first_chunk::<4>().ok_or_else(bad)?;
                    let length = u32::from_le_bytes(*length) as usize;
                    let (name, target) = names.split_at_checked(length).ok_or_else(bad)?;
                    builder.put_link(name, target.to_vec())?;
                }
                Kind::Window if builder.window_bytes() < checkpoint.window_bytes => {
                    builder.put_window(payload)?;
                }
                _ => {}
            }
        }
        let whole = builder.members() == checkpoint.members
            && builder.window_bytes() == checkpoint.window_bytes;
        if whole { Ok(()) } else { Err(bad()) }
    }
}

fn bad() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the journal beside the index does not hold what its checkpoint says; remove it",
    )
}
