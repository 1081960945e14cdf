//! Turns the bytes before a gzip member's data (RFC 1952 2.3) into a verdict: whole, or no header.

use crc32fast::Hasher;

use crate::error::{Error, Result};
use crate::limits::GZIP_HEADER_BYTES;

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
