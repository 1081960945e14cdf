//! Turns the scan points that decoding comes by into a file beside the index, and back: so that
//! later epochs, and later runs, start decoding at their crops.
//!
//! It is a cache: whatever is damaged, stale or cannot be written costs time, and never a pixel or
//! an epoch. What the file looks like is in `docs/scan-points.md`.

mod log;
mod record;
mod shelf;
mod slots;
#[cfg(test)]
mod tests;
mod writer;

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::{Index, Kind, Place};
use crate::limits::{SCAN_POINTS_FILE_BYTES, SCAN_POINTS_MEMORY_BYTES};
use crate::pixels::ScanPoints;
pub use record::Photo;
use shelf::Shelf;
use writer::Writer;

/// Bytes of records that wait in memory before they are written.
const BATCH: usize = 1 << 20;

/// How much a store keeps.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    file: u64,
    memory: usize,
}

/// The scan points of an archive's photos, shared by the threads of a loader.
#[derive(Debug)]
pub struct PointStore {
    path: PathBuf,
    archive: u64,
    members: u64,
    bounds: Bounds,
    /// The process that opened it: one that was forked from it must neither wait for its locks nor
    /// write its records.
    process: u32,
    shelf: RwLock<Shelf>,
    writer: Mutex<Writer>,
    /// Nothing more is taken: the file is as large as it may be.
    full: AtomicBool,
}

impl Photo {
    /// What the index says of a member.
    pub fn new(member: u32, place: &Place) -> Self {
        Self {
            member,
            crc32: place.crc32,
            size: place.size,
        }
    }
}

/// Where the scan points of an index's archive are unless the caller says otherwise.
pub fn default_path(index: &Path) -> PathBuf {
    if index
        .extension()
        .is_some_and(|extension| extension == "ptidx")
    {
        return index.with_extension("ptscan");
    }
    let mut path = index.as_os_str().to_owned();
    path.push(".ptscan");
    path.into()
}

impl PointStore {
    /// The store of an archive's points in the file `path`, which is made when there is something to
    /// write to it; what is wrong with it is found by [`PointStore::take_trouble`].
    pub fn open(path: &Path, archive: &Archive) -> Result<Self> {
        let index = archive.index();
        let bounds = Bounds {
            file: SCAN_POINTS_FILE_BYTES.max(size(index) / 50),
            memory: SCAN_POINTS_MEMORY_BYTES,
        };
        Self::with_bounds(path, index.fingerprint(), index.len(), bounds)
    }

    fn with_bounds(path: &Path, archive: u64, members: usize, bounds: Bounds) -> Result<Self> {
        // The working directory may be another one when the file is made.
        let path = std::path::absolute(path).map_err(|error| Error::io(error, path))?;
        let store = Self {
            path,
            archive,
            members: members as u64,
            bounds,
            process: std::process::id(),
            shelf: RwLock::new(Shelf::new(members)),
            writer: Mutex::default(),
            full: AtomicBool::new(false),
        };
        store.refresh();
        Ok(store)
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why nothing is written any more; told once.
    pub fn take_trouble(&self) -> Option<Error> {
        if !self.is_ours() {
            return None;
        }
        lock(&self.writer).trouble.take()
    }

    /// Takes the points that are known of a photo; none if there are none, or they are damaged or of
    /// other bytes. `memory` is used to read them.
    pub fn get(&self, photo: Photo, points: &mut ScanPoints, memory: &mut Vec<u8>) {
        points.clear();
        if !self.is_ours() {
            return;
        }
        let shelf = self.read();
        if let Some(waiting) = shelf.waiting.get(&photo.member).map(Arc::clone) {
            drop(shelf);
            self.take(&waiting.record, photo, points);
            return;
        }
        let (Some(slot), Some(file)) = (shelf.slots.get(photo.member), shelf.file.clone()) else {
            return;
        };
        drop(shelf);
        memory.resize(slot.bytes() as usize, 0);
        let read = file.read_exact_at(memory, slot.offset);
        if read.is_err() || !self.take(memory, photo, points) {
            self.change().slots.forget(photo.member, slot);
        }
    }

    /// Takes the points of a record if it is whole and of this photo.
    fn take(&self, record: &[u8], photo: Photo, points: &mut ScanPoints) -> bool {
        match record::check(record, self.archive) {
            Some((head, bytes)) if head.photo == photo => {
                points.decode(bytes);
                true
            }
            _ => false,
        }
    }

    /// Keeps the points of a photo if they are enough more than the rows that were `known` before.
    pub fn put(&self, photo: Photo, known: usize, points: &ScanPoints) {
        let (rows, all) = (points.rows(), points.rows_in_all());
        // Every record replaces one, so a few rows more are not worth one.
        let enough = if rows == all { 1 } else { (all / 8).max(1) };
        if rows < known + enough || self.full.load(Ordering::Relaxed) || !self.is_ours() {
            return;
        }
        let encode = |out: &mut Vec<u8>| points.encode(out);
        let rows = rows as u32;
        let Some(record) = record::encode(self.archive, photo, rows, encode) else {
            return;
        };
        let most = self.bounds.memory;
        if self.change().wait(photo.member, record, rows, most) >= BATCH {
            self.write_out(false);
        }
    }

    /// Finds what other processes added since; for the start of an epoch.
    pub fn refresh(&self) {
        if !self.is_ours() {
            return;
        }
        let mut writer = lock(&self.writer);
        let looked = self.look(&mut writer);
        self.note(&mut writer, looked);
    }

    /// Writes what waits in memory, as far as it can be written; for the end of an epoch.
    pub fn flush(&self) {
        if self.is_ours() {
            self.write_out(true);
        }
    }

    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PointStore {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Bytes of an archive as it is stored.
fn size(index: &Index) -> u64 {
    let summary = index.summary();
    match summary.kind {
        Kind::Folder => summary.bytes,
        Kind::Tar | Kind::Gzip => summary.stamp.size,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
