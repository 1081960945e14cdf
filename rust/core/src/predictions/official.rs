//! Turns a submission and the truth into error rates as the competition's own script counts.
//!
//! The rules are those of `eval/top_k_accuracy.py` in `visipedia/inat_comp`: labels are compared
//! as texts; a row is split at single spaces, so two spaces make an empty label that takes a
//! place; more than k labels are cut, fewer are an error; rows of unknown images are ignored,
//! those of a repeated image are counted again; missing images are an error; no image at all
//! means an accuracy of 0. The script reports accuracies; errors here are 1 minus those.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::count::{Count, Groups, Score};
use super::csv_lines::CsvLines;
use super::truth::{Truth, Usage};
use crate::error::{Error, Result};

/// Rows of texts: an image id and its first k labels, best first.
#[derive(Clone, Debug)]
pub struct Rows {
    rows: Vec<(String, Vec<String>)>,
    k: usize,
    path: Option<PathBuf>,
}

impl Rows {
    /// Reads a submission leniently: the two columns of `header`, wherever they are.
    pub fn read(path: &Path, header: &str, k: usize) -> Result<Self> {
        check_k(k)?;
        let mut lines = CsvLines::open(path)?;
        let (id, predicted) = header.split_once(',').unwrap_or((header, ""));
        let [id, predicted] = lines.columns([id, predicted])?;
        let mut rows = Vec::new();
        while let Some(fields) = lines.next_fields_if_any()? {
            let [id, predicted] = [lines.field(&fields, id)?, lines.field(&fields, predicted)?];
            let mut labels: Vec<_> = strip(predicted).split(' ').map(str::to_owned).collect();
            let found = labels.len();
            if found < k {
                let message = format!("image `{id}` has {found} labels, expected k = {k}");
                return Err(lines.error(&message));
            }
            labels.truncate(k);
            rows.push((id.to_owned(), labels));
        }
        Ok(Self {
            rows,
            k,
            path: Some(path.to_owned()),
        })
    }

    /// The texts of numbers: row i of `labels` has `width` labels and belongs to `ids[i]`.
    pub fn from_numbers(ids: &[i64], labels: &[i64], width: usize, k: usize) -> Result<Self> {
        check_k(k)?;
        if k > width || ids.len().checked_mul(width) != Some(labels.len()) {
            return Err(Error::submission(format!(
                "expected {k} or more labels for each of {} images, found rows of {width}",
                ids.len()
            )));
        }
        let rows = ids
            .iter()
            .zip(labels.chunks_exact(width))
            .map(|(id, labels)| {
                (
                    id.to_string(),
                    labels[..k].iter().map(ToString::to_string).collect(),
                )
            });
        Ok(Self {
            rows: rows.collect(),
            k,
            path: None,
        })
    }
}

fn check_k(k: usize) -> Result<()> {
    if k > 0 {
        Ok(())
    } else {
        Err(Error::argument("expected k of 1 or more, found 0"))
    }
}

/// Without the white space around it, as Python counts white space.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

/// The true label of each image, as texts.
#[derive(Clone, Debug)]
pub struct Solution {
    labels: HashMap<String, (String, Option<Usage>)>,
    has_parts: bool,
}

impl Solution {
    /// Reads a solution file leniently: the columns `id`, `expected` and, if there, `usage`.
    ///
    /// Of rows with the same image the last counts, but a public one before a private one.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = CsvLines::open(path)?;
        let [id, expected] = lines.columns(["id", "expected"])?;
        let usage = lines.column("usage");
        let mut labels = HashMap::new();
        while let Some(fields) = lines.next_fields_if_any()? {
            let label = lines.field(&fields, expected)?.to_owned();
            let usage = match usage {
                None => None,
                Some(usage) => Some(lines.usage(lines.field(&fields, usage)?)?),
            };
            let id = lines.field(&fields, id)?;
            if usage == Some(Usage::Private)
                && matches!(labels.get(id), Some((_, Some(Usage::Public))))
            {
                continue;
            }
            labels.insert(id.to_owned(), (label, usage));
        }
        Ok(Self {
            labels,
            has_parts: usage.is_some(),
        })
    }

    /// The texts of numbers.
    pub fn from_truth(truth: &Truth) -> Self {
        let labels = truth.ids().iter().zip(truth.labels()).enumerate();
        let labels = labels.map(|(row, (id, label))| {
            (
                id.to_string(),
                (label.to_string(), truth.usages().map(|usages| usages[row])),
            )
        });
        Self {
            labels: labels.collect(),
            has_parts: truth.usages().is_some(),
        }
    }
}

/// Scores as the competition's script does. With `groups` their confusion is counted too.
pub fn score(
    submitted: &Rows,
    solution: &Solution,
    groups: Option<&Groups<String>>,
) -> Result<Score<String>> {
    let there: HashSet<&str> = submitted.rows.iter().map(|(id, _)| id.as_str()).collect();
    let missing = solution
        .labels
        .keys()
        .filter(|id| !there.contains(id.as_str()))
        .count();
    if missing > 0 {
        let error = Error::submission(format!(
            "{missing} of the {} images in the truth have no prediction",
            solution.labels.len()
        ));
        return Err(match &submitted.path {
            Some(path) => error.with_path(path),
            None => error,
        });
    }
    let mut count = Count::new(submitted.k, solution.has_parts, groups);
    for (id, labels) in &submitted.rows {
        if let Some((label, usage)) = solution.labels.get(id) {
            count.add(label, *usage, labels);
        }
    }
    Ok(count.score())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn scored(submission: &str, solution: &str, k: usize) -> Result<[Vec<f64>; 2]> {
        let folder = tempfile::tempdir().unwrap();
        let [given, truth] = ["given.csv", "truth.csv"].map(|name| folder.path().join(name));
        fs::write(&given, submission).unwrap();
        fs::write(&truth, solution).unwrap();
        let score = score(
            &Rows::read(&given, "id,predicted", k)?,
            &Solution::read(&truth)?,
            None,
        )?;
        let parts = [score.public.unwrap(), score.private.unwrap()];
        Ok([
            parts.map(|part| part.errors()[1]).to_vec(),
            score.all.errors().to_vec(),
        ])
    }

    const TRUTH: &str = "id,expected,usage\na,7,Public\nb,8,Private\n";

    #[test]
    fn the_rules_of_the_script_hold() {
        let cases = [
            // (submission, k, public error, private error)
            ("id,predicted\na,1 7\nb,8 1\n", 2, 0.0, 0.0),
            // Two spaces make an empty label that takes a place.
            ("id,predicted\na,1  7\nb,8 1\n", 2, 1.0, 0.0),
            // White space around a row is stripped, blank lines are skipped.
            ("id,predicted\n\na, 1 7 \n\nb,8 1\n", 2, 0.0, 0.0),
            // More than k labels are cut.
            ("id,predicted\na,1 7\nb,8 1\n", 1, 1.0, 0.0),
            // Labels are texts.
            ("id,predicted\na,07 1\nb,8 8\n", 2, 1.0, 0.0),
            // Unknown images are ignored, repeated ones counted again.
            ("id,predicted\na,7 1\na,1 2\nc,1 2\nb,8 1\n", 2, 0.5, 0.0),
            // Columns are found by name.
            ("predicted,other,id\n1 7,x,a\n8 1,x,b\n", 2, 0.0, 0.0),
        ];
        for (submission, k, public, private) in cases {
            let [parts, _] = scored(submission, TRUTH, k).unwrap();
            assert_eq!(parts, [public, private], "{submission}");
        }
    }

    #[test]
    fn too_few_labels_and_missing_images_are_errors() {
        let few = scored("id,predicted\na,7\nb,8 1\n", TRUTH, 2).unwrap_err();
        assert!(
            few.message()
                .contains("image `a` has 1 labels, expected k = 2"),
            "{few}"
        );
        let missing = scored("id,predicted\na,7 1\n", TRUTH, 2).unwrap_err();
        assert!(missing.message().contains("1 of the 2 images"), "{missing}");
        let usage = scored("id,predicted\na,7\n", "id,expected,usage\na,7,public\n", 1);
        assert!(
            usage
                .unwrap_err()
                .message()
                .contains("line 2: expected usage")
        );
    }

    #[test]
    fn no_image_means_an_error_of_1_and_a_public_row_comes_before_a_private_one() {
        let [parts, all] = scored("id,predicted\n", "id,expected,usage\n", 1).unwrap();
        assert_eq!((parts, all), (vec![1.0, 1.0], vec![1.0, 1.0]));
        let solution = "id,expected,usage\na,1,Public\na,2,Public\na,3,Private\n";
        let [parts, _] = scored("id,predicted\na,2\n", solution, 1).unwrap();
        assert_eq!(parts, [0.0, 1.0]);
    }
}
