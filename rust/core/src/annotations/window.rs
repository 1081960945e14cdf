//! Turns the pieces of a JSON text into values that are parsed from memory, one after the other.
//!
//! Only the record in hand is in memory, and `serde_json` gets it as a slice: from a reader it parses
//! byte by byte, which takes three times as long.

use std::fmt;

use crate::error::{Error, Result};
use crate::limits::ANNOTATION_RECORD_BYTES;

/// Most bytes of the text that a message repeats.
const EXCERPT: usize = 60;

/// A JSON text of which some bytes are in memory.
pub(crate) struct Window<'a> {
    append_piece: &'a mut dyn FnMut(&mut Vec<u8>) -> bool,
    bytes: Vec<u8>,
    /// The first byte that was not parsed.
    at: usize,
    /// Position in the text of the first of `bytes`.
    start: u64,
    ended: bool,
    /// The list and its row that are being parsed.
    row: Option<(&'static str, usize)>,
}

impl fmt::Debug for Window<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Window")
            .field("at", &self.position(0))
            .finish_non_exhaustive()
    }
}

impl<'a> Window<'a> {
    /// A window at the start of a text; `append_piece` adds the next piece of it, or says that there
    /// is none.
    pub(crate) fn new(append_piece: &'a mut dyn FnMut(&mut Vec<u8>) -> bool) -> Self {
        Self {
            append_piece,
            bytes: Vec::new(),
            at: 0,
            start: 0,
            ended: false,
            row: None,
        }
    }

    /// Names the row that is parsed next, for messages.
    pub(crate) fn set_row(&mut self, row: Option<(&'static str, usize)>) {
        self.row = row;
    }

    /// The next byte that is no white space; none at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
            let rest = &self.bytes[self.at..];
            if let Some(skipped) = rest.iter().position(|byte| !is_space(byte)) {
                self.at += skipped;
                return Ok(Some(self.bytes[self.at]));
            }
            self.at = self.bytes.len();
            if self.ended {
                return Ok(None);
            }
            self.refill()?;
        }
    }

    /// Passes over the byte that [`peek`](Self::peek) found.
    pub(crate) fn pass(&mut self) {
        self.at += 1;
    }

    /// Passes over one of two bytes and says whether it was the first.
    pub(crate) fn either(&mut self, first: u8, second: u8) -> Result<bool> {
        match self.peek()? {
            Some(byte) if byte == first || byte == second => {
                self.pass();
                Ok(byte == first)
            }
            _ => Err(self.unexpected(&format!(
                "expected `{}` or `{}`",
                first as char, second as char
            ))),
        }
    }

    /// Parses the next value: `parse` gets the text from it on, and returns its length.
    ///
    /// It is called again with more of the text where it says that the text ends too early.
    pub(crate) fn value<T>(
        &mut self,
        mut parse: impl FnMut(&[u8]) -> serde_json::Result<(T, usize)>,
    ) -> Result<T> {
        loop {
            let rest = &self.bytes[self.at..];
            let wanted = match parse(rest) {
                // A number goes on as long as there are digits.
                Ok((value, used)) if used < rest.len() || self.ended || is_closed(rest) => {
                    self.at += used;
                    return Ok(value);
                }
                Err(error) if self.ended || !error.is_eof() => return Err(self.explain(&error)),
                // Twice as much each time, so that a long record is not parsed over and over.
                _ => rest.len().saturating_mul(2),
            };
            while !self.ended && self.bytes.len() - self.at <= wanted {
                self.refill()?;
            }
        }
    }

    fn refill(&mut self) -> Result<()> {
        self.bytes.drain(..self.at);
        self.start += self.at as u64;
        self.at = 0;
        if self.bytes.len() > ANNOTATION_RECORD_BYTES {
            return Err(self.wrong(
                0,
                &format!("a value has more than {ANNOTATION_RECORD_BYTES} bytes"),
            ));
        }
        self.ended = !(self.append_piece)(&mut self.bytes);
        Ok(())
    }

    /// What is wrong with the next byte.
    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        if self.at == self.bytes.len() {
            return self.cut_short(&format!("{expected}, found the end of the text"));
        }
        self.wrong(0, expected)
    }

    fn explain(&self, error: &serde_json::Error) -> Error {
        let rest = &self.bytes[self.at..];
        let newlines = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let line = match error.line() {
            0 | 1 => 0,
            line => newlines.map(|(at, _)| at + 1).nth(line - 2).unwrap_or(0),
        };
        // The column counts the byte in which the mistake was seen.
        let at = (line + error.column()).saturating_sub(1).min(rest.len());
        let text = error.to_string();
        let what = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(what, _)| what);
        if error.is_eof() {
            return self.cut_short(what);
        }
        match what {
            "expected value" => self.wrong(at, "expected a value (NaN and Infinity are none)"),
            _ => self.wrong(at, what),
        }
    }

    fn cut_short(&self, what: &str) -> Error {
        let rest = self.bytes.len() - self.at;
        self.tell(rest, what, "the text is cut short; download the file again")
    }

    /// The error of something `at` bytes from here.
    fn wrong(&self, at: usize, what: &str) -> Error {
        self.tell(at, what, "correct it, or download the file again")
    }

    fn tell(&self, at: usize, what: &str, advice: &str) -> Error {
        let row = self
            .row
            .map(|(list, row)| format!("`{list}[{row}]`: "))
            .unwrap_or_default();
        let rest = &self.bytes[self.at..];
        Error::annotation(format!(
            "{row}{what}, at `{}`, byte {} of the JSON text; {advice}",
            excerpt(rest, at),
            self.position(at)
        ))
    }

    fn position(&self, ahead: usize) -> u64 {
        self.start + (self.at + ahead) as u64
    }
}

fn is_closed(text: &[u8]) -> bool {
    matches!(text.last(), Some(b'}' | b']' | b'"'))
}

/// The key and the value around byte `at`, or what there is of them.
fn excerpt(text: &[u8], at: usize) -> String {
    let word = text[at.min(text.len())..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let end = (at + word.max(1)).min(text.len());
    let from = end.saturating_sub(EXCERPT);
    let part = &text[from..end];
    let begin = part
        .iter()
        .take(part.len().saturating_sub(1))
        .rposition(|byte| matches!(byte, b'{' | b','))
        .map_or(0, |comma| comma + 1);
    String::from_utf8_lossy(&part[begin..])
        .trim()
        .replace(char::is_control, " ")
}
