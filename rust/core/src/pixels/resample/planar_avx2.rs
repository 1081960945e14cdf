//! Turns the passes of [`super::planar`] into AVX2, with the same bytes.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls behind detection"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{horizontal, vertical};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{horizontal, vertical};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use std::ops::Range;

    use crate::pixels::cpu::Avx2;
    use crate::pixels::resample::planar::{CoarseAxis, Samples};

    /// Not called, because there is no such proof on this architecture.
    pub(in crate::pixels::resample) fn horizontal(
        avx2: Avx2,
        _: &Samples<'_>,
        _: &CoarseAxis,
        _: Range<usize>,
        _: &mut [u8],
    ) {
        match avx2 {}
    }

    /// Not called, because there is no such proof on this architecture.
    pub(in crate::pixels::resample) fn vertical(
        avx2: Avx2,
        _: &Samples<'_>,
        _: &CoarseAxis,
        _: usize,
        _: &mut [u8],
    ) {
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
    use std::ops::Range;

    use crate::pixels::cpu::Avx2;
    use crate::pixels::resample::planar::{CoarseAxis, GROUP, PRECISION, SLACK, Samples};

    /// Rows that are done at once, to load each weight once for all of them.
    const ROWS: usize = 4;

    /// Writes every row of `rows`, resampled to `axis.len()` samples, without gaps to `out`.
    ///
    /// # Panics
    /// If a slice is too short for what `axis` and `rows` refer to.
    pub(in crate::pixels::resample) fn horizontal(
        _: Avx2,
        plane: &Samples<'_>,
        axis: &CoarseAxis,
        rows: Range<usize>,
        out: &mut [u8],
    ) {
        if rows.is_empty() || axis.len() == 0 {
            return;
        }
        let ends = axis.first.iter().zip(&axis.count);
        let end = ends.map(|(first, count)| first + count).max().unwrap_or(0) as usize;
        assert!(
            axis.first
                .iter()
                .all(|&first| first as usize >= plane.start.0)
        );
        assert!(rows.start >= plane.start.1);
        let last = (rows.end - 1 - plane.start.1) * plane.stride + end - plane.start.0;
        assert!(plane.bytes.len() >= last + SLACK);
        assert!(out.len() >= rows.len() * axis.len());
        assert!(is_whole(axis));
        // SAFETY: the proof says that AVX2 is there; the lengths are asserted above.
        unsafe { horizontal_rows(plane, axis, &rows, out) }
    }

    fn is_whole(axis: &CoarseAxis) -> bool {
        axis.weights.len() == axis.len() * axis.stride
            && axis.count.len() == axis.len()
            && axis.stride.is_multiple_of(GROUP)
            && axis
                .count
                .iter()
                .all(|&count| count as usize <= axis.stride)
    }

    /// # Safety
    /// Every sample that `axis` and `rows` refer to, and [`SLACK`] bytes behind it, must lie in
    /// `plane`; `out` must hold all rows; the weights must be as long as `axis` says.
    #[target_feature(enable = "avx2")]
    unsafe fn horizontal_rows(
        plane: &Samples<'_>,
        axis: &CoarseAxis,
        rows: &Range<usize>,
        out: &mut [u8],
    ) {
        let source = plane.bytes.as_ptr();
        let width = axis.len();
        let round = _mm_set1_epi32(1 << (PRECISION - 1));
        for row in (0..rows.len()).step_by(ROWS) {
            // A last block that is short does its last row again.
            let at: [usize; ROWS] = std::array::from_fn(|i| (row + i).min(rows.len() - 1));
            for output in 0..width {
                let start = axis.first[output] as usize - plane.start.0;
                let mut sums = [_mm_setzero_si128(); ROWS];
                for group in 0..(axis.count[output] as usize).div_ceil(GROUP) {
                    let weights = output * axis.stride + group * GROUP;
                    // SAFETY: the group's weights are in `axis.weights`, since `axis.stride` is a
                    // multiple of a group and at least `count`.
                    let weights =
                        unsafe { _mm_loadu_si128(axis.weights.as_ptr().add(weights).cast()) };
                    for (sum, at) in sums.iter_mut().zip(at) {
                        let place = (rows.start - plane.start.1 + at) * plane.stride + start;
                        // SAFETY: at least one of the group's samples is needed, so the 8 bytes
                        // from its first end within `SLACK` bytes of that sample.
                        let samples =
                            unsafe { _mm_loadl_epi64(source.add(place + group * GROUP).cast()) };
                        let product = _mm_madd_epi16(_mm_cvtepu8_epi16(samples), weights);
                        *sum = _mm_add_epi32(*sum, product);
                    }
                }
                let [a, b, c, d] = sums;
                let four = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
                let four = _mm_srai_epi32::<PRECISION>(_mm_add_epi32(four, round));
                let words = _mm_packs_epi32(four, four);
                let bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_le_bytes();
                for (at, byte) in at.into_iter().zip(bytes) {
                    out[at * width + output] = byte;
                }
            }
        }
    }

    /// Writes row `output` of the vertical pass over the columns that `row` is long.
    ///
    /// # Panics
    /// If `plane` is too short for what `axis` refers to.
    pub(in crate::pixels::resample) fn vertical(
        _: Avx2,
        plane: &Samples<'_>,
        axis: &CoarseAxis,
        output: usize,
        row: &mut [u8],
    ) {
        let (first, count) = (axis.first[output] as usize, axis.count[output] as usize);
        assert!(is_whole(axis) && first >= plane.start.1 && count > 0);
        let last = (first - plane.start.1 + count - 1) * plane.stride + row.len();
        assert!(plane.bytes.len() >= last + SLACK);
        // SAFETY: the proof says that AVX2 is there; the lengths are asserted above.
        unsafe { vertical_row(plane, axis, output, row) }
    }

    /// # Safety
    /// `plane` must hold as many bytes as `row`, and [`SLACK`] more, of every row that `output` is
    /// made of; the weights must be as long as `axis` says.
    #[target_feature(enable = "avx2")]
    unsafe fn vertical_row(plane: &Samples<'_>, axis: &CoarseAxis, output: usize, row: &mut [u8]) {
        let top = axis.first[output] as usize - plane.start.1;
        let count = axis.count[output] as usize;
        let weights = &axis.weights[output * axis.stride..(output + 1) * axis.stride];
        let round = _mm256_set1_epi32(1 << (PRECISION - 1));
        for x in (0..row.len()).step_by(16) {
            let mut sums = [round; 2];
            for tap in (0..count).step_by(2) {
                let second = (tap + 1).min(count - 1);
                // A weight beyond `count` is there and 0, as there is an even number of them.
                let pair = i32::from(weights[tap] as u16) | i32::from(weights[tap + 1]) << 16;
                let load = |tap: usize| {
                    // SAFETY: `x + 16` is at most 16 more than `row` is long.
                    let samples = unsafe {
                        let at = plane.bytes.as_ptr().add((top + tap) * plane.stride + x);
                        _mm_loadu_si128(at.cast())
                    };
                    _mm256_cvtepu8_epi16(samples)
                };
                let (a, b, pair) = (load(tap), load(second), _mm256_set1_epi32(pair));
                let halves = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
                for (sum, half) in sums.iter_mut().zip(halves) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(half, pair));
                }
            }
            let [low, high] = sums.map(|sum| _mm256_srai_epi32::<PRECISION>(sum));
            let words = _mm256_packs_epi32(low, high);
            let bytes = _mm256_permute4x64_epi64::<0b10_00>(_mm256_packus_epi16(words, words));
            let mut sixteen = [0_u8; 16];
            // SAFETY: `sixteen` is 16 bytes long.
            unsafe {
                _mm_storeu_si128(sixteen.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes));
            }
            let rest = row.len().min(x + 16) - x;
            row[x..x + rest].copy_from_slice(&sixteen[..rest]);
        }
    }
}
