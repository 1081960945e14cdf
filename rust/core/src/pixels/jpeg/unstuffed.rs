//! Turns a part of a scan as it is stored into bytes without stuffed zeros, and places in the one into
//! places in the other.

use super::entropy::{Bits, PADDING};
use super::huffman::Unusual;
use super::unstuffed_avx2;
use crate::pixels::cpu::Avx2;

/// A part of a scan without stuffed zeros.
#[derive(Debug, Default)]
pub(super) struct Unstuffed {
    bytes: Vec<u8>,
    /// How many of them are of this scan, its padding counted.
    length: usize,
    /// Where the part starts in the scan as it is stored.
    start: usize,
    /// Where zeros were dropped from the scan as it is stored.
    dropped: Vec<usize>,
    /// Where each restart interval ends in `bytes`.
    pub(super) intervals: Vec<usize>,
}

impl Unstuffed {
    /// Takes the scan from byte `start` on, up to the end-of-image marker, or to the byte `end` if
    /// that is given (T.81 F.1.2.3).
    ///
    /// A file without that marker is left to the other decoder, which then reads it to its end: so
    /// a truncated file fails whatever region is asked for.
    pub(super) fn fill(
        &mut self,
        scan: &[u8],
        start: usize,
        end: Option<usize>,
    ) -> Result<(), Unusual> {
        self.dropped.clear();
        self.intervals.clear();
        self.start = start;
        let part = scan.get(start..end.unwrap_or(scan.len())).ok_or(Unusual)?;
        // What an earlier scan left is written over, as far as anybody looks.
        let room = part.len() + PADDING + unstuffed_avx2::PIECE;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        let avx2 = Avx2::detect();
        let (mut at, mut to) = (0, 0);
        loop {
            if let Some(avx2) = avx2 {
                let copied = unstuffed_avx2::copy(avx2, &part[at..], &mut self.bytes[to..]);
                (at, to) = (at + copied, to + copied);
            }
            match (part.get(at).copied(), part.get(at + 1).copied()) {
                (Some(0xFF), Some(0)) => {
                    self.bytes[to] = 0xFF;
                    self.dropped.push(start + at + 1);
                    (at, to) = (at + 2, to + 1);
                }
                (Some(0xFF), Some(marker)) => {
                    self.intervals.push(to);
                    if marker == 0xD9 {
                        break;
                    }
                    let number = (self.intervals.len() - 1) & 7;
                    if marker & 0xF8 != 0xD0 || usize::from(marker & 7) != number {
                        return Err(Unusual);
                    }
                    at += 2;
                }
                (Some(byte), _) => {
                    self.bytes[to] = byte;
                    (at, to) = (at + 1, to + 1);
                }
                (None, _) if end.is_some() => {
                    self.intervals.push(to);
                    break;
                }
                (None, _) => return Err(Unusual),
            }
        }
        self.bytes[to..to + PADDING].fill(0);
        self.length = to + PADDING;
        Ok(())
    }

    /// The bytes, with [`PADDING`] zeros behind them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The bits from a place of the scan as it is stored on.
    pub(super) fn bits_at(&self, bit: u32) -> Result<Bits<'_>, Unusual> {
        let byte = bit as usize / 8;
        let dropped = self.dropped.partition_point(|&dropped| dropped < byte);
        let at = byte.checked_sub(self.start + dropped).ok_or(Unusual)?;
        let end = *self.intervals.first().ok_or(Unusual)?;
        if at > end {
            return Err(Unusual);
        }
        Bits::new(self.bytes(), at, end).after(bit % 8)
    }

    /// Where `bits` are in the scan as it is stored, in bits.
    pub(super) fn place(&self, bits: &Bits<'_>) -> usize {
        let place = bits.place();
        // The n-th dropped zero lay behind the byte that is now at its place less n.
        let byte = place / 8;
        let (mut low, mut high) = (0, self.dropped.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.dropped[middle] - self.start - middle <= byte {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (self.start + byte + low) * 8 + place % 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, byte by byte.
    fn expected(scan: &[u8]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut dropped, mut at) = (Vec::new(), Vec::new(), 0);
        while scan[at..at + 2] != [0xFF, 0xD9] {
            bytes.push(scan[at]);
            if scan[at] == 0xFF {
                at += 1;
                dropped.push(at);
            }
            at += 1;
        }
        (bytes, dropped)
    }

    proptest::proptest! {
        #[test]
        fn stuffed_zeros_are_dropped_wherever_they_are(
            parts in proptest::collection::vec((0_usize..90, proptest::num::u8::ANY), 0..30),
            tail in 0_usize..70,
        ) {
            let mut unstuffed = Unstuffed::default();
            // Memory is kept from one scan to the next.
            for round in 0..2 {
                let mut scan = Vec::new();
                for &(length, byte) in &parts[..parts.len() >> round] {
                    scan.extend((0..length).map(|at| byte.wrapping_add(at as u8) & 0x7F));
                    scan.extend([0xFF, 0]);
                }
                scan.extend([0xFF, 0xD9]);
                scan.extend(std::iter::repeat_n(0xFF, tail));
                unstuffed.fill(&scan, 0, None).unwrap();
                let (bytes, dropped) = expected(&scan);
                let (found, padding) = unstuffed.bytes().split_at(bytes.len());
                proptest::prop_assert_eq!(found, &bytes[..]);
                proptest::prop_assert!(padding.len() == PADDING && padding.iter().all(|&b| b == 0));
                proptest::prop_assert_eq!(&unstuffed.dropped, &dropped);
                proptest::prop_assert_eq!(&unstuffed.intervals, &[bytes.len()]);
            }
        }
    }
}
