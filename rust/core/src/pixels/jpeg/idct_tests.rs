use libjpeg_turbo_rs::simd::detect;

use super::super::entropy::natural;
use super::*;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A block with `last` as its last place, and how full and how large its values are.
fn block(random: &mut Random, last: usize, share: u64, bits: u64) -> [i16; 64] {
    let mut block = [0; 64];
    for at in 0..=last {
        if at == last || random.below(8) < share {
            let value = match random.below(16) {
                0 => i16::MAX,
                1 => i16::MIN,
                2 => -i16::MAX,
                _ => random.next() as i16,
            };
            block[natural(at)] = value >> (15 - bits);
        }
    }
    block
}

fn quantiser(random: &mut Random, bits: u64) -> [u16; 64] {
    std::array::from_fn(|_| 1 + random.below(1 << bits).min(65_534) as u16)
}

fn last_of(block: &[i16; 64]) -> usize {
    (0..64)
        .rev()
        .find(|&at| block[natural(at)] != 0)
        .unwrap_or(0)
}

/// Runs `check` over blocks of every sparsity and size of values.
fn each(mut check: impl FnMut([&[i16; 64]; 2], &[u16; 64])) {
    let mut random = Random(88_172_645_463_325_252);
    for last in 0..64 {
        for share in [0, 1, 4, 8] {
            for bits in [0, 3, 6, 8, 10, 12, 15] {
                for quantiser_bits in [0, 2, 5, 8, 16] {
                    let quant = quantiser(&mut random, quantiser_bits);
                    let left = block(&mut random, last, share, bits);
                    let other = random.below(last as u64 + 1) as usize;
                    let right = block(&mut random, other, share, bits);
                    check([&left, &right], &quant);
                    check([&right, &left], &quant);
                }
            }
        }
    }
}

/// The samples of a function that writes rows, which must leave what is between them alone.
fn written<const N: usize>(write: impl Fn(&mut [u8], usize)) -> [[u8; N]; 8] {
    let mut rows = [[0; N]; 8];
    for stride in [N, N + 5] {
        let mut out = vec![77; 7 * stride + N];
        write(&mut out, stride);
        for (to, line) in rows.iter_mut().zip(out.chunks(stride)) {
            to.copy_from_slice(&line[..N]);
            assert!(line[N..].iter().all(|&byte| byte == 77));
        }
    }
    rows
}

/// Whether the library has its scalar code transform this block, which does not wrap the 16-bit
/// sums of the second pass as libjpeg-turbo's vector code does.
fn is_beyond_library(block: &[i16; 64], quant: &[u16; 64]) -> bool {
    let mut first = block[..8].iter().zip(quant);
    block[8..].iter().all(|&value| value == 0)
        && first.any(|(value, &by)| value.wrapping_mul(by as i16).unsigned_abs() > 4095)
}

#[test]
fn scalar_code_gives_the_bytes_of_libjpeg_turbo() {
    let library = detect().idct_islow;
    let mut compared = 0;
    each(|[block, _], quant| {
        if !is_beyond_library(block, quant) {
            let ours = written::<8>(|out, stride| scalar(block, quant, out, stride));
            let mut theirs = [0; 64];
            library(block, quant, &mut theirs);
            assert_eq!(ours.as_flattened(), theirs, "{block:?} {quant:?}");
            compared += 1;
        }
    });
    assert!(compared > 10_000);
}

#[test]
fn kernels_give_the_bytes_of_the_scalar_code() {
    let idct = Idct::new();
    each(|blocks, quant| {
        let [left, right] =
            blocks.map(|block| written::<8>(|out, stride| scalar(block, quant, out, stride)));
        let lasts = blocks.map(last_of);
        let one = written::<8>(|out, stride| idct.one(blocks[0], lasts[0], quant, out, stride));
        assert_eq!(one, left, "{blocks:?} {quant:?}");
        let one = written::<8>(|out, stride| idct.one(blocks[0], 63, quant, out, stride));
        assert_eq!(one, left, "{blocks:?} {quant:?}");
        for last in [lasts[0].max(lasts[1]), 63] {
            let two = written::<16>(|out, stride| idct.two(blocks, last, quant, out, stride));
            for row in 0..8 {
                assert_eq!(two[row][..8], left[row], "{blocks:?} {quant:?}");
                assert_eq!(two[row][8..], right[row], "{blocks:?} {quant:?}");
            }
        }
    });
}

#[test]
fn short_output_panics_before_anything_is_written() {
    let idct = Idct::new();
    for last in [0, 9, 63] {
        for (length, stride) in [(63, 8), (64, 7), (0, 0), (64, usize::MAX / 7 + 2)] {
            let write = |out: &mut [u8]| idct.one(&[1; 64], last, &[1; 64], out, stride);
            let result = std::panic::catch_unwind(|| write(&mut vec![0; length]));
            assert!(result.is_err(), "{last} {length} {stride}");
        }
        for (length, stride) in [(127, 16), (128, 15), (0, 0), (128, usize::MAX / 7 + 2)] {
            let write = |out: &mut [u8]| idct.two([&[1; 64]; 2], last, &[1; 64], out, stride);
            let result = std::panic::catch_unwind(|| write(&mut vec![0; length]));
            assert!(result.is_err(), "{last} {length} {stride}");
        }
    }
}
