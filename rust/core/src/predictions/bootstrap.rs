//! Turns the number of wrong images into an interval that their share lies in.
//!
//! The bootstrap draws the n images again with replacement, many times, and takes the quantiles of
//! the share that is wrong (Efron, "Bootstrap methods: another look at the jackknife", 1979). With
//! `wrong` of n images wrong, the number that a draw has is binomial with n and `wrong / n`: it is
//! drawn from that distribution, at no cost for each image.

use crate::error::{Error, Result};
use crate::limits::BOOTSTRAP_RESAMPLES;
use crate::random::{Purpose, Stream};

/// The percentile interval of the share `wrong / n` from `resamples` draws, which depend on `seed`
/// and on `which` share it is.
///
/// `confidence` is the part of the draws that the interval holds, above 0 and below 1. Quantiles
/// between two draws are interpolated, as `numpy.percentile` does.
pub fn interval(
    n: u64,
    wrong: u64,
    resamples: usize,
    confidence: f64,
    seed: u64,
    which: u64,
) -> Result<[f64; 2]> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(Error::argument(format!(
            "expected a confidence above 0 and below 1, found {confidence}"
        )));
    }
    if resamples == 0 || resamples > BOOTSTRAP_RESAMPLES {
        return Err(Error::argument(format!(
            "expected 1 to {BOOTSTRAP_RESAMPLES} resamples, found {resamples}"
        )));
    }
    if n == 0 || wrong > n {
        return Err(Error::argument(format!(
            "expected some images, and not more wrong ones, found {n} and {wrong}"
        )));
    }
    let binomial = Binomial::new(n, wrong);
    let mut stream = Stream::new(seed, 0, which, Purpose::Bootstrap);
    let mut draws: Vec<u64> = (0..resamples)
        .map(|_| binomial.at(stream.next_f64()))
        .collect();
    draws.sort_unstable();
    let tail = (1.0 - confidence) / 2.0;
    Ok([tail, 1.0 - tail].map(|level| quantile(&draws, level) / n as f64))
}

/// The quantile at `level` of sorted numbers, at least one.
fn quantile(sorted: &[u64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let [low, high] = [below, above].map(|place| sorted[place] as f64);
    low + (high - low) * (place - below as f64)
}

/// The distribution of how many of n are wrong where `wrong` of n are expected.
struct Binomial {
    /// The first number with a weight that counts.
    first: u64,
    /// Sums of the weights of the numbers from `first`.
    sums: Vec<f64>,
}

impl Binomial {
    /// Weights relative to that of the most likely number, which is `wrong` itself, by the ratio of
    /// neighbours. What is left out, together, is below the precision of a sum.
    fn new(n: u64, wrong: u64) -> Self {
        const NEGLIGIBLE: f64 = 1e-22;
        let odds = wrong as f64 / (n - wrong) as f64;
        let mut below = Vec::new();
        let mut weight = 1.0;
        for number in (1..=wrong).rev() {
            weight *= number as f64 / ((n - number + 1) as f64 * odds);
            if weight < NEGLIGIBLE {
                break;
            }
            below.push(weight);
        }
        let first = wrong - below.len() as u64;
        let mut weights: Vec<f64> = below.into_iter().rev().collect();
        weights.push(1.0);
        weight = 1.0;
        for number in wrong..n {
            weight *= (n - number) as f64 / (number + 1) as f64 * odds;
            if weight < NEGLIGIBLE {
                break;
            }
            weights.push(weight);
        }
        let mut sum = 0.0;
        for weight in &mut weights {
            sum += *weight;
            *weight = sum;
        }
        Self {
            first,
            sums: weights,
        }
    }

    /// The number below which the part `share` (in [0, 1)) of the distribution lies.
    fn at(&self, share: f64) -> u64 {
        let last = self.sums.len() - 1;
        let sum = share * self.sums[last];
        self.first + self.sums.partition_point(|&below| below <= sum).min(last) as u64
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;

    #[test]
    fn the_distribution_is_binomial() {
        // 5 of 2: probabilities C(5, i) 0.4^i 0.6^(5 - i).
        let binomial = Binomial::new(5, 2);
        let all = binomial.sums[5];
        let expected = [0.07776, 0.33696, 0.68256, 0.91296, 0.98976, 1.0];
        assert_eq!(binomial.first, 0);
        for (sum, expected) in binomial.sums.iter().zip(expected) {
            assert!((sum / all - expected).abs() < 1e-12);
        }
        assert_eq!(
            [0.0, 0.0777, 0.0778, 0.9999999].map(|share| binomial.at(share)),
            [0, 0, 1, 5]
        );
    }

    #[test]
    fn none_and_all_wrong_have_no_spread() {
        assert_eq!(interval(7, 0, 100, 0.95, 0, 0).unwrap(), [0.0, 0.0]);
        assert_eq!(interval(7, 7, 100, 0.95, 0, 0).unwrap(), [1.0, 1.0]);
        assert_eq!(interval(1 << 40, 1 << 39, 10, 0.5, 0, 0).unwrap().len(), 2);
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution_for_many_images() {
        let (n, wrong) = (182_707, 26_785);
        let found = interval(n, wrong, 100_000, 0.95, 1, 0).unwrap();
        let p = wrong as f64 / n as f64;
        let spread = (p * (1.0 - p) / n as f64).sqrt();
        for (found, sign) in found.iter().zip([-1.0, 1.0]) {
            assert!((found - (p + sign * 1.959_964 * spread)).abs() < 0.05 * spread);
        }
    }

    #[test]
    fn the_seed_decides() {
        let [a, b, c] = [(3, 0), (4, 0), (3, 1)]
            .map(|(seed, which)| interval(1000, 300, 500, 0.9, seed, which).unwrap());
        assert_eq!(a, interval(1000, 300, 500, 0.9, 3, 0).unwrap());
        assert!(a != b && a != c);
    }

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(quantile(&[10, 20, 40], 0.25), 15.0);
        assert_eq!(quantile(&[10, 20, 40], 1.0), 40.0);
        assert_eq!(quantile(&[10], 0.3), 10.0);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (n, wrong, resamples, confidence) in [
            (0, 0, 10, 0.95),
            (5, 6, 10, 0.95),
            (5, 1, 0, 0.95),
            (5, 1, BOOTSTRAP_RESAMPLES + 1, 0.95),
            (5, 1, 10, 0.0),
            (5, 1, 10, 1.0),
            (5, 1, 10, f64::NAN),
        ] {
            assert!(interval(n, wrong, resamples, confidence, 0, 0).is_err());
        }
    }
}
