//! Turns logits into class numbers with 256-bit vectors.
//!
//! The algorithm is that of `ranking.rs`, compiled for AVX2; written out here are only the maxima
//! of a block and the comparison with the limit, which compilers shuffle instead.
#![expect(
    unsafe_code,
    reason = "AVX2 instructions may only be entered after asking the CPU"
)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_blendv_epi8, _mm256_castsi256_ps,
    _mm256_cmpgt_epi16, _mm256_cmpgt_epi32, _mm256_max_epi16, _mm256_max_epi32, _mm256_min_epu16,
    _mm256_min_epu32, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_srai_epi16, _mm256_srai_epi32, _mm256_srli_epi16, _mm256_srli_epi32,
    _mm256_testz_si256, _mm256_xor_si256,
};

use half::{bf16, f16};

use super::logit::Logit;
use super::ranking::{Vectors, rank_rows};

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, if the CPU has it.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

#[target_feature(enable = "avx2")]
fn rank_avx2<T: Logit, const LANES: usize>(
    vectors: impl Vectors<T, LANES>,
    logits: &[T],
    classes: usize,
    k: usize,
    out: &mut [i32],
) {
    rank_rows(vectors, logits, classes, k, out);
}

/// Implements [`Vectors`] for one type by the functions for its width.
macro_rules! vectors {
    ($type:ty, $key:ty, $lanes:literal, $maxima:ident, $above:ident) => {
        impl Vectors<$type, $lanes> for Avx2 {
            #[inline(always)]
            fn maxima(self, block: &[[$type; $lanes]]) -> [$key; $lanes] {
                // SAFETY: the CPU has AVX2, of which `self` is the proof.
                unsafe { $maxima(block) }
            }

            #[inline(always)]
            fn above(self, vector: &[$type; $lanes], limit: $key) -> u32 {
                // SAFETY: the CPU has AVX2, of which `self` is the proof.
                unsafe { $above(vector, limit) }
            }

            fn rank(self, logits: &[$type], classes: usize, k: usize, out: &mut [i32]) {
                // SAFETY: the CPU has AVX2, of which `self` is the proof.
                unsafe { rank_avx2(self, logits, classes, k, out) }
            }
        }
    };
}

vectors!(f32, i32, 8, maxima_32, above_32);
vectors!(f16, i16, 16, maxima_16, above_16);
vectors!(bf16, i16, 16, maxima_16, above_16);

// AVX2 has neither the shift nor the maximum of 64-bit integers.
impl Vectors<f64, 4> for Avx2 {
    fn rank(self, logits: &[f64], classes: usize, k: usize, out: &mut [i32]) {
        // SAFETY: the CPU has AVX2, of which `self` is the proof.
        unsafe { rank_avx2(self, logits, classes, k, out) }
    }
}

/// The bits of one vector of logits.
macro_rules! bits {
    ($vector:expr) => {
        bytemuck::cast::<_, __m256i>($vector.map(T::bits))
    };
}

/// `Logit::key` of eight logits' bits.
#[inline]
#[target_feature(enable = "avx2")]
fn keys_32(bits: __m256i, zero: i32) -> __m256i {
    let flip = _mm256_srli_epi32::<1>(_mm256_srai_epi32::<31>(bits));
    _mm256_add_epi32(_mm256_xor_si256(bits, flip), _mm256_set1_epi32(zero))
}

/// The largest keys in each lane, from two instructions for each vector.
///
/// As a signed integer the largest of the bits is the largest number, if one is not negative;
/// else the smallest of the bits as an unsigned integer is. Only a NaN with a positive sign
/// spoils the former, by being above +infinity; then the keys themselves are compared.
#[inline]
#[target_feature(enable = "avx2")]
fn maxima_32<T: Logit<Key = i32>>(block: &[[T; 8]]) -> [i32; 8] {
    let mut signed = _mm256_set1_epi32(i32::MIN);
    let mut unsigned = _mm256_set1_epi32(-1);
    for vector in block {
        let bits = bits!(vector);
        signed = _mm256_max_epi32(signed, bits);
        unsigned = _mm256_min_epu32(unsigned, bits);
    }
    let nan = _mm256_cmpgt_epi32(signed, _mm256_set1_epi32(i32::MAX - T::ZERO_KEY));
    if _mm256_testz_si256(nan, nan) == 0 {
        let lowest = _mm256_set1_epi32(T::LOWEST_KEY);
        let keys = block
            .iter()
            .map(|&vector| keys_32(bits!(vector), T::ZERO_KEY));
        return bytemuck::cast(keys.fold(lowest, |maxima, keys| _mm256_max_epi32(maxima, keys)));
    }
    let best = _mm256_blendv_epi8(signed, unsigned, _mm256_srai_epi32::<31>(signed));
    bytemuck::cast(keys_32(best, T::ZERO_KEY))
}

#[inline]
#[target_feature(enable = "avx2")]
fn above_32<T: Logit<Key = i32>>(vector: &[T; 8], limit: i32) -> u32 {
    let above = _mm256_cmpgt_epi32(
        keys_32(bits!(vector), T::ZERO_KEY),
        _mm256_set1_epi32(limit),
    );
    _mm256_movemask_ps(_mm256_castsi256_ps(above)) as u32
}

/// `Logit::key` of sixteen logits' bits.
#[inline]
#[target_feature(enable = "avx2")]
fn keys_16(bits: __m256i, zero: i16) -> __m256i {
    let flip = _mm256_srli_epi16::<1>(_mm256_srai_epi16::<15>(bits));
    _mm256_add_epi16(_mm256_xor_si256(bits, flip), _mm256_set1_epi16(zero))
}

/// As [`maxima_32`], for sixteen lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn maxima_16<T: Logit<Key = i16>>(block: &[[T; 16]]) -> [i16; 16] {
    let mut signed = _mm256_set1_epi16(i16::MIN);
    let mut unsigned = _mm256_set1_epi16(-1);
    for vector in block {
        let bits = bits!(vector);
        signed = _mm256_max_epi16(signed, bits);
        unsigned = _mm256_min_epu16(unsigned, bits);
    }
    let nan = _mm256_cmpgt_epi16(signed, _mm256_set1_epi16(i16::MAX - T::ZERO_KEY));
    if _mm256_testz_si256(nan, nan) == 0 {
        let lowest = _mm256_set1_epi16(T::LOWEST_KEY);
        let keys = block
            .iter()
            .map(|&vector| keys_16(bits!(vector), T::ZERO_KEY));
        return bytemuck::cast(keys.fold(lowest, |maxima, keys| _mm256_max_epi16(maxima, keys)));
    }
    let best = _mm256_blendv_epi8(signed, unsigned, _mm256_srai_epi16::<15>(signed));
    bytemuck::cast(keys_16(best, T::ZERO_KEY))
}

#[inline]
#[target_feature(enable = "avx2")]
fn above_16<T: Logit<Key = i16>>(vector: &[T; 16], limit: i16) -> u32 {
    let above = _mm256_cmpgt_epi16(
        keys_16(bits!(vector), T::ZERO_KEY),
        _mm256_set1_epi16(limit),
    );
    even_bits(_mm256_movemask_epi8(above) as u32)
}

/// Bits 0, 2, 4, ... of `mask` side by side: two equal bits for each lane become one.
#[inline]
fn even_bits(mask: u32) -> u32 {
    let mut mask = mask & 0x5555_5555;
    for (shift, keep) in [
        (1, 0x3333_3333),
        (2, 0x0f0f_0f0f),
        (4, 0x00ff_00ff),
        (8, 0xffff),
    ] {
        mask = (mask | mask >> shift) & keep;
    }
    mask
}
