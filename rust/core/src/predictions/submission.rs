//! Turns image ids and predicted labels into the competition's CSV file, and back.
//!
//! The file has a header (`format.rs`) and one row for each image: its id, a comma, and the k
//! predicted category ids, best first, with one space between them.
//!
//! Not here: what a row must be (`rules.rs`, `inspection.rs`), what a submission is worth (`score.rs`), and the lenient reading of the
//! competition's own script (`official.rs`).

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::inspection::inspect;
use super::rules::{Images, Rules, label_of};
use super::whole_file::write_aside;
use crate::error::{Error, Result};

/// The predicted labels of some images: every id once, in every row k different labels.
#[derive(Clone, Debug)]
pub struct Submission {
    ids: Vec<i64>,
    labels: Vec<i32>,
    k: usize,
    path: Option<PathBuf>,
}

impl Submission {
    /// Checks and keeps `labels`, of which row i belongs to `ids[i]`; `path` is the file that
    /// the rows were read from, for messages. A label must be below `categories`, if given.
    pub fn new(
        ids: Vec<i64>,
        labels: &[i64],
        k: usize,
        categories: Option<usize>,
        path: Option<&Path>,
    ) -> Result<Self> {
        if k == 0 {
            let message = "expected 1 or more labels in a row, found 0";
            return Err(Error::submission(message));
        }
        if ids.len().checked_mul(k) != Some(labels.len()) {
            return Err(Error::submission(format!(
                "expected {k} labels for each of {} ids, found {} labels",
                ids.len(),
                labels.len()
            )));
        }
        let path = path.map(Path::to_owned);
        let mut checked = Self {
            ids,
            labels: Vec::with_capacity(labels.len()),
            k,
            path,
        };
        for (row, of_row) in labels.chunks_exact(k).enumerate() {
            for &label in of_row {
                let label = label_of(label, &checked.labels[row * k..], categories)
                    .map_err(|fault| checked.error(row, &fault))?;
                checked.labels.push(label);
            }
        }
        checked.rows()?;
        Ok(checked)
    }

    /// The row of every id.
    fn rows(&self) -> Result<HashMap<i64, usize>> {
        let mut rows = HashMap::with_capacity(self.ids.len());
        for (row, &id) in self.ids.iter().enumerate() {
            if let Some(first) = rows.insert(id, row) {
                let first = self.place(first);
                return Err(self.error(row, &format!("id `{id}` is already in {first}")));
            }
        }
        Ok(rows)
    }

    /// Refuses rows of other images than these, and images without a row.
    pub fn check_images(&self, images: &Images) -> Result<()> {
        for (row, &id) in self.ids.iter().enumerate() {
            if let Some(unknown) = images.unknown(id) {
                return Err(self.error(row, &unknown));
            }
        }
        match images.missing(&self.rows()?) {
            Some(missing) => Err(self.error_of_all(&missing)),
            None => Ok(()),
        }
    }

    /// Reads a file strictly: the first fault is an error, unless it is readable.
    pub fn read(path: &Path, rules: Rules<'_>) -> Result<Self> {
        let rows = inspect(path, rules, |fault| {
            if fault.readable {
                return Ok(());
            }
            let message = match fault.line {
                Some(line) => format!("line {line}: {}", fault.message),
                None => fault.message,
            };
            Err(Error::submission(message).with_path(path))
        })?;
        Ok(Self {
            ids: rows.ids,
            labels: rows.labels,
            // Without rows there was a fault.
            k: rows.k.unwrap_or(1),
            path: Some(path.to_owned()),
        })
    }

    /// Writes the file: aside first, then flushed to the disk and renamed, so that `path` is
    /// never half written and an older file stays until the new one is whole. Without rows it
    /// would be no submission: an error.
    pub fn write(&self, path: &Path, header: &str) -> Result<()> {
        if self.ids.is_empty() {
            let message = "expected a row for each image, found no image";
            return Err(self.error_of_all(message));
        }
        write_aside(path, |file| self.write_rows(file, header))
    }

    fn write_rows(&self, file: &mut impl Write, header: &str) -> std::io::Result<()> {
        writeln!(file, "{header}")?;
        for (id, labels) in self.ids.iter().zip(self.labels.chunks_exact(self.k)) {
            write!(file, "{id}")?;
            for (place, label) in labels.iter().enumerate() {
                let separator = if place == 0 { ',' } else { ' ' };
                write!(file, "{separator}{label}")?;
            }
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The image ids, row after row.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// The labels, `k` for each row, best first.
    pub fn labels(&self) -> &[i32] {
        &self.labels
    }

    /// Labels in a row; at least 1.
    pub fn k(&self) -> usize {
        self.k
    }

    /// An error about one row.
    pub(super) fn error(&self, row: usize, message: &str) -> Error {
        self.error_of_all(&format!("{}: {message}", self.place(row)))
    }

    /// An error about the whole.
    pub(super) fn error_of_all(&self, message: &str) -> Error {
        let error = Error::submission(message);
        match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        }
    }

    /// A row as the user knows it: the line of the file (the header is line 1), or the row of
    /// the array and its id.
    fn place(&self, row: usize) -> String {
        match &self.path {
            Some(_) => format!("line {}", row + 2),
            None => format!("row {row} (id {})", self.ids[row]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HEADER: &str = "id,predicted";

    fn rules(k: Option<usize>, categories: Option<usize>) -> Rules<'static> {
        Rules {
            header: HEADER,
            k,
            categories,
            images: None,
        }
    }

    fn read(text: &str, k: Option<usize>) -> Result<Submission> {
        read_by(text, rules(k, None))
    }

    fn read_by(text: &str, rules: Rules<'_>) -> Result<Submission> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submission.csv");
        fs::write(&path, text).unwrap();
        Submission::read(&path, rules)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submission.csv");
        let written = Submission::new(vec![12, 0], &[7, 8, 9, 1, 0, 2], 3, None, None).unwrap();
        written.write(&path, HEADER).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "id,predicted\n12,7 8 9\n0,1 0 2\n"
        );
        let again = Submission::read(&path, rules(Some(3), None)).unwrap();
        assert_eq!(
            (again.ids(), again.labels()),
            (written.ids(), written.labels())
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn quotes_carriage_returns_and_a_byte_order_mark_are_read() {
        let quoted = read("\u{feff}\"id\",predicted\r\n\"3\",\"1 2\"\r\n\r\n", None).unwrap();
        assert_eq!(
            (quoted.ids(), quoted.labels(), quoted.k()),
            (&[3][..], &[1, 2][..], 2)
        );
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let head = "id,predicted\n1,1 2 3 4 5\n";
        let rows = [
            ("2,1 2 3 4", "expected 5 ids, found 4"),
            ("2,1 2 3 4 5 6", "expected 5 ids, found 6"),
            ("2,", "expected 5 ids, found 0"),
            ("2,1  2 3 4 5", "one space"),
            ("2, 1 2 3 4 5", "one space"),
            ("2,1 2 3 4 05", "label `05`"),
            ("2,1 2 3 4 x", "label `x`"),
            ("2,1 2 3 4 -5", "label `-5`"),
            ("2,1 2 3 4 2147483648", "label `2147483648`"),
            ("2,1 2 3 4 4", "label `4` is there twice"),
            ("a,1 2 3 4 5", "id `a`"),
            ("1,1 2 3 4 5", "id `1` is already in line 2"),
            ("2", "found 1 field"),
            ("2,1 2 3 4 5,", "found 3 fields"),
            ("\"2,1 2 3 4 5", "quote"),
            ("\n2,1 2 3 4 5", "is empty"),
        ];
        for (row, message) in rows {
            let error = read(&format!("{head}{row}\n"), Some(5)).unwrap_err();
            assert!(error.message().starts_with("line 3: "), "{error}");
            assert!(error.message().contains(message), "{error}");
            assert!(error.path().is_some(), "{error}");
        }
        for text in ["", "Id,Predicted\n1,2\n", "1,2\n"] {
            let error = read(text, None).unwrap_err();
            assert!(
                error
                    .message()
                    .contains("line 1: expected the header `id,predicted`")
            );
        }
        for k in [None, Some(5)] {
            let error = read("id,predicted\n", k).unwrap_err();
            assert!(
                error.message().starts_with("line 2: expected a row"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let long = format!("id,predicted\n1,{}", "1 ".repeat(1 << 20));
        assert!(
            read(&long, None)
                .unwrap_err()
                .message()
                .contains("is longer than")
        );
    }

    #[test]
    fn a_label_beyond_the_categories_is_named_with_its_line() {
        let text = "id,predicted\n1,1 2\n2,0 3\n";
        assert!(read_by(text, rules(None, Some(4))).is_ok());
        let error = read_by(text, rules(None, Some(3))).unwrap_err();
        assert!(error.message().starts_with("line 3: label `3`"), "{error}");
        assert!(Submission::new(vec![1], &[3], 1, Some(3), None).is_err());
    }

    #[test]
    fn rows_are_those_of_the_images_that_are_asked_for() {
        let images = Images::new(vec![2, 1]);
        let by = |text| {
            let rules = Rules {
                images: Some(&images),
                ..rules(None, None)
            };
            read_by(text, rules).map_err(|error| error.message().to_owned())
        };
        assert!(by("id,predicted\n1,1\n2,1\n").is_ok());
        let unknown = by("id,predicted\n1,1\n3,1\n").unwrap_err();
        assert!(
            unknown.starts_with("line 3: id `3` is not among the 2"),
            "{unknown}"
        );
        let missing = by("id,predicted\n1,1\n").unwrap_err();
        assert!(missing.contains("1 of the 2 images"), "{missing}");
        let arrays = |ids| Submission::new(ids, &[0, 0], 1, None, None).unwrap();
        arrays(vec![1, 2]).check_images(&images).unwrap();
        assert!(arrays(vec![1, 3]).check_images(&images).is_err());
        let few = Submission::new(vec![1], &[0], 1, None, None).unwrap();
        assert!(few.check_images(&images).is_err());
    }

    #[test]
    fn nothing_but_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let submission = Submission::new(vec![1], &[2], 1, None, None).unwrap();
        assert!(submission.write(folder.path(), HEADER).is_err());
        assert!(submission.write(Path::new("/dev/null"), HEADER).is_err());
        let missing = submission
            .write(&folder.path().join("not/here.csv"), HEADER)
            .unwrap_err();
        assert_eq!(
            missing.io_error().and_then(std::io::Error::raw_os_error),
            Some(2)
        );
    }
}
