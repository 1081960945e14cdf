//! Turns a plain baseline JPEG into a checksum of its coefficients: entropy decoding alone, for the
//! benches.

use super::entropy::Block;
use super::frame::Frame;
use super::huffman::Unusual;
use super::stream::{Blocks, Mcus, Stream};

/// Adds up what is decoded, so that nothing of it can be left out.
struct Checksum {
    block: Block,
    sum: u64,
}

impl Blocks for Checksum {
    #[inline(always)]
    fn space(&mut self, _: usize) -> &mut Block {
        &mut self.block
    }

    #[inline(always)]
    fn put(&mut self, component: usize, column: usize, row: usize, last: usize) {
        let place = (component + column + row + last) as u64;
        let coefficients = self.block.coefficients();
        let sum = i64::from(coefficients[0]) + i64::from(coefficients[last & 63]);
        self.sum = self.sum.wrapping_add(place).wrapping_add_signed(sum);
        self.block = Block::ZERO;
    }

    fn end_row(&mut self, _: usize) {}
}

/// Decodes all coefficients, or passes over all of them.
pub(super) fn entropy(frame: &Frame<'_>, stream: &mut Stream, all: bool) -> Result<u64, Unusual> {
    let (across, down) = frame.mcu();
    let columns = (frame.width as usize).div_ceil(across);
    let rows = 0..(frame.height as usize).div_ceil(down);
    let wanted = Mcus {
        columns: if all { 0..columns } else { columns..columns },
        rows,
    };
    let mut checksum = Checksum {
        block: Block::ZERO,
        sum: 0,
    };
    stream.decode(frame, &wanted, None, &mut checksum)?;
    Ok(checksum.sum)
}
