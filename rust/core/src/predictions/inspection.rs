//! Turns a submission file into its rows, and into everything that is wrong with it.
//!
//! Reading stops at the first fault (`submission.rs`); a check goes on to the end and keeps them
//! all.
//!
//! Not here: what holds for arrays too (`rules.rs`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use super::format::header_fault;
use super::lines::{Lines, Manner, field_fault, integer_fault, plain_integer, quoted_fields};
use super::rules::{Rules, label_of};
use crate::error::Result;
use crate::limits::SUBMISSION_LINE_BYTES;

/// One thing that is wrong with a submission file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1 (the header's); None for the file as a whole.
    pub line: Option<usize>,
    /// What was expected, what was found, what to do.
    pub message: String,
    /// The rows can be read all the same, as from a file with CRLF line ends. Told for the first
    /// line that has it.
    pub readable: bool,
}

/// Everything that is wrong with a submission file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows below the header, wrong ones too.
    pub rows: usize,
    /// The first faults, by line.
    pub faults: Vec<Fault>,
    /// How many faults there are in all.
    pub count: usize,
}

/// Lists what is wrong with a file; of the faults the first `limit` are kept, all are counted.
pub fn check(path: &Path, rules: Rules<'_>, limit: usize) -> Result<Report> {
    let mut report = Report::default();
    let rows = inspect(path, rules, |fault| {
        report.count += 1;
        if report.faults.len() < limit {
            report.faults.push(fault);
        }
        Ok(())
    })?;
    report.rows = rows.lines;
    Ok(report)
}

/// The rows of a file. If there were faults that are not `readable`, only `lines` means anything.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub ids: Vec<i64>,
    pub labels: Vec<i32>,
    pub k: Option<usize>,
    pub lines: usize,
}

/// Reads a file to its end, or until `on_fault` returns an error.
pub(super) fn inspect(
    path: &Path,
    rules: Rules<'_>,
    on_fault: impl FnMut(Fault) -> Result<()>,
) -> Result<Rows> {
    let mut lines = Lines::open(path)?;
    let mut inspection = Inspection {
        rules,
        on_fault,
        rows: Rows {
            k: rules.k,
            ..Rows::default()
        },
        seen: HashMap::new(),
        told: Told::default(),
    };
    if let Some(what) = lines.other_file()? {
        inspection.fault(Some(1), format!("the file is {what}"))?;
        return Ok(inspection.rows);
    }
    inspection.all(&mut lines)?;
    Ok(inspection.rows)
}

/// Which readable faults have been told.
#[derive(Debug, Default)]
struct Told {
    carriage_return: bool,
    quotes: bool,
}

struct Inspection<'a, F> {
    rules: Rules<'a>,
    on_fault: F,
    rows: Rows,
    /// The line of every id.
    seen: HashMap<i64, usize>,
    told: Told,
}

impl<F: FnMut(Fault) -> Result<()>> Inspection<'_, F> {
    fn fault(&mut self, line: Option<usize>, message: String) -> Result<()> {
        (self.on_fault)(Fault {
            line,
            message,
            readable: false,
        })
    }

    fn readable(&mut self, line: usize, message: &str) -> Result<()> {
        (self.on_fault)(Fault {
            line: Some(line),
            message: message.to_owned(),
            readable: true,
        })
    }

    fn all(&mut self, lines: &mut Lines) -> Result<()> {
        let mut empty = 0;
        let mut header_is_due = true;
        let mut last = Manner::default();
        while let Some(manner) = lines.read()? {
            last = manner;
            self.manner(lines.number(), manner)?;
            if lines.line().is_empty() {
                empty += 1;
                continue;
            }
            for line in lines.number() - empty..lines.number() {
                let message = "is empty; expected one row on each line".to_owned();
                self.fault(Some(line), message)?;
            }
            empty = 0;
            if std::mem::take(&mut header_is_due) {
                self.first(lines, manner)?;
            } else {
                self.row(lines, manner)?;
            }
        }
        let number = lines.number();
        if header_is_due {
            let message = header_fault(self.rules.header, "");
            return self.fault(Some(1), message);
        }
        if empty > 0 {
            self.readable(number + 1 - empty, "is empty, and no row follows")?;
        } else if !last.ended {
            let only = if last.carriage_return {
                ", only a CR"
            } else {
                ""
            };
            let message = format!("has no line feed at its end{only}; the file may be cut short");
            self.readable(number, &message)?;
        }
        if self.rows.lines == 0 {
            let message = "expected a row, found the end of the file".to_owned();
            self.fault(Some(number + 1), message)?;
        }
        match self.rules.images.and_then(|all| all.missing(&self.seen)) {
            Some(missing) => self.fault(None, missing),
            None => Ok(()),
        }
    }

    fn manner(&mut self, line: usize, manner: Manner) -> Result<()> {
        if manner.mark {
            let message = "begins with a byte order mark; save as UTF-8 without one";
            self.readable(line, message)?;
        }
        let windows = manner.ended && manner.carriage_return;
        if windows && !std::mem::replace(&mut self.told.carriage_return, true) {
            let message = "ends with CR LF (of Windows); expected LF alone on every line";
            self.readable(line, message)?;
        }
        Ok(())
    }

    /// The header, or a row that stands in its place.
    fn first(&mut self, lines: &Lines, manner: Manner) -> Result<()> {
        let line = lines.number();
        let found = match lines.text() {
            Ok(text) if text.contains('"') => match quoted_fields(text) {
                Ok(fields) => {
                    self.quotes(line)?;
                    fields.join(",")
                }
                Err(fault) => return self.fault(Some(line), fault),
            },
            Ok(text) => text.to_owned(),
            Err(fault) => return self.fault(Some(line), fault),
        };
        if found == self.rules.header {
            return Ok(());
        }
        self.fault(Some(line), header_fault(self.rules.header, &found))?;
        if found.starts_with(|c: char| c.is_ascii_digit()) {
            return self.row(lines, manner);
        }
        Ok(())
    }

    fn quotes(&mut self, line: usize) -> Result<()> {
        if !std::mem::replace(&mut self.told.quotes, true) {
            let message = "has quotes; write ids and labels without";
            self.readable(line, message)?;
        }
        Ok(())
    }

    fn row(&mut self, lines: &Lines, manner: Manner) -> Result<()> {
        let line = lines.number();
        self.rows.lines += 1;
        if manner.too_long {
            let message = format!("is longer than {SUBMISSION_LINE_BYTES} bytes");
            return self.fault(Some(line), message);
        }
        let text = match lines.text() {
            Ok(text) => text,
            Err(fault) => return self.fault(Some(line), fault),
        };
        if text.contains('"') {
            return match quoted_fields(text) {
                Ok(fields) => {
                    self.quotes(line)?;
                    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
                    self.fields(line, &fields, manner)
                }
                Err(fault) => self.fault(Some(line), fault),
            };
        }
        if text == self.rules.header {
            let message = "is the header again; it belongs in the first line only".to_owned();
            return self.fault(Some(line), message);
        }
        match text.split_once(',') {
            Some((id, labels)) if !labels.contains(',') => self.fields(line, &[id, labels], manner),
            _ => {
                let fields: Vec<_> = text.split(',').collect();
                self.fields(line, &fields, manner)
            }
        }
    }

    fn fields(&mut self, line: usize, fields: &[&str], manner: Manner) -> Result<()> {
        let &[id, labels] = fields else {
            return self.fault(Some(line), field_fault(fields, manner.ended));
        };
        match plain_integer(id) {
            Some(id) => self.id(line, id)?,
            None => self.fault(Some(line), integer_fault("id", id))?,
        }
        self.labels(line, labels, manner)
    }

    fn id(&mut self, line: usize, id: i64) -> Result<()> {
        self.rows.ids.push(id);
        match self.seen.entry(id) {
            Entry::Vacant(place) => {
                place.insert(line);
            }
            Entry::Occupied(first) => {
                let message = format!("id `{id}` is already in line {}", first.get());
                self.fault(Some(line), message)?;
            }
        }
        match self.rules.images.and_then(|images| images.unknown(id)) {
            Some(unknown) => self.fault(Some(line), unknown),
            None => Ok(()),
        }
    }

    fn labels(&mut self, line: usize, text: &str, manner: Manner) -> Result<()> {
        let before = self.rows.labels.len();
        let mut found = 0;
        for label in text.split(' ').filter(|label| !label.is_empty()) {
            found += 1;
            let fault = match plain_integer(label) {
                Some(number) => {
                    match label_of(number, &self.rows.labels[before..], self.rules.categories) {
                        Ok(label) => {
                            self.rows.labels.push(label);
                            continue;
                        }
                        Err(fault) => fault,
                    }
                }
                None => integer_fault("label", label),
            };
            self.fault(Some(line), fault)?;
        }
        if self.rows.k.is_none() && found > 0 {
            self.rows.k = Some(found);
        }
        let expected = self.rows.k.unwrap_or(1);
        if found != expected {
            let hint = if !manner.ended && found < expected {
                "; the last line has no end, so the file may be cut short"
            } else {
                ""
            };
            let message = format!("expected {expected} ids, found {found}{hint}");
            self.fault(Some(line), message)?;
        }
        // Of k labels with k - 1 spaces, none is spare.
        if found > 0 && text.bytes().filter(|&byte| byte == b' ').count() != found - 1 {
            let message = "expected one space between labels and none around".to_owned();
            self.fault(Some(line), message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictions::rules::Images;

    fn check_text(text: &[u8], images: Option<&Images>, limit: usize) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("submission.csv");
        std::fs::write(&path, text).unwrap();
        let rules = Rules {
            header: "id,predicted",
            k: Some(2),
            categories: Some(10),
            images,
        };
        check(&path, rules, limit).unwrap()
    }

    #[test]
    fn every_fault_of_every_line_is_listed_in_order() {
        let text = b"ID,predicted\n1,1 2\n\n1,1 1\n2,3  4 50 x\n7\xff,1 2\n3,1";
        let images = Images::new(vec![1, 2, 3, 9, 8]);
        let report = check_text(text, Some(&images), 50);
        let found: Vec<_> = report
            .faults
            .iter()
            .map(|fault| (fault.line, &fault.message[..12]))
            .collect();
        let expected = [
            (Some(1), "expected the"),
            (Some(3), "is empty; ex"),
            (Some(4), "id `1` is al"),
            (Some(4), "label `1` is"),
            (Some(5), "label `50` i"),
            (Some(5), "label `x` is"),
            (Some(5), "expected 2 i"),
            (Some(5), "expected one"),
            (Some(6), "is not UTF-8"),
            (Some(7), "expected 2 i"),
            (Some(7), "has no line "),
            (None, "2 of the 5 i"),
        ];
        assert_eq!(found, expected);
        assert_eq!((report.rows, report.count), (5, expected.len()));
        let few = check_text(text, Some(&images), 3);
        assert_eq!((few.faults.len(), few.count), (3, expected.len()));
        assert_eq!(few.faults, report.faults[..3]);
    }

    #[test]
    fn a_row_in_the_place_of_the_header_is_a_row() {
        let report = check_text(b"1,1 2\n1,3 4\n", None, 9);
        assert_eq!((report.rows, report.count), (2, 2));
        assert!(report.faults[1].message.contains("already in line 1"));
    }

    #[test]
    fn how_a_file_is_written_is_told_once() {
        let text = b"\xef\xbb\xbfid,predicted\r\n\"1\",\"1 2\"\r\n\"2\",3 4\r\n\r\n";
        let report = check_text(text, None, 9);
        let lines: Vec<_> = report.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [Some(1), Some(1), Some(2), Some(4)]);
        assert!(report.faults.iter().all(|fault| fault.readable));
        assert_eq!(check_text(b"id,predicted\n1,1 2\n", None, 9).count, 0);
    }

    #[test]
    fn a_long_line_is_one_fault_and_the_next_is_read() {
        let long = format!("id,predicted\n1,{}\n2,1 2\n", "1 ".repeat(1 << 20));
        let report = check_text(long.as_bytes(), None, 9);
        assert_eq!((report.rows, report.count), (2, 1));
        assert!(report.faults[0].message.contains("is longer than"));
    }
}
