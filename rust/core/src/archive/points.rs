//! Turns what the walker reports into seek points and the few bytes of history that each needs.
//!
//! A match that starts behind a point and reaches back before it is the only thing that can need
//! history, and what it copies is also what it writes: so the bytes are taken from the output, and
//! no copy of the whole window is ever kept.

use super::deflate::{Trace, WINDOW};

/// First byte of a stored window: the point is where a block begins.
pub(crate) const POINT_AT_BLOCK: u8 = 0;
/// First byte of a stored window: the point is inside a block, whose header begins at the bit that
/// the next eight bytes give.
pub(crate) const POINT_INSIDE: u8 = 1;
/// What is stored for a point at a block that needs no history.
pub(crate) const NO_WINDOW: [u8; 2] = [POINT_AT_BLOCK, 0];

/// A place where decoding can start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Point {
    /// Position in the file, in bits.
    pub(crate) bit: u64,
    /// Position in the tar of the first byte that comes out.
    pub(crate) tar_offset: u64,
    /// The bit where the block's header begins, if the point is inside the block.
    pub(crate) header_bit: Option<u64>,
}

/// A match that reaches back before the last point.
#[derive(Clone, Copy, Debug)]
struct FarMatch {
    tar_offset: u64,
    distance: u32,
    length: u32,
}

/// The [`Trace`] of the pass: points and far matches of the output that is not yet handed on.
#[derive(Debug, Default)]
pub(crate) struct PointLog {
    /// Position in the tar of `output[0]`; wraps below zero before the first 32 KiB.
    base: u64,
    /// Matches from before this index of the output are far.
    threshold: usize,
    points: Vec<Point>,
    far: Vec<FarMatch>,
}

impl PointLog {
    /// A log of output whose first byte, at index `at`, is byte 0 of the tar.
    pub(crate) fn new(at: usize) -> Self {
        Self {
            base: 0u64.wrapping_sub(at as u64),
            threshold: at,
            ..Self::default()
        }
    }

    /// A log of output whose byte `at` is byte `tar_offset` of the tar.
    pub(crate) fn starting_at(at: usize, tar_offset: u64) -> Self {
        Self {
            base: tar_offset.wrapping_sub(at as u64),
            threshold: at,
            ..Self::default()
        }
    }

    /// The position in the tar of `output[at]`.
    pub(crate) fn tar_offset(&self, at: usize) -> u64 {
        self.base.wrapping_add(at as u64)
    }

    /// The output moved down by `by` bytes.
    pub(crate) fn shift(&mut self, by: usize) {
        self.base = self.base.wrapping_add(by as u64);
        self.threshold = self.threshold.saturating_sub(by);
    }

    /// Adds a point inside the block that begins at `header_bit`.
    pub(crate) fn add_inside(&mut self, bit: u64, at: usize, header_bit: u64) {
        self.threshold = at;
        let tar_offset = self.tar_offset(at);
        self.points.push(Point {
            bit,
            tar_offset,
            header_bit: Some(header_bit),
        });
    }

    /// Drops all of it, for a caller that only wants the bytes.
    pub(crate) fn forget(&mut self) {
        self.points.clear();
        self.far.clear();
    }

    /// The last point, if one was added since the last hand-over.
    pub(crate) fn last(&self) -> Option<&Point> {
        self.points.last()
    }
}

impl Trace for PointLog {
    #[inline]
    fn block(&mut self, bit: u64, at: usize) {
        self.threshold = at;
        let point = Point {
            bit,
            tar_offset: self.tar_offset(at),
            header_bit: None,
        };
        match self.points.last_mut() {
            // Blocks without output: the later one is as good a start and needs less input.
            Some(last) if last.tar_offset == point.tar_offset => *last = point,
            _ => self.points.push(point),
        }
    }

    #[expect(clippy::inline_always, reason = "this is a step of the innermost loop")]
    #[inline(always)]
    fn matched(&mut self, at: usize, distance: usize, length: usize) {
        if at < self.threshold + distance {
            self.far.push(FarMatch {
                tar_offset: self.tar_offset(at),
                distance: distance as u32,
                length: length as u32,
            });
        }
    }
}

/// The points and far matches that members still to come may need.
#[derive(Debug, Default)]
pub(crate) struct Points {
    all: Vec<Point>,
    far: Vec<FarMatch>,
    /// What the matches of `far` wrote, one after the other.
    bytes: Vec<u8>,
    /// The window being gathered for `current`.
    window: Window,
    current: Option<Point>,
    /// The first match and its first byte that are not yet in `window`.
    next: (usize, usize),
}

impl Points {
    /// Takes over a log; `piece` is the output it describes, from `tar_offset` on.
    pub(crate) fn take(&mut self, log: &mut PointLog, piece: &[u8], tar_offset: u64) {
        // Blocks without output on either side of a piece's end: as in one piece, the later counts.
        if let (Some(last), Some(next)) = (self.all.last(), log.points.first())
            && last.tar_offset == next.tar_offset
        {
            self.all.pop();
        }
        self.all.append(&mut log.points);
        for far in log.far.drain(..) {
            let start = (far.tar_offset - tar_offset) as usize;
            self.bytes
                .extend_from_slice(&piece[start..start + far.length as usize]);
            self.far.push(far);
        }
    }

    /// The last point at or before `tar_offset`.
    pub(crate) fn before(&self, tar_offset: u64) -> Option<Point> {
        let behind = self
            .all
            .partition_point(|point| point.tar_offset <= tar_offset);
        self.all.get(behind.checked_sub(1)?).copied()
    }

    /// The first point at or behind `tar_offset`.
    pub(crate) fn after(&self, tar_offset: u64) -> Option<Point> {
        let first = self
            .all
            .partition_point(|point| point.tar_offset < tar_offset);
        self.all.get(first).copied()
    }

    /// The last point of all.
    pub(crate) fn last(&self) -> Option<Point> {
        self.all.last().copied()
    }

    /// The point whose window is gathered.
    pub(crate) fn current(&self) -> Option<Point> {
        self.current
    }

    /// Starts a new window, that of `point`.
    pub(crate) fn enter(&mut self, point: Point) {
        self.window.clear();
        self.current = Some(point);
        let skipped = self
            .far
            .partition_point(|far| far.tar_offset < point.tar_offset);
        let bytes = self.far[..skipped]
            .iter()
            .map(|far| far.length as usize)
            .sum();
        self.next = (skipped, bytes);
    }

    /// Adds to the current window what the output up to `tar_offset` refers to.
    pub(crate) fn gather(&mut self, tar_offset: u64) {
        let Some(point) = self.current else { return };
        while let Some(far) = self
            .far
            .get(self.next.0)
            .filter(|far| far.tar_offset < tar_offset)
        {
            let bytes = &self.bytes[self.next.1..][..far.length as usize];
            self.window
                .add(far.tar_offset - point.tar_offset, far.distance, bytes);
            self.next = (self.next.0 + 1, self.next.1 + far.length as usize);
        }
    }

    /// The current window as stored in an index.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.window.encode(out);
    }

    /// Forgets what no member that starts at or behind the end of the last piece can need; a
    /// member in progress must have gathered before.
    pub(crate) fn prune(&mut self) {
        let Some(last) = self.all.last().copied() else {
            return;
        };
        self.all.clear();
        self.all.push(last);
        let old = self
            .far
            .partition_point(|far| far.tar_offset < last.tar_offset);
        let bytes: usize = self.far[..old].iter().map(|far| far.length as usize).sum();
        self.far.drain(..old);
        self.bytes.drain(..bytes);
        self.next = (
            self.next.0.saturating_sub(old),
            self.next.1.saturating_sub(bytes),
        );
    }
}

/// The bytes of history that a point needs, each with its place in the 32 KiB before it.
#[derive(Debug)]
struct Window {
    /// [`WINDOW`] of them, like `used`, which is 1 for those that are needed and 0 for others.
    bytes: Vec<u8>,
    used: Vec<u8>,
    empty: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            bytes: vec![0; WINDOW],
            used: vec![0; WINDOW],
            empty: true,
        }
    }
}

impl Window {
    fn clear(&mut self) {
        if !self.empty {
            self.used.fill(0);
            self.empty = true;
        }
    }

    /// Adds what a match `behind` bytes after the point copies from before the point.
    fn add(&mut self, behind: u64, distance: u32, copied: &[u8]) {
        let before = u64::from(distance).saturating_sub(behind) as usize;
        if before == 0 {
            return;
        }
        let start = WINDOW - before;
        let count = copied.len().min(before);
        self.bytes[start..start + count].copy_from_slice(&copied[..count]);
        self.used[start..start + count].fill(1);
        self.empty = false;
    }

    /// Runs of (gap since the last run, length, bytes), the numbers as LEB128, after their count.
    fn encode(&self, out: &mut Vec<u8>) {
        let mut runs = Vec::new();
        let mut at = 0;
        while let Some(skip) = memchr::memchr(1, &self.used[at..]) {
            let start = at + skip;
            let length = memchr::memchr(0, &self.used[start..]);
            at = start + length.unwrap_or(WINDOW - start);
            runs.push((start, at));
        }
        write_number(runs.len(), out);
        let mut last = 0;
        for (start, end) in runs {
            write_number(start - last, out);
            write_number(end - start, out);
            out.extend_from_slice(&self.bytes[start..end]);
            last = end;
        }
    }
}

fn write_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in [0, 7, 14] {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= (byte as usize & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

/// Writes an encoded window over `window`, which is cleared first; `None` if it is malformed.
pub(crate) fn decode_window(encoded: &[u8], window: &mut [u8]) -> Option<()> {
    window.fill(0);
    overlay_window(encoded, window)
}

/// Writes what an encoded window has over `window`, and leaves the rest of it; `None` if it is
/// malformed.
pub(crate) fn overlay_window(mut encoded: &[u8], window: &mut [u8]) -> Option<()> {
    let runs = read_number(&mut encoded)?;
    let mut at = 0usize;
    for _ in 0..runs {
        let start = at + read_number(&mut encoded)?;
        let length = read_number(&mut encoded)?;
        let (bytes, rest) = encoded.split_at_checked(length)?;
        window
            .get_mut(start..start + length)?
            .copy_from_slice(bytes);
        encoded = rest;
        at = start + length;
    }
    Some(())
}

/// Clears the marks of those bytes that an encoded window holds; `None` if it is malformed.
pub(crate) fn clear_marks(mut encoded: &[u8], marks: &mut [bool]) -> Option<()> {
    let runs = read_number(&mut encoded)?;
    let mut at = 0usize;
    for _ in 0..runs {
        let start = at + read_number(&mut encoded)?;
        at = start + read_number(&mut encoded)?;
        marks.get_mut(start..at)?.fill(false);
        encoded = encoded.get(at - start..)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_survives_being_stored() {
        let mut window = Window::default();
        let mut encoded = Vec::new();
        window.encode(&mut encoded);
        assert_eq!(encoded, [0]);
        window.add(0, 32768, b"first");
        window.add(10, 13, b"abcdef");
        window.add(5, 5, b"not before the point");
        window.add(0, 1, b"x");
        encoded.clear();
        window.encode(&mut encoded);
        let mut found = vec![9; WINDOW];
        decode_window(&encoded, &mut found).unwrap();
        let mut expected = vec![0; WINDOW];
        expected[..5].copy_from_slice(b"first");
        expected[WINDOW - 3..].copy_from_slice(b"abx");
        assert!(found == expected);
        let mut marks = vec![true; WINDOW];
        clear_marks(&encoded, &mut marks).unwrap();
        for (at, &unknown) in marks.iter().enumerate() {
            assert_eq!(unknown, (5..WINDOW - 3).contains(&at), "{at}");
        }
        for cut in 0..encoded.len() {
            assert!(decode_window(&encoded[..cut], &mut found).is_none());
        }
        assert!(decode_window(&[1, 0xff, 0xff, 1, 2, 1, 1], &mut found).is_none());
    }
}
