//! Turns rows of chroma into rows of full width as [`super::upsample`] does, 32 samples at once,
//! but for the first and last sample of a row where the filter looks sideways.
//!
//! The filters of two samples need no 16-bit sums: with `avg` the rounded mean of `vpavgb`, and
//! `avg - ((a ^ b) & 1)` that rounded down, `(3a + b + 1) >> 2` is the mean of `a` and
//! `avg(a, b)`, rounded down, and `(3a + b + 2) >> 2` is `avg` of `a` and the mean of `a` and `b`
//! rounded down.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls that a proof of the feature allows"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{h1v2, h2, h2v1, h2v2};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{h1v2, h2, h2 as h2v1, h2v2};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use crate::pixels::cpu::Avx2;

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn h2(avx2: Avx2, _: &[u8], _: &mut [u8]) {
        match avx2 {}
    }

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn h2v2(avx2: Avx2, _: &[u8], _: &[u8], _: &mut [u8]) {
        match avx2 {}
    }

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn h1v2(avx2: Avx2, _: &[u8], _: &[u8], _: bool, _: &mut [u8]) {
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

    use crate::pixels::cpu::Avx2;

    /// Samples of one turn.
    const TURN: usize = 32;

    /// Samples of one turn with the neighbours on both sides.
    const AROUND: usize = TURN + 2;

    /// All pairs of outputs but the first and the last.
    ///
    /// # Panics
    /// If `row` has less than three samples, or `out` not twice as many.
    pub(in crate::pixels::jpeg) fn h2v1(_: Avx2, row: &[u8], out: &mut [u8]) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_h2v1(row, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_h2v1(row: &[u8], out: &mut [u8]) {
        let length = row.len();
        let out = &mut out[2..length * 2 - 2];
        each_turn::<1, AROUND, { TURN * 2 }>([row], out, |[row], out| {
            let here = load(row, 1);
            let before = three_to_one_down(here, load(row, 0));
            let after = three_to_one_up(here, load(row, 2));
            store_pairs(before, after, out);
        });
    }

    /// All pairs of outputs but the first and the last.
    ///
    /// # Panics
    /// If `near` has less than three samples, `far` has less than `near`, or `out` not twice as
    /// many.
    pub(in crate::pixels::jpeg) fn h2v2(_: Avx2, near: &[u8], far: &[u8], out: &mut [u8]) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_h2v2(near, far, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_h2v2(near: &[u8], far: &[u8], out: &mut [u8]) {
        let length = near.len();
        let out = &mut out[2..length * 2 - 2];
        each_turn::<2, AROUND, { TURN * 2 }>([near, far], out, |[near, far], out| {
            let before = sums(load(near, 0), load(far, 0));
            let here = sums(load(near, 1), load(far, 1));
            let after = sums(load(near, 2), load(far, 2));
            store(
                in_order(
                    pairs(before.0, here.0, after.0),
                    pairs(before.1, here.1, after.1),
                ),
                out,
            );
        });
    }

    /// Three parts `near` and one part `far`: 16-bit sums of the first 8 samples in each lane, and
    /// of the last 8.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sums(near: __m256i, far: __m256i) -> (__m256i, __m256i) {
        let factors = _mm256_set1_epi16(3 | 1 << 8);
        (
            _mm256_maddubs_epi16(_mm256_unpacklo_epi8(near, far), factors),
            _mm256_maddubs_epi16(_mm256_unpackhi_epi8(near, far), factors),
        )
    }

    /// Both outputs of 16 sums, as bytes beside each other.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs(before: __m256i, here: __m256i, after: __m256i) -> __m256i {
        let rounded = _mm256_add_epi16(
            _mm256_add_epi16(here, _mm256_slli_epi16::<1>(here)),
            _mm256_set1_epi16(7),
        );
        let one = _mm256_set1_epi16(1);
        let left = _mm256_add_epi16(_mm256_add_epi16(rounded, one), before);
        let right = _mm256_add_epi16(rounded, after);
        // A sum is less than 2^12: what is moved to the upper byte loses nothing but the 4 bits
        // that rounding drops.
        let high = _mm256_and_si256(
            _mm256_slli_epi16::<4>(right),
            _mm256_set1_epi16(0xFF00_u16 as i16),
        );
        _mm256_or_si256(_mm256_srli_epi16::<4>(left), high)
    }

    /// All outputs.
    ///
    /// # Panics
    /// If `far` or `out` is shorter than `near`.
    pub(in crate::pixels::jpeg) fn h1v2(
        _: Avx2,
        near: &[u8],
        far: &[u8],
        upper: bool,
        out: &mut [u8],
    ) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_h1v2(near, far, upper, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_h1v2(near: &[u8], far: &[u8], upper: bool, out: &mut [u8]) {
        each_turn::<2, TURN, TURN>([near, far], out, |[near, far], out| {
            let (near, far) = (load(near, 0), load(far, 0));
            let mixed = if upper {
                three_to_one_down(near, far)
            } else {
                three_to_one_up(near, far)
            };
            // SAFETY: `out` is 32 bytes.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), mixed) };
        });
    }

    /// Every sample twice.
    ///
    /// # Panics
    /// If `out` is shorter than twice `row`.
    pub(in crate::pixels::jpeg) fn h2(_: Avx2, row: &[u8], out: &mut [u8]) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_h2(row, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_h2(row: &[u8], out: &mut [u8]) {
        each_turn::<1, TURN, { TURN * 2 }>([row], out, |[row], out| {
            let row = load(row, 0);
            store_pairs(row, row, out);
        });
    }

    /// `(3a + b + 1) >> 2`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn three_to_one_down(a: __m256i, b: __m256i) -> __m256i {
        mean_down(a, _mm256_avg_epu8(a, b))
    }

    /// `(3a + b + 2) >> 2`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn three_to_one_up(a: __m256i, b: __m256i) -> __m256i {
        _mm256_avg_epu8(a, mean_down(a, b))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn mean_down(a: __m256i, b: __m256i) -> __m256i {
        let odd = _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_set1_epi8(1));
        _mm256_sub_epi8(_mm256_avg_epu8(a, b), odd)
    }

    /// Calls `turn` until all of `out` is made. A turn reads `READ` samples of each row, of which
    /// the next turn reads some again where they are more than [`TURN`], and makes `MADE`. The last
    /// turn makes outputs again that were made before it; a row too short for one turn is made in
    /// memory of its own.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn each_turn<const N: usize, const READ: usize, const MADE: usize>(
        rows: [&[u8]; N],
        out: &mut [u8],
        turn: impl Fn([&[u8; READ]; N], &mut [u8; MADE]),
    ) {
        let length = rows[0].len();
        let rows = rows.map(|row| &row[..length]);
        // Samples that have outputs.
        let count = length - (READ - TURN);
        let factor = const { MADE / TURN };
        let out = &mut out[..count * factor];
        if count < TURN {
            let (mut parts, mut made) = ([[0; READ]; N], [0; MADE]);
            for (part, row) in parts.iter_mut().zip(rows) {
                part[..length].copy_from_slice(row);
            }
            turn(parts.each_ref(), &mut made);
            out.copy_from_slice(&made[..count * factor]);
            return;
        }
        let mut at = 0;
        loop {
            let mut parts = [&[0; READ]; N];
            for (part, row) in parts.iter_mut().zip(rows) {
                // SAFETY: `at + TURN` is at most `count`, so that `at + READ` is at most `length`,
                // which is how long every row is.
                *part = unsafe { &*row.as_ptr().add(at).cast() };
            }
            // SAFETY: `at + TURN` is at most `count`, and `out` has `factor` bytes for each.
            let made = unsafe { &mut *out.as_mut_ptr().add(at * factor).cast() };
            turn(parts, made);
            if at + TURN == count {
                return;
            }
            at = (at + TURN).min(count - TURN);
        }
    }

    /// 32 samples from the place `at`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load<const READ: usize>(samples: &[u8; READ], at: usize) -> __m256i {
        let samples = &samples[at..at + TURN];
        // SAFETY: that is 32 bytes.
        unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) }
    }

    /// Interleaves 32 and 32 bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn store_pairs(left: __m256i, right: __m256i, out: &mut [u8; TURN * 2]) {
        let low = _mm256_unpacklo_epi8(left, right);
        let high = _mm256_unpackhi_epi8(left, right);
        store(in_order(low, high), out);
    }

    /// Puts the first halves of both lanes before the last halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn in_order(low: __m256i, high: __m256i) -> [__m256i; 2] {
        [
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(halves: [__m256i; 2], out: &mut [u8; TURN * 2]) {
        let to = out.as_mut_ptr();
        // SAFETY: twice 32 bytes.
        unsafe {
            _mm256_storeu_si256(to.cast(), halves[0]);
            _mm256_storeu_si256(to.add(TURN).cast(), halves[1]);
        }
    }
}
