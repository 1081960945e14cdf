//! Turns (seed, epoch, where each sample lies) into the order of an epoch.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::random::{Purpose, Stream};

/// Neighbours of the archive that [`Order::Local`] keeps near each other: at 275 KB a photo, about
/// 2 MB that one read-ahead fetches.
pub const GROUP: usize = 8;

/// Groups that [`Order::Local`] mixes with each other: 4,096 photos, about 1.1 GB, which the page
/// cache of a small machine still holds, and twice as many groups as a usual batch has rows.
pub const WINDOW: usize = 512;

/// Which sample comes when; a pure function of seed, epoch and the samples' places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Every permutation is equally likely.
    #[default]
    Exact,
    /// Every sample once; samples near each other in the archive come near each other in time.
    Local,
    /// The order of the archive, front to back.
    Sequential,
    /// The order of the data set.
    Stored,
}

impl Order {
    /// The samples `0..places.len()` in the order of this epoch; `places` says where in the
    /// archive each sample lies.
    pub fn permutation(self, places: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
        let mut samples: Vec<u32> = (0..places.len() as u32).collect();
        match self {
            Self::Stored => {}
            Self::Sequential => samples.sort_by_key(|&sample| places[sample as usize]),
            Self::Exact => shuffle(&mut samples, &mut stream(seed, epoch)),
            Self::Local => {
                samples.sort_by_key(|&sample| places[sample as usize]);
                samples = mix_neighbours(&samples, &mut stream(seed, epoch));
            }
        }
        samples
    }

    /// [`Order::permutation`] of samples that are given as members.
    pub fn of_members(self, members: &[i64], seed: u64, epoch: u64) -> Result<Vec<u32>> {
        Ok(self.permutation(&places(members)?, seed, epoch))
    }
}

/// Member numbers as places in the archive.
pub(super) fn places(members: &[i64]) -> Result<Vec<u32>> {
    let place = |&member: &i64| {
        u32::try_from(member).map_err(|_| {
            Error::argument(format!(
                "a member's number is from 0 to {}, not {member}",
                u32::MAX
            ))
        })
    };
    members.iter().map(place).collect()
}

fn stream(seed: u64, epoch: u64) -> Stream {
    Stream::new(seed, epoch, 0, Purpose::Order)
}

/// Fisher and Yates' shuffle, from the last element down (Knuth, volume 2, algorithm 3.4.2 P).
fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        items.swap(last, stream.below(last as u64 + 1) as usize);
    }
}

/// Cuts the archive into groups at places that change with the epoch, shuffles the groups, and
/// shuffles the samples of every [`WINDOW`] groups together.
fn mix_neighbours(sorted: &[u32], stream: &mut Stream) -> Vec<u32> {
    let mut groups = cut(sorted.len(), stream);
    shuffle(&mut groups, stream);
    let mut mixed = Vec::with_capacity(sorted.len());
    for window in groups.chunks(WINDOW) {
        let start = mixed.len();
        for group in window {
            mixed.extend_from_slice(&sorted[group.clone()]);
        }
        shuffle(&mut mixed[start..], stream);
    }
    mixed
}

/// Splits `0..length` into ranges of [`GROUP`], the first and the last one perhaps shorter.
fn cut(length: usize, stream: &mut Stream) -> Vec<Range<usize>> {
    let first = 1 + stream.below(GROUP as u64) as usize;
    let mut groups = Vec::with_capacity(length / GROUP + 2);
    let mut start = 0;
    let mut end = first.min(length);
    while start < end {
        groups.push(start..end);
        start = end;
        end = (end + GROUP).min(length);
    }
    groups
}

/// Mean number of different labels in a batch: the figure that tells how well an order mixes.
///
/// `NaN` where there is no sample. The last batch counts only if it is full or the only one, as a
/// short one has fewer labels whatever the order.
pub fn labels_per_batch(order: &[u32], labels: &[i64], batch_size: NonZeroUsize) -> Result<f64> {
    let full = order.len() - order.len() % batch_size;
    let counted = if full == 0 { order } else { &order[..full] };
    let mut seen = HashSet::new();
    let mut distinct = 0;
    for batch in counted.chunks(batch_size.get()) {
        seen.clear();
        for &sample in batch {
            let label = labels.get(sample as usize).ok_or_else(|| {
                Error::argument(format!(
                    "sample {sample} has no label, there are {} labels",
                    labels.len()
                ))
            })?;
            seen.insert(label);
        }
        distinct += seen.len();
    }
    Ok(distinct as f64 / counted.len().div_ceil(batch_size.get()) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDERS: [Order; 4] = [Order::Exact, Order::Local, Order::Sequential, Order::Stored];

    fn mixing(order: &[u32], labels: &[i64], batch_size: usize) -> f64 {
        labels_per_batch(order, labels, NonZeroUsize::new(batch_size).unwrap()).unwrap()
    }

    /// Places that are neither sorted nor dense.
    fn scattered(samples: usize) -> Vec<u32> {
        let mut places: Vec<u32> = (0..samples as u32).map(|place| 3 * place + 1).collect();
        shuffle(&mut places, &mut Stream::new(99, 0, 0, Purpose::Order));
        places
    }

    proptest! {
        #[test]
        fn every_order_has_every_sample_once(
            samples in 0_usize..3000, seed: u64, epoch in 0_u64..4,
        ) {
            for order in ORDERS {
                let mut permutation = order.permutation(&scattered(samples), seed, epoch);
                permutation.sort_unstable();
                prop_assert!(permutation.into_iter().eq(0..samples as u32));
            }
        }
    }

    #[test]
    fn seed_and_epoch_both_change_a_shuffled_order() {
        let places = scattered(1000);
        for order in [Order::Exact, Order::Local] {
            let first = order.permutation(&places, 1, 0);
            assert_eq!(first, order.permutation(&places, 1, 0));
            assert_ne!(first, order.permutation(&places, 2, 0));
            assert_ne!(first, order.permutation(&places, 1, 1));
        }
    }

    #[test]
    fn sequential_follows_the_archive_and_stored_the_data_set() {
        let places = [7, 3, 9, 1];
        assert_eq!(Order::Sequential.permutation(&places, 5, 5), [3, 1, 0, 2]);
        assert_eq!(Order::Stored.permutation(&places, 5, 5), [0, 1, 2, 3]);
    }

    /// Chi-squared over the 24 permutations of four samples, 24,000 seeds: the 99.99 % point for
    /// 23 degrees of freedom is 56.
    #[test]
    fn exact_makes_every_permutation_equally_often() {
        let mut counts = std::collections::HashMap::new();
        for seed in 0..24_000 {
            *counts
                .entry(Order::Exact.permutation(&[0, 1, 2, 3], seed, 0))
                .or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let squares: i32 = counts.values().map(|count| (count - 1000).pow(2)).sum();
        assert!(
            squares < 56_000,
            "chi-squared is {}",
            f64::from(squares) / 1000.0
        );
    }

    #[test]
    fn local_keeps_each_window_near_and_mixes_its_classes() {
        let samples = 40_000;
        let places: Vec<u32> = (0..samples).collect();
        let labels: Vec<i64> = places.iter().map(|place| i64::from(place / 200)).collect();
        let local = Order::Local.permutation(&places, 3, 0);
        for window in local.chunks(GROUP * WINDOW) {
            let groups: HashSet<u32> = window.iter().map(|sample| sample / GROUP as u32).collect();
            // A group cut off the grid touches two cells of it.
            assert!(groups.len() <= 2 * WINDOW + 2);
        }
        let exact = Order::Exact.permutation(&places, 3, 0);
        let share = mixing(&local, &labels, 256) / mixing(&exact, &labels, 256);
        assert!((0.9..=1.01).contains(&share), "{share}");
        let sorted = Order::Sequential.permutation(&places, 3, 0);
        assert!(mixing(&sorted, &labels, 256) < 3.0);
    }

    #[test]
    fn mixing_counts_only_full_batches() {
        assert!((mixing(&[0, 1, 2], &[5, 6, 5], 2) - 2.0).abs() < 1e-12);
        assert!((mixing(&[0, 1], &[5, 6], 4) - 2.0).abs() < 1e-12);
        assert!(mixing(&[], &[], 4).is_nan());
        assert!(labels_per_batch(&[2], &[5, 6], NonZeroUsize::MIN).is_err());
    }
}
