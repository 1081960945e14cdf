//! Turns a plain baseline JPEG into a checksum of its coefficients: entropy decoding alone, for the
//! benches.

use super::band::Window;
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

fn whole(frame: &Frame<'_>) -> Mcus {
    let window = Window {
        columns: 0..frame.width as usize,
        rows: 0..frame.height as usize,
    };
    window.mcus(frame.mcu(), (frame.width, frame.height))
}

/// Decodes all coefficients, or passes over all of them.
pub(super) fn entropy(frame: &Frame<'_>, stream: &mut Stream, all: bool) -> Result<u64, Unusual> {
    let mut wanted = whole(frame);
    if !all {
        wanted.columns.start = wanted.columns.end;
    }
    let mut checksum = Checksum {
        block: Block::ZERO,
        sum: 0,
    };
    stream.decode(frame, &wanted, None, &mut checksum)?;
    Ok(checksum.sum)
}

/// The greatest size of a coefficient times its quantiser in the whole scan.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn greatest(frame: &Frame<'_>, stream: &mut Stream) -> Result<u32, Unusual> {
    struct Greatest<'a> {
        frame: &'a Frame<'a>,
        block: Block,
        found: u32,
    }
    impl Blocks for Greatest<'_> {
        fn space(&mut self, _: usize) -> &mut Block {
            &mut self.block
        }

        fn put(&mut self, component: usize, _: usize, _: usize, _: usize) {
            let table = self.frame.components[component].quantisation;
            let steps = self.frame.quantisation[table].as_ref();
            let pairs = self
                .block
                .coefficients()
                .iter()
                .zip(steps.into_iter().flatten());
            let sizes =
                pairs.map(|(&value, &step)| u32::from(value.unsigned_abs()) * u32::from(step));
            self.found = sizes.fold(self.found, u32::max);
            self.block = Block::ZERO;
        }

        fn end_row(&mut self, _: usize) {}
    }
    let mut greatest = Greatest {
        frame,
        block: Block::ZERO,
        found: 0,
    };
    stream.decode(frame, &whole(frame), None, &mut greatest)?;
    Ok(greatest.found)
}
