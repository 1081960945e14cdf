//! Turns the entropy-coded bytes of any scan into bits and symbols, with what libjpeg-turbo makes
//! of markers in the wrong places (`jpeg_fill_bit_buffer`, `read_restart_marker`,
//! `jpeg_resync_to_restart`).
//!
//! A segment is what lies between two markers. Behind its end come zeros without end; who has read
//! of them has [`Bits::is_beyond_end`].

use super::lookup::Lookup;
use super::markers::{cut, next_marker};
use crate::error::Result;

/// Where the bits of a scan come from.
pub(super) trait Source {
    /// The next symbol.
    fn symbol(&mut self, lookup: &Lookup) -> u8;

    /// The next bits, at most 16, as a number.
    fn bits(&mut self, count: u32) -> u32;
}

/// A number of `size` bits, extended as T.81 F.2.2.1 says.
#[inline]
pub(super) fn coefficient<S: Source>(source: &mut S, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let bits = source.bits(size) as i32;
    if bits < 1 << (size - 1) {
        bits - (1 << size) + 1
    } else {
        bits
    }
}

/// Zeros behind the bytes of a segment: as many as one load takes.
const PADDING: usize = 8;

/// A reader of the scans of one file.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    file: &'a [u8],
    /// Where the segment begins in the file.
    start: usize,
    /// Behind the marker that ends the segment.
    behind: usize,
    /// The code of that marker; none where the file ends first.
    marker: Option<u8>,
    /// The segment without stuffed zeros, and padding.
    bytes: &'a mut Vec<u8>,
    /// Where the next bytes are loaded from.
    at: usize,
    /// The next bits, the first one on top.
    window: u64,
    /// How many of them are there.
    count: u32,
    /// Number of the restart marker that comes next.
    expected: u8,
}

impl<'a> Bits<'a> {
    /// The scan whose entropy-coded bytes begin at `start`; `bytes` is memory to use.
    pub(super) fn new(file: &'a [u8], start: usize, bytes: &'a mut Vec<u8>) -> Self {
        let mut bits = Self {
            file,
            start,
            behind: start,
            marker: None,
            bytes,
            at: 0,
            window: 0,
            count: 0,
            expected: 0,
        };
        bits.load(start);
        bits
    }

    /// Takes the bytes from `start` to the next marker for the segment.
    fn load(&mut self, start: usize) {
        self.clear();
        self.bytes.clear();
        self.start = start;
        let mut at = start;
        self.marker = loop {
            let Some(length) = memchr::memchr(0xFF, &self.file[at..]) else {
                self.bytes.extend_from_slice(&self.file[at..]);
                break None;
            };
            self.bytes.extend_from_slice(&self.file[at..at + length]);
            at += length;
            // Any number of 0xFF is a fill for a marker, and for a stuffed zero too.
            while self.file.get(at) == Some(&0xFF) {
                at += 1;
            }
            match self.file.get(at) {
                None => break None,
                Some(0) => self.bytes.push(0xFF),
                Some(&code) => {
                    self.behind = at + 1;
                    break Some(code);
                }
            }
            at += 1;
        };
        self.bytes.resize(self.bytes.len() + PADDING, 0);
    }

    fn clear(&mut self) {
        (self.at, self.window, self.count) = (0, 0, 0);
    }

    /// Whether more bits were read than the segment has.
    pub(super) fn is_beyond_end(&self) -> bool {
        self.at * 8 - self.count as usize > (self.bytes.len() - PADDING) * 8
    }

    /// Whether the file ends before the segment does.
    pub(super) fn is_cut(&self) -> bool {
        self.marker.is_none()
    }

    /// Whether every segment of this scan from now on will be empty: libjpeg-turbo never passes
    /// over such a marker while it looks for restart markers.
    pub(super) fn is_at_last_marker(&self) -> bool {
        self.marker
            .is_some_and(|code| code >= 0xC0 && !(0xD0..=0xD7).contains(&code))
    }

    /// The whole file.
    pub(super) fn file(&self) -> &'a [u8] {
        self.file
    }

    /// Where the segment begins in the file.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where the marker is that ends the segment, or where the file ends.
    pub(super) fn end(&self) -> usize {
        if self.marker.is_some() {
            self.behind - 2
        } else {
            self.file.len()
        }
    }

    /// Goes to the next segment; whether there is one, or the marker was left for later.
    pub(super) fn restart(&mut self) -> Result<bool> {
        let mut marker = self.marker.ok_or_else(cut)?;
        let expected = self.expected;
        self.expected = (expected + 1) & 7;
        let passed = loop {
            let ahead = marker.wrapping_sub(0xD0).wrapping_sub(expected) & 7;
            match marker {
                // Not a marker at all: look for another.
                ..0xC0 => {}
                0xD0..=0xD7 => match ahead {
                    // One of the next two: this one was lost.
                    1 | 2 => break false,
                    // One of the two before: there is more to come.
                    6 | 7 => {}
                    // The right one, or one so far away that its number must be wrong.
                    _ => break true,
                },
                _ => break false,
            }
            (self.behind, marker) = next_marker(self.file, self.behind).ok_or_else(cut)?;
            self.marker = Some(marker);
        };
        if passed {
            self.load(self.behind);
        } else {
            self.clear();
            self.bytes.clear();
            self.bytes.resize(PADDING, 0);
        }
        Ok(passed)
    }

    /// Makes at least 56 bits available.
    #[inline]
    fn refill(&mut self) {
        if self.count < 32 {
            let bytes = self.bytes.get(self.at..self.at + 8);
            let next = bytes.map_or(0, |bytes| {
                u64::from_be_bytes(bytes.try_into().unwrap_or([0; 8]))
            });
            self.window |= next >> self.count;
            self.at += ((63 - self.count) >> 3) as usize;
            self.count |= 0b11_1000;
        }
    }

    #[inline]
    fn consume(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }
}

impl Source for Bits<'_> {
    #[inline]
    fn symbol(&mut self, lookup: &Lookup) -> u8 {
        self.refill();
        let (symbol, length) = lookup.find((self.window >> 48) as u32);
        self.consume(length);
        symbol
    }

    #[inline]
    fn bits(&mut self, count: u32) -> u32 {
        self.refill();
        let bits = (self.window >> 1 >> (63 - count)) as u32;
        self.consume(count);
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first byte of each segment is, and which segments there were.
    fn segments(file: &[u8], restarts: usize) -> Vec<Option<u32>> {
        let mut bytes = Vec::new();
        let mut bits = Bits::new(file, 0, &mut bytes);
        let mut found = vec![Some(bits.bits(8))];
        for _ in 0..restarts {
            let passed = bits.restart().unwrap();
            found.push(passed.then(|| bits.bits(8)));
        }
        found
    }

    #[test]
    fn stuffing_and_fill_are_removed_and_zeros_follow() {
        let file = [
            0x12, 0xFF, 0, 0x34, 0xFF, 0xFF, 0, 0x56, 0xFF, 0xFF, 0xD9, 7,
        ];
        let mut bytes = Vec::new();
        let mut bits = Bits::new(&file, 0, &mut bytes);
        let read: Vec<u32> = (0..5).map(|_| bits.bits(8)).collect();
        assert_eq!(read, [0x12, 0xFF, 0x34, 0xFF, 0x56]);
        assert!(!bits.is_beyond_end());
        assert_eq!(bits.bits(16), 0);
        assert!(bits.is_beyond_end());
        assert_eq!(
            (bits.end(), bits.is_cut(), bits.is_at_last_marker()),
            (9, false, true)
        );
    }

    #[test]
    fn restart_markers_in_order_are_passed() {
        let file = [1, 0xFF, 0xD0, 2, 0xFF, 0xD1, 3, 0xFF, 0xD9];
        assert_eq!(segments(&file, 2), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn a_marker_too_early_by_up_to_two_is_kept_for_its_turn() {
        let file = [1, 0xFF, 0xD2, 3, 0xFF, 0xD9];
        assert_eq!(segments(&file, 3), [Some(1), None, None, Some(3)]);
    }

    #[test]
    fn one_too_late_by_up_to_two_or_no_marker_at_all_is_passed_over() {
        for code in [0xD6, 0xD7, 0x02, 0xBF] {
            let file = [1, 0xFF, code, 9, 9, 0xFF, 0xD0, 2, 0xFF, 0xD9];
            assert_eq!(segments(&file, 1), [Some(1), Some(2)], "{code:x}");
        }
    }

    #[test]
    fn one_with_any_other_number_is_taken_for_the_right_one() {
        for code in [0xD3, 0xD4, 0xD5] {
            let file = [1, 0xFF, code, 2, 0xFF, 0xD9];
            assert_eq!(segments(&file, 1), [Some(1), Some(2)], "{code:x}");
        }
    }

    #[test]
    fn other_markers_are_never_passed_and_a_missing_one_is_an_error() {
        for code in [0xC0, 0xC4, 0xD8, 0xD9, 0xDA, 0xFE] {
            let file = [1, 0xFF, code, 2, 0xFF, 0xD0];
            assert_eq!(segments(&file, 2), [Some(1), None, None], "{code:x}");
        }
        let mut bytes = Vec::new();
        let mut bits = Bits::new(&[1, 2, 0xFF], 0, &mut bytes);
        assert!(bits.is_cut());
        assert!(bits.restart().unwrap_err().is_truncated());
    }
}
