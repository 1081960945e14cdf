//! Turns gzip members (RFC 1952), one after the other, into one stream of bytes with seek points.
//!
//! Every member's CRC32 and length are checked. Zero bytes behind a member are padding (tapes and
//! some file systems add them); anything else that is not a member is an error.

use crc32fast::Hasher;

use super::deflate::{Output, SLACK, Stop, WINDOW, Walker};
use super::gzip_header::{HeaderParser, MAGIC};
use super::points::PointLog;
use crate::error::{Error, Result};
use crate::index::checkpoint::GzipStart;

/// Output handed on at once: long enough that moving 32 KiB of history is little work, short
/// enough to stay in the second-level cache.
const PIECE: usize = 256 << 10;

/// A point inside a block is made when the last point is this far behind, so that one giant block
/// does not make reads long.
const POINT_SPACING: u64 = 256 << 10;

/// A stretch of output.
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    /// The 32 KiB before; those of another gzip member or from before the start do not count.
    pub(crate) history: &'a [u8],
    /// Checksum and length of the gzip member in hand, up to `sum_end` in the output as a whole.
    pub(crate) sum: &'a Hasher,
    pub(crate) sum_length: u64,
    pub(crate) sum_end: u64,
    /// Position of its first byte in the output as a whole.
    pub(crate) tar_offset: u64,
    /// Position in the file behind the last bit that was needed.
    pub(crate) end_bit: u64,
    pub(crate) log: &'a mut PointLog,
}

/// Decodes a gzip file that arrives in chunks.
#[derive(Debug)]
pub(crate) struct Inflater {
    state: State,
    walker: Walker,
    buffer: Vec<u8>,
    at: usize,
    floor: usize,
    log: PointLog,
    last_point: u64,
    crc: Hasher,
    /// The first byte of output that `crc` lacks.
    unhashed: usize,
    /// Bytes in this member that left the buffer.
    handed: u64,
    /// Position in the file of the next byte of a header, trailer or padding.
    offset: u64,
}

#[derive(Debug)]
enum State {
    Header(HeaderParser),
    Body,
    Trailer { bytes: [u8; 8], filled: usize },
    Between,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            state: State::Header(HeaderParser::default()),
            walker: Walker::default(),
            buffer: vec![0; WINDOW + PIECE + SLACK],
            at: WINDOW,
            floor: WINDOW,
            log: PointLog::new(WINDOW),
            last_point: 0,
            crc: Hasher::new(),
            unhashed: WINDOW,
            handed: 0,
            offset: 0,
        }
    }
}

impl Inflater {
    /// An inflater that goes on from a place inside a gzip member; `header` holds the bytes from
    /// the one with the block's header on, if the place is inside a block.
    pub(crate) fn starting_at(start: &GzipStart, header: &[u8]) -> Result<Self> {
        let mut this = Self {
            state: State::Body,
            log: PointLog::starting_at(WINDOW, start.tar_offset),
            last_point: start.tar_offset,
            crc: Hasher::new_with_initial_len(start.crc, start.length),
            handed: start.length,
            ..Self::default()
        };
        this.floor = WINDOW.saturating_sub(start.window.len());
        this.buffer[this.floor..WINDOW].copy_from_slice(&start.window);
        if start.header_bit > 0 {
            this.walker
                .start_inside(header, start.header_bit, start.bit)?;
            this.log.add_inside(start.bit, WINDOW, start.header_bit);
        } else {
            this.walker.start(start.bit);
        }
        Ok(this)
    }

    /// Decodes one chunk of the file; `sink` gets whole pieces.
    pub(crate) fn feed(
        &mut self,
        mut input: &[u8],
        sink: &mut impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        while !input.is_empty() {
            if !matches!(self.state, State::Body) {
                let used = self.frame(input);
                input = &input[used.map_err(|error| self.broken(error, sink))?..];
                continue;
            }
            let limit = self.limit();
            let mut output = Output {
                bytes: &mut self.buffer,
                at: self.at,
                limit,
                floor: self.floor,
            };
            let run = self.walker.run(input, &mut output, &mut self.log);
            self.at = output.at;
            let (used, stop) = run.map_err(|error| self.broken(error, sink))?;
            input = &input[used..];
            match stop {
                Stop::Input => {}
                Stop::Output => {
                    self.point_inside();
                    if self.at >= WINDOW + PIECE {
                        self.flush(sink)?;
                    }
                }
                Stop::End => {
                    let ended = self.end_member();
                    ended.map_err(|error| self.broken(error, sink))?;
                }
            }
        }
        Ok(())
    }

    /// Hands on what came before damage: whole members, or what is really wrong, a name or a size;
    /// returns the error that counts.
    fn broken(&mut self, error: Error, sink: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Error {
        self.flush(sink).err().unwrap_or(error)
    }

    /// Hands on the last piece; the error, if any, is that the file ends too early. If it ends so
    /// late that the checksum is there, it is checked.
    pub(crate) fn finish(
        &mut self,
        sink: &mut impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<Option<Error>> {
        self.flush(sink)?;
        let (what, offset) = match &self.state {
            State::Between => return Ok(None),
            State::Header(_) => ("a gzip header", self.offset),
            State::Body => ("the compressed data", self.walker.next_bit().div_ceil(8)),
            State::Trailer { bytes, filled } => {
                if let ([a, b, c, d, ..], 4..) = (*bytes, *filled) {
                    self.check_sum([a, b, c, d], self.offset - *filled as u64)?;
                }
                ("a gzip trailer", self.offset)
            }
        };
        let error = Error::archive(format!("the file is truncated: it ends inside {what}"));
        Ok(Some(error.with_offset(offset)))
    }

    /// Whether gzip's checksum has been found right for every byte of output.
    pub(crate) fn is_checked(&self) -> bool {
        match self.state {
            State::Between | State::Header(_) => true,
            State::Trailer { filled, .. } => filled >= 4,
            State::Body => false,
        }
    }

    /// Where in the buffer to stop next: at its end, or where a block has gone on for so long that
    /// it needs a point inside. Both are the same wherever decoding started.
    fn limit(&self) -> usize {
        let wanted = self.last_point() + POINT_SPACING;
        let here = self.log.tar_offset(self.at);
        let room = WINDOW + PIECE - self.at;
        match wanted.checked_sub(here) {
            None | Some(0) => WINDOW + PIECE,
            Some(left) => self.at + usize::try_from(left).map_or(room, |left| left.min(room)),
        }
    }

    fn last_point(&self) -> u64 {
        self.log
            .last()
            .map_or(self.last_point, |point| point.tar_offset)
    }

    fn point_inside(&mut self) {
        let Some(header_bit) = self.walker.inside_block() else {
            return;
        };
        if self.log.tar_offset(self.at) >= self.last_point() + POINT_SPACING {
            self.log
                .add_inside(self.walker.next_bit(), self.at, header_bit);
        }
    }

    fn flush(&mut self, sink: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        if self.at == WINDOW {
            return Ok(());
        }
        let sum = self.crc.clone();
        let (sum_length, sum_end) = (self.handed, self.log.tar_offset(self.unhashed));
        self.hash();
        self.last_point = self.last_point();
        let end_bit = self.walker.next_bit();
        let tar_offset = self.log.tar_offset(WINDOW);
        let (history, bytes) = self.buffer[..self.at].split_at(WINDOW);
        sink(Piece {
            bytes,
            history,
            sum: &sum,
            sum_length,
            sum_end,
            tar_offset,
            end_bit,
            log: &mut self.log,
        })?;

        let moved = self.at - WINDOW;
        self.buffer.copy_within(moved..self.at, 0);
        self.floor = self.floor.saturating_sub(moved);
        self.log.shift(moved);
        self.at = WINDOW;
        self.unhashed = WINDOW;
        Ok(())
    }

    fn hash(&mut self) {
        let new = &self.buffer[self.unhashed..self.at];
        self.crc.update(new);
        self.handed += new.len() as u64;
        self.unhashed = self.at;
    }

    fn end_member(&mut self) -> Result<()> {
        self.hash();
        let (bytes, count) = self.walker.leftover();
        self.offset = self.walker.next_bit() / 8;
        self.state = State::Trailer {
            bytes: [0; 8],
            filled: 0,
        };
        // At most seven bytes: the trailer's eighth always comes from the input.
        for &byte in &bytes[..count] {
            self.frame(&[byte])?;
        }
        Ok(())
    }

    /// Takes bytes that are not deflate data; returns how many.
    fn frame(&mut self, input: &[u8]) -> Result<usize> {
        let Some(&byte) = input.first() else {
            return Ok(0);
        };
        match &mut self.state {
            State::Between if byte == 0 => {
                let zeros = input
                    .iter()
                    .position(|&byte| byte != 0)
                    .unwrap_or(input.len());
                self.offset += zeros as u64;
                return Ok(zeros);
            }
            State::Between if byte != MAGIC[0] => {
                return Err(Error::archive(format!(
                    "expected the end of the file or another gzip member, found the byte \
                     `{byte:#04x}`"
                ))
                .with_offset(self.offset));
            }
            State::Between => self.state = State::Header(HeaderParser::default()),
            State::Header(parser) => {
                let done = parser
                    .push(byte)
                    .map_err(|error| error.with_offset(self.offset))?;
                self.offset += 1;
                if done {
                    self.start_member();
                }
                return Ok(1);
            }
            State::Trailer { bytes, filled } => {
                bytes[*filled] = byte;
                *filled += 1;
                self.offset += 1;
                if *filled == 8 {
                    let trailer = *bytes;
                    self.check_trailer(trailer)?;
                    self.state = State::Between;
                }
                return Ok(1);
            }
            State::Body => {}
        }
        Ok(0)
    }

    fn start_member(&mut self) {
        self.state = State::Body;
        self.walker.start(self.offset * 8);
        self.floor = self.at;
        self.crc = Hasher::new();
        self.unhashed = self.at;
        self.handed = 0;
    }

    fn check_trailer(&mut self, trailer: [u8; 8]) -> Result<()> {
        let [a, b, c, d, e, f, g, h] = trailer;
        self.check_sum([a, b, c, d], self.offset - 8)?;
        let length = u32::from_le_bytes([e, f, g, h]);
        if length != self.handed as u32 {
            return Err(Error::archive(format!(
                "the gzip length is wrong: expected {length}, found {} bytes modulo 2^32",
                self.handed as u32
            ))
            .with_offset(self.offset - 4));
        }
        Ok(())
    }

    /// Checks the member's CRC32, which is stored at `offset` of the file.
    fn check_sum(&self, stored: [u8; 4], offset: u64) -> Result<()> {
        let (crc, found) = (u32::from_le_bytes(stored), self.crc.clone().finalize());
        if crc == found {
            return Ok(());
        }
        Err(Error::archive(format!(
            "the gzip checksum is wrong: expected `{crc:08x}`, found `{found:08x}`; download the \
             file again"
        ))
        .with_offset(offset))
    }
}
