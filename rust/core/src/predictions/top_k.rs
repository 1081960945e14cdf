//! Turns logits into the k best class numbers of every row.
//!
//! Not here: how one row is ranked (`ranking.rs`).

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use half::slice::HalfBitsSliceExt;
use half::{bf16, f16};

use super::logit::Logit;
#[cfg(not(target_arch = "x86_64"))]
use super::ranking::Portable as Special;
use super::ranking::{Portable, Vectors};
#[cfg(target_arch = "x86_64")]
use super::top_k_avx2::Avx2 as Special;
use crate::error::{Error, ErrorKind, Result};
use crate::team::default_threads;

/// Fewest bytes of logits that are worth a thread: starting one takes as long as ranking these.
const THREAD_BYTES: usize = 1 << 20;

/// Bytes of logits that a thread takes at once: enough that taking costs nothing, few enough that
/// the threads end together.
const PART_BYTES: usize = 1 << 20;

/// A matrix of logits, row after row without gaps; 16-bit floats as their bits.
#[derive(Clone, Copy, Debug)]
pub enum Logits<'a> {
    /// IEEE 754 binary64.
    F64(&'a [f64]),
    /// IEEE 754 binary32.
    F32(&'a [f32]),
    /// IEEE 754 binary16.
    F16(&'a [u16]),
    /// The upper half of a binary32.
    Bf16(&'a [u16]),
}

impl Logits<'_> {
    /// How many logits there are in all.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(logits) => logits.len(),
            Self::F32(logits) => logits.len(),
            Self::F16(logits) | Self::Bf16(logits) => logits.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes the `k` best classes of every row of `logits` into `out`, best first.
///
/// `logits` has rows of `classes` logits and `out` rows of `k` class numbers. Equal logits are
/// ordered by rising class number, -0.0 equals +0.0, and NaNs come after -infinity: the order of
/// a stable sort. `threads` is how many to use at most; `None` means one for each core, fewer
/// where there is little to do. The result does not depend on it.
pub fn top_k(
    logits: Logits<'_>,
    classes: usize,
    k: usize,
    threads: Option<NonZero<usize>>,
    out: &mut [i32],
) -> Result<()> {
    check(logits.len(), classes, k, out.len())?;
    match logits {
        Logits::F64(logits) => share::<_, 4>(logits, classes, k, threads, out),
        Logits::F32(logits) => share::<_, 8>(logits, classes, k, threads, out),
        Logits::F16(bits) => share::<f16, 16>(bits.reinterpret_cast(), classes, k, threads, out),
        Logits::Bf16(bits) => share::<bf16, 16>(bits.reinterpret_cast(), classes, k, threads, out),
    }
}

fn check(logits: usize, classes: usize, k: usize, out: usize) -> Result<()> {
    if classes == 0 || classes > i32::MAX as usize {
        return Err(Error::argument(format!(
            "expected logits of 1 to {} classes, found {classes}",
            i32::MAX
        )));
    }
    if k == 0 || k > classes {
        return Err(Error::argument(format!(
            "expected k from 1 to {classes}, the number of classes, found {k}"
        )));
    }
    let rows = logits / classes;
    if rows * classes != logits || rows.checked_mul(k) != Some(out) {
        return Err(Error::argument(format!(
            "{logits} logits are not rows of {classes} for {out} class numbers in rows of {k}"
        )));
    }
    Ok(())
}

/// Lets threads take parts of the rows and rank them until none is left.
fn share<T: Logit, const LANES: usize>(
    logits: &[T],
    classes: usize,
    k: usize,
    threads: Option<NonZero<usize>>,
    out: &mut [i32],
) -> Result<()>
where
    Special: Vectors<T, LANES>,
{
    let rows = out.len() / k;
    let worthwhile = size_of_val(logits) / THREAD_BYTES;
    let threads = match threads {
        Some(threads) => threads.get(),
        None if worthwhile > 1 => default_threads().get(),
        None => 1,
    };
    let threads = threads.min(worthwhile.max(1)).min(rows.max(1));
    let rows_each = (PART_BYTES / (classes * size_of::<T>()).max(1)).clamp(1, rows.max(1));
    let parts = Mutex::new(
        logits
            .chunks(rows_each * classes)
            .zip(out.chunks_mut(rows_each * k)),
    );
    let work = || {
        loop {
            let part = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((part, part_out)) = part else { return };
            rank::<T, LANES>(part, classes, k, part_out);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            thread::Builder::new()
                .spawn_scoped(scope, work)
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Io,
                        format!("no thread could be started: {error}"),
                    )
                })?;
        }
        work();
        Ok(())
    })
}

fn rank<T: Logit, const LANES: usize>(logits: &[T], classes: usize, k: usize, out: &mut [i32])
where
    Special: Vectors<T, LANES>,
{
    match Special::detect() {
        Some(special) => Vectors::<T, LANES>::rank(special, logits, classes, k, out),
        None => Vectors::<T, LANES>::rank(Portable, logits, classes, k, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// The same by a stable sort, from the definition.
    fn sorted(rows: &[f64], classes: usize, k: usize) -> Vec<i32> {
        let ranked = rows.chunks(classes).flat_map(|row| {
            let mut order: Vec<i32> = (0..classes as i32).collect();
            order.sort_by(|&a, &b| {
                let (a, b) = (row[a as usize], row[b as usize]);
                a.is_nan()
                    .cmp(&b.is_nan())
                    .then(b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal))
            });
            order.truncate(k);
            order
        });
        ranked.collect()
    }

    fn check_all_types(values: &[f64], classes: usize, k: usize) {
        let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let half: Vec<u16> = values
            .iter()
            .map(|&value| f16::from_f64(value).to_bits())
            .collect();
        let brain: Vec<u16> = values
            .iter()
            .map(|&value| bf16::from_f64(value).to_bits())
            .collect();
        let widened: [Vec<f64>; 4] = [
            values.to_vec(),
            narrow.iter().map(|&value| f64::from(value)).collect(),
            half.iter()
                .map(|&bits| f16::from_bits(bits).to_f64())
                .collect(),
            brain
                .iter()
                .map(|&bits| bf16::from_bits(bits).to_f64())
                .collect(),
        ];
        let logits = [
            Logits::F64(values),
            Logits::F32(&narrow),
            Logits::F16(&half),
            Logits::Bf16(&brain),
        ];
        for (logits, widened) in logits.into_iter().zip(widened) {
            let mut found = vec![-1; values.len() / classes * k];
            top_k(logits, classes, k, None, &mut found).unwrap();
            assert_eq!(
                found,
                sorted(&widened, classes, k),
                "{classes} classes, k = {k}"
            );
            let mut scalar = vec![-1; found.len()];
            match logits {
                Logits::F64(logits) => {
                    Vectors::<f64, 4>::rank(Portable, logits, classes, k, &mut scalar);
                }
                Logits::F32(logits) => {
                    Vectors::<f32, 8>::rank(Portable, logits, classes, k, &mut scalar);
                }
                Logits::F16(bits) => {
                    Vectors::<f16, 16>::rank(
                        Portable,
                        bits.reinterpret_cast(),
                        classes,
                        k,
                        &mut scalar,
                    );
                }
                Logits::Bf16(bits) => {
                    Vectors::<bf16, 16>::rank(
                        Portable,
                        bits.reinterpret_cast(),
                        classes,
                        k,
                        &mut scalar,
                    );
                }
            }
            assert_eq!(scalar, found, "without vectors: {classes} classes, k = {k}");
        }
    }

    #[test]
    fn every_type_and_k_agrees_with_a_stable_sort() {
        const ODD: [f64; 14] = [
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            1e-45,
            -1e-45,
            6e-8,
            -6e-8,
            1.0,
            -1.0,
            65504.0,
            -65504.0,
        ];
        let mut stream = Stream::new(7, 0, 0, Purpose::Crop);
        for classes in [
            1, 2, 3, 7, 8, 9, 16, 17, 31, 64, 127, 128, 129, 300, 1000, 2500,
        ] {
            for share_of_odd in [0.0, 0.02, 1.0] {
                let values: Vec<f64> = (0..3 * classes)
                    .map(|_| {
                        if stream.next_f64() < share_of_odd {
                            ODD[stream.below(ODD.len() as u64) as usize]
                        } else {
                            (stream.next_f64() - 0.5) * 20.0
                        }
                    })
                    .collect();
                for k in [1, 2, 5, 10, 31, 32, 33, classes] {
                    if k <= classes {
                        check_all_types(&values, classes, k);
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_one_kind_of_value_agree_with_a_stable_sort() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -3.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            check_all_types(&vec![value; 700], 350, 5);
        }
        let rising: Vec<f64> = (0..700).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        let zeros: Vec<f64> = (0..700)
            .map(|i| if i % 3 == 0 { 0.0 } else { -0.0 })
            .collect();
        for values in [rising, falling, zeros] {
            check_all_types(&values, 700, 5);
            check_all_types(&values, 350, 32);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let mut stream = Stream::new(8, 0, 0, Purpose::Crop);
        let logits: Vec<f32> = (0..1501 * 1000).map(|_| stream.next_f64() as f32).collect();
        let ranked = [1, 2, 7].map(|threads| {
            let mut out = vec![-1; 1501 * 5];
            top_k(
                Logits::F32(&logits),
                1000,
                5,
                NonZero::new(threads),
                &mut out,
            )
            .unwrap();
            out
        });
        assert_eq!(ranked[0], ranked[1]);
        assert_eq!(ranked[0], ranked[2]);
    }

    #[test]
    fn a_matrix_that_does_not_fit_is_refused() {
        let logits = [0.0_f32; 12];
        for (classes, k, out) in [(0, 1, 1), (5, 1, 2), (4, 0, 0), (4, 5, 15), (4, 2, 5)] {
            let mut out = vec![0; out];
            let error = top_k(Logits::F32(&logits), classes, k, None, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
        }
        top_k(Logits::F32(&[]), 4, 2, None, &mut []).unwrap();
    }
}
