//! Turns a file into text whose lines all end with LF, piece by piece, as Python's `open` does.
//!
//! A line ends with LF, CR or CRLF; the text is UTF-8, and its byte order mark is a letter of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::lines::other_file;
use crate::error::{Error, Result};

/// Bytes read at once.
const PIECE: usize = 1 << 17;

/// A text file being read in pieces, whose lines all end with LF.
#[derive(Debug)]
pub(super) struct Text {
    path: PathBuf,
    file: File,
    /// What the file is if its first bytes are those of something else than text.
    pub(super) other: Option<&'static str>,
    piece: String,
    /// How much of the piece is used.
    used: usize,
    /// Bytes that belong with those of the next piece: half a letter, or a CR.
    tail: Vec<u8>,
    /// The line that comes next, from 1.
    pub(super) line: usize,
}

impl Text {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        let mut opened = Self {
            path: path.to_owned(),
            file,
            other: None,
            piece: String::new(),
            used: 0,
            tail: Vec::new(),
            line: 1,
        };
        opened.read(true)?;
        Ok(opened)
    }

    pub(super) fn error(&self, line: usize, message: &str) -> Error {
        Error::submission(format!("line {line}: {message}")).with_path(&self.path)
    }

    /// What of the text is not used; empty at the end of the file.
    pub(super) fn rest(&mut self) -> Result<&str> {
        if self.used == self.piece.len() {
            self.read(false)?;
        }
        Ok(&self.piece[self.used..])
    }

    /// Uses `bytes` of the rest, in which `lines` end.
    pub(super) fn skip(&mut self, bytes: usize, lines: usize) {
        self.used += bytes;
        self.line += lines;
    }

    fn read(&mut self, first: bool) -> Result<()> {
        let mut bytes = std::mem::take(&mut self.tail);
        bytes.reserve(PIECE);
        let read = (&mut self.file)
            .take(PIECE as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(error, &self.path))?;
        if first {
            self.other = other_file(&bytes);
        }
        let at_end = read < PIECE;
        let chunk = bytes.utf8_chunks().next();
        let valid = chunk.as_ref().map_or("", std::str::Utf8Chunk::valid);
        let invalid = chunk.as_ref().map_or(0, |chunk| chunk.invalid().len());
        // What is wrong only because the piece ends here is judged with the next one.
        if invalid > 0 && (at_end || valid.len() + invalid < bytes.len()) {
            return Err(self.not_text(valid, bytes[valid.len()]));
        }
        let held = !at_end && valid.ends_with('\r');
        let text = &valid[..valid.len() - usize::from(held)];
        self.piece = with_line_feeds(text);
        self.used = 0;
        self.tail = bytes[text.len()..].to_vec();
        Ok(())
    }

    fn not_text(&self, before: &str, byte: u8) -> Error {
        if let Some(what) = self.other {
            return self.error(1, &format!("the file is {what}"));
        }
        let line = self.line + line_feeds(&with_line_feeds(before));
        self.error(line, &format!("is not UTF-8 text: byte 0x{byte:02x}"))
    }
}

pub(super) fn line_feeds(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

fn with_line_feeds(text: &str) -> String {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return text.to_owned();
    }
    text.replace("\r\n", "\n").replace('\r', "\n")
}
