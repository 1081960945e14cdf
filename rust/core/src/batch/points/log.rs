//! Turns records into a file that only grows, and the file into the places of its records.
//!
//! The file is a header, records, and at times a directory of them behind the last one, which the
//! next records replace. It is written under an advisory lock that is held for a moment only, so
//! that any number of processes may add to it; each finds what the others added by walking on from
//! where it was. Whatever ends a process leaves at worst a last record that is not whole, which the
//! next one to write cuts off. Records are never changed, so that reading needs no lock; a new file
//! takes the name of the old one where its dead records are to go.

use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use super::record::{self, HEAD, Head, VERSION, crc};
use super::slots::{FOOTER, Places, Slot, Slots, directory, directory_start, listed};
use crate::index::build::folder_of;

/// Names the file's kind; the last bytes do not survive a transfer as text.
const MAGIC: [u8; 8] = *b"PTSCN\r\n\x1a";

/// Bytes before the first record: magic, version, 4 of zero, fingerprint, members, CRC32, 4 of zero.
pub(super) const HEADER: u64 = 40;

/// An opened file of scan points.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) file: Arc<File>,
    archive: u64,
    /// Where the next record goes: behind the last one that was seen.
    end: u64,
    /// Whether the file may be written to.
    writable: bool,
    /// Whether records of ours came since the last directory.
    unlisted: bool,
}

/// What has the name of the file.
pub(super) enum Found {
    /// Points of this archive's photos, and where they are.
    Log(Log, Places),
    /// Nothing.
    Missing,
    /// Points of another archive's photos, or of another version, or a damaged header.
    Stale(File),
    /// Something that this crate did not write.
    Foreign,
}

/// The first bytes of a file of points.
fn header(archive: u64, members: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend([0; 4]);
    out.extend(archive.to_le_bytes());
    out.extend(members.to_le_bytes());
    out.extend(crc(archive, &[&out]).to_le_bytes());
    out.extend([0; 4]);
    out
}

impl Log {
    /// Opens the file `path` for an archive with this fingerprint and number of members.
    pub(super) fn open(path: &Path, archive: u64, members: u64) -> io::Result<Found> {
        let (file, writable) = match File::options().read(true).write(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(error) if is_refusal(&error) => (File::open(path)?, false),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let mut found = [0; HEADER as usize];
        let found = &mut found[..length.min(HEADER) as usize];
        file.read_exact_at(found, 0)?;
        let shared = found.len().min(MAGIC.len());
        if found[..shared] != MAGIC[..shared] {
            return Ok(Found::Foreign);
        }
        if *found != header(archive, members)[..] {
            return Ok(Found::Stale(file));
        }
        let mut log = Self {
            file: Arc::new(file),
            archive,
            end: HEADER,
            writable,
            unlisted: false,
        };
        let mut records = Vec::new();
        if let Some((start, listed)) = log.listed(length)? {
            (log.end, records) = (start, listed);
        }
        log.catch_up(&mut records)?;
        Ok(Found::Log(log, records))
    }

    /// Makes an empty file at `path`; `None` where there is one by now, unless it is to be replaced.
    pub(super) fn create(
        path: &Path,
        archive: u64,
        members: u64,
        replace: bool,
    ) -> io::Result<Option<Self>> {
        let mut aside = aside(path)?;
        aside.as_file_mut().write_all(&header(archive, members))?;
        Ok(put_in_place(aside, path, replace)?.map(|file| Self {
            file: Arc::new(file),
            archive,
            end: HEADER,
            writable: true,
            unlisted: false,
        }))
    }

    /// The directory at the end of the file, if there is one, and where it starts.
    fn listed(&self, length: u64) -> io::Result<Option<(u64, Places)>> {
        let Some(footer_at) = length.checked_sub(FOOTER as u64) else {
            return Ok(None);
        };
        let mut footer = [0; FOOTER];
        self.file.read_exact_at(&mut footer, footer_at)?;
        let Some(start) = directory_start(&footer, HEADER, length) else {
            return Ok(None);
        };
        // Not longer than the file, so memory for it is in proportion.
        let mut bytes = vec![0; (length - start) as usize];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(listed(&bytes, HEADER, self.archive).map(|records| (start, records)))
    }

    /// Adds the places of the records behind the last one that was seen.
    pub(super) fn catch_up(&mut self, records: &mut Places) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut head = [0; HEAD];
        while length.saturating_sub(self.end) >= HEAD as u64 {
            self.file.read_exact_at(&mut head, self.end)?;
            let Some(head) = Head::decode(&head, self.archive) else {
                break;
            };
            let slot = Slot {
                offset: self.end,
                length: head.length,
                rows: head.rows,
            };
            if slot.bytes() > length - self.end {
                break;
            }
            self.end += slot.bytes();
            records.push((head.photo.member, slot));
        }
        // Shorter than it was: damage, which reading the records behind it finds.
        self.end = self.end.min(length.max(HEADER));
        Ok(())
    }

    /// Bytes of the header and the records.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether records of ours came since the last directory.
    pub(super) fn is_unlisted(&self) -> bool {
        self.unlisted
    }

    /// Whether this file has the name `path`: another one may have taken it. A file that somebody has
    /// emptied does not count.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(is_at(&self.file, path)? && self.file.metadata()?.len() >= HEADER)
    }

    /// Takes the lock of the file; false while another process has it.
    pub(super) fn lock(&self) -> io::Result<bool> {
        if !self.writable {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the file may only be read",
            ));
        }
        lock(&self.file)
    }

    pub(super) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Appends records; the lock is held and nothing is between [`Log::end`] and the last record.
    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.cut()?;
        self.unlisted = true;
        self.file.write_all_at(records, self.end)?;
        self.end += records.len() as u64;
        Ok(())
    }

    /// Removes what lies behind the last record: a directory, or a record that is not whole.
    fn cut(&self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.end {
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    /// Writes the directory; the lock is held.
    pub(super) fn list(&mut self, slots: &Slots) -> io::Result<()> {
        self.cut()?;
        let directory = directory(&slots.in_order(), self.end, self.archive);
        self.file.write_all_at(&directory, self.end)?;
        self.unlisted = false;
        Ok(())
    }

    /// Writes a new file of the records that count, and gives it the name `path`; the lock is held.
    pub(super) fn compacted(
        &self,
        path: &Path,
        members: u64,
        slots: &Slots,
    ) -> io::Result<(Self, Places)> {
        let mut aside = aside(path)?;
        let mut out = BufWriter::with_capacity(1 << 20, aside.as_file_mut());
        out.write_all(&header(self.archive, members))?;
        let (mut end, mut kept) = (HEADER, Vec::new());
        let mut bytes = Vec::new();
        for (member, slot) in slots.in_order() {
            bytes.resize(slot.bytes() as usize, 0);
            self.file.read_exact_at(&mut bytes, slot.offset)?;
            if record::check(&bytes, self.archive).is_none() {
                continue;
            }
            out.write_all(&bytes)?;
            kept.push((
                member,
                Slot {
                    offset: end,
                    ..slot
                },
            ));
            end += slot.bytes();
        }
        out.write_all(&directory(&kept, end, self.archive))?;
        out.flush()?;
        drop(out);
        aside.as_file().sync_all()?;
        let file = put_in_place(aside, path, true)?.ok_or(io::ErrorKind::AlreadyExists)?;
        // The rename is durable once the folder is; some file systems cannot sync a folder.
        if let Ok(folder) = File::open(folder_of(path)) {
            let _ = folder.sync_all();
        }
        let log = Self {
            file: Arc::new(file),
            end,
            unlisted: false,
            ..*self
        };
        Ok((log, kept))
    }
}

/// Whether an error says that the file or folder may not be written to.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// Whether `file` has the name `path`.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let named = match std::fs::metadata(path) {
        Ok(named) => named,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let own = file.metadata()?;
    Ok((own.dev(), own.ino()) == (named.dev(), named.ino()))
}

/// Takes the lock of a file; false while another process has it.
pub(super) fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A new file in the folder of `path`; its mode is that of other new files.
fn aside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".ptarmigan-")
        .suffix(".part")
        // Unlike `tempfile_in`, this keeps the number of an error.
        .make_in(folder_of(path), |path| {
            File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(path)
        })
}

/// Gives a file its name, locked; `None` where that is taken, unless it is to be replaced.
fn put_in_place(
    aside: tempfile::NamedTempFile,
    path: &Path,
    replace: bool,
) -> io::Result<Option<File>> {
    lock(aside.as_file())?;
    let placed = if replace {
        aside.persist(path).map_err(|error| error.error)
    } else {
        aside.persist_noclobber(path).map_err(|error| error.error)
    };
    match placed {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !replace => Ok(None),
        Err(error) => Err(error),
    }
}
