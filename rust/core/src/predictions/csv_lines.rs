//! Turns a CSV file into lines of fields, up to the first that is wrong.

use std::path::Path;

use super::lines::{Lines, integer_fault, plain_integer, quoted_fields};
use crate::error::{Error, Result};
use crate::limits::SUBMISSION_LINE_BYTES;

/// A CSV file being read.
#[derive(Debug)]
pub(super) struct CsvLines {
    lines: Lines,
}

impl CsvLines {
    /// Opens the file; no line is read yet.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut opened = Self {
            lines: Lines::open(path)?,
        };
        match opened.lines.other_file()? {
            Some(what) => Err(opened.error(&format!("the file is {what}"))),
            None => Ok(opened),
        }
    }

    /// An error in the line that was read last.
    pub(super) fn error(&self, message: &str) -> Error {
        // Of an empty file, the first line is what is missing.
        let number = self.lines.number().max(1);
        Error::submission(format!("line {number}: {message}")).with_path(self.lines.path())
    }

    /// The fields of the next line, or None at the end of the file. Empty lines at the end of
    /// the file are no lines; one elsewhere is an error.
    pub(super) fn next_fields(&mut self) -> Result<Option<Vec<String>>> {
        if !self.read_line()? {
            return Ok(None);
        }
        if self.lines.line().is_empty() {
            let empty = self.error("is empty; expected one row on each line");
            while self.read_line()? {
                if !self.lines.line().is_empty() {
                    return Err(empty);
                }
            }
            return Ok(None);
        }
        self.split().map(Some)
    }

    /// Reads the first line, which must be one of `headers`; returns which.
    pub(super) fn expect_header(&mut self, headers: &[&[&str]]) -> Result<usize> {
        let found = self.next_fields()?.unwrap_or_default();
        headers
            .iter()
            .position(|&header| header == found)
            .ok_or_else(|| {
                let expected: Vec<_> = headers.iter().map(|header| header.join(",")).collect();
                let expected = expected.join("` or `");
                self.error(&format!(
                    "expected the header `{expected}`, found `{}`",
                    found.join(",")
                ))
            })
    }

    /// The integer in a field of the last line that is called `what`.
    pub(super) fn integer(&self, what: &str, text: &str) -> Result<i64> {
        plain_integer(text).ok_or_else(|| self.error(&integer_fault(what, text)))
    }

    fn read_line(&mut self) -> Result<bool> {
        let Some(manner) = self.lines.read()? else {
            return Ok(false);
        };
        if manner.too_long {
            return Err(self.error(&format!("is longer than {SUBMISSION_LINE_BYTES} bytes")));
        }
        Ok(true)
    }

    fn split(&self) -> Result<Vec<String>> {
        let line = self.lines.text().map_err(|fault| self.error(&fault))?;
        if line.contains('"') {
            return quoted_fields(line).map_err(|fault| self.error(&fault));
        }
        Ok(line.split(',').map(str::to_owned).collect())
    }
}
