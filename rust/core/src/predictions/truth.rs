//! Turns a solution file into the true label of every image.
//!
//! The file has the header `id,expected` or `id,expected,usage`; usage is `Public` or `Private`,
//! the two parts of the test images that the competition scored apart.

use std::collections::HashMap;
use std::path::Path;

use super::csv_lines::CsvLines;
use super::format::shown;
use crate::error::{Error, Result};

pub(super) const HEADERS: [&[&str]; 2] = [&["id", "expected"], &["id", "expected", "usage"]];

/// The part of the images that one belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Scored on the public leaderboard.
    Public,
    /// Scored for the final result.
    Private,
}

impl Usage {
    /// The usage with this name, or what is wrong with it.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        match name {
            "Public" => Ok(Self::Public),
            "Private" => Ok(Self::Private),
            _ => Err(format!(
                "expected usage `Public` or `Private`, found `{}`",
                shown(name)
            )),
        }
    }
}

/// The true labels: every id once.
#[derive(Clone, Debug)]
pub struct Truth {
    pub(super) labels: Vec<i32>,
    pub(super) usages: Option<Vec<Usage>>,
    pub(super) ids: Vec<i64>,
    pub(super) rows: HashMap<i64, usize>,
}

impl Truth {
    /// Checks and keeps one label for each id.
    pub fn new(ids: Vec<i64>, labels: &[i64], usages: Option<Vec<Usage>>) -> Result<Self> {
        Self::build(ids, labels, usages, |row| format!("row {row} of the truth"))
    }

    fn build(
        ids: Vec<i64>,
        labels: &[i64],
        usages: Option<Vec<Usage>>,
        place: impl Fn(usize) -> String,
    ) -> Result<Self> {
        let counts = [labels.len(), usages.as_ref().map_or(ids.len(), Vec::len)];
        if counts != [ids.len(); 2] {
            return Err(Error::submission(format!(
                "the truth has {} ids and {} labels; expected one label for each id",
                ids.len(),
                labels.len()
            )));
        }
        let mut rows = HashMap::with_capacity(ids.len());
        for (row, &id) in ids.iter().enumerate() {
            if let Some(first) = rows.insert(id, row) {
                let first = place(first);
                let message = format!("{}: id `{id}` is already in {first}", place(row));
                return Err(Error::submission(message));
            }
        }
        let label = |(row, &label): (usize, &i64)| {
            i32::try_from(label)
                .ok()
                .filter(|&label| label >= 0)
                .ok_or_else(|| {
                    let (place, id) = (place(row), ids[row]);
                    let hint = if label == -1 {
                        " (-1 stands for unknown)"
                    } else {
                        ""
                    };
                    Error::submission(format!(
                        "{place}: id {id} has the label `{label}`, expected 0 or more{hint}"
                    ))
                })
        };
        let labels = labels
            .iter()
            .enumerate()
            .map(label)
            .collect::<Result<_>>()?;
        Ok(Self {
            labels,
            usages,
            ids,
            rows,
        })
    }

    /// Reads a solution file strictly.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = CsvLines::open(path)?;
        let with_usage = lines.expect_header(&HEADERS)? == 1;
        let (mut ids, mut labels, mut usages) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(fields) = lines.next_fields()? {
            if fields.len() != HEADERS[usize::from(with_usage)].len() {
                let expected = HEADERS[usize::from(with_usage)].join(",");
                let found = fields.len();
                return Err(lines.error(&format!("expected `{expected}`, found {found} fields")));
            }
            ids.push(lines.integer("id", &fields[0])?);
            labels.push(lines.integer("label", &fields[1])?);
            if let Some(usage) = fields.get(2) {
                usages.push(Usage::named(usage).map_err(|fault| lines.error(&fault))?);
            }
        }
        Self::build(ids, &labels, with_usage.then_some(usages), |row| {
            format!("line {}", row + 2)
        })
        .map_err(|error| error.with_path(path))
    }

    /// The image ids, row after row.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// The true labels, row after row.
    pub fn labels(&self) -> &[i32] {
        &self.labels
    }

    /// Which part each image belongs to, where the file says so.
    pub fn usages(&self) -> Option<&[Usage]> {
        self.usages.as_deref()
    }
}
