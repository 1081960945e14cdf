//! Turns the body of an index file into bytes whose checksums are right.
//!
//! The body has a CRC32 for every page. A page is checked when it is first touched, so that opening
//! an index costs nothing that grows with it and yet no damaged byte is ever believed.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mmap::MappedFile;

/// Bytes of a page: 2 us to check, and 4 bytes of checksum for each.
pub(super) const PAGE: usize = 32 << 10;

/// A mapped body and what of it has been checked.
#[derive(Debug)]
pub(super) struct Pages {
    file: MappedFile,
    body: Range<usize>,
    /// One bit a page: whether its checksum has been found right.
    checked: Vec<AtomicU64>,
}

impl Pages {
    /// `body`: where in `file` the pages are; their checksums lie behind it, up to the file's end.
    pub(super) fn new(file: MappedFile, body: Range<usize>) -> Self {
        let words = body.len().div_ceil(PAGE).div_ceil(64);
        Self {
            file,
            body,
            checked: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Bytes of the whole file.
    pub(super) fn file_length(&self) -> usize {
        self.file.len()
    }

    /// Bytes of the body.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// The bytes of `range`, counted from the body's start; `None` if they are damaged or outside.
    #[inline]
    pub(super) fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        if range.start > range.end || range.end > self.body.len() {
            return None;
        }
        if range.is_empty() {
            return Some(&[]);
        }
        for page in range.start / PAGE..=(range.end - 1) / PAGE {
            let (word, bit) = (self.checked.get(page / 64)?, 1u64 << (page % 64));
            if word.load(Ordering::Relaxed) & bit == 0 {
                self.check(page)?;
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        self.file
            .get(self.body.start + range.start..self.body.start + range.end)
    }

    #[cold]
    fn check(&self, page: usize) -> Option<()> {
        let start = self.body.start + page * PAGE;
        let bytes = self.file.get(start..self.body.end.min(start + PAGE))?;
        let stored = self
            .file
            .get(self.body.end + page * 4..)?
            .first_chunk::<4>()?;
        (crc32fast::hash(bytes) == u32::from_le_bytes(*stored)).then_some(())
    }
}
