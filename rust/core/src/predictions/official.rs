//! Turns a submission and the truth into error rates as the competition's own script counts.
//!
//! The rules are those of `eval/top_k_accuracy.py` in `visipedia/inat_comp`: labels are compared
//! as texts; a row is split at single spaces, so two spaces make an empty label that takes a
//! place; more than k labels are cut, fewer are an error; rows of unknown images are ignored,
//! those of a repeated image are counted again; missing images are an error; no image at all
//! means an accuracy of 0. The script reports accuracies; errors here are 1 minus those. How it
//! reads files is in `python_csv.rs`. A field that a short row has not is Python's `None`: as an
//! id it is one like others, as a true label it is never met.
//!
//! One thing is ours: a solution without the column `usage` is scored as a whole.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::count::{Count, Groups, Score, Tally};
use super::format::shown;
use super::python_csv::Table;
use super::truth::{Truth, Usage};
use crate::error::{Error, Result};

/// Rows of texts: an image id and its labels, best first, at least k with one space between.
#[derive(Clone, Debug)]
pub struct Rows {
    /// All ids and labels, one behind the other, and where those of each image are.
    text: String,
    images: Vec<(Option<Range<usize>>, Range<usize>)>,
    k: usize,
    path: Option<PathBuf>,
}

impl Rows {
    /// Reads a submission leniently: the two columns of `header`, wherever they are.
    pub fn read(path: &Path, header: &str, k: usize) -> Result<Self> {
        check_k(k)?;
        let (id, predicted) = header.split_once(',').unwrap_or((header, ""));
        let mut table = Table::open(path, [id, predicted])?;
        let mut rows = Self::empty(k, Some(path.to_owned()));
        while table.read_row()? {
            table.require_column(0)?;
            let (id, labels) = (table.field(0), strip(table.require(1)?));
            let found = 1 + labels.bytes().filter(|&byte| byte == b' ').count();
            if found < k {
                let id = shown(id.unwrap_or_default());
                let message = format!("image `{id}` has {found} labels, expected k = {k}");
                return Err(table.error(&message));
            }
            rows.push(id, labels);
        }
        Ok(rows)
    }

    fn empty(k: usize, path: Option<PathBuf>) -> Self {
        Self {
            text: String::new(),
            images: Vec::new(),
            k,
            path,
        }
    }

    fn push(&mut self, id: Option<&str>, labels: &str) {
        let mut keep = |text: &str| {
            self.text.push_str(text);
            self.text.len() - text.len()..self.text.len()
        };
        let image = (id.map(&mut keep), keep(labels));
        self.images.push(image);
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
        let mut rows = Self::empty(k, None);
        for (id, labels) in ids.iter().zip(labels.chunks_exact(width)) {
            let labels: Vec<_> = labels[..k].iter().map(ToString::to_string).collect();
            rows.push(Some(&id.to_string()), &labels.join(" "));
        }
        Ok(rows)
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
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// Where in `labels` that of an image is.
    rows: HashMap<String, usize>,
    /// That of the image whose id is absent.
    without_id: Option<usize>,
    labels: Vec<(Option<String>, Option<Usage>)>,
    has_parts: bool,
}

impl Solution {
    /// Reads a solution file leniently: the columns `id`, `expected` and, if there, `usage`.
    ///
    /// Of rows with the same image the last counts, but a public one before a private one.
    pub fn read(path: &Path) -> Result<Self> {
        let mut table = Table::open(path, ["id", "expected", "usage"])?;
        let mut solution = Self {
            has_parts: table.has(2),
            ..Self::default()
        };
        while table.read_row()? {
            table.require_column(0)?;
            table.require_column(1)?;
            let usage = if table.has(2) {
                let named = Usage::named(table.require(2)?);
                Some(named.map_err(|fault| table.error(&fault))?)
            } else {
                None
            };
            // NumPy, which the script compares with, drops NUL at the end of a text.
            let label = table.field(1).map(|label| label.trim_end_matches('\0'));
            solution.insert(table.field(0), label, usage);
        }
        Ok(solution)
    }

    /// Where in `labels` that of the image is.
    fn row(&self, id: Option<&str>) -> Option<usize> {
        match id {
            Some(id) => self.rows.get(id).copied(),
            None => self.without_id,
        }
    }

    fn insert(&mut self, id: Option<&str>, label: Option<&str>, usage: Option<Usage>) {
        let label = label.map(str::to_owned);
        if let Some(row) = self.row(id) {
            let known = &mut self.labels[row];
            if (known.1, usage) != (Some(Usage::Public), Some(Usage::Private)) {
                *known = (label, usage);
            }
            return;
        }
        let row = self.labels.len();
        match id {
            Some(id) => drop(self.rows.insert(id.to_owned(), row)),
            None => self.without_id = Some(row),
        }
        self.labels.push((label, usage));
    }

    /// The texts of numbers.
    pub fn from_truth(truth: &Truth) -> Self {
        let mut solution = Self {
            has_parts: truth.usages().is_some(),
            ..Self::default()
        };
        for (row, (id, label)) in truth.ids().iter().zip(truth.labels()).enumerate() {
            let usage = truth.usages().map(|usages| usages[row]);
            solution.insert(Some(&id.to_string()), Some(&label.to_string()), usage);
        }
        solution
    }
}

/// Scores as the competition's script does. With `groups` their confusion is counted too.
pub fn score(
    submitted: &Rows,
    solution: &Solution,
    groups: Option<&Groups>,
) -> Result<Score<String>> {
    let texts: Vec<_> = groups.map_or_else(Vec::new, |groups| {
        groups.labels.iter().map(ToString::to_string).collect()
    });
    let table = groups.map(|groups| groups.table(texts.iter().map(|text| Some(text.as_str()))));
    let mut count = Count::new(submitted.k, solution.has_parts, table);
    let mut there = vec![false; solution.labels.len()];
    let mut first = Vec::new();
    for (id, labels) in &submitted.images {
        let id = id.clone().map(|id| &submitted.text[id]);
        let labels = &submitted.text[labels.clone()];
        if let Some(row) = solution.row(id) {
            there[row] = true;
            let (label, usage) = &solution.labels[row];
            first.clear();
            first.extend(labels.split(' ').take(submitted.k).map(Some));
            count.add(label.as_deref(), *usage, &first);
        }
    }
    let missing = there.iter().filter(|&&there| !there).count();
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
    let counted = count.score();
    let mut by_class = BTreeMap::<String, Tally>::new();
    for (label, tally) in counted.by_class {
        // A label that is absent and an empty one are one class.
        let of_label = by_class.entry(label.unwrap_or_default().to_owned());
        of_label.or_default().add(tally);
    }
    Ok(Score {
        all: counted.all,
        places: counted.places,
        public: counted.public,
        private: counted.private,
        by_class: by_class.into_iter().collect(),
        confusion: counted.confusion,
    })
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
