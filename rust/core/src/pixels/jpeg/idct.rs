//! Turns the coefficients of a block into samples: the accurate integer inverse DCT ("islow") of
//! libjpeg, after Loeffler, Ligtenberg and Moschytz, with the bytes of libjpeg-turbo's AVX2 code.
//!
//! For coefficients that an encoder can make, `jidctint.c` and the vector code agree. Beyond that
//! range they do not, so this follows the vector code (`jidctint-avx2.asm`): products with the
//! quantiser and sums of two inputs wrap at 16 bits, what goes from the first pass to the second
//! saturates at 16 bits, and where rows 1 to 7 are zero the first pass is a shift that wraps.

use super::idct_avx2;
use crate::pixels::cpu::Avx2;

/// `0.298631336` and so on, times 2^13, rounded: the constants of `jidctint.c`.
pub(super) mod constants {
    pub(in crate::pixels::jpeg) const F_0_298: i16 = 2446;
    pub(in crate::pixels::jpeg) const F_0_390: i16 = 3196;
    pub(in crate::pixels::jpeg) const F_0_541: i16 = 4433;
    pub(in crate::pixels::jpeg) const F_0_765: i16 = 6270;
    pub(in crate::pixels::jpeg) const F_0_899: i16 = 7373;
    pub(in crate::pixels::jpeg) const F_1_175: i16 = 9633;
    pub(in crate::pixels::jpeg) const F_1_501: i16 = 12299;
    pub(in crate::pixels::jpeg) const F_1_847: i16 = 15137;
    pub(in crate::pixels::jpeg) const F_1_961: i16 = 16069;
    pub(in crate::pixels::jpeg) const F_2_053: i16 = 16819;
    pub(in crate::pixels::jpeg) const F_2_562: i16 = 20995;
    pub(in crate::pixels::jpeg) const F_3_072: i16 = 25172;
}
use constants::{
    F_0_298, F_0_390, F_0_541, F_0_765, F_0_899, F_1_175, F_1_501, F_1_847, F_1_961, F_2_053,
    F_2_562, F_3_072,
};

/// Bits behind the point of the constants.
const CONSTANT_BITS: i32 = 13;
/// Bits by which the result of the first pass is scaled up.
const BETWEEN_BITS: i32 = 2;
/// The shift that ends the first pass.
pub(super) const FIRST_SHIFT: i32 = CONSTANT_BITS - BETWEEN_BITS;
/// The shift that ends the second pass; 3 bits are the scale of a two-dimensional DCT.
pub(super) const SECOND_SHIFT: i32 = CONSTANT_BITS + BETWEEN_BITS + 3;

/// The coefficients up to this place of the zigzag lie in the upper left 4 x 4 (T.81 figure A.6).
const LAST_OF_FOUR: usize = 9;

/// The transform, for the processor that it was made on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idct {
    avx2: Option<Avx2>,
}

impl Idct {
    /// Asks the processor what it can do.
    pub(super) fn new() -> Self {
        Self {
            avx2: Avx2::detect(),
        }
    }

    /// Dequantises and transforms `block` (in the order of rows) and writes 8 rows of 8 samples,
    /// `stride` bytes apart, to `out`.
    ///
    /// No coefficient behind the place `last` of the zigzag may be other than 0.
    ///
    /// # Panics
    /// If `out` is shorter than 7 strides and 8 bytes, or `stride` is less than 8.
    #[inline]
    pub(super) fn one(
        self,
        block: &[i16; 64],
        last: usize,
        quant: &[u16; 64],
        out: &mut [u8],
        stride: usize,
    ) {
        if last == 0 {
            fill(&[flat(block, quant); 8], out, stride);
            return;
        }
        let done = self.avx2.is_some_and(|avx2| {
            if last <= LAST_OF_FOUR {
                idct_avx2::one_of_four(avx2, block, quant, out, stride)
            } else {
                idct_avx2::one(avx2, block, quant, out, stride)
            }
        });
        if !done {
            scalar(block, quant, out, stride);
        }
    }

    /// Does the same with two blocks side by side: 8 rows of 16 samples; `last` is the greater of
    /// both.
    ///
    /// # Panics
    /// If `out` is shorter than 7 strides and 16 bytes, or `stride` is less than 16.
    #[inline]
    pub(super) fn two(
        self,
        blocks: [&[i16; 64]; 2],
        last: usize,
        quant: &[u16; 64],
        out: &mut [u8],
        stride: usize,
    ) {
        if last == 0 {
            let [left, right] = blocks.map(|block| flat(block, quant));
            let mut samples = [left; 16];
            samples[8..].fill(right);
            fill(&samples, out, stride);
            return;
        }
        let done = self.avx2.is_some_and(|avx2| {
            if last <= LAST_OF_FOUR {
                idct_avx2::two_of_four(avx2, blocks, quant, out, stride)
            } else {
                idct_avx2::two(avx2, blocks, quant, out, stride)
            }
        });
        if !done {
            scalar(blocks[0], quant, out, stride);
            scalar(blocks[1], quant, &mut out[8..], stride);
        }
    }
}

/// The sample of which a block without AC coefficients is full.
#[inline]
fn flat(block: &[i16; 64], quant: &[u16; 64]) -> u8 {
    let between = block[0].wrapping_mul(quant[0] as i16) << BETWEEN_BITS;
    let shift = SECOND_SHIFT - CONSTANT_BITS;
    let sample = (i32::from(between) + (1 << (shift - 1))) >> shift;
    (sample + 128).clamp(0, 255) as u8
}

/// Writes the same samples to all 8 rows.
#[inline]
fn fill<const N: usize>(samples: &[u8; N], out: &mut [u8], stride: usize) {
    assert!(stride >= N, "rows must not overlap");
    let out = &mut out[..7 * stride + N];
    for row in 0..8 {
        out[row * stride..row * stride + N].copy_from_slice(samples);
    }
}

/// What every kernel computes, for processors without vectors and for coefficients out of range.
#[cold]
fn scalar(block: &[i16; 64], quant: &[u16; 64], out: &mut [u8], stride: usize) {
    assert!(stride >= 8, "rows must not overlap");
    let mut between = [[0_i16; 8]; 8];
    for ((to, &coefficient), &by) in between.as_flattened_mut().iter_mut().zip(block).zip(quant) {
        *to = coefficient.wrapping_mul(by as i16);
    }
    if block[8..].iter().all(|&coefficient| coefficient == 0) {
        let first = between[0].map(|value| value << BETWEEN_BITS);
        between = [first; 8];
    } else {
        for column in 0..8 {
            let line = between.map(|row| row[column]);
            for (row, value) in between.iter_mut().zip(pass::<FIRST_SHIFT>(line)) {
                row[column] = value;
            }
        }
    }
    for (row, line) in between.into_iter().enumerate() {
        let samples = pass::<SECOND_SHIFT>(line);
        let samples = samples.map(|sample| (i32::from(sample) + 128).clamp(0, 255) as u8);
        out[row * stride..row * stride + 8].copy_from_slice(&samples);
    }
}

/// One dimension of the transform, on one line of 8.
fn pass<const SHIFT: i32>(line: [i16; 8]) -> [i16; 8] {
    let dot = |a: i16, by_a: i16, b: i16, by_b: i16| {
        i32::from(a) * i32::from(by_a) + i32::from(b) * i32::from(by_b)
    };
    let wide = |value: i16| (i32::from(value) << CONSTANT_BITS).wrapping_add(1 << (SHIFT - 1));
    let [c0, c1, c2, c3, c4, c5, c6, c7] = line;
    let sum = wide(c0.wrapping_add(c4));
    let difference = wide(c0.wrapping_sub(c4));
    let outer = dot(c2, F_0_541 + F_0_765, c6, F_0_541);
    let inner = dot(c2, F_0_541, c6, F_0_541 - F_1_847);
    let even = [
        sum.wrapping_add(outer),
        difference.wrapping_add(inner),
        difference.wrapping_sub(inner),
        sum.wrapping_sub(outer),
    ];
    let (z3, z4) = (c7.wrapping_add(c3), c5.wrapping_add(c1));
    let wide_z3 = dot(z3, F_1_175 - F_1_961, z4, F_1_175);
    let wide_z4 = dot(z3, F_1_175, z4, F_1_175 - F_0_390);
    let odd = [
        dot(c7, -F_0_899, c1, F_1_501 - F_0_899).wrapping_add(wide_z4),
        dot(c3, F_3_072 - F_2_562, c5, -F_2_562).wrapping_add(wide_z3),
        dot(c3, -F_2_562, c5, F_2_053 - F_2_562).wrapping_add(wide_z4),
        dot(c7, F_0_298 - F_0_899, c1, -F_0_899).wrapping_add(wide_z3),
    ];
    let narrow = |value: i32| {
        let value = value >> SHIFT;
        value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    };
    let mut results = [0; 8];
    for at in 0..4 {
        results[at] = narrow(even[at].wrapping_add(odd[at]));
        results[7 - at] = narrow(even[at].wrapping_sub(odd[at]));
    }
    results
}

#[cfg(test)]
#[path = "idct_tests.rs"]
mod tests;
