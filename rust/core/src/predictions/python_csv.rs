//! Turns a CSV file into the fields of named columns, as Python's `csv.DictReader` reads one.
//!
//! The competition's script opens files as text and hands them to that reader; the rules are those
//! of Python's documentation of `open` and `csv`. A line ends with LF, CR or CRLF, which all become
//! LF. Quotes mean something only around a whole field, where they protect commas and line ends;
//! one that stays open takes the rest of the file. Of columns with the same name the last counts,
//! and a short row has no field in its last columns. Empty lines are skipped, but not in the place
//! of the header. A field has at most 131,072 characters.
//!
//! The file is read in pieces and one field is kept at a time, so memory is bounded.

use std::path::Path;

use super::format::shown;
use super::python_text::{Text, line_feeds};
use crate::error::{Error, Result};
use crate::limits::CSV_FIELD_CHARACTERS;

/// Of a header so much is kept for messages.
const HEADER_CHARACTERS: usize = 100;

/// A file being read, of which the columns `names` are wanted.
#[derive(Debug)]
pub(super) struct Table<'a, const N: usize> {
    records: Records,
    names: [&'a str; N],
    places: [Option<usize>; N],
    /// The beginning of the header.
    header: String,
    /// Fields of the header and of the last row.
    columns: usize,
    found: usize,
    /// The wanted fields of the last row, and which of them it has.
    fields: [String; N],
    there: [bool; N],
}

impl<'a, const N: usize> Table<'a, N> {
    /// Opens the file and reads its header. That a column is not there is no error before a row
    /// is read, as in the script.
    pub(super) fn open(path: &Path, names: [&'a str; N]) -> Result<Self> {
        let mut records = Records::open(path)?;
        let (mut places, mut header) = ([None; N], String::new());
        let columns = records.next(|place, name| {
            for (found, wanted) in places.iter_mut().zip(names) {
                if name == wanted {
                    *found = Some(place);
                }
            }
            if header.len() < HEADER_CHARACTERS {
                header.push_str(if place > 0 { "," } else { "" });
                header.extend(name.chars().take(HEADER_CHARACTERS));
            }
        })?;
        Ok(Self {
            records,
            names,
            places,
            header,
            columns: columns.unwrap_or(0),
            found: 0,
            fields: [const { String::new() }; N],
            there: [false; N],
        })
    }

    /// Whether the header names column `i`.
    pub(super) fn has(&self, i: usize) -> bool {
        self.places[i].is_some()
    }

    /// Reads the next row; false at the end.
    pub(super) fn read_row(&mut self) -> Result<bool> {
        loop {
            self.there = [false; N];
            let found = self.records.next(|place, text| {
                if let Some(i) = self.places.iter().position(|&of| of == Some(place)) {
                    self.there[i] = true;
                    std::mem::swap(&mut self.fields[i], text);
                }
            })?;
            match found {
                None => return Ok(false),
                Some(0) => {}
                Some(found) => {
                    self.found = found;
                    return Ok(true);
                }
            }
        }
    }

    /// The field of column `i` in the last row, or None if it is absent.
    pub(super) fn field(&self, i: usize) -> Option<&str> {
        self.there[i].then_some(&self.fields[i])
    }

    /// An error unless the header names column `i`.
    pub(super) fn require_column(&self, i: usize) -> Result<()> {
        if self.has(i) {
            return Ok(());
        }
        let text = &self.records.text;
        if let Some(what) = text.other {
            return Err(text.error(1, &format!("the file is {what}")));
        }
        let hint = if self.columns == 0 {
            "; the first line is empty: begin the file with the header"
        } else if self.header.starts_with('\u{feff}') {
            "; a byte order mark stands before it: save as UTF-8 without one"
        } else {
            ""
        };
        let (name, header) = (self.names[i], shown(&self.header));
        let message = format!("expected a column `{name}`, found `{header}`{hint}");
        Err(text.error(1, &message))
    }

    /// The field of column `i` in the last row, or an error if it is absent.
    pub(super) fn require(&self, i: usize) -> Result<&str> {
        self.require_column(i)?;
        self.field(i).ok_or_else(|| {
            self.error(&format!(
                "expected {} fields, found {}: `{}` is missing",
                self.columns, self.found, self.names[i]
            ))
        })
    }

    /// An error in the row that was read last.
    pub(super) fn error(&self, message: &str) -> Error {
        self.records.error(message)
    }
}

/// Where in a row the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RowStart,
    FieldStart,
    Bare,
    Quoted,
    /// Behind a quote in a quoted field: it closes the field, or is the first of two.
    Quote,
}

/// What the reader has come to.
enum Step {
    Within,
    FieldEnd,
    RowEnd,
    EmptyLine,
    FileEnd,
}

/// The records of a text.
#[derive(Debug)]
struct Records {
    text: Text,
    place: Place,
    field: String,
    /// Characters in the field.
    characters: usize,
    /// The line that the last record began in.
    line: usize,
}

impl Records {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            text: Text::open(path)?,
            place: Place::RowStart,
            field: String::new(),
            characters: 0,
            line: 1,
        })
    }

    fn error(&self, message: &str) -> Error {
        self.text.error(self.line, message)
    }

    /// Hands each field of the next record to `take`, with its place. Returns how many there were,
    /// 0 for an empty line, or None at the end of the file.
    fn next(&mut self, mut take: impl FnMut(usize, &mut String)) -> Result<Option<usize>> {
        self.line = self.text.line;
        self.place = Place::RowStart;
        let mut fields = 0;
        loop {
            let step = self.step()?;
            match step {
                Step::Within => continue,
                Step::EmptyLine => return Ok(Some(0)),
                Step::FileEnd if self.place == Place::RowStart => return Ok(None),
                // The end of the file ends a row too, and closes a quote.
                Step::FieldEnd | Step::RowEnd | Step::FileEnd => {}
            }
            take(fields, &mut self.field);
            fields += 1;
            self.field.clear();
            self.characters = 0;
            if !matches!(step, Step::FieldEnd) {
                return Ok(Some(fields));
            }
        }
    }

    /// Reads on to the next byte that means something.
    fn step(&mut self) -> Result<Step> {
        let rest = self.text.rest()?;
        let bytes = rest.as_bytes();
        let Some(&byte) = bytes.first() else {
            return Ok(Step::FileEnd);
        };
        let mut of_field = "";
        let (used, place, step) = match (self.place, byte) {
            (Place::RowStart, b'\n') => (1, Place::RowStart, Step::EmptyLine),
            (Place::RowStart | Place::FieldStart, b'"') => (1, Place::Quoted, Step::Within),
            (Place::Quote, b'"') => {
                of_field = "\"";
                (1, Place::Quoted, Step::Within)
            }
            (Place::RowStart | Place::FieldStart | Place::Quote | Place::Bare, _) => {
                let end = memchr::memchr2(b',', b'\n', bytes);
                of_field = &rest[..end.unwrap_or(bytes.len())];
                match end.map(|end| bytes[end]) {
                    None => (of_field.len(), Place::Bare, Step::Within),
                    Some(b'\n') => (of_field.len() + 1, Place::RowStart, Step::RowEnd),
                    Some(_) => (of_field.len() + 1, Place::FieldStart, Step::FieldEnd),
                }
            }
            (Place::Quoted, _) => {
                let end = memchr::memchr(b'"', bytes);
                of_field = &rest[..end.unwrap_or(bytes.len())];
                match end {
                    None => (of_field.len(), Place::Quoted, Step::Within),
                    Some(_) => (of_field.len() + 1, Place::Quote, Step::Within),
                }
            }
        };
        self.field.push_str(of_field);
        self.characters += of_field.chars().count();
        let lines = match step {
            Step::EmptyLine | Step::RowEnd => 1,
            // Only quotes protect a line end.
            _ if self.place == Place::Quoted => line_feeds(of_field),
            _ => 0,
        };
        self.text.skip(used, lines);
        if self.characters > CSV_FIELD_CHARACTERS {
            let quote = match self.place {
                Place::Quoted | Place::Quote => "; is a quote not closed?",
                _ => "",
            };
            let most = CSV_FIELD_CHARACTERS;
            return Err(self.error(&format!(
                "has a field of more than {most} characters{quote}"
            )));
        }
        self.place = place;
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<[Option<String>; 2]> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let mut table = Table::open(&path, ["a", "b"]).unwrap();
        let mut rows = Vec::new();
        while table.read_row().unwrap() {
            rows.push([0, 1].map(|i| table.field(i).map(str::to_owned)));
        }
        rows
    }

    #[test]
    fn fields_are_those_of_pythons_reader() {
        let row = |a: &str, b: &str| [Some(a.to_owned()), Some(b.to_owned())];
        for (text, expected) in [
            (
                "b,x,a\r1,2,3\r\n\r4,5,6",
                vec![row("3", "1"), row("6", "4")],
            ),
            ("a,b,b\n1,2,3\n", vec![row("1", "3")]),
            (
                "\"a\",b\n\"1\r\n,\"\"\"2,3\"4\"\n",
                vec![row("1\n,\"2", "3\"4\"")],
            ),
            ("a,b\n1,\"2\n\n", vec![row("1", "2\n\n")]),
            (
                "a,b\n1\n\"\",\n",
                vec![[Some("1".into()), None], row("", "")],
            ),
            ("\na,b\n", vec![[None, None]]),
            ("", vec![]),
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }
}
