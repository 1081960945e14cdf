//! Turns a submission and the truth into error rates.
//!
//! The error of an image is the smallest, over its first k labels, of 0 (the true label) and 1
//! (another); that of many images is the mean (the competition page, "Evaluation").
//!
//! Not here: the lenient counting of the competition's own script (`official.rs`).

use std::collections::BTreeMap;

use super::submission::Submission;
use super::truth::{Truth, Usage};
use crate::error::{Error, Result};

/// How many images there were, and for how many no label was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Images.
    pub n: u64,
    /// Images whose first label is wrong.
    pub wrong_top_1: u64,
    /// Images whose first k labels are all wrong.
    pub wrong_top_k: u64,
}

impl Tally {
    /// Counts one image, whose true label is at `place` of its labels.
    pub(super) fn count(&mut self, place: Option<usize>) {
        self.n += 1;
        self.wrong_top_1 += u64::from(place != Some(0));
        self.wrong_top_k += u64::from(place.is_none());
    }

    /// The top-1 and the top-k error: 0 is best; 1 where there is no image, as in the
    /// competition's script.
    pub fn errors(&self) -> [f64; 2] {
        [self.wrong_top_1, self.wrong_top_k].map(|wrong| {
            if self.n == 0 {
                1.0
            } else {
                wrong as f64 / self.n as f64
            }
        })
    }
}

/// The errors of a submission; `Label` is a number, or a text in the competition's script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score<Label = i32> {
    /// All images.
    pub all: Tally,
    /// Those of the public part, where the truth tells the parts.
    pub public: Option<Tally>,
    /// Those of the private part, where the truth tells the parts.
    pub private: Option<Tally>,
    /// The images of each true label, by rising label.
    pub by_class: Vec<(Label, Tally)>,
}

/// Adds up images while a submission is read.
#[derive(Debug, Default)]
pub(super) struct Count<Label> {
    all: Tally,
    parts: [Tally; 2],
    has_parts: bool,
    by_class: BTreeMap<Label, Tally>,
}

impl<Label: Ord + Clone> Count<Label> {
    pub(super) fn new(has_parts: bool) -> Self {
        Self {
            all: Tally::default(),
            parts: Default::default(),
            has_parts,
            by_class: BTreeMap::new(),
        }
    }

    /// Counts an image with the true label `label`, found at `place` of the predicted ones.
    pub(super) fn add(&mut self, label: &Label, usage: Option<Usage>, place: Option<usize>) {
        self.all.count(place);
        if let Some(usage) = usage {
            self.parts[usize::from(usage == Usage::Private)].count(place);
        }
        match self.by_class.get_mut(label) {
            Some(tally) => tally.count(place),
            None => self.by_class.entry(label.clone()).or_default().count(place),
        }
    }

    pub(super) fn score(self) -> Score<Label> {
        let [public, private] = self.parts.map(|part| self.has_parts.then_some(part));
        Score {
            all: self.all,
            public,
            private,
            by_class: self.by_class.into_iter().collect(),
        }
    }
}

/// Scores the first `k` labels of every row strictly: the submission must predict every image
/// of the truth, and no other.
pub fn score(submission: &Submission, truth: &Truth, k: usize) -> Result<Score> {
    if k == 0 || k > submission.k() {
        return Err(Error::argument(format!(
            "expected k from 1 to {}, the labels in a row, found {k}",
            submission.k()
        )));
    }
    if truth.ids().is_empty() {
        return Err(Error::submission("the truth names no image"));
    }
    let mut count = Count::new(truth.usages().is_some());
    let mut predicted = vec![false; truth.ids().len()];
    let rows = submission
        .ids()
        .iter()
        .zip(submission.labels().chunks_exact(submission.k()));
    for (row, (id, labels)) in rows.enumerate() {
        let Some(&of_truth) = truth.rows.get(id) else {
            return Err(submission.error(row, &format!("id `{id}` is not in the truth")));
        };
        predicted[of_truth] = true;
        let label = truth.labels()[of_truth];
        let place = labels[..k].iter().position(|&predicted| predicted == label);
        count.add(&label, truth.usages().map(|usages| usages[of_truth]), place);
    }
    let missing = predicted.iter().filter(|&&there| !there).count();
    if let Some(first) = predicted.iter().position(|&there| !there) {
        return Err(submission.error_of_all(&format!(
            "{missing} of the {} images in the truth have no prediction, the first is id {}",
            predicted.len(),
            truth.ids()[first]
        )));
    }
    Ok(count.score())
}

/// The classes of one group (a super category) together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Group {
    /// All images of the group: every image weighs the same.
    pub images: Tally,
    /// How many classes of the group have an image.
    pub classes: u64,
    /// The mean over those classes of their top-1 and top-k error: every class weighs the same.
    pub class_errors: [f64; 2],
}

/// Adds up classes, of which class i belongs to group `group_of[i]`, into `groups` groups.
pub fn by_group(classes: &[Tally], group_of: &[usize], groups: usize) -> Result<Vec<Group>> {
    if classes.len() != group_of.len() || group_of.iter().any(|&group| group >= groups) {
        return Err(Error::argument(format!(
            "expected a group below {groups} for each of {} classes",
            classes.len()
        )));
    }
    let mut sums = vec![Group::default(); groups];
    for (class, &group) in classes
        .iter()
        .zip(group_of)
        .filter(|(class, _)| class.n > 0)
    {
        let sum = &mut sums[group];
        sum.images.n += class.n;
        sum.images.wrong_top_1 += class.wrong_top_1;
        sum.images.wrong_top_k += class.wrong_top_k;
        sum.classes += 1;
        for (total, error) in sum.class_errors.iter_mut().zip(class.errors()) {
            *total += error;
        }
    }
    for sum in &mut sums {
        sum.class_errors = sum.class_errors.map(|total| total / sum.classes as f64);
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these shares are exact")]

    use super::*;

    fn submission(ids: &[i64], labels: &[i64]) -> Submission {
        Submission::new(ids.to_vec(), labels, 2, None).unwrap()
    }

    #[test]
    fn errors_are_counted_by_image_and_by_class() {
        let truth = Truth::new(
            vec![10, 11, 12],
            &[4, 5, 4],
            Some(vec![Usage::Public, Usage::Private, Usage::Private]),
        );
        let given = submission(&[12, 10, 11], &[1, 4, 4, 1, 1, 2]);
        let found = score(&given, &truth.unwrap(), 2).unwrap();
        assert_eq!(
            found.all,
            Tally {
                n: 3,
                wrong_top_1: 2,
                wrong_top_k: 1
            }
        );
        assert_eq!(found.public.unwrap().errors(), [0.0, 0.0]);
        assert_eq!(found.private.unwrap().errors(), [1.0, 0.5]);
        assert_eq!(
            found.by_class[0],
            (
                4,
                Tally {
                    n: 2,
                    wrong_top_1: 1,
                    wrong_top_k: 0
                }
            )
        );
        let tallies: Vec<_> = found.by_class.iter().map(|&(_, tally)| tally).collect();
        let groups = by_group(&tallies, &[0, 0], 1).unwrap();
        assert_eq!(groups[0].images, found.all);
        assert_eq!(groups[0].class_errors, [0.75, 0.5]);
    }

    #[test]
    fn every_image_is_predicted_once_and_no_other() {
        let truth = Truth::new(vec![1, 2], &[0, 0], None).unwrap();
        let missing = score(&submission(&[2], &[0, 1]), &truth, 2).unwrap_err();
        assert!(missing.message().contains("1 of the 2 images"), "{missing}");
        let unknown = score(&submission(&[1, 3], &[0, 1, 0, 1]), &truth, 2).unwrap_err();
        assert!(unknown.message().contains("row 1 (id 3)"), "{unknown}");
        assert!(Truth::new(vec![1, 1], &[0, 0], None).is_err());
        assert!(Truth::new(vec![1], &[-1], None).is_err());
    }
}
