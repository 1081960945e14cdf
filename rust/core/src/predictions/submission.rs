//! Turns image ids and predicted labels into the competition's CSV file, and back.
//!
//! The file has the header `id,predicted` and one row for each image: its id, a comma, and the
//! k predicted category ids, best first, with one space between them.
//!
//! Not here: what a submission is worth (`score.rs`), and the lenient reading of the
//! competition's own script (`official.rs`).

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::csv_lines::CsvLines;
use crate::error::{Error, Result};

const HEADER: [&str; 2] = ["id", "predicted"];

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
    /// the rows were read from, for messages.
    pub fn new(ids: Vec<i64>, labels: &[i64], k: usize, path: Option<&Path>) -> Result<Self> {
        if k == 0 || ids.len().checked_mul(k) != Some(labels.len()) {
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
            for (place, &label) in of_row.iter().enumerate() {
                let label = i32::try_from(label)
                    .ok()
                    .filter(|&label| label >= 0)
                    .ok_or_else(|| {
                        checked.error(
                            row,
                            &format!("label `{label}` is not a category id, 0 or more"),
                        )
                    })?;
                if of_row[..place].contains(&label.into()) {
                    return Err(checked.error(row, &format!("label `{label}` is there twice")));
                }
                checked.labels.push(label);
            }
        }
        checked.check_ids()?;
        Ok(checked)
    }

    fn check_ids(&self) -> Result<()> {
        let mut rows = HashMap::with_capacity(self.ids.len());
        for (row, &id) in self.ids.iter().enumerate() {
            if let Some(first) = rows.insert(id, row) {
                let first = self.place(first);
                return Err(self.error(row, &format!("id `{id}` is already in {first}")));
            }
        }
        Ok(())
    }

    /// Reads a file strictly; `k` of None means as many labels as the first row has.
    pub fn read(path: &Path, k: Option<usize>) -> Result<Self> {
        let mut lines = CsvLines::open(path)?;
        lines.expect_header(&[&HEADER])?;
        let (mut k, mut ids, mut labels) = (k, Vec::new(), Vec::new());
        while let Some(fields) = lines.next_fields()? {
            let [id, predicted] = &fields[..] else {
                let found = fields.len();
                return Err(lines.error(&format!("expected `id,predicted`, found {found} fields")));
            };
            ids.push(lines.integer("id", id)?);
            let before = labels.len();
            for label in predicted.split(' ') {
                if label.is_empty() && !predicted.is_empty() {
                    return Err(lines.error("expected one space between labels and none around"));
                }
                if !label.is_empty() {
                    labels.push(lines.integer("label", label)?);
                }
            }
            let found = labels.len() - before;
            let expected = *k.get_or_insert(found);
            if found != expected || found == 0 {
                return Err(lines.error(&format!("expected {expected} ids, found {found}")));
            }
        }
        let k = k.ok_or_else(|| lines.error("expected a row below the header, found none"))?;
        Self::new(ids, &labels, k, Some(path))
    }

    /// Writes the file: aside first, then flushed to the disk and renamed, so that `path` is
    /// never half written and an older file stays until the new one is whole.
    pub fn write(&self, path: &Path) -> Result<()> {
        let path = destination(path)?;
        let io = |error| Error::io(error, &path);
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut aside = tempfile::Builder::new()
            .prefix(".submission-")
            .suffix(".tmp")
            .make_in(folder.unwrap_or(Path::new(".")), |aside| {
                OpenOptions::new().write(true).create_new(true).open(aside)
            })
            .map_err(io)?;
        let mut file = BufWriter::with_capacity(1 << 17, aside.as_file_mut());
        self.write_rows(&mut file)
            .and_then(|()| file.flush())
            .map_err(io)?;
        drop(file);
        aside.as_file().sync_all().map_err(io)?;
        aside.persist(&path).map_err(|error| io(error.error))?;
        Ok(())
    }

    fn write_rows(&self, file: &mut impl Write) -> std::io::Result<()> {
        writeln!(file, "{}", HEADER.join(","))?;
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

    /// Refuses labels that are no category: `categories` or more, if that is known.
    pub fn check_categories(&self, categories: Option<usize>) -> Result<()> {
        let Some(categories) = categories else {
            return Ok(());
        };
        let wrong = self
            .labels
            .iter()
            .position(|&label| label as usize >= categories);
        wrong.map_or(Ok(()), |wrong| {
            Err(self.error(
                wrong / self.k,
                &format!(
                    "label `{}` is not among the {categories} categories, numbered from 0",
                    self.labels[wrong]
                ),
            ))
        })
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

/// Where to write: `path`, or what it links to; not over anything but a file.
fn destination(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => {
            fs::canonicalize(path).map_err(|error| Error::io(error, path))
        }
        Ok(_) => Err(
            Error::argument("is there and is not a file; a submission cannot replace it")
                .with_path(path),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(Error::io(error, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, k: Option<usize>) -> Result<Submission> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submission.csv");
        fs::write(&path, text).unwrap();
        Submission::read(&path, k)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submission.csv");
        let written = Submission::new(vec![12, 0], &[7, 8, 9, 1, 0, 2], 3, None).unwrap();
        written.write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "id,predicted\n12,7 8 9\n0,1 0 2\n"
        );
        let again = Submission::read(&path, Some(3)).unwrap();
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
            ("2", "found 1 fields"),
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
        assert!(read("id,predicted\n", None).is_err());
        assert_eq!(read("id,predicted\n", Some(5)).unwrap().ids().len(), 0);
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
        let submission = read("id,predicted\n1,1 2\n2,0 3\n", None).unwrap();
        submission.check_categories(Some(4)).unwrap();
        let error = submission.check_categories(Some(3)).unwrap_err();
        assert!(error.message().starts_with("line 3: label `3`"), "{error}");
    }

    #[test]
    fn nothing_but_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let submission = Submission::new(vec![1], &[2], 1, None).unwrap();
        assert!(submission.write(folder.path()).is_err());
        assert!(submission.write(Path::new("/dev/null")).is_err());
        let missing = submission
            .write(&folder.path().join("not/here.csv"))
            .unwrap_err();
        assert_eq!(
            missing.io_error().and_then(std::io::Error::raw_os_error),
            Some(2)
        );
    }
}
