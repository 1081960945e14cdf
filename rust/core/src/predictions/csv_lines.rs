//! Turns a CSV file into lines of fields, one line at a time.
//!
//! A line is bounded, and a quoted field cannot run over its end, so memory is bounded too and
//! the number of a line is that which an editor shows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits::SUBMISSION_LINE_BYTES;

/// A CSV file being read; the last line's fields are kept here.
#[derive(Debug)]
pub(super) struct CsvLines {
    path: PathBuf,
    file: BufReader<File>,
    number: usize,
    header: Vec<String>,
    line: Vec<u8>,
}

impl CsvLines {
    /// Opens the file; no line is read yet.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        let file = BufReader::with_capacity(1 << 17, file);
        Ok(Self {
            path: path.to_owned(),
            file,
            number: 0,
            header: Vec::new(),
            line: Vec::new(),
        })
    }

    /// An error in the line that was read last.
    pub(super) fn error(&self, message: &str) -> Error {
        Error::submission(format!("line {}: {message}", self.number)).with_path(&self.path)
    }

    /// The fields of the next line, or None at the end of the file. Empty lines at the end of
    /// the file are no lines; one elsewhere is an error.
    pub(super) fn next_fields(&mut self) -> Result<Option<Vec<String>>> {
        if !self.read_line()? {
            return Ok(None);
        }
        if self.line.is_empty() {
            let empty = self.error("is empty; expected one row on each line");
            while self.read_line()? {
                if !self.line.is_empty() {
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
                self.number = 1;
                self.error(&format!(
                    "expected the header `{expected}`, found `{}`",
                    found.join(",")
                ))
            })
    }

    /// Reads the first line as names; returns where `names` are, whatever else there is.
    pub(super) fn columns<const N: usize>(&mut self, names: [&str; N]) -> Result<[usize; N]> {
        let found = self.next_fields_if_any()?.unwrap_or_default();
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = found
                .iter()
                .position(|column| column == name)
                .ok_or_else(|| {
                    self.number = self.number.max(1);
                    self.error(&format!(
                        "expected a column `{name}`, found `{}`",
                        found.join(",")
                    ))
                })?;
        }
        self.header = found;
        Ok(places)
    }

    /// Where the column `name` is, if the header has it.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The field of the last line in column `place`.
    pub(super) fn field<'a>(&self, fields: &'a [String], place: usize) -> Result<&'a str> {
        fields.get(place).map(String::as_str).ok_or_else(|| {
            self.error(&format!(
                "expected {} fields, found {}",
                self.header.len(),
                fields.len()
            ))
        })
    }

    /// The fields of the next line that is not empty, or None at the end of the file.
    pub(super) fn next_fields_if_any(&mut self) -> Result<Option<Vec<String>>> {
        while self.read_line()? {
            if !self.line.is_empty() {
                return self.split().map(Some);
            }
        }
        Ok(None)
    }

    /// The integer in a field of the last line that is called `what`.
    pub(super) fn integer(&self, what: &str, text: &str) -> Result<i64> {
        plain_integer(text).ok_or_else(|| {
            self.error(&format!(
                "{what} `{text}` is not a plain integer such as `0` or `17`"
            ))
        })
    }

    /// Reads one line without its end (LF or CRLF) and counts it.
    fn read_line(&mut self) -> Result<bool> {
        self.line.clear();
        let limit = SUBMISSION_LINE_BYTES as u64 + 1;
        let read = (&mut self.file)
            .take(limit)
            .read_until(b'\n', &mut self.line);
        read.map_err(|error| Error::io(error, &self.path))?;
        if self.line.is_empty() {
            return Ok(false);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > SUBMISSION_LINE_BYTES {
            return Err(self.error(&format!("is longer than {SUBMISSION_LINE_BYTES} bytes")));
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        Ok(true)
    }

    fn split(&self) -> Result<Vec<String>> {
        let line = std::str::from_utf8(&self.line).map_err(|_| self.error("is not UTF-8 text"))?;
        if !line.contains('"') {
            return Ok(line.split(',').map(str::to_owned).collect());
        }
        if line.matches('"').count() % 2 == 1 {
            return Err(self.error("has a quote that is not closed"));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .buffer_capacity(line.len())
            .from_reader(line.as_bytes());
        let mut record = csv::StringRecord::new();
        reader
            .read_record(&mut record)
            .map_err(|error| self.error(&error.to_string()))?;
        Ok(record.iter().map(str::to_owned).collect())
    }
}

/// The integer that `text` spells as the competition does: no plus sign, no leading zero.
///
/// The competition's own scorer compares texts, so `07` would never equal `7`.
fn plain_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::plain_integer;

    #[test]
    fn only_one_spelling_of_an_integer_is_taken() {
        for (text, value) in [
            ("0", 0),
            ("7", 7),
            ("-12", -12),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(plain_integer(text), Some(value));
        }
        for text in [
            "",
            "-",
            "-0",
            "07",
            "+7",
            " 7",
            "7 ",
            "7.0",
            "1e3",
            "9223372036854775808",
        ] {
            assert_eq!(plain_integer(text), None, "`{text}`");
        }
    }
}
