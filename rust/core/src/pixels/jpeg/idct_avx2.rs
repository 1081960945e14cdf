//! Turns coefficients into samples as [`super::idct`] does, with 256-bit vectors.
//!
//! Kernels for two blocks keep one in each lane of 128 bits. Kernels for one block keep its left
//! and right half in the lanes in the first pass, its upper and lower half in the second. A result
//! of `false` means that what was written may be wrong: a value is so large that the first pass
//! would wrap where rows 1 to 7 are zero and saturate elsewhere, and the scalar code sorts that
//! out.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls that a proof of the feature allows"
    )
)]

#[cfg(target_arch = "x86_64")]
mod pass;

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{one, one_of_four, two, two_of_four};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{one, one as one_of_four, two, two as two_of_four};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use crate::pixels::cpu::Avx2;

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn one(
        avx2: Avx2,
        _: &[i16; 64],
        _: &[u16; 64],
        _: &mut [u8],
        _: usize,
    ) -> bool {
        match avx2 {}
    }

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn two(
        avx2: Avx2,
        _: [&[i16; 64]; 2],
        _: &[u16; 64],
        _: &mut [u8],
        _: usize,
    ) -> bool {
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

    use super::pass::{
        ODD_OF_FOUR, column_pairs, column_pairs_of_four, even_of_four, factors, fits, pass,
        pass_of_four, sums,
    };
    use crate::pixels::cpu::Avx2;
    use crate::pixels::jpeg::idct::{FIRST_SHIFT, SECOND_SHIFT};

    /// Defines the safe entry to a kernel: `$width` samples a row.
    macro_rules! entry {
        ($(#[$doc:meta])* $name:ident, $kernel:ident, $blocks:ty, $width:literal) => {
            $(#[$doc])*
            ///
            /// # Panics
            /// If `out` is too short, or rows would overlap.
            #[inline]
            pub(in crate::pixels::jpeg) fn $name(
                _: Avx2,
                blocks: $blocks,
                quant: &[u16; 64],
                out: &mut [u8],
                stride: usize,
            ) -> bool {
                assert!(stride >= $width && out.len().saturating_sub($width) / 7 >= stride);
                // SAFETY: the argument proves AVX2; `out` has 8 rows as asserted.
                unsafe { $kernel(blocks, quant, out.as_mut_ptr(), stride) }
            }
        };
    }
    entry!(
        /// Any block.
        one, one_kernel, &[i16; 64], 8
    );
    entry!(
        /// A block of which only the upper left 4 x 4 are other than 0.
        one_of_four, one_of_four_kernel, &[i16; 64], 8
    );
    entry!(
        /// Any two blocks.
        two, two_kernel, [&[i16; 64]; 2], 16
    );
    entry!(
        /// Two blocks of which only the upper left 4 x 4 are other than 0.
        two_of_four, two_of_four_kernel, [&[i16; 64]; 2], 16
    );

    #[inline]
    #[target_feature(enable = "avx2")]
    fn row(values: &[i16; 64], row: usize) -> __m128i {
        let row = &values.as_chunks::<8>().0[row];
        // SAFETY: `row` is 16 bytes.
        unsafe { _mm_loadu_si128(row.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn row_pair(values: &[i16; 64], pair: usize) -> __m256i {
        let pair = &values.as_chunks::<16>().0[pair];
        // SAFETY: `pair` is 32 bytes.
        unsafe { _mm256_loadu_si256(pair.as_ptr().cast()) }
    }

    /// # Safety
    /// `out` must have 8 rows of 16 bytes, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_kernel(
        blocks: [&[i16; 64]; 2],
        quant: &[u16; 64],
        out: *mut u8,
        stride: usize,
    ) -> bool {
        let quant: &[i16; 64] = bytemuck::cast_ref(quant);
        let mut rows = [_mm256_setzero_si256(); 8];
        for (at, to) in rows.iter_mut().enumerate() {
            let both = _mm256_set_m128i(row(blocks[1], at), row(blocks[0], at));
            let by = _mm256_broadcastsi128_si256(row(quant, at));
            *to = _mm256_mullo_epi16(both, by);
        }
        let fit = fits(rows[0]);
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let (sum, difference) = (_mm256_add_epi16(r0, r4), _mm256_sub_epi16(r0, r4));
        // Shifted by 3 below a value of 16 bits, this is the rounding of the first pass.
        let round = _mm256_set1_epi16(1 << (FIRST_SHIFT - 1 + 3));
        let mut left = pass::<FIRST_SHIFT>(
            (
                _mm256_srai_epi32::<3>(_mm256_unpacklo_epi16(round, sum)),
                _mm256_srai_epi32::<3>(_mm256_unpacklo_epi16(round, difference)),
            ),
            _mm256_unpacklo_epi16(r2, r6),
            _mm256_unpacklo_epi16(r7, r1),
            _mm256_unpacklo_epi16(r3, r5),
        );
        // Sixteen registers do not hold both halves. Left to itself the compiler saves what it lacks
        // room for on a stack of 16-byte alignment, which nearly doubles the time; this array of its
        // own makes it align the stack.
        std::hint::black_box(&mut left);
        let right = pass::<FIRST_SHIFT>(
            (
                _mm256_srai_epi32::<3>(_mm256_unpackhi_epi16(round, sum)),
                _mm256_srai_epi32::<3>(_mm256_unpackhi_epi16(round, difference)),
            ),
            _mm256_unpackhi_epi16(r2, r6),
            _mm256_unpackhi_epi16(r7, r1),
            _mm256_unpackhi_epi16(r3, r5),
        );
        for at in 0..8 {
            rows[at] = _mm256_packs_epi32(left[at], right[at]);
        }

        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let [p26, p71, p35, p04] = column_pairs([r0, r1, r2, r3]);
        let upper = pass::<SECOND_SHIFT>(sums::<SECOND_SHIFT>(p04), p26, p71, p35);
        let [p26, p71, p35, p04] = column_pairs([r4, r5, r6, r7]);
        let lower = pass::<SECOND_SHIFT>(sums::<SECOND_SHIFT>(p04), p26, p71, p35);
        // SAFETY: as the caller promises.
        unsafe { store_two(upper, lower, out, stride) };
        fit
    }

    /// # Safety
    /// `out` must have 8 rows of 16 bytes, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_of_four_kernel(
        blocks: [&[i16; 64]; 2],
        quant: &[u16; 64],
        out: *mut u8,
        stride: usize,
    ) -> bool {
        let quant: &[i16; 64] = bytemuck::cast_ref(quant);
        let mut rows = [_mm256_setzero_si256(); 4];
        for (at, to) in rows.iter_mut().enumerate() {
            let both = _mm256_set_m128i(row(blocks[1], at), row(blocks[0], at));
            let by = _mm256_broadcastsi128_si256(row(quant, at));
            *to = _mm256_mullo_epi16(both, by);
        }
        let fit = fits(rows[0]);
        let [r0, r1, r2, r3, r4, r5, r6, r7] = pass_of_four::<FIRST_SHIFT>(
            _mm256_unpacklo_epi16(rows[0], rows[2]),
            _mm256_unpacklo_epi16(rows[1], rows[3]),
        );
        let (p02, p13) =
            column_pairs_of_four(_mm256_packs_epi32(r0, r1), _mm256_packs_epi32(r2, r3));
        let upper = pass_of_four::<SECOND_SHIFT>(p02, p13);
        let (p02, p13) =
            column_pairs_of_four(_mm256_packs_epi32(r4, r5), _mm256_packs_epi32(r6, r7));
        let lower = pass_of_four::<SECOND_SHIFT>(p02, p13);
        // SAFETY: as the caller promises.
        unsafe { store_two(upper, lower, out, stride) };
        fit
    }

    /// # Safety
    /// `out` must have 8 rows of 8 bytes, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn one_kernel(
        block: &[i16; 64],
        quant: &[u16; 64],
        out: *mut u8,
        stride: usize,
    ) -> bool {
        let quant: &[i16; 64] = bytemuck::cast_ref(quant);
        let mut halves = [_mm256_setzero_si256(); 4];
        let mut fit = true;
        for (at, half) in halves.iter_mut().enumerate() {
            let pair = _mm256_mullo_epi16(row_pair(block, at), row_pair(quant, at));
            fit &= at > 0 || fits(pair);
            // The left halves of two rows, then the right halves.
            *half = _mm256_permute4x64_epi64::<0b11_01_10_00>(pair);
        }
        let [r01, r23, r45, r67] = halves;
        let p15 = _mm256_unpackhi_epi16(r01, r45);
        let p37 = _mm256_unpackhi_epi16(r23, r67);
        let p17 = _mm256_blend_epi16::<0b1010_1010>(p15, p37);
        let swap = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
        ));
        let rows = pass::<FIRST_SHIFT>(
            sums::<FIRST_SHIFT>(_mm256_unpacklo_epi16(r01, r45)),
            _mm256_unpacklo_epi16(r23, r67),
            _mm256_shuffle_epi8(p17, swap),
            _mm256_blend_epi16::<0b1010_1010>(p37, p15),
        );
        let mut halves = [_mm256_setzero_si256(); 4];
        for at in 0..4 {
            let pair = _mm256_packs_epi32(rows[at], rows[at + 4]);
            // A whole row of the upper half, then one of the lower half.
            halves[at] = _mm256_permute4x64_epi64::<0b11_01_10_00>(pair);
        }
        let [p26, p71, p35, p04] = column_pairs(halves);
        let columns = pass::<SECOND_SHIFT>(sums::<SECOND_SHIFT>(p04), p26, p71, p35);
        // SAFETY: as the caller promises.
        unsafe { store_one(columns, [0, 1, 2, 3, 4, 5, 6, 7], out, stride) };
        fit
    }

    /// # Safety
    /// `out` must have 8 rows of 8 bytes, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn one_of_four_kernel(
        block: &[i16; 64],
        quant: &[u16; 64],
        out: *mut u8,
        stride: usize,
    ) -> bool {
        let quant: &[i16; 64] = bytemuck::cast_ref(quant);
        let mut rows = [_mm256_setzero_si256(); 4];
        for (at, to) in rows.iter_mut().enumerate() {
            *to = _mm256_broadcastsi128_si256(_mm_mullo_epi16(row(block, at), row(quant, at)));
        }
        let fit = fits(rows[0]);
        // The lanes hold the same columns: the lower one adds the odd part, for rows 0 to 3, the
        // upper one subtracts it, for rows 7 to 4.
        let even = even_of_four::<FIRST_SHIFT>(_mm256_unpacklo_epi16(rows[0], rows[2]));
        let p13 = _mm256_unpacklo_epi16(rows[1], rows[3]);
        let mut sums = [_mm256_setzero_si256(); 4];
        for at in 0..4 {
            let (one, three) = ODD_OF_FOUR[at];
            let by = _mm256_set_m128i(
                _mm256_castsi256_si128(factors(-one, -three)),
                _mm256_castsi256_si128(factors(one, three)),
            );
            let sum = _mm256_add_epi32(even[at], _mm256_madd_epi16(p13, by));
            sums[at] = _mm256_srai_epi32::<FIRST_SHIFT>(sum);
        }
        let (p02, p13) = column_pairs_of_four(
            _mm256_packs_epi32(sums[0], sums[1]),
            _mm256_packs_epi32(sums[2], sums[3]),
        );
        let columns = pass_of_four::<SECOND_SHIFT>(p02, p13);
        // SAFETY: as the caller promises.
        unsafe { store_one(columns, [0, 1, 2, 3, 7, 6, 5, 4], out, stride) };
        fit
    }

    /// Writes two blocks, each in its lane, given as columns of the upper and of the lower 4 rows.
    ///
    /// # Safety
    /// `out` must have 8 rows of 16 bytes, `stride` apart.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store_two(upper: [__m256i; 8], lower: [__m256i; 8], out: *mut u8, stride: usize) {
        let mut columns = [_mm256_setzero_si256(); 8];
        for at in 0..8 {
            columns[at] = _mm256_packs_epi32(upper[at], lower[at]);
        }
        let centre = _mm256_set1_epi8(-128);
        let mut pairs = [_mm256_setzero_si256(); 4];
        for (at, (a, b)) in [(0, 2), (1, 3), (4, 6), (5, 7)].into_iter().enumerate() {
            let pair = _mm256_packs_epi16(columns[a], columns[b]);
            pairs[at] = _mm256_add_epi8(pair, centre);
        }
        let [c02, c13, c46, c57] = pairs;
        let (c01, c23) = (
            _mm256_unpacklo_epi8(c02, c13),
            _mm256_unpackhi_epi8(c02, c13),
        );
        let (c45, c67) = (
            _mm256_unpacklo_epi8(c46, c57),
            _mm256_unpackhi_epi8(c46, c57),
        );
        let (left, right) = (
            _mm256_unpacklo_epi16(c01, c23),
            _mm256_unpacklo_epi16(c45, c67),
        );
        let (left_below, right_below) = (
            _mm256_unpackhi_epi16(c01, c23),
            _mm256_unpackhi_epi16(c45, c67),
        );
        let rows = [
            _mm256_unpacklo_epi32(left, right),
            _mm256_unpackhi_epi32(left, right),
            _mm256_unpacklo_epi32(left_below, right_below),
            _mm256_unpackhi_epi32(left_below, right_below),
        ];
        for (at, two) in rows.into_iter().enumerate() {
            let two = _mm256_permute4x64_epi64::<0b11_01_10_00>(two);
            // SAFETY: rows `2 * at` and the next are less than 8, and 16 bytes long.
            unsafe {
                let to = out.add(2 * at * stride);
                _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(two));
                let below = _mm256_extracti128_si256::<1>(two);
                _mm_storeu_si128(to.add(stride).cast(), below);
            }
        }
    }

    /// Writes one block, given as columns of 4 rows in each lane; `rows` says which.
    ///
    /// # Safety
    /// `out` must have 8 rows of 8 bytes, `stride` apart; `rows` must be less than 8.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store_one(columns: [__m256i; 8], rows: [usize; 8], out: *mut u8, stride: usize) {
        let [c0, c1, c2, c3, c4, c5, c6, c7] = columns;
        let centre = _mm256_set1_epi8(-128);
        let even = _mm256_packs_epi16(_mm256_packs_epi32(c0, c2), _mm256_packs_epi32(c4, c6));
        let odd = _mm256_packs_epi16(_mm256_packs_epi32(c1, c3), _mm256_packs_epi32(c5, c7));
        let (even, odd) = (_mm256_add_epi8(even, centre), _mm256_add_epi8(odd, centre));
        // Four rows of columns 0 and 1, then of 2 and 3.
        let left = _mm256_unpacklo_epi8(even, odd);
        let right = _mm256_unpackhi_epi8(even, odd);
        let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
        ));
        let left = _mm256_shuffle_epi8(left, order);
        let right = _mm256_shuffle_epi8(right, order);
        let first = _mm256_unpacklo_epi32(left, right);
        let second = _mm256_unpackhi_epi32(left, right);
        let twos = [
            _mm256_castsi256_si128(first),
            _mm256_castsi256_si128(second),
            _mm256_extracti128_si256::<1>(first),
            _mm256_extracti128_si256::<1>(second),
        ];
        for (at, two) in twos.into_iter().enumerate() {
            // SAFETY: the rows are less than 8, and 8 bytes long.
            unsafe {
                _mm_storel_epi64(out.add(rows[2 * at] * stride).cast(), two);
                let to = out.add(rows[2 * at + 1] * stride);
                _mm_storeh_pd(to.cast(), _mm_castsi128_pd(two));
            }
        }
    }
}
