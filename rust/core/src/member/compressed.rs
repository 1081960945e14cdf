//! Turns the part of an archive file that one member needs into compressed bytes, chunk by chunk.

use crate::archive::file::ArchiveFile;
use crate::error::Result;

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// Compressed bytes from some position on.
#[derive(Debug)]
pub(super) struct Compressed {
    chunk: Vec<u8>,
    /// How much of the chunk is used.
    used: usize,
    /// Position in the file behind the chunk.
    next: u64,
    /// Position in the file behind the last byte that the member needs.
    end: u64,
}

impl Compressed {
    /// The bytes of the file from `start` to `end`.
    pub(super) fn new(start: u64, end: u64) -> Self {
        Self {
            chunk: Vec::new(),
            used: 0,
            next: start,
            end,
        }
    }

    /// Moves to byte `position` of the file.
    pub(super) fn seek(&mut self, position: u64) {
        let back = self.next.checked_sub(position);
        let held = back.and_then(|back| self.chunk.len().checked_sub(usize::try_from(back).ok()?));
        if let Some(used) = held {
            self.used = used;
        } else {
            self.chunk.clear();
            self.used = 0;
            self.next = position;
        }
    }

    /// Position in the file of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.next - (self.chunk.len() - self.used) as u64
    }

    /// The bytes at hand; none behind the end.
    pub(super) fn rest(&mut self, file: &ArchiveFile) -> Result<&[u8]> {
        if self.used == self.chunk.len() {
            let left = self.end.saturating_sub(self.next);
            let wanted = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            self.chunk.resize(wanted, 0);
            self.used = wanted;
            file.read_exact(&mut self.chunk, self.next)?;
            self.next += wanted as u64;
            self.used = 0;
        }
        Ok(&self.chunk[self.used..])
    }

    /// Passes over bytes that were at hand.
    pub(super) fn take(&mut self, count: usize) {
        self.used = self.chunk.len().min(self.used + count);
    }
}
