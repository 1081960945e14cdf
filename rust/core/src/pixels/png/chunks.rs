//! Turns the bytes of a PNG into chunks (ISO/IEC 15948 5.3), and what they say into a
//! [`Description`].
//!
//! Files are taken and refused as by Pillow (`PngImagePlugin.py`, 13.0), which is stricter than the
//! standard in some things and laxer in others: it checks the CRC of every chunk before the pixels
//! and of none from there on, passes over what it does not know even if that is critical, and bounds
//! what compressed texts and profiles may grow to.

use super::description::Description;
use crate::error::{Error, Result};

/// The bytes that every PNG starts with.
pub(in crate::pixels) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Pixels are read in pieces of this size. Where a stream of pixels is damaged or ends too early, it
/// depends on them whether Pillow takes the file (`ImageFile.MAXBLOCK`).
const PIECE: usize = 1 << 16;

/// A place in a PNG.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks<'a> {
    data: &'a [u8],
    at: usize,
    /// Bytes of the current chunk of pixels that are still to come.
    left: usize,
}

struct Head {
    name: [u8; 4],
    start: usize,
    length: usize,
}

impl<'a> Chunks<'a> {
    /// Reads what comes before the pixels.
    pub(super) fn open(data: &'a [u8]) -> Result<(Self, Description<'a>)> {
        let mut chunks = Self {
            data,
            at: SIGNATURE.len(),
            left: 0,
        };
        let mut description = Description::default();
        loop {
            let head = chunks.head().ok_or_else(|| chunks.broken())?;
            match &head.name {
                b"IDAT" => chunks.left = head.length,
                b"fdAT" => chunks.left = chunks.frame_data(&head, &mut description)?,
                b"IEND" => {
                    let message = "the PNG ends before any pixels (IDAT)";
                    return Err(Error::decode(message).with_offset(head.start as u64 - 8));
                }
                name => {
                    let body = chunks.body(&head)?;
                    let taken = description.take(*name, body);
                    taken.map_err(|error| error.with_offset(head.start as u64 - 8))?;
                    chunks.check(&head, body)?;
                    continue;
                }
            }
            description.begin_pixels();
            return Ok((chunks, description));
        }
    }

    /// The next chunk's length and name; `None` if there is nothing like that.
    fn head(&mut self) -> Option<Head> {
        let length: [u8; 4] = self.data.get(self.at..)?.get(..4)?.try_into().ok()?;
        let name: [u8; 4] = self.data[self.at + 4..].get(..4)?.try_into().ok()?;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if !name.iter().all(is_word) {
            return None;
        }
        self.at += 8;
        Some(Head {
            name,
            start: self.at,
            length: u32::from_be_bytes(length) as usize,
        })
    }

    fn body(&mut self, head: &Head) -> Result<&'a [u8]> {
        let body = self.data[head.start..].get(..head.length).ok_or_else(|| {
            let name = String::from_utf8_lossy(&head.name);
            let (expected, found) = (head.length, self.data.len() - head.start);
            Error::decode(format!(
                "expected {expected} bytes of the PNG's chunk {name}, found {found}"
            ))
            .with_offset(head.start as u64)
        })?;
        self.at = head.start + head.length;
        Ok(body)
    }

    fn check(&mut self, head: &Head, body: &[u8]) -> Result<()> {
        let found = self.data[self.at..].get(..4).ok_or_else(|| self.broken())?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head.name);
        hasher.update(body);
        let expected = hasher.finalize().to_be_bytes();
        if found != expected {
            return Err(Error::decode(format!(
                "the CRC32 of the PNG's chunk {} is {:08x}, not {:08x} as the file says",
                String::from_utf8_lossy(&head.name),
                u32::from_be_bytes(expected),
                found
                    .iter()
                    .fold(0, |crc, byte| crc << 8 | u32::from(*byte)),
            ))
            .with_offset(self.at as u64));
        }
        self.at += 4;
        Ok(())
    }

    /// How many bytes of pixels a chunk of a later frame has, behind the number that it begins with.
    fn frame_data(&mut self, head: &Head, description: &mut Description<'a>) -> Result<usize> {
        let number = head.length.min(4);
        let body = self.body(&Head {
            length: number,
            ..*head
        })?;
        description.number_frame_data(body)?;
        Ok(head.length - number)
    }

    /// How many bytes of the file are still to come.
    pub(super) fn rest(&self) -> usize {
        self.data.len() - self.at
    }

    /// Bytes of the stream of pixels, the next ones.
    pub(super) fn pixels(&mut self, description: &mut Description<'a>) -> Result<&'a [u8]> {
        while self.left == 0 {
            self.skip(4);
            let head = self.head().ok_or_else(|| self.broken())?;
            self.left = match &head.name {
                b"IDAT" | b"DDAT" => head.length,
                b"fdAT" => self.frame_data(&head, description)?,
                name => {
                    return Err(Error::decode(format!(
                        "expected more pixels (IDAT), found the PNG's chunk {}",
                        String::from_utf8_lossy(name)
                    ))
                    .with_offset(head.start as u64 - 8));
                }
            };
        }
        let start = self.at;
        let some = self.left.min(PIECE);
        self.left -= some;
        self.skip(some);
        if start == self.at {
            return Err(self.broken());
        }
        Ok(&self.data[start..self.at])
    }

    /// Reads what comes after the pixels.
    pub(super) fn finish(&mut self, description: &mut Description<'a>) -> Result<()> {
        self.skip(self.left);
        loop {
            self.skip(4);
            let Some(head) = self.head() else {
                return Ok(());
            };
            match &head.name {
                b"IEND" => return Ok(()),
                b"fcTL" if description.is_animated => return Ok(()),
                b"IDAT" => {
                    self.body(&head)?;
                }
                b"fdAT" => {
                    let length = self.frame_data(&head, description)?;
                    let start = self.at;
                    self.body(&Head {
                        start,
                        length,
                        ..head
                    })?;
                }
                name => {
                    let body = self.body(&head)?;
                    let taken = description.take(*name, body);
                    taken.map_err(|error| error.with_offset(head.start as u64 - 8))?;
                }
            }
        }
    }

    fn skip(&mut self, some: usize) {
        self.at = self.at.saturating_add(some).min(self.data.len());
    }

    fn broken(&self) -> Error {
        if self.at >= self.data.len() {
            let message = "the PNG ends too early: the file is truncated";
            return Error::decode(message).with_offset(self.data.len() as u64);
        }
        let message = "expected a PNG chunk, found bytes that are none: the file is damaged";
        Error::decode(message).with_offset(self.at as u64)
    }
}
