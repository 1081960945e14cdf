//! Turns positions in an archive file into the bytes that follow, and finds gzip members in them.

use crate::archive::file::ArchiveFile;
use crate::archive::gzip_header::HeaderParser;
use crate::error::{Error, Result};

/// Bytes read at once.
const CHUNK: usize = 128 << 10;

/// Length of the checksum and the length behind a gzip member's data (RFC 1952 2.3.1).
const TRAILER: u64 = 8;

/// A file of which one chunk is in memory.
#[derive(Debug)]
pub(super) struct Source<'a> {
    file: &'a ArchiveFile,
    bytes: Vec<u8>,
    /// Position of the first of `bytes` in the file.
    offset: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a ArchiveFile) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            offset: 0,
        }
    }

    /// Some bytes from `offset` on; none at the end of the file only.
    pub(super) fn from(&mut self, offset: u64) -> Result<&[u8]> {
        let here = offset
            .checked_sub(self.offset)
            .and_then(|here| usize::try_from(here).ok())
            .filter(|&here| here < self.bytes.len());
        if let Some(here) = here {
            return Ok(&self.bytes[here..]);
        }
        self.bytes.resize(CHUNK, 0);
        let count = self.file.read_up_to(&mut self.bytes, offset)?;
        self.bytes.truncate(count);
        self.offset = offset;
        Ok(&self.bytes)
    }

    /// Where the data of the gzip member begins whose header is at `offset`.
    pub(super) fn behind_header(&mut self, mut offset: u64) -> Result<u64> {
        let mut parser = HeaderParser::default();
        loop {
            let bytes = self.from(offset)?;
            if bytes.is_empty() {
                return Err(
                    Error::archive("the file ends inside a gzip header").with_offset(offset)
                );
            }
            for (at, &byte) in (offset..).zip(bytes) {
                if parser.push(byte).map_err(|error| error.with_offset(at))? {
                    return Ok(at + 1);
                }
            }
            offset += bytes.len() as u64;
        }
    }

    /// Where the data of the gzip member begins that follows one whose data ends at `offset`; none
    /// at the end of the file. Zeros between them are padding.
    pub(super) fn behind_trailer(&mut self, offset: u64) -> Result<Option<u64>> {
        let mut offset = offset + TRAILER;
        loop {
            let bytes = self.from(offset)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            match bytes.iter().position(|&byte| byte != 0) {
                Some(zeros) => return self.behind_header(offset + zeros as u64).map(Some),
                None => offset += bytes.len() as u64,
            }
        }
    }
}
