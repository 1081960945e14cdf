//! Turns what became of the detections of a class into its average precision and recall.
//!
//! Precision is read off at 101 points of recall, as in `COCOeval.accumulate`.

use std::cmp::Ordering;

use super::ground_truth::TrueBox;
use super::matching::{Outcome, is_ignored};
use super::{AREAS, OVERLAPS, bit, bits};

/// Points of recall: 0, 0.01, ..., 1.
const POINTS: usize = 101;

/// The measures of a class, or their mean over classes; -1 where there is no true box to measure.
///
/// In the order of `COCOeval.stats`: AP, AP50, AP75, AP of small, medium and large boxes, AR for
/// each number of detections, AR of small, medium and large boxes.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures(pub Vec<f64>);

impl Measures {
    /// The mean over those of `all` that have a value, one measure after the other.
    pub fn mean<'a>(all: impl Iterator<Item = &'a Self>, length: usize) -> Self {
        let mut sums = vec![(0.0, 0_u32); length];
        for measures in all {
            for (sum, &value) in sums.iter_mut().zip(&measures.0) {
                if value > -1.0 {
                    sum.0 += value;
                    sum.1 += 1;
                }
            }
        }
        let means = sums.into_iter().map(|(sum, count)| match count {
            0 => -1.0,
            count => sum / f64::from(count),
        });
        Self(means.collect())
    }
}

/// The number of measures for so many values of `max_dets`.
pub(super) fn length(max_dets: usize) -> usize {
    9 + max_dets
}

/// One class, while its images are matched.
#[derive(Debug, Default)]
pub(super) struct Class {
    pub(super) outcomes: Vec<Outcome>,
    /// True boxes that count, for each area range.
    counted: [u64; AREAS.len()],
    precisions: Vec<f64>,
}

impl Class {
    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.outcomes.clear();
        self.counted = [0; AREAS.len()];
    }

    /// Counts the true boxes of an image.
    pub(super) fn count(&mut self, truths: &[&TrueBox]) {
        for (range, counted) in self.counted.iter_mut().enumerate() {
            let of_range = truths.iter().filter(|truth| !is_ignored(truth, range));
            *counted += of_range.count() as u64;
        }
    }

    /// The measures, at rising numbers of detections.
    pub(super) fn measures(&mut self, max_dets: &[usize]) -> Measures {
        let recalls: Vec<f64> = max_dets.iter().map(|&most| self.recall(0, most)).collect();
        let recalls_by_size: Vec<f64> = (1..AREAS.len())
            .map(|range| self.recall(range, usize::MAX))
            .collect();
        // Images were matched by rising id, so that a stable sort leaves equal scores in the
        // order of images, as in `COCOeval`.
        self.outcomes
            .sort_by(|first, second| falling(first.score, second.score));
        let by_threshold: Vec<[f64; OVERLAPS]> = (0..AREAS.len())
            .map(|range| std::array::from_fn(|threshold| self.precision(range, threshold)))
            .collect();
        let mean = |range: usize| by_threshold[range].iter().sum::<f64>() / OVERLAPS as f64;
        let mut all = vec![mean(0), by_threshold[0][0], by_threshold[0][5]];
        all.extend((1..AREAS.len()).map(mean));
        all.extend(recalls);
        all.extend(recalls_by_size);
        Measures(all)
    }

    /// The share of the true boxes that are hit, the mean over the overlap thresholds, where the
    /// first `most` detections of every image count.
    fn recall(&self, range: usize, most: usize) -> f64 {
        if self.counted[range] == 0 {
            return -1.0;
        }
        let first = self.outcomes.iter().filter(|o| (o.rank as usize) < most);
        let hits: u64 = first
            .map(|outcome| u64::from((outcome.hits & bits(range)).count_ones()))
            .sum();
        hits as f64 / (self.counted[range] * OVERLAPS as u64) as f64
    }

    /// The mean of the precision over the points of recall.
    fn precision(&mut self, range: usize, threshold: usize) -> f64 {
        if self.counted[range] == 0 {
            return -1.0;
        }
        let (bit, precisions) = (bit(range, threshold), &mut self.precisions);
        // Only hits raise recall, and precision is greatest at one: those between do not matter.
        precisions.clear();
        let mut seen = 0_u64;
        for outcome in &self.outcomes {
            if outcome.ignored & bit != 0 {
                continue;
            }
            seen += 1;
            if outcome.hits & bit != 0 {
                let hits = precisions.len() + 1;
                precisions.push(hits as f64 / (seen as f64 + f64::EPSILON));
            }
        }
        for hit in (1..precisions.len()).rev() {
            precisions[hit - 1] = precisions[hit - 1].max(precisions[hit]);
        }
        let (mut sum, mut hit) = (0.0, 0);
        for point in 0..POINTS {
            let wanted = point as f64 * 0.01;
            while hit < precisions.len()
                && (hit as f64 + 1.0) / (self.counted[range] as f64) < wanted
            {
                hit += 1;
            }
            sum += precisions.get(hit).copied().unwrap_or(0.0);
        }
        sum / POINTS as f64
    }
}

/// Sorts the highest score first; 0.0 and -0.0 are equal, and no score is NaN.
pub(super) fn falling(first: f64, second: f64) -> Ordering {
    second.partial_cmp(&first).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(score: f64, hits: u64, rank: u32) -> Outcome {
        Outcome {
            score,
            hits,
            ignored: 0,
            rank,
        }
    }

    #[test]
    fn precision_is_the_best_at_that_recall_or_a_higher_one() {
        let mut class = Class {
            counted: [2, 0, 0, 2],
            outcomes: vec![
                outcome(0.1, bits(0), 1),
                outcome(0.9, bits(0), 0),
                outcome(0.5, 0, 0),
            ],
            ..Class::default()
        };
        let Measures(found) = class.measures(&[1, 100]);
        // Up to a recall of 0.5 precision is 1, from there on 2 of 3.
        let expected = (51.0 + 50.0 * (2.0 / 3.0)) / 101.0;
        assert!((found[0] - expected).abs() < 1e-12, "{found:?}");
        assert_eq!(found[3..6], [-1.0, -1.0, 0.0]);
        assert_eq!(found[6..8], [0.5, 1.0]);
        assert_eq!(found[8..], [-1.0, -1.0, 0.0]);
        assert_eq!(found.len(), length(2));
    }

    #[test]
    fn a_mean_leaves_out_what_has_no_value() {
        let all = [vec![1.0, -1.0], vec![0.0, -1.0], vec![-1.0, -1.0]].map(Measures);
        assert_eq!(Measures::mean(all.iter(), 2).0, [0.5, -1.0]);
    }
}
