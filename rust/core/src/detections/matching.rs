//! Turns the detections of one image and class, and its true boxes, into hits, misses and neither.
//!
//! The rules are those of `COCOeval.evaluateImg`: detections choose in the order of their scores,
//! each the true box it overlaps most; crowds and boxes outside the area range neither count nor
//! are counted against, are chosen only where nothing else overlaps enough, and a crowd may be
//! chosen many times.

use super::ground_truth::TrueBox;
use super::{AREAS, OVERLAPS, bit, bits, outside, overlap_threshold};

/// A detection of the image at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) sides: [f64; 4],
    pub(super) area: f64,
    pub(super) score: f64,
}

/// What became of a detection, a bit for each area range and overlap threshold ([`bit`]).
///
/// Where neither bit is set it is a false positive.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) score: f64,
    pub(super) hits: u64,
    pub(super) ignored: u64,
    /// Its place among the detections of its image and class.
    pub(super) rank: u32,
}

/// Buffers that are used again for every image.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// Row by row: the overlap of a detection with every true box.
    overlaps: Vec<f64>,
    taken: Vec<bool>,
    /// For the area range at hand: whether a true box is left out of account.
    ignored: Vec<bool>,
    order: Vec<usize>,
}

impl Matching {
    /// Matches `candidates`, by falling score, and adds their outcomes to `outcomes`.
    pub(super) fn image(
        &mut self,
        candidates: &[Candidate],
        truths: &[&TrueBox],
        outcomes: &mut Vec<Outcome>,
    ) {
        let first = outcomes.len();
        outcomes.extend(candidates.iter().zip(0..).map(|(candidate, rank)| {
            Outcome {
                score: candidate.score,
                rank,
                // Unless something is matched below.
                ignored: (0..AREAS.len())
                    .filter(|&range| outside(candidate.area, range))
                    .fold(0, |all, range| all | bits(range)),
                hits: 0,
            }
        }));
        if truths.is_empty() {
            return;
        }
        self.overlaps.clear();
        for candidate in candidates {
            let with = |truth: &&TrueBox| overlap(&candidate.sides, truth);
            self.overlaps.extend(truths.iter().map(with));
        }
        for range in 0..AREAS.len() {
            self.sort(truths, range);
            for threshold in 0..OVERLAPS {
                self.threshold(
                    truths,
                    bit(range, threshold),
                    threshold,
                    &mut outcomes[first..],
                );
            }
        }
    }

    /// The true boxes in the order in which they are tried: those that count first.
    fn sort(&mut self, truths: &[&TrueBox], range: usize) {
        self.ignored.clear();
        let ignored = truths.iter().map(|truth| is_ignored(truth, range));
        self.ignored.extend(ignored);
        self.order.clear();
        self.order.extend(0..truths.len());
        self.order.sort_by_key(|&number| self.ignored[number]);
    }

    fn threshold(
        &mut self,
        truths: &[&TrueBox],
        bit: u64,
        threshold: usize,
        outcomes: &mut [Outcome],
    ) {
        self.taken.clear();
        self.taken.resize(truths.len(), false);
        let least = overlap_threshold(threshold).min(1.0 - 1e-10);
        for (outcome, overlaps) in outcomes.iter_mut().zip(self.overlaps.chunks(truths.len())) {
            let (mut best, mut chosen) = (least, None);
            for &number in &self.order {
                if self.taken[number] && !truths[number].crowd {
                    continue;
                }
                if chosen.is_some_and(|chosen: usize| !self.ignored[chosen]) && self.ignored[number]
                {
                    break;
                }
                // Of equal overlaps the last one is chosen.
                if overlaps[number] >= best {
                    best = overlaps[number];
                    chosen = Some(number);
                }
            }
            let Some(chosen) = chosen else { continue };
            self.taken[chosen] = true;
            if self.ignored[chosen] {
                outcome.ignored |= bit;
            } else {
                outcome.ignored &= !bit;
                outcome.hits |= bit;
            }
        }
    }
}

/// Whether a true box is left out of account at an area range.
pub(super) fn is_ignored(truth: &TrueBox, range: usize) -> bool {
    truth.crowd || outside(truth.area, range)
}

/// Intersection over union; with a crowd, over the detection alone (`bbIou` of COCO's `maskApi.c`).
fn overlap(detected: &[f64; 4], truth: &TrueBox) -> f64 {
    let [x, y, width, height] = *detected;
    let [true_x, true_y, true_width, true_height] = truth.sides;
    let across = (x + width).min(true_x + true_width) - x.max(true_x);
    let down = (y + height).min(true_y + true_height) - y.max(true_y);
    if across <= 0.0 || down <= 0.0 {
        return 0.0;
    }
    let shared = across * down;
    let whole = if truth.crowd {
        width * height
    } else {
        width * height + true_width * true_height - shared
    };
    shared / whole
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these overlaps are exact")]

    use super::*;

    fn truth(sides: [f64; 4], crowd: bool) -> TrueBox {
        TrueBox {
            image: 0,
            category: 0,
            sides,
            area: sides[2] * sides[3] / 2.0,
            crowd,
            row: 0,
            file: 0,
        }
    }

    fn candidate(sides: [f64; 4]) -> Candidate {
        Candidate {
            sides,
            area: sides[2] * sides[3],
            score: 0.5,
        }
    }

    fn outcomes(candidates: &[Candidate], truths: &[TrueBox]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let truths: Vec<&TrueBox> = truths.iter().collect();
        Matching::default().image(candidates, &truths, &mut outcomes);
        outcomes
    }

    #[test]
    fn overlaps_are_shares_of_the_union_or_of_the_detection() {
        let half = [0.0, 0.0, 10.0, 5.0];
        assert_eq!(overlap(&half, &truth([0.0, 0.0, 10.0, 10.0], false)), 0.5);
        assert_eq!(overlap(&half, &truth([0.0, 0.0, 10.0, 10.0], true)), 1.0);
        assert_eq!(overlap(&half, &truth([10.0, 0.0, 1.0, 1.0], false)), 0.0);
        assert_eq!(overlap(&[0.0; 4], &truth([0.0; 4], false)), 0.0);
    }

    #[test]
    fn a_box_is_hit_once_and_a_crowd_swallows_the_rest() {
        let sides = [0.0, 0.0, 10.0, 10.0];
        let twice = [candidate(sides), candidate(sides), candidate(sides)];
        let found = outcomes(&twice, &[truth(sides, true), truth(sides, false)]);
        let all = |number: usize, found: &Outcome| {
            (found.hits & bits(number), found.ignored & bits(number))
        };
        assert_eq!(all(0, &found[0]), (bits(0), 0));
        assert_eq!(all(0, &found[1]), (0, bits(0)));
        assert_eq!(all(0, &found[2]), (0, bits(0)));
        assert_eq!(found[2].rank, 2);
        let alone = outcomes(&twice[..2], &[truth(sides, false)]);
        assert_eq!(all(0, &alone[1]), (0, 0));
    }

    #[test]
    fn outside_its_area_range_nothing_counts() {
        // The detection of 1,600 is of medium size, the true box of 800 small.
        let sides = [0.0, 0.0, 40.0, 40.0];
        let found = outcomes(&[candidate(sides)], &[truth(sides, false)])[0];
        assert_eq!(found.hits, bits(0) | bits(1));
        assert_eq!(found.ignored, bits(2) | bits(3));
        let missed = outcomes(&[candidate(sides)], &[])[0];
        assert_eq!((missed.hits, missed.ignored), (0, bits(1) | bits(3)));
    }

    #[test]
    fn of_equal_overlaps_the_last_box_is_hit() {
        let [left, right] = [[0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 10.0, 10.0]];
        let both = [0.0, 0.0, 20.0, 10.0];
        let truths = [truth(left, false), truth(right, false)];
        let found = outcomes(&[candidate(both), candidate(left)], &truths);
        assert_eq!(found[0].hits & bits(0), bit(0, 0));
        // The left box is still free.
        assert_eq!(found[1].hits & bits(0), bits(0));
    }

    #[test]
    fn a_box_outside_the_area_range_is_hit_only_where_no_other_is() {
        let sides = [0.0, 0.0, 10.0, 10.0];
        let mut truths = [truth(sides, false), truth([0.0, 0.0, 10.0, 12.0], false)];
        truths[0].area = 2000.0;
        let found = outcomes(&[candidate(sides), candidate(sides)], &truths);
        // At small boxes: the second true box counts, although the first overlaps more.
        let first_seven = (0..7).fold(0, |all, threshold| all | bit(1, threshold));
        assert_eq!(found[0].hits & bits(1), first_seven);
        assert_eq!(found[0].ignored & bits(1), bits(1) & !first_seven);
        assert_eq!(found[1].hits & bits(1), 0);
    }
}
