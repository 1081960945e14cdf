//! Turns records that wait in memory into the file, together with other processes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use super::log::{self, Found, HEADER, Log};
use super::record::HEAD;
use super::slots::{Places, Slot, Slots};
use super::{PointStore, lock};
use crate::error::{Error, Result};

/// How often an epoch's end tries to get the lock that another process has, and how long it waits
/// between two tries: whoever has it writes a few MiB.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);

/// What only the thread that writes needs.
#[derive(Debug, Default)]
pub(super) struct Writer {
    log: Option<Log>,
    /// Nothing is written any more.
    off: bool,
    /// Why, until it is asked for.
    pub(super) trouble: Option<Error>,
}

impl PointStore {
    /// Writes what waits in memory; at the `end` of an epoch, the directory too.
    pub(super) fn write_out(&self, end: bool) {
        let mut writer = if end {
            lock(&self.writer)
        } else {
            match self.writer.try_lock() {
                Ok(writer) => writer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // That thread writes; what has come since waits for the next batch.
                Err(TryLockError::WouldBlock) => return,
            }
        };
        if writer.off {
            return;
        }
        let unlisted = writer.log.as_ref().is_some_and(Log::is_unlisted);
        if !self.read().waiting.is_empty() || end && unlisted {
            let written = self.write_locked(&mut writer, end);
            self.note(&mut writer, written);
        }
    }

    pub(super) fn note(&self, writer: &mut Writer, done: Result<()>) {
        if let Err(error) = done {
            writer.off = true;
            writer.trouble = Some(error.with_path(&self.path));
        }
    }

    /// Opens the file that has the name now, or finds what was added to it.
    pub(super) fn look(&self, writer: &mut Writer) -> Result<()> {
        if let Some(log) = &mut writer.log
            && log.is_at(&self.path)?
        {
            let mut records = Vec::new();
            log.catch_up(&mut records)?;
            self.change().add(records);
            return Ok(());
        }
        if let Found::Log(log, records) = self.found()? {
            self.adopt(writer, log, records);
        }
        Ok(())
    }

    fn found(&self) -> Result<Found> {
        match Log::open(&self.path, self.archive, self.members)? {
            Found::Foreign => Err(Error::argument(
                "expected scan points, found a file that is none, which is left as it is; remove \
                 it, or give another path as `scan_points`",
            )),
            found => Ok(found),
        }
    }

    /// Goes on with another file.
    fn adopt(&self, writer: &mut Writer, log: Log, records: Places) {
        let mut shelf = self.change();
        shelf.file = Some(Arc::clone(&log.file));
        shelf.slots = Slots::new(self.members as usize);
        shelf.add(records);
        writer.log = Some(log);
    }

    /// Writes under the lock of the file; does nothing while another process has it.
    fn write_locked(&self, writer: &mut Writer, end: bool) -> Result<()> {
        let mut tries = if end { TRIES } else { 1 };
        while !self.lock_file(writer)? {
            tries -= 1;
            if tries == 0 {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        let mut written = self.look(writer);
        if written.is_ok() {
            written = self.append(writer);
        }
        if written.is_ok() && end {
            written = self.tidy(writer);
        }
        if let Some(log) = &writer.log {
            log.unlock()?;
        }
        written
    }

    /// Locks the file that has the name, having made it if there is none of this archive's; false
    /// while another process has the lock, or was faster to make one.
    fn lock_file(&self, writer: &mut Writer) -> Result<bool> {
        let ours = match &writer.log {
            Some(log) => log.is_at(&self.path)?,
            None => false,
        };
        if !ours {
            let made = match self.found()? {
                Found::Log(log, records) => {
                    self.adopt(writer, log, records);
                    None
                }
                Found::Stale(file) => {
                    if !log::lock(&file)? || !log::is_at(&file, &self.path)? {
                        return Ok(false);
                    }
                    Log::create(&self.path, self.archive, self.members, true)?
                }
                Found::Missing | Found::Foreign => {
                    Log::create(&self.path, self.archive, self.members, false)?
                }
            };
            if let Some(log) = made {
                self.adopt(writer, log, Vec::new());
            }
        }
        let Some(log) = &writer.log else {
            return Ok(false);
        };
        if !log.lock()? {
            return Ok(false);
        }
        // Another file may have taken the name before the lock was free.
        if log.is_at(&self.path)? {
            return Ok(true);
        }
        log.unlock()?;
        Ok(false)
    }

    /// Appends the records that are better than those of the file.
    fn append(&self, writer: &mut Writer) -> Result<()> {
        let (mut bytes, mut placed, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        {
            let shelf = self.read();
            for (&member, record) in &shelf.waiting {
                waiting.push((member, Arc::clone(record)));
                let known = shelf.slots.get(member).map_or(0, |slot| slot.rows);
                if record.rows > known {
                    let slot = Slot {
                        offset: bytes.len() as u64,
                        length: (record.record.len() - HEAD) as u32,
                        rows: record.rows,
                    };
                    placed.push((member, slot));
                    bytes.extend_from_slice(&record.record);
                }
            }
        }
        let start = self.room(writer, bytes.len() as u64)?;
        if let (Some(log), Some(start)) = (&mut writer.log, start) {
            if !bytes.is_empty() {
                log.append(&bytes)?;
            }
            for (_, slot) in &mut placed {
                slot.offset += start;
            }
        } else {
            self.full.store(true, Ordering::Relaxed);
            placed.clear();
        }
        let mut shelf = self.change();
        shelf.add(placed);
        shelf.done(&waiting);
        Ok(())
    }

    /// Where so many bytes more have room in the file, which may be compacted for them.
    fn room(&self, writer: &mut Writer, bytes: u64) -> Result<Option<u64>> {
        let end = |writer: &Writer| writer.log.as_ref().map_or(HEADER, Log::end);
        if end(writer).saturating_add(bytes) > self.bounds.file {
            let live = HEADER + self.read().slots.live();
            if end(writer).saturating_sub(live) > self.bounds.file / 8 {
                self.compact(writer)?;
            }
        }
        let end = end(writer);
        Ok((end.saturating_add(bytes) <= self.bounds.file).then_some(end))
    }

    /// Drops dead records if they are more than half of the file; lists those that count.
    fn tidy(&self, writer: &mut Writer) -> Result<()> {
        let Some(log) = &mut writer.log else {
            return Ok(());
        };
        let shelf = self.read();
        if log.end() - HEADER > 2 * shelf.slots.live() {
            drop(shelf);
            return self.compact(writer);
        }
        if log.is_unlisted() {
            log.list(&shelf.slots)?;
        }
        Ok(())
    }

    fn compact(&self, writer: &mut Writer) -> Result<()> {
        let Some(log) = &writer.log else {
            return Ok(());
        };
        let (log, records) = log.compacted(&self.path, self.members, &self.read().slots)?;
        self.adopt(writer, log, records);
        Ok(())
    }
}
