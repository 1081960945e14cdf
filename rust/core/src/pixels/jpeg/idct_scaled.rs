//! Turns the lowest `n` x `n` coefficients of a block into `n` x `n` samples: the inverse DCT of the
//! picture at `n`/8 of its size, for `n` from 1 to 8.
//!
//! A separable product with a table of cosines of 14 bits, columns first; every sample is within 1
//! of the exact value. Not for `decode="exact"`.

use super::entropy::Block;
use super::idct::Idct;
use super::idct_scaled_avx2;
use crate::pixels::cpu::Avx2;

/// Bits behind the point of the cosines.
pub(super) const COSINE_BITS: i32 = 14;

/// Bits behind the point of a value between the two passes.
pub(super) const BETWEEN_BITS: i32 = 3;

/// The shifts that end the passes.
pub(super) const FIRST_SHIFT: i32 = COSINE_BITS - BETWEEN_BITS;
pub(super) const SECOND_SHIFT: i32 = COSINE_BITS + BETWEEN_BITS;

/// For every output position: the weights of the coefficients of one dimension, 0 from the `n`-th on.
pub(super) type Cosines = [[i16; 8]; 8];

/// The transform to `n` x `n` samples.
#[derive(Clone, Debug)]
pub(super) struct ScaledIdct {
    n: usize,
    cosines: Cosines,
    /// For `n` = 8.
    whole: Idct,
    avx2: Option<Avx2>,
}

impl ScaledIdct {
    /// For `n` from 1 to 8.
    pub(super) fn new(n: usize) -> Self {
        let mut cosines = [[0; 8]; 8];
        for (position, weights) in cosines.iter_mut().enumerate().take(n) {
            for (frequency, weight) in weights.iter_mut().enumerate().take(n) {
                let angle = (2 * position + 1) as f64 * frequency as f64 / (2 * n) as f64;
                let scale = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
                let cosine = 0.5 * scale * libm::cos(angle * std::f64::consts::PI);
                *weight = (cosine * f64::from(1 << COSINE_BITS)).round() as i16;
            }
        }
        Self {
            n,
            cosines,
            whole: Idct::new(),
            avx2: Avx2::detect(),
        }
    }

    /// Dequantises and transforms a block, and writes `n` rows, `stride` bytes apart, of `n` samples
    /// and up to 8 bytes of anything.
    ///
    /// # Panics
    /// If `out` is shorter than that.
    #[inline]
    pub(super) fn transform(
        &self,
        block: &Block,
        last: usize,
        quantisation: &[u16; 64],
        out: &mut [u8],
        stride: usize,
    ) {
        let coefficients = block.coefficients();
        if self.n == 8 {
            self.whole
                .one(coefficients, last, quantisation, out, stride);
            return;
        }
        let samples = if last == 0 || self.n == 1 {
            let flat = i32::from(coefficients[0].wrapping_mul(quantisation[0] as i16));
            [(((flat + 4) >> 3) + 128).clamp(0, 255) as u8; 64]
        } else if let Some(avx2) = self.avx2 {
            idct_scaled_avx2::transform(avx2, self.n, &self.cosines, coefficients, quantisation)
        } else {
            self.scalar(coefficients, quantisation)
        };
        for (row, eight) in samples.as_chunks::<8>().0.iter().enumerate().take(self.n) {
            if let Some(line) = out[row * stride..].first_chunk_mut() {
                *line = *eight;
            }
        }
    }

    /// 8 rows of 8 samples, of which `n` times `n` count.
    fn scalar(&self, coefficients: &[i16; 64], quantisation: &[u16; 64]) -> [u8; 64] {
        let mut between = [[0_i16; 8]; 8];
        for (weights, row) in self.cosines.iter().zip(&mut between).take(self.n) {
            for (column, value) in row.iter_mut().enumerate() {
                let sum = (0..self.n).fold(1 << (FIRST_SHIFT - 1), |sum: i32, frequency| {
                    let at = frequency * 8 + column;
                    let coefficient = coefficients[at].wrapping_mul(quantisation[at] as i16);
                    sum.wrapping_add(i32::from(coefficient) * i32::from(weights[frequency]))
                });
                *value = (sum >> FIRST_SHIFT).clamp(-32768, 32767) as i16;
            }
        }
        let mut samples = [0; 64];
        for (row, line) in between
            .iter()
            .zip(samples.as_chunks_mut::<8>().0)
            .take(self.n)
        {
            for (weights, sample) in self.cosines.iter().zip(line).take(self.n) {
                let sum = (0..self.n).fold(1 << (SECOND_SHIFT - 1), |sum: i32, frequency| {
                    sum.wrapping_add(i32::from(row[frequency]) * i32::from(weights[frequency]))
                });
                *sample = ((sum >> SECOND_SHIFT) + 128).clamp(0, 255) as u8;
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(n: usize, coefficients: &[i16; 64], quantisation: &[u16; 64]) -> Vec<f64> {
        let basis = |position: usize, frequency: usize| {
            let scale = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let angle = (2 * position + 1) as f64 * frequency as f64 / (2 * n) as f64;
            0.5 * scale * (angle * std::f64::consts::PI).cos()
        };
        let mut samples = Vec::new();
        for y in 0..n {
            for x in 0..n {
                let mut sum = 128.0;
                for v in 0..n {
                    for u in 0..n {
                        let at = v * 8 + u;
                        let value = f64::from(coefficients[at]) * f64::from(quantisation[at]);
                        sum += value * basis(y, v) * basis(x, u);
                    }
                }
                samples.push(sum.clamp(0.0, 255.0));
            }
        }
        samples
    }

    proptest! {
        #[test]
        fn samples_are_within_one_of_the_exact_ones_and_the_same_with_vectors(
            n in 2_usize..=8,
            dc in -1000_i16..1000,
            ac in proptest::collection::vec((1_usize..64, -100_i16..100), 0..12),
            quantiser in 1_u16..4,
        ) {
            let mut coefficients = [0_i16; 64];
            coefficients[0] = dc;
            for (at, value) in ac {
                coefficients[at] = value;
            }
            let quantisation = [quantiser; 64];
            let idct = ScaledIdct::new(n);
            let scalar = idct.scalar(&coefficients, &quantisation);
            for (at, exact) in exact(n, &coefficients, &quantisation).iter().enumerate() {
                let sample = f64::from(scalar[at / n * 8 + at % n]);
                prop_assert!((sample - exact).abs() <= 1.0, "{sample} {exact}");
            }
        }

        #[test]
        fn any_coefficients_give_the_same_samples_with_vectors(
            n in 2_usize..=8,
            coefficients in proptest::array::uniform32(proptest::num::i16::ANY),
            quantiser in proptest::num::u16::ANY,
        ) {
            let idct = ScaledIdct::new(n);
            let Some(avx2) = idct.avx2 else { return Ok(()) };
            let coefficients: [i16; 64] = std::array::from_fn(|at| coefficients[at / 2]);
            let quantisation = [quantiser; 64];
            let vector =
                idct_scaled_avx2::transform(avx2, n, &idct.cosines, &coefficients, &quantisation);
            let scalar = idct.scalar(&coefficients, &quantisation);
            for row in 0..n {
                let part = row * 8..row * 8 + n;
                prop_assert_eq!(&vector[part.clone()], &scalar[part]);
            }
        }
    }
}
