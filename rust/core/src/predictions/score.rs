//! Turns a submission and the truth into error rates.
//!
//! The error of an image is the smallest, over its first k labels, of 0 (the true label) and 1
//! (another); that of many images is the mean (the competition page, "Evaluation").
//!
//! Not here: the lenient counting of the competition's own script (`official.rs`).

use super::count::{Count, Groups, Score, Tally};
use super::submission::Submission;
use super::truth::Truth;
use crate::error::{Error, Result};

/// Scores the first `k` labels of every row strictly: the submission must predict every image
/// of the truth, and no other. With `groups` their confusion is counted too.
pub fn score(
    submission: &Submission,
    truth: &Truth,
    k: usize,
    groups: Option<&Groups>,
) -> Result<Score> {
    if k == 0 || k > submission.k() {
        return Err(Error::argument(format!(
            "expected k from 1 to {}, the labels in a row, found {k}",
            submission.k()
        )));
    }
    if truth.ids().is_empty() {
        return Err(Error::submission("the truth names no image"));
    }
    // No label is negative: one that does not fit is never met.
    let number = |&label: &i64| i32::try_from(label).unwrap_or(-1);
    let table = groups.map(|groups| groups.table(groups.labels.iter().map(number)));
    let mut count = Count::new(k, truth.usages().is_some(), table);
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
        let usage = truth.usages().map(|usages| usages[of_truth]);
        count.add(truth.labels()[of_truth], usage, &labels[..k]);
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
        sum.images.add(*class);
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
    use crate::predictions::truth::Usage;

    fn submission(ids: &[i64], labels: &[i64]) -> Submission {
        Submission::new(ids.to_vec(), labels, 2, None, None).unwrap()
    }

    #[test]
    fn errors_are_counted_by_image_and_by_class() {
        let truth = Truth::new(
            vec![10, 11, 12],
            &[4, 5, 4],
            Some(vec![Usage::Public, Usage::Private, Usage::Private]),
        );
        let given = submission(&[12, 10, 11], &[1, 4, 4, 1, 1, 2]);
        let of = Groups::new(&[4, 5], &[0, 1], 2).unwrap();
        let found = score(&given, &truth.unwrap(), 2, Some(&of)).unwrap();
        assert_eq!(
            found.all,
            Tally {
                n: 3,
                wrong_top_1: 2,
                wrong_top_k: 1
            }
        );
        assert_eq!(found.places, [1, 1]);
        // Label 1 is in no group.
        assert_eq!(found.confusion, [1, 0, 1, 0, 0, 1, 0, 0, 0]);
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
        let missing = score(&submission(&[2], &[0, 1]), &truth, 2, None).unwrap_err();
        assert!(missing.message().contains("1 of the 2 images"), "{missing}");
        let unknown = score(&submission(&[1, 3], &[0, 1, 0, 1]), &truth, 2, None).unwrap_err();
        assert!(unknown.message().contains("row 1 (id 3)"), "{unknown}");
        assert!(Truth::new(vec![1, 1], &[0, 0], None).is_err());
        assert!(Truth::new(vec![1], &[-1], None).is_err());
        assert!(Groups::new(&[1], &[1], 1).is_err());
        assert!(Groups::new(&[1], &[0], 1 << 40).is_err());
    }
}
