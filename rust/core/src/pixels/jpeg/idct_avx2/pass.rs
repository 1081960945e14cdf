//! Turns inputs of one dimension of the transform, as vectors, into its outputs.

#[allow(
    clippy::wildcard_imports,
    reason = "the names of intrinsics say where they come from"
)]
use std::arch::x86_64::*;

use crate::pixels::jpeg::idct::constants::{
    F_0_298, F_0_390, F_0_541, F_0_765, F_0_899, F_1_175, F_1_501, F_1_847, F_1_961, F_2_053,
    F_2_562, F_3_072,
};

/// Two 16-bit factors for every pair of 16-bit values.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn factors(low: i16, high: i16) -> __m256i {
    _mm256_set1_epi32(i32::from(low as u16) | i32::from(high) << 16)
}

/// Whether `values << 2` keeps every value, all of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn fits(values: __m256i) -> bool {
    let back = _mm256_srai_epi16::<2>(_mm256_slli_epi16::<2>(values));
    _mm256_movemask_epi8(_mm256_cmpeq_epi16(back, values)) == -1
}

/// One dimension of the transform: `even` holds inputs 0 and 4, added and subtracted, with the
/// rounding; the pairs are of inputs (2, 6), (7, 1) and (3, 5).
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pass<const SHIFT: i32>(
    even: (__m256i, __m256i),
    p26: __m256i,
    p71: __m256i,
    p35: __m256i,
) -> [__m256i; 8] {
    let outer = _mm256_madd_epi16(p26, factors(F_0_541 + F_0_765, F_0_541));
    let inner = _mm256_madd_epi16(p26, factors(F_0_541, F_0_541 - F_1_847));
    // The pairs are so ordered that their sum is z3 and z4 of `jidctint.c`.
    let z = _mm256_add_epi16(p71, p35);
    let z3 = _mm256_madd_epi16(z, factors(F_1_175 - F_1_961, F_1_175));
    let z4 = _mm256_madd_epi16(z, factors(F_1_175, F_1_175 - F_0_390));
    let odd = [
        _mm256_add_epi32(
            _mm256_madd_epi16(p71, factors(-F_0_899, F_1_501 - F_0_899)),
            z4,
        ),
        _mm256_add_epi32(
            _mm256_madd_epi16(p35, factors(F_3_072 - F_2_562, -F_2_562)),
            z3,
        ),
        _mm256_add_epi32(
            _mm256_madd_epi16(p35, factors(-F_2_562, F_2_053 - F_2_562)),
            z4,
        ),
        _mm256_add_epi32(
            _mm256_madd_epi16(p71, factors(F_0_298 - F_0_899, -F_0_899)),
            z3,
        ),
    ];
    let even = [
        _mm256_add_epi32(even.0, outer),
        _mm256_add_epi32(even.1, inner),
        _mm256_sub_epi32(even.1, inner),
        _mm256_sub_epi32(even.0, outer),
    ];
    finish::<SHIFT>(even, odd)
}

/// The same where inputs 4 to 7 are 0: pairs of inputs (0, 2) and (1, 3). The constants are
/// those of [`pass`], added up; no 16-bit sum can wrap.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pass_of_four<const SHIFT: i32>(p02: __m256i, p13: __m256i) -> [__m256i; 8] {
    finish::<SHIFT>(even_of_four::<SHIFT>(p02), {
        let [a, b, c, d] = ODD_OF_FOUR;
        [
            _mm256_madd_epi16(p13, factors(a.0, a.1)),
            _mm256_madd_epi16(p13, factors(b.0, b.1)),
            _mm256_madd_epi16(p13, factors(c.0, c.1)),
            _mm256_madd_epi16(p13, factors(d.0, d.1)),
        ]
    })
}

/// Factors of inputs 1 and 3 where 5 and 7 are 0.
pub(super) const ODD_OF_FOUR: [(i16, i16); 4] = [
    (F_1_501 - F_0_899 + F_1_175 - F_0_390, F_1_175),
    (F_1_175, F_3_072 - F_2_562 - F_1_961 + F_1_175),
    (F_1_175 - F_0_390, F_1_175 - F_2_562),
    (F_1_175 - F_0_899, F_1_175 - F_1_961),
];

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn even_of_four<const SHIFT: i32>(p02: __m256i) -> [__m256i; 4] {
    const ONE: i16 = 1 << 13;
    let round = _mm256_set1_epi32(1 << (SHIFT - 1));
    let outer = F_0_541 + F_0_765;
    [
        _mm256_add_epi32(_mm256_madd_epi16(p02, factors(ONE, outer)), round),
        _mm256_add_epi32(_mm256_madd_epi16(p02, factors(ONE, F_0_541)), round),
        _mm256_add_epi32(_mm256_madd_epi16(p02, factors(ONE, -F_0_541)), round),
        _mm256_add_epi32(_mm256_madd_epi16(p02, factors(ONE, -outer)), round),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn finish<const SHIFT: i32>(even: [__m256i; 4], odd: [__m256i; 4]) -> [__m256i; 8] {
    let mut results = [_mm256_setzero_si256(); 8];
    for at in 0..4 {
        let sum = _mm256_add_epi32(even[at], odd[at]);
        let difference = _mm256_sub_epi32(even[at], odd[at]);
        results[at] = _mm256_srai_epi32::<SHIFT>(sum);
        results[7 - at] = _mm256_srai_epi32::<SHIFT>(difference);
    }
    results
}

/// Inputs 0 and 4, added and subtracted at 16 bits, times 2^13, and the rounding.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums<const SHIFT: i32>(p04: __m256i) -> (__m256i, __m256i) {
    let round = _mm256_set1_epi32(1 << (SHIFT - 1));
    let zero = _mm256_slli_epi32::<16>(p04);
    let four = _mm256_blend_epi16::<0b0101_0101>(p04, _mm256_setzero_si256());
    let sum = _mm256_srai_epi32::<3>(_mm256_add_epi16(zero, four));
    let difference = _mm256_srai_epi32::<3>(_mm256_sub_epi16(zero, four));
    (
        _mm256_add_epi32(sum, round),
        _mm256_add_epi32(difference, round),
    )
}

/// Turns four rows of 8 (in each lane) into the pairs of columns (2, 6), (7, 1), (3, 5) and
/// (0, 4), four rows in each lane.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn column_pairs(rows: [__m256i; 4]) -> [__m256i; 4] {
    let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        4, 5, 12, 13, 14, 15, 2, 3, 6, 7, 10, 11, 0, 1, 8, 9,
    ));
    let [a, b, c, d] = rows;
    let (a, b) = (_mm256_shuffle_epi8(a, order), _mm256_shuffle_epi8(b, order));
    let (c, d) = (_mm256_shuffle_epi8(c, order), _mm256_shuffle_epi8(d, order));
    let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
    let (ef, gh) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab, cd),
        _mm256_unpackhi_epi64(ab, cd),
        _mm256_unpacklo_epi64(ef, gh),
        _mm256_unpackhi_epi64(ef, gh),
    ]
}

/// Turns four rows of 4 of [`pass_of_four`], packed two and two, into the pairs of columns
/// (0, 2) and (1, 3).
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn column_pairs_of_four(r01: __m256i, r23: __m256i) -> (__m256i, __m256i) {
    let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
    ));
    let a = _mm256_castsi256_ps(_mm256_shuffle_epi8(r01, order));
    let b = _mm256_castsi256_ps(_mm256_shuffle_epi8(r23, order));
    (
        _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(a, b)),
        _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(a, b)),
    )
}
