//! Turns the product of [`super::idct_scaled`] into AVX2, with the same bytes.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls behind detection"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::transform;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::transform;

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use super::super::idct_scaled::Cosines;
    use crate::pixels::cpu::Avx2;

    /// Not called, because there is no such proof on this architecture.
    pub(in crate::pixels::jpeg) fn transform(
        avx2: Avx2,
        _: usize,
        _: &Cosines,
        _: &[i16; 64],
        _: &[u16; 64],
    ) -> [u8; 64] {
        match avx2 {}
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #[allow(
        clippy::wildcard_imports,
        reason = "the names of intrinsics say where they come from"
    )]
    use std::arch::x86_64::*;

    use super::super::idct_scaled::{Cosines, FIRST_SHIFT, SECOND_SHIFT};
    use crate::pixels::cpu::Avx2;

    /// 8 rows of 8 samples, of which `n` times `n` count.
    pub(in crate::pixels::jpeg) fn transform(
        _: Avx2,
        n: usize,
        cosines: &Cosines,
        coefficients: &[i16; 64],
        quantisation: &[u16; 64],
    ) -> [u8; 64] {
        let block = match n {
            2 => transform_block::<2>,
            3 => transform_block::<3>,
            4 => transform_block::<4>,
            5 => transform_block::<5>,
            6 => transform_block::<6>,
            7 => transform_block::<7>,
            _ => transform_block::<8>,
        };
        // SAFETY: the proof says that AVX2 is there.
        unsafe { block(cosines, coefficients, quantisation) }
    }

    #[target_feature(enable = "avx2")]
    fn transform_block<const N: usize>(
        cosines: &Cosines,
        coefficients: &[i16; 64],
        quantisation: &[u16; 64],
    ) -> [u8; 64] {
        let mut rows = [_mm_setzero_si128(); 8];
        for (row, vector) in rows.iter_mut().enumerate().take(N) {
            let part = row * 8..row * 8 + 8;
            let (values, steps) = (&coefficients[part.clone()], &quantisation[part]);
            // SAFETY: both slices are 16 bytes long.
            *vector = unsafe {
                _mm_mullo_epi16(
                    _mm_loadu_si128(values.as_ptr().cast()),
                    _mm_loadu_si128(steps.as_ptr().cast()),
                )
            };
        }
        let columns = pass::<FIRST_SHIFT, N>(cosines, rows);
        let samples = pass::<SECOND_SHIFT, N>(cosines, transposed(columns));
        let samples = transposed(samples);
        let mut out = [0; 64];
        let middle = _mm_set1_epi16(128);
        for (row, eight) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let words = _mm_adds_epi16(samples[row], middle);
            *eight = _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_le_bytes();
        }
        out
    }

    /// The product with the cosines along the rows' direction: 8 columns at once.
    #[target_feature(enable = "avx2")]
    fn pass<const SHIFT: i32, const N: usize>(
        cosines: &Cosines,
        rows: [__m128i; 8],
    ) -> [__m128i; 8] {
        let mut pairs = [_mm256_setzero_si256(); 4];
        for (pair, two) in pairs.iter_mut().zip(rows.as_chunks::<2>().0) {
            *pair = _mm256_set_m128i(
                _mm_unpackhi_epi16(two[0], two[1]),
                _mm_unpacklo_epi16(two[0], two[1]),
            );
        }
        let round = _mm256_set1_epi32(1 << (SHIFT - 1));
        let mut out = [_mm_setzero_si128(); 8];
        for (vector, weights) in out.iter_mut().zip(cosines).take(N) {
            let mut sum = round;
            for (pair, two) in pairs
                .iter()
                .zip(weights.as_chunks::<2>().0)
                .take(N.div_ceil(2))
            {
                let both = i32::from(two[0] as u16) | i32::from(two[1]) << 16;
                let product = _mm256_madd_epi16(*pair, _mm256_set1_epi32(both));
                sum = _mm256_add_epi32(sum, product);
            }
            let sum = _mm256_srai_epi32::<SHIFT>(sum);
            *vector = _mm_packs_epi32(
                _mm256_castsi256_si128(sum),
                _mm256_extracti128_si256::<1>(sum),
            );
        }
        out
    }

    #[target_feature(enable = "avx2")]
    fn transposed(rows: [__m128i; 8]) -> [__m128i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let (ae, bf, cg, dh) = (
            [_mm_unpacklo_epi16(a, e), _mm_unpackhi_epi16(a, e)],
            [_mm_unpacklo_epi16(b, f), _mm_unpackhi_epi16(b, f)],
            [_mm_unpacklo_epi16(c, g), _mm_unpackhi_epi16(c, g)],
            [_mm_unpacklo_epi16(d, h), _mm_unpackhi_epi16(d, h)],
        );
        let mut out = [_mm_setzero_si128(); 8];
        for half in 0..2 {
            let (low_aceg, high_aceg) = (
                _mm_unpacklo_epi16(ae[half], cg[half]),
                _mm_unpackhi_epi16(ae[half], cg[half]),
            );
            let (low_bdfh, high_bdfh) = (
                _mm_unpacklo_epi16(bf[half], dh[half]),
                _mm_unpackhi_epi16(bf[half], dh[half]),
            );
            out[half * 4] = _mm_unpacklo_epi16(low_aceg, low_bdfh);
            out[half * 4 + 1] = _mm_unpackhi_epi16(low_aceg, low_bdfh);
            out[half * 4 + 2] = _mm_unpacklo_epi16(high_aceg, high_bdfh);
            out[half * 4 + 3] = _mm_unpackhi_epi16(high_aceg, high_bdfh);
        }
        out
    }
}
