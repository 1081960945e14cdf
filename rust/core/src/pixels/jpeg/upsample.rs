//! Turns rows of subsampled chroma into rows of full width, exactly as libjpeg-turbo does
//! (`jdsample.c`): "fancy" upsampling, a triangle filter, or replication.
//!
//! Rows may be slices of the picture's rows. Where `edges` says that the first or last sample of a
//! slice is not the picture's own, that sample is only a neighbour, and what its own two outputs
//! hold is unspecified. libjpeg replicates (that is [`h2`]) where a row of chroma has less than
//! three samples.

use super::upsample_avx2;
use crate::pixels::cpu::Avx2;

/// `h2v1_fancy_upsample`: every sample becomes two, each three parts itself and one part its
/// neighbour.
///
/// # Panics
/// If `out` is shorter than twice `row`.
pub(super) fn h2v1(row: &[u8], edges: (bool, bool), out: &mut [u8]) {
    let out = &mut out[..row.len() * 2];
    match Avx2::detect() {
        Some(avx2) if row.len() > 2 => upsample_avx2::h2v1(avx2, row, out),
        _ => h2v1_scalar(row, out),
    }
    let ([first, ..], [.., last]) = (row, row) else {
        return;
    };
    // The kernels leave the outer samples out.
    let end = row.len() - 1;
    let mixed = |here: u8, other: usize, bias: u16| {
        ((u16::from(here) * 3 + u16::from(row[other]) + bias) >> 2) as u8
    };
    if edges.1 {
        let left = mixed(*last, end.saturating_sub(1), 1);
        out[end * 2..].copy_from_slice(&[left, *last]);
    }
    if edges.0 {
        out[..2].copy_from_slice(&[*first, mixed(*first, 1.min(end), 2)]);
    }
}

fn h2v1_scalar(row: &[u8], out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, around) in pairs.iter_mut().skip(1).zip(row.windows(3)) {
        let [before, here, after] = [around[0], around[1], around[2]].map(u16::from);
        *pair = [
            ((here * 3 + before + 1) >> 2) as u8,
            ((here * 3 + after + 2) >> 2) as u8,
        ];
    }
}

/// `h2v2_fancy_upsample` for one row of pixels: three parts `near`, the chroma row that it lies
/// in, and one part `far`, the next nearest (or `near` itself at the picture's edge); then as
/// [`h2v1`], rounded once.
///
/// # Panics
/// If `far` is shorter than `near`, or `out` than twice that.
pub(super) fn h2v2(near: &[u8], far: &[u8], edges: (bool, bool), out: &mut [u8]) {
    let length = near.len();
    let far = &far[..length];
    let out = &mut out[..length * 2];
    match Avx2::detect() {
        Some(avx2) if length > 2 => upsample_avx2::h2v2(avx2, near, far, out),
        _ => h2v2_scalar(near, far, out),
    }
    if length == 0 {
        return;
    }
    let sum = |at: usize| u16::from(near[at]) * 3 + u16::from(far[at]);
    let last = length - 1;
    if edges.1 {
        let mixed = (sum(last) * 3 + sum(last.saturating_sub(1)) + 8) >> 4;
        let plain = (sum(last) * 4 + 7) >> 4;
        out[last * 2..].copy_from_slice(&[mixed as u8, plain as u8]);
    }
    if edges.0 {
        let plain = (sum(0) * 4 + 8) >> 4;
        let mixed = (sum(0) * 3 + sum(1.min(last)) + 7) >> 4;
        out[..2].copy_from_slice(&[plain as u8, mixed as u8]);
    }
}

fn h2v2_scalar(near: &[u8], far: &[u8], out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    let rows = near.windows(3).zip(far.windows(3));
    for (pair, (near, far)) in pairs.iter_mut().skip(1).zip(rows) {
        let sum = |at: usize| u16::from(near[at]) * 3 + u16::from(far[at]);
        *pair = [
            ((sum(1) * 3 + sum(0) + 8) >> 4) as u8,
            ((sum(1) * 3 + sum(2) + 7) >> 4) as u8,
        ];
    }
}

/// `h1v2_fancy_upsample` for one row of pixels, `upper` if it is the upper one of the two in its
/// chroma row.
///
/// # Panics
/// If `far` or `out` is shorter than `near`.
pub(super) fn h1v2(near: &[u8], far: &[u8], upper: bool, out: &mut [u8]) {
    let far = &far[..near.len()];
    let out = &mut out[..near.len()];
    match Avx2::detect() {
        Some(avx2) => upsample_avx2::h1v2(avx2, near, far, upper, out),
        None => h1v2_scalar(near, far, upper, out),
    }
}

fn h1v2_scalar(near: &[u8], far: &[u8], upper: bool, out: &mut [u8]) {
    let bias = if upper { 1 } else { 2 };
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = ((u16::from(near) * 3 + u16::from(far) + bias) >> 2) as u8;
    }
}

/// Replication: every sample twice.
///
/// # Panics
/// If `out` is shorter than twice `row`.
pub(super) fn h2(row: &[u8], out: &mut [u8]) {
    let out = &mut out[..row.len() * 2];
    match Avx2::detect() {
        Some(avx2) => upsample_avx2::h2(avx2, row, out),
        None => hn(row, 2, out),
    }
}

/// Replication: every sample `n` times.
///
/// # Panics
/// If `n` is 0, or `out` shorter than `n` times `row`.
pub(super) fn hn(row: &[u8], n: usize, out: &mut [u8]) {
    assert!(out.len() / n >= row.len(), "expected room for the row");
    for (copies, &sample) in out.chunks_exact_mut(n).zip(row) {
        copies.fill(sample);
    }
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::decode::upsample as library;
    use libjpeg_turbo_rs::simd::detect;

    use super::*;

    fn noise(length: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 29 {
                0 => 0,
                1 => 255,
                _ => (state >> 16) as u8,
            }
        };
        (0..length).map(|_| next()).collect()
    }

    /// The bytes of a function, which must not touch those behind `length`.
    fn made(length: usize, make: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut out = vec![77; length + 3];
        make(&mut out);
        assert_eq!(out.split_off(length), [77; 3]);
        out
    }

    const BOTH: (bool, bool) = (true, true);

    #[test]
    fn whole_rows_are_those_of_libjpeg_turbo() {
        let routines = detect();
        for length in 3..=200 {
            for seed in 0..8 {
                let near = noise(length, seed);
                let far = noise(length, seed + 100);
                let mut theirs = vec![0; length * 2];
                routines.fancy_upsample_h2v1(&near, length, &mut theirs);
                assert_eq!(made(length * 2, |out| h2v1(&near, BOTH, out)), theirs);
                library::fancy_h2v2_row(&near, &far, &mut theirs, length);
                assert_eq!(made(length * 2, |out| h2v2(&near, &far, BOTH, out)), theirs);
            }
        }
    }

    #[test]
    fn every_pair_of_samples_is_mixed_as_jdsample_does() {
        let near: Vec<u8> = (0..1_u32 << 16).map(|at| at as u8).collect();
        let far: Vec<u8> = (0..1_u32 << 16).map(|at| (at >> 8) as u8).collect();
        for (upper, bias) in [(true, 1), (false, 2)] {
            let ours = made(near.len(), |out| h1v2(&near, &far, upper, out));
            let expected = near.iter().zip(&far);
            let expected = expected.map(|(&near, &far)| {
                let sum = u32::from(near) * 3 + u32::from(far);
                (f64::from(sum + bias) / 4.0).floor() as u8
            });
            assert!(expected.eq(ours));
        }
    }

    #[test]
    fn kernels_give_the_bytes_of_the_scalar_code() {
        for length in 0..=200 {
            for seed in 0..4 {
                let near = noise(length, seed);
                let far = noise(length, seed + 100);
                // Without the outer pairs, which a slice need not have.
                let inner = |row: Vec<u8>| {
                    let end = (length * 2).saturating_sub(2);
                    row.get(2..end).map(<[u8]>::to_vec)
                };
                let edges = (false, false);
                assert_eq!(
                    inner(made(length * 2, |out| h2v1(&near, edges, out))),
                    inner(made(length * 2, |out| h2v1_scalar(
                        &near,
                        &mut out[..length * 2]
                    ))),
                );
                assert_eq!(
                    inner(made(length * 2, |out| h2v2(&near, &far, edges, out))),
                    inner(made(length * 2, |out| h2v2_scalar(
                        &near,
                        &far,
                        &mut out[..length * 2]
                    ))),
                );
                for upper in [false, true] {
                    assert_eq!(
                        made(length, |out| h1v2(&near, &far, upper, out)),
                        made(length, |out| h1v2_scalar(&near, &far, upper, out)),
                    );
                }
                let twice: Vec<u8> = near.iter().flat_map(|&sample| [sample; 2]).collect();
                assert_eq!(made(length * 2, |out| h2(&near, out)), twice);
                assert_eq!(made(length * 2, |out| hn(&near, 2, out)), twice);
                let thrice: Vec<u8> = near.iter().flat_map(|&sample| [sample; 3]).collect();
                assert_eq!(made(length * 3, |out| hn(&near, 3, out)), thrice);
            }
        }
    }

    #[test]
    fn slices_give_the_part_of_the_whole_row() {
        let (near, far) = (noise(150, 1), noise(150, 2));
        let whole_h2v1 = made(300, |out| h2v1(&near, BOTH, out));
        let whole_h2v2 = made(300, |out| h2v2(&near, &far, BOTH, out));
        for start in 0..150 {
            for end in start + 1..=150 {
                let edges = (start == 0, end == 150);
                // What of the slice's outputs is specified.
                let first = start + usize::from(!edges.0);
                let last = end - usize::from(!edges.1);
                if first >= last {
                    continue;
                }
                let (a, b) = (first * 2, last * 2);
                let (from, to) = (a - start * 2, b - start * 2);
                let length = (end - start) * 2;
                let part = made(length, |out| h2v1(&near[start..end], edges, out));
                assert_eq!(part[from..to], whole_h2v1[a..b], "{start}..{end}");
                let (near, far) = (&near[start..end], &far[start..end]);
                let part = made(length, |out| h2v2(near, far, edges, out));
                assert_eq!(part[from..to], whole_h2v2[a..b], "{start}..{end}");
            }
        }
    }

    #[test]
    fn short_slices_panic() {
        let panics = |work: &dyn Fn(&mut [u8]), length: usize| {
            let work = std::panic::AssertUnwindSafe(work);
            std::panic::catch_unwind(|| work(&mut vec![0; length])).is_err()
        };
        for length in [1, 10, 100] {
            let (row, short) = (vec![0; length], vec![0; length - 1]);
            let double = length * 2;
            assert!(panics(&|out| h2v1(&row, BOTH, out), double - 1));
            assert!(panics(&|out| h2v2(&row, &row, BOTH, out), double - 1));
            assert!(panics(&|out| h2v2(&row, &short, BOTH, out), double));
            assert!(panics(&|out| h1v2(&row, &row, true, out), length - 1));
            assert!(panics(&|out| h1v2(&row, &short, true, out), length));
            assert!(panics(&|out| h2(&row, out), double - 1));
            assert!(panics(&|out| hn(&row, 3, out), length * 3 - 1));
        }
    }
}
