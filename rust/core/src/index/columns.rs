//! Turns a column of numbers into few bytes from which each can be read at once, and back.
//!
//! Numbers go in blocks of [`BLOCK`]. A column is the least number of every block (8 bytes each),
//! then for every number what it is more than that, in as many bytes as the largest difference of
//! the column needs: none where all numbers of each block are equal. Offsets and sorted hashes grow
//! slowly, sizes vary little, flags hardly ever: all of them shrink to half or less.

/// Numbers in a block.
pub(super) const BLOCK: usize = 64;

/// Bytes of a column, or `None` where they do not fit any file.
pub(super) fn length(count: usize, width: usize) -> Option<usize> {
    let bases = count.div_ceil(BLOCK).checked_mul(8)?;
    bases.checked_add(count.checked_mul(width)?)
}

/// Writes `numbers` behind `out`; returns the bytes of a difference.
pub(super) fn encode(numbers: &[u64], out: &mut Vec<u8>) -> usize {
    let base = |block: &[u64]| block.iter().copied().min().unwrap_or(0);
    let largest = numbers
        .chunks(BLOCK)
        .map(|block| block.iter().copied().max().unwrap_or(0) - base(block))
        .max()
        .unwrap_or(0);
    let width = (64 - largest.leading_zeros()).div_ceil(8) as usize;
    for block in numbers.chunks(BLOCK) {
        out.extend_from_slice(&base(block).to_le_bytes());
    }
    for block in numbers.chunks(BLOCK) {
        let base = base(block);
        for number in block {
            out.extend_from_slice(&(number - base).to_le_bytes()[..width]);
        }
    }
    width
}

/// Where a column has its numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    /// Position of its first byte in the body.
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) width: usize,
}

impl Column {
    /// The two places in the body that number `at` is made of: its block's least, its difference.
    pub(super) fn places(&self, at: usize) -> Option<[std::ops::Range<usize>; 2]> {
        if at >= self.count {
            return None;
        }
        let base = self.start + at / BLOCK * 8;
        let own = self.start + self.count.div_ceil(BLOCK) * 8 + at * self.width;
        Some([base..base + 8, own..own + self.width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::format::uint;
    use proptest::prelude::*;

    fn decode(bytes: &[u8], count: usize, width: usize) -> Vec<u64> {
        let column = Column {
            start: 0,
            count,
            width,
        };
        assert!(column.places(count).is_none());
        (0..count)
            .map(|at| {
                let [base, own] = column.places(at).unwrap();
                uint(&bytes[base]) + uint(&bytes[own])
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_column_comes_back(
            numbers in prop_oneof![
                proptest::collection::vec(any::<u64>(), 0..200),
                proptest::collection::vec(0u64..1000, 0..200),
                proptest::collection::vec(Just(7u64), 0..200),
            ]
        ) {
            let mut bytes = Vec::new();
            let width = encode(&numbers, &mut bytes);
            prop_assert_eq!(Some(bytes.len()), length(numbers.len(), width));
            prop_assert_eq!(decode(&bytes, numbers.len(), width), numbers);
        }
    }
}
