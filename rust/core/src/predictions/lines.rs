//! Turns a file into lines, one at a time.
//!
//! A line is bounded, so memory is bounded too, and the number of a line is that which an editor
//! shows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits::SUBMISSION_LINE_BYTES;

/// First bytes of files that are something else than text in UTF-8, and what they are.
const OTHER_FILES: [(&[u8], &str); 6] = [
    (
        b"\x1f\x8b",
        "a gzip file, not text; unpack it first (`gunzip`)",
    ),
    (
        b"PK\x03\x04",
        "a zip file (an Excel sheet is one too), not text; unpack it, or export CSV",
    ),
    (
        b"BZh",
        "a bzip2 file, not text; unpack it first (`bunzip2`)",
    ),
    (
        b"\xfd7zXZ\0",
        "an xz file, not text; unpack it first (`unxz`)",
    ),
    (b"\xff\xfe", "text in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16; save it as UTF-8"),
];

/// What a file is if its first bytes are not those of text.
pub(super) fn other_file(start: &[u8]) -> Option<&'static str> {
    let mut files = OTHER_FILES.iter();
    let known = files.find(|(magic, _)| start.starts_with(magic));
    known.map(|&(_, what)| what)
}

/// How a line was written, beside its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of one line that do not depend on each other"
)]
pub(super) struct Manner {
    /// It is longer than the limit: what is beyond was skipped.
    pub too_long: bool,
    /// A line feed ends it.
    pub ended: bool,
    /// A carriage return stood before that, or at the end of the file.
    pub carriage_return: bool,
    /// A byte order mark stood before the first line.
    pub mark: bool,
}

/// A file being read; the last line is kept here.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: usize,
    line: Vec<u8>,
}

impl Lines {
    /// Opens the file; no line is read yet.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 17, file),
            number: 0,
            line: Vec::new(),
        })
    }

    /// What the file is if its first bytes are not those of text; before the first line is read.
    pub(super) fn other_file(&mut self) -> Result<Option<&'static str>> {
        let start = self.file.fill_buf();
        let start = start.map_err(|error| Error::io(error, &self.path))?;
        let lone = |place: usize| place + 1 < start.len();
        let macintosh = memchr::memchr(b'\n', start).is_none()
            && memchr::memchr(b'\r', start).is_some_and(lone);
        Ok(other_file(start).or_else(|| {
            macintosh.then_some("text whose lines end with CR (of old Mac OS); save it with LF")
        }))
    }

    /// Reads the next line, without its end (LF or CRLF) and the mark before the first one; None
    /// at the end of the file.
    pub(super) fn read(&mut self) -> Result<Option<Manner>> {
        self.line.clear();
        let limit = SUBMISSION_LINE_BYTES as u64 + 1;
        let read = (&mut self.file)
            .take(limit)
            .read_until(b'\n', &mut self.line);
        read.map_err(|error| Error::io(error, &self.path))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mut manner = Manner::default();
        if self.line.last() == Some(&b'\n') {
            manner.ended = true;
            self.line.pop();
        } else if self.line.len() > SUBMISSION_LINE_BYTES {
            manner.too_long = true;
            self.line.truncate(SUBMISSION_LINE_BYTES);
            let skipped = self.file.skip_until(b'\n');
            skipped.map_err(|error| Error::io(error, &self.path))?;
            manner.ended = true;
        }
        if self.line.last() == Some(&b'\r') {
            manner.carriage_return = true;
            self.line.pop();
        }
        if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
            manner.mark = true;
            self.line.drain(..3);
        }
        Ok(Some(manner))
    }

    /// The last line's bytes.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// The last line's text, or what is wrong with its bytes.
    pub(super) fn text(&self) -> Result<&str, String> {
        if let Some(place) = memchr::memchr2(0, b'\r', &self.line) {
            let column = place + 1;
            return Err(if self.line[place] == 0 {
                format!("has a NUL byte at column {column}; the file is damaged")
            } else {
                format!("has a CR at column {column} that no LF follows; expected LF at line ends")
            });
        }
        std::str::from_utf8(&self.line).map_err(|error| {
            let place = error.valid_up_to();
            format!(
                "is not UTF-8 text: byte 0x{:02x} at column {}",
                self.line[place],
                place + 1
            )
        })
    }

    /// The last line's number, from 1; 0 before the first.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The fields of a line that has quotes, which cannot run over its end.
pub(super) fn quoted_fields(line: &str) -> Result<Vec<String>, String> {
    if line.matches('"').count() % 2 == 1 {
        return Err("has a quote that is not closed".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    let read = reader.read_record(&mut record);
    read.map_err(|error| error.to_string())?;
    Ok(record.iter().map(str::to_owned).collect())
}

/// The integer that `text` spells as the competition does: no plus sign, no leading zero.
///
/// The competition's own scorer compares texts, so `07` would never equal `7`.
pub(super) fn plain_integer(text: &str) -> Option<i64> {
    is_plain(text).then(|| text.parse().ok()).flatten()
}

/// What is wrong with a text, called `what`, that [`plain_integer`] does not take.
pub(super) fn integer_fault(what: &str, text: &str) -> String {
    let text = &super::format::shown(text);
    if is_plain(text) {
        return format!("{what} `{text}` is too large: more than {}", i64::MAX);
    }
    let hint = if text.contains('\t') {
        "; it has a tab, expected spaces"
    } else if text.contains(['.', 'e', 'E']) && text.parse::<f64>().is_ok() {
        "; write it without a decimal point"
    } else {
        ""
    };
    format!("{what} `{text}` is not a plain integer such as `0` or `17`{hint}")
}

/// What is wrong with a row that has not two fields; `ended` by a line feed or not.
pub(super) fn field_fault(fields: &[&str], ended: bool) -> String {
    let found = fields.len();
    let hint = if found > 2 && fields.iter().all(|field| plain_integer(field).is_some()) {
        "; separate labels with spaces, not with commas"
    } else if found == 1 && fields[0].contains(';') {
        "; separate the id from the labels with a comma, not with a semicolon"
    } else if found == 1 && fields[0].contains('\t') {
        "; separate the id from the labels with a comma, not with a tab"
    } else if found == 1 && !ended {
        "; the last line has no end, so the file may be cut short"
    } else {
        ""
    };
    let fields = if found == 1 { "field" } else { "fields" };
    format!("expected an id, a comma and labels, found {found} {fields}{hint}")
}

fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{integer_fault, plain_integer};

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

    #[test]
    fn a_number_that_is_no_plain_integer_says_why() {
        for (text, why) in [
            ("12345678901234567890", "is too large"),
            ("7.0", "without a decimal point"),
            ("1e3", "without a decimal point"),
            ("1\t2", "a tab"),
            ("x", "is not a plain integer"),
        ] {
            assert!(integer_fault("label", text).contains(why), "{text}");
        }
    }
}
