//! Turns the two passes of [`super`] into AVX2, with the same bytes.
//!
//! A 22-bit weight does not fit the 16-bit operand of `vpmaddwd`, so it is split as
//! `weight = high * 2^11 + low`; then `sum(p * weight) = (sum(p * high) << 11) + sum(p * low)`,
//! exact modulo 2^32, and the true sum fits 32 bits because the weights' magnitudes add up to
//! less than 2 and a sample is at most 255. (11/7 is the most that they come to: Lanczos' filter
//! where a picture gets larger.)
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls behind detection"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{available, horizontal, vertical};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{available, horizontal, vertical};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use std::ops::Range;

    use crate::pixels::resample::Region;
    use crate::pixels::resample::weights::Axis;

    /// Never, on this architecture.
    pub(in crate::pixels::resample) fn available() -> bool {
        false
    }

    /// Not called, because [`available`] is false.
    pub(in crate::pixels::resample) fn horizontal(
        _: &Axis,
        _: &Region<'_>,
        _: &Range<u32>,
        _: &mut [u8],
        _: usize,
    ) {
        unreachable!("AVX2 is x86-64 only")
    }

    /// Not called, because [`available`] is false.
    pub(in crate::pixels::resample) fn vertical(
        _: &Axis,
        _: &Range<usize>,
        _: &Region<'_>,
        _: &Range<u32>,
        _: &mut [u8],
        _: usize,
    ) {
        unreachable!("AVX2 is x86-64 only")
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #[allow(
        clippy::wildcard_imports,
        reason = "the names of intrinsics say where they come from"
    )]
    use std::arch::x86_64::*;
    use std::ops::Range;

    use crate::pixels::resample::weights::{Axis, GROUP, HALF, PRECISION};
    use crate::pixels::resample::{Region, SLACK};

    /// Rows that the horizontal pass does at once, to load each weight once for all of them.
    const ROWS: usize = 4;

    /// Whether this processor has AVX2.
    pub(in crate::pixels::resample) fn available() -> bool {
        is_x86_feature_detected!("avx2")
    }

    /// Whether the tables of `axis` are as long as its functions rely on.
    fn is_whole(axis: &Axis) -> bool {
        let weights = axis.len() * axis.stride;
        axis.high.len() == weights
            && axis.low.len() == weights
            && axis.count.len() == axis.len()
            && axis.stride.is_multiple_of(GROUP)
            && axis
                .count
                .iter()
                .all(|&count| count as usize <= axis.stride)
    }

    /// The bytes that `region` must have so that vectors can be loaded from these pixels.
    fn needed(region: &Region<'_>, columns: &Range<u32>, rows: &Range<u32>) -> usize {
        assert!(columns.start >= region.x && rows.start >= region.y);
        let last = (rows.end - region.y) as usize - 1;
        last * region.stride + (columns.end - region.x) as usize * 3 + SLACK
    }

    /// Writes every row of `rows`, resampled to `axis.len()` pixels, to `out`.
    ///
    /// # Panics
    /// If AVX2 is missing, or a slice is too short for what `axis` refers to.
    pub(in crate::pixels::resample) fn horizontal(
        axis: &Axis,
        region: &Region<'_>,
        rows: &Range<u32>,
        out: &mut [u8],
        out_stride: usize,
    ) {
        if rows.is_empty() || axis.len() == 0 {
            return;
        }
        assert!(available() && is_whole(axis));
        assert!(region.pixels.len() >= needed(region, &axis.source(), rows));
        assert!(out.len() >= (rows.len() - 1) * out_stride + axis.len() * 3);
        assert!(out_stride >= axis.len() * 3);
        // SAFETY: AVX2 is there; the lengths that the function relies on are asserted above.
        unsafe { horizontal_rows(axis, region, rows, out, out_stride) }
    }

    /// # Safety
    /// Every pixel that `axis` and `rows` refer to, and [`SLACK`] bytes behind it, must lie in
    /// `region`; `out` must hold `axis.len()` pixels in each of `rows.len()` rows `stride` bytes
    /// apart; the weights must be as long as `axis` says.
    #[target_feature(enable = "avx2")]
    unsafe fn horizontal_rows(
        axis: &Axis,
        region: &Region<'_>,
        rows: &Range<u32>,
        out: &mut [u8],
        stride: usize,
    ) {
        let source = region.pixels.as_ptr();
        let target = out.as_mut_ptr();
        let first_row = (rows.start - region.y) as usize;
        let rows = rows.len();
        // Low lane: red of 4 pixels, green of 4 pixels; high lane: blue of 4 pixels.
        let spread = _mm256_setr_epi8(
            0, -1, 3, -1, 6, -1, 9, -1, 1, -1, 4, -1, 7, -1, 10, -1, //
            2, -1, 5, -1, 8, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        );
        let gather = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
        let round = _mm256_set1_epi32(1 << (PRECISION - 1));
        for row in (0..rows).step_by(ROWS) {
            // A last block that is short does its last row again.
            let at: [usize; ROWS] = std::array::from_fn(|i| (row + i).min(rows - 1));
            for output in 0..axis.len() {
                let start = (axis.first[output] - region.x) as usize * 3;
                let groups = (axis.count[output] as usize).div_ceil(GROUP);
                let mut high = [_mm256_setzero_si256(); ROWS];
                let mut low = [_mm256_setzero_si256(); ROWS];
                for group in 0..groups {
                    let weights = output * axis.stride + group * GROUP;
                    // SAFETY: `weights + GROUP` is at most `axis.high.len()`, since a position has
                    // `axis.stride` weights and `groups * GROUP` is at most that.
                    let (weight_high, weight_low) = unsafe {
                        (
                            _mm256_set1_epi64x(
                                axis.high
                                    .as_ptr()
                                    .add(weights)
                                    .cast::<i64>()
                                    .read_unaligned(),
                            ),
                            _mm256_set1_epi64x(
                                axis.low
                                    .as_ptr()
                                    .add(weights)
                                    .cast::<i64>()
                                    .read_unaligned(),
                            ),
                        )
                    };
                    for i in 0..ROWS {
                        // SAFETY: at least one of the group's pixels is needed, so the 16 bytes
                        // from its first end within `SLACK` bytes of that pixel.
                        let pixels = unsafe {
                            _mm_loadu_si128(
                                source
                                    .add((first_row + at[i]) * region.stride + start)
                                    .add(group * GROUP * 3)
                                    .cast(),
                            )
                        };
                        let samples =
                            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(pixels), spread);
                        high[i] =
                            _mm256_add_epi32(high[i], _mm256_madd_epi16(samples, weight_high));
                        low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(samples, weight_low));
                    }
                }
                let sum = |i: usize| {
                    _mm256_add_epi32(_mm256_slli_epi32::<{ HALF as i32 }>(high[i]), low[i])
                };
                let finish = |a: usize, b: usize| {
                    let pairs = _mm256_hadd_epi32(sum(a), sum(b));
                    let pixels = _mm256_permutevar8x32_epi32(pairs, gather);
                    _mm256_srai_epi32::<{ PRECISION as i32 }>(_mm256_add_epi32(pixels, round))
                };
                let words = _mm256_packs_epi32(finish(0, 1), finish(2, 3));
                let bytes = _mm256_packus_epi16(words, words);
                // Dwords 0, 4, 1, 5 are rows 0, 1, 2, 3.
                let low_lane = _mm256_castsi256_si128(bytes);
                let high_lane = _mm256_extracti128_si256::<1>(bytes);
                let done = [
                    _mm_extract_epi32::<0>(low_lane),
                    _mm_extract_epi32::<0>(high_lane),
                    _mm_extract_epi32::<1>(low_lane),
                    _mm_extract_epi32::<1>(high_lane),
                ];
                let is_last = output + 1 == axis.len();
                for i in 0..ROWS {
                    let start = at[i] * stride + output * 3;
                    // SAFETY: both ways write within the row: the fourth byte is the first of the
                    // row's next pixel, which is written later.
                    unsafe {
                        if is_last {
                            let bytes = done[i].to_le_bytes();
                            target
                                .add(start)
                                .cast::<[u8; 3]>()
                                .write([bytes[0], bytes[1], bytes[2]]);
                        } else {
                            target.add(start).cast::<i32>().write_unaligned(done[i]);
                        }
                    }
                }
            }
        }
    }

    /// Writes the rows `outputs` of `axis`, each the columns `columns` of rows of `region`, to `out`.
    ///
    /// # Panics
    /// If AVX2 is missing, or a slice is too short for what `axis` refers to.
    pub(in crate::pixels::resample) fn vertical(
        axis: &Axis,
        outputs: &Range<usize>,
        region: &Region<'_>,
        columns: &Range<u32>,
        out: &mut [u8],
        out_stride: usize,
    ) {
        if columns.is_empty() || outputs.is_empty() {
            return;
        }
        assert!(available() && is_whole(axis));
        for (index, output) in outputs.clone().enumerate() {
            let first = axis.first[output];
            let rows = first..first + axis.count[output];
            assert!(region.pixels.len() >= needed(region, columns, &rows));
            let row = &mut out[index * out_stride..index * out_stride + columns.len() * 3];
            // SAFETY: AVX2 is there; the lengths that the function relies on are asserted above.
            unsafe { vertical_row(axis, region, columns.start, output, row) }
        }
    }

    /// # Safety
    /// `region` must hold, from column `left` on, as many bytes as `row` and [`SLACK`] more of
    /// every row that `axis` refers to; the weights must be as long as `axis` says.
    #[target_feature(enable = "avx2")]
    unsafe fn vertical_row(
        axis: &Axis,
        region: &Region<'_>,
        left: u32,
        output: usize,
        row: &mut [u8],
    ) {
        let stride = region.stride;
        let source = region
            .pixels
            .as_ptr()
            .wrapping_add((left - region.x) as usize * 3);
        let count = axis.count[output] as usize;
        let start = (axis.first[output] - region.y) as usize;
        let weights = output * axis.stride;
        let round = _mm256_set1_epi32(1 << (PRECISION - 1));
        for x in (0..row.len()).step_by(16) {
            let mut high = [_mm256_setzero_si256(); 2];
            let mut low = [_mm256_setzero_si256(); 2];
            for tap in (0..count).step_by(2) {
                let second = (tap + 1).min(count - 1);
                // SAFETY: rows `start..start + count` are in `region`, and `x + 16` is at most 16
                // more than `row` is long; weights beyond `count` are there and 0, as there is an
                // even number.
                let (a, b, weight_high, weight_low) = unsafe {
                    let a = source.add((start + tap) * stride + x);
                    let b = source.add((start + second) * stride + x);
                    let high = axis.high.as_ptr().add(weights + tap);
                    let low = axis.low.as_ptr().add(weights + tap);
                    (
                        _mm256_cvtepu8_epi16(_mm_loadu_si128(a.cast())),
                        _mm256_cvtepu8_epi16(_mm_loadu_si128(b.cast())),
                        _mm256_set1_epi32(high.cast::<i32>().read_unaligned()),
                        _mm256_set1_epi32(low.cast::<i32>().read_unaligned()),
                    )
                };
                let pairs = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
                for i in 0..2 {
                    high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(pairs[i], weight_high));
                    low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(pairs[i], weight_low));
                }
            }
            let finish = |i: usize| {
                let sum = _mm256_add_epi32(_mm256_slli_epi32::<{ HALF as i32 }>(high[i]), low[i]);
                _mm256_srai_epi32::<{ PRECISION as i32 }>(_mm256_add_epi32(sum, round))
            };
            let words = _mm256_packs_epi32(finish(0), finish(1));
            let bytes = _mm256_permute4x64_epi64::<0b10_00>(_mm256_packus_epi16(words, words));
            let bytes = _mm256_castsi256_si128(bytes);
            if let Some(whole) = row.get_mut(x..x + 16) {
                // SAFETY: `whole` is 16 bytes long.
                unsafe { _mm_storeu_si128(whole.as_mut_ptr().cast(), bytes) };
            } else {
                let mut last = [0_u8; 16];
                // SAFETY: `last` is 16 bytes long.
                unsafe { _mm_storeu_si128(last.as_mut_ptr().cast(), bytes) };
                let rest = row.len() - x;
                row[x..].copy_from_slice(&last[..rest]);
            }
        }
    }
}
