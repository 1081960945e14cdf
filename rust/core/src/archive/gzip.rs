//! Turns gzip members (RFC 1952), one after the other, into one stream of bytes with seek points.
//!
//! Every member's CRC32 and length are checked. Zero bytes behind a member are padding (tapes and
//! some file systems add them); anything else that is not a member is an error.

use crc32fast::Hasher;

use super::deflate::{Output, SLACK, Stop, WINDOW, Walker};
use super::points::PointLog;
use crate::error::{Error, Result};
use crate::limits::GZIP_HEADER_BYTES;

/// Output handed on at once: long enough that moving 32 KiB of history is little work, short
/// enough to stay in the second-level cache.
const PIECE: usize = 256 << 10;

/// A point inside a block is made when the last point is this far behind, so that one giant block
/// does not make reads long.
const POINT_SPACING: u64 = 256 << 10;

/// A stretch of output.
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
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

impl Inflater {
    pub(crate) fn new() -> Self {
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

    /// Decodes one chunk of the file; `sink` gets whole pieces.
    pub(crate) fn feed(
        &mut self,
        mut input: &[u8],
        sink: &mut impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        while !input.is_empty() {
            if !matches!(self.state, State::Body) {
                let used = self.frame(input)?;
                input = &input[used..];
                continue;
            }
            let limit = WINDOW + PIECE;
            let mut output = Output {
                bytes: &mut self.buffer,
                at: self.at,
                limit,
                floor: self.floor,
            };
            let run = self.walker.run(input, &mut output, &mut self.log);
            self.at = output.at;
            let (used, stop) = match run {
                Ok(done) => done,
                Err(error) => {
                    // What came before the damage may be what is really wrong: a name, a size.
                    self.flush(sink)?;
                    return Err(error);
                }
            };
            input = &input[used..];
            match stop {
                Stop::Input => {}
                Stop::Output => self.flush(sink)?,
                Stop::End => self.end_member()?,
            }
        }
        Ok(())
    }

    /// Hands on the last piece; fails if the file ends too early.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        self.flush(sink)?;
        let (what, offset) = match &self.state {
            State::Between => return Ok(()),
            State::Header(_) => ("a gzip header", self.offset),
            State::Body => ("the compressed data", self.walker.next_bit().div_ceil(8)),
            State::Trailer { .. } => ("a gzip trailer", self.offset),
        };
        Err(
            Error::archive(format!("the file is truncated: it ends inside {what}"))
                .with_offset(offset),
        )
    }

    fn flush(&mut self, sink: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        if self.at == WINDOW {
            return Ok(());
        }
        self.hash();
        if let Some(header_bit) = self.walker.inside_block() {
            let last = self
                .log
                .last()
                .map_or(self.last_point, |point| point.tar_offset);
            if self.log.tar_offset(self.at).saturating_sub(last) >= POINT_SPACING {
                self.log
                    .add_inside(self.walker.next_bit(), self.at, header_bit);
            }
        }
        self.last_point = self
            .log
            .last()
            .map_or(self.last_point, |point| point.tar_offset);
        let end_bit = self.walker.next_bit();
        let tar_offset = self.log.tar_offset(WINDOW);
        let bytes = &self.buffer[WINDOW..self.at];
        sink(Piece {
            bytes,
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
        let (crc, length) = (
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        );
        let found = self.crc.clone().finalize();
        if crc != found {
            return Err(Error::archive(format!(
                "the gzip checksum is wrong: expected `{crc:08x}`, found `{found:08x}`; \
                 download the file again"
            ))
            .with_offset(self.offset - 8));
        }
        if length != self.handed as u32 {
            return Err(Error::archive(format!(
                "the gzip length is wrong: expected {length}, found {} bytes modulo 2^32",
                self.handed as u32
            ))
            .with_offset(self.offset - 4));
        }
        Ok(())
    }
}

/// The first two bytes of a gzip member.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a gzip header byte by byte (RFC 1952 2.3).
#[derive(Debug, Default)]
pub(crate) struct HeaderParser {
    part: Part,
    flags: u8,
    read: u64,
    crc: Hasher,
    field: [u8; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Fixed,
    ExtraLength(u8),
    Extra(u16),
    Name,
    Comment,
    Checksum(u8),
}

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;

impl HeaderParser {
    /// Takes the next byte; true when the header is whole.
    pub(crate) fn push(&mut self, byte: u8) -> Result<bool> {
        self.read += 1;
        if self.read > GZIP_HEADER_BYTES {
            return Err(Error::archive(format!(
                "a gzip header of more than {GZIP_HEADER_BYTES} bytes"
            )));
        }
        if !matches!(self.part, Part::Checksum(_)) {
            self.crc.update(&[byte]);
        }
        match self.part {
            Part::Fixed => {
                self.check_fixed(byte)?;
                return Ok(self.read == 10 && self.go_on(FEXTRA));
            }
            Part::ExtraLength(filled) => {
                self.field[filled as usize & 1] = byte;
                self.part = match (filled, u16::from_le_bytes(self.field)) {
                    (0, _) => Part::ExtraLength(1),
                    (_, 0) => return Ok(self.go_on(FNAME)),
                    (_, length) => Part::Extra(length),
                };
            }
            Part::Extra(1) => return Ok(self.go_on(FNAME)),
            Part::Extra(left) => self.part = Part::Extra(left - 1),
            Part::Name if byte == 0 => return Ok(self.go_on(FCOMMENT)),
            Part::Comment if byte == 0 => return Ok(self.go_on(FHCRC)),
            Part::Name | Part::Comment => {}
            Part::Checksum(0) => {
                self.field[0] = byte;
                self.part = Part::Checksum(1);
            }
            Part::Checksum(_) => {
                let stored = u16::from_le_bytes([self.field[0], byte]);
                let found = self.crc.clone().finalize() as u16;
                if stored != found {
                    return Err(Error::archive(format!(
                        "a gzip header's checksum is wrong: expected `{stored:04x}`, found \
                         `{found:04x}`"
                    )));
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves to the first optional part from `flag` on; true if there is none.
    fn go_on(&mut self, flag: u8) -> bool {
        let parts = [
            (FEXTRA, Part::ExtraLength(0)),
            (FNAME, Part::Name),
            (FCOMMENT, Part::Comment),
            (FHCRC, Part::Checksum(0)),
        ];
        let from = parts.iter().position(|part| part.0 == flag).unwrap_or(0);
        match parts[from..].iter().find(|part| self.flags & part.0 != 0) {
            Some(&(_, part)) => {
                self.part = part;
                false
            }
            None => true,
        }
    }

    fn check_fixed(&mut self, byte: u8) -> Result<()> {
        match self.read {
            1 | 2 if byte != MAGIC[self.read as usize - 1] => Err(Error::archive(
                "expected a gzip header (`1f 8b`), found something else",
            )),
            3 if byte != 8 => Err(Error::archive(format!(
                "expected gzip's compression method 8 (deflate), found {byte}"
            ))),
            4 if byte & 0xe0 != 0 => Err(Error::archive(format!(
                "a gzip header with reserved flags `{byte:#04x}`"
            ))),
            4 => {
                self.flags = byte;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
