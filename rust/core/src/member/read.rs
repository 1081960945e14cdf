//! Turns a [`Place`] into bytes: one positional read, a little inflating, one checksum.

use crate::archive::deflate::{BLOCK_HEADER_BYTES, Output, SLACK, Stop, Untraced, WINDOW, Walker};
use crate::archive::file::ArchiveFile;
use crate::archive::gzip_header::HeaderParser;
use crate::archive::points::{POINT_INSIDE, decode_window};
use crate::error::{Error, Result};
use crate::index::{Index, Place, Status};
use crate::limits::{DEFLATE_RATIO, MEMBER_BYTES, READ_AHEAD_BYTES};

/// The memory that reading a member needs, kept from one read to the next.
#[derive(Debug, Default)]
pub struct Reader {
    compressed: Vec<u8>,
    output: Vec<u8>,
    walker: Walker,
}

impl Reader {
    /// Reads the member at `place` of an uncompressed tar into `out`, without checking it.
    pub(crate) fn copy(file: &ArchiveFile, place: &Place, out: &mut Vec<u8>) -> Result<()> {
        let size = checked_size(place)?;
        file.expect_bytes(place.tar_offset, place.size)?;
        out.resize(size, 0);
        file.read_exact(out, place.tar_offset)
    }

    /// Inflates the member at `place` of a tar.gz into `out`, without checking it.
    pub(crate) fn inflate(
        &mut self,
        file: &ArchiveFile,
        index: &Index,
        place: &Place,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let size = checked_size(place)?;
        if size == 0 {
            return Ok(());
        }
        let gap = place.gap as usize;
        // A deflate stream is at most 5 bytes a 65,535 longer than what it holds, plus the codes
        // of its blocks, empty blocks and the headers of gzip members.
        let most = 2 * (size as u64 + gap as u64) + READ_AHEAD_BYTES;
        let possible = DEFLATE_RATIO.saturating_mul(place.compressed_size);
        if gap as u64 > READ_AHEAD_BYTES
            || place.compressed_size > most
            || size as u64 + gap as u64 > possible
        {
            return Err(Error::archive(format!(
                "the member's {size} bytes lie behind {gap} others in {} compressed ones, which \
                 is more than is read at once, or than there can be",
                place.compressed_size
            )));
        }
        let needed = place.compressed_size as usize;
        if self.compressed.len() < needed {
            file.expect_bytes(place.point_bit / 8, place.compressed_size)?;
            self.compressed.resize(needed, 0);
        }
        file.read_exact(&mut self.compressed[..needed], place.point_bit / 8)?;

        let limit = WINDOW + gap + size;
        if self.output.len() < limit + SLACK {
            self.output.resize(limit + SLACK, 0);
        }
        self.start(file, index, place)?;
        self.run(needed, limit)?;
        out.extend_from_slice(&self.output[limit - size..limit]);
        Ok(())
    }

    /// Sets up the walker and its history at the member's seek point.
    fn start(&mut self, file: &ArchiveFile, index: &Index, place: &Place) -> Result<()> {
        let damaged = || Error::index("the index is damaged: a window cannot be read");
        let stored = index.window(place)?;
        let (&form, encoded) = stored.split_first().ok_or_else(damaged)?;
        if form != POINT_INSIDE {
            decode_window(encoded, &mut self.output[..WINDOW]).ok_or_else(damaged)?;
            self.walker.start(place.point_bit);
            return Ok(());
        }
        let (header_bit, encoded) = encoded.split_first_chunk::<8>().ok_or_else(damaged)?;
        decode_window(encoded, &mut self.output[..WINDOW]).ok_or_else(damaged)?;
        let header_bit = u64::from_le_bytes(*header_bit);
        let mut header = [0; BLOCK_HEADER_BYTES];
        let count = file.read_up_to(&mut header, header_bit / 8)?;
        self.walker
            .start_inside(&header[..count], header_bit, place.point_bit)
    }

    /// Fills the output up to `limit` from the first `needed` compressed bytes.
    fn run(&mut self, needed: usize, limit: usize) -> Result<()> {
        let mut output = Output {
            bytes: &mut self.output,
            at: WINDOW,
            limit,
            floor: 0,
        };
        let mut input = &self.compressed[..needed];
        loop {
            let (used, stop) = self.walker.run(input, &mut output, &mut Untraced)?;
            input = &input[used..];
            if output.at >= limit {
                return Ok(());
            }
            match stop {
                Stop::Output => {}
                Stop::Input => {
                    return Err(Error::archive("the compressed data ends inside the member"));
                }
                Stop::End => {
                    let taken = next_gzip_member(&mut self.walker, input)?;
                    input = &input[taken..];
                    output.floor = output.at;
                }
            }
        }
    }
}

/// Passes over a gzip trailer, padding and the next header; returns the bytes of `input` used.
fn next_gzip_member(walker: &mut Walker, input: &[u8]) -> Result<usize> {
    let (bytes, held) = walker.leftover();
    let start = walker.next_bit() / 8;
    let mut rest = bytes[..held]
        .iter()
        .chain(input)
        .copied()
        .enumerate()
        .skip(8)
        .peekable();
    while rest.next_if(|&(_, byte)| byte == 0).is_some() {}
    let mut parser = HeaderParser::default();
    for (at, byte) in rest {
        if parser.push(byte)? {
            walker.start((start + at as u64 + 1) * 8);
            return Ok((at + 1).saturating_sub(held));
        }
    }
    Err(Error::archive("the compressed data ends inside the member"))
}

/// The member's size, if it can be read at all.
fn checked_size(place: &Place) -> Result<usize> {
    match place.status {
        Status::Whole if place.size <= MEMBER_BYTES => Ok(place.size as usize),
        Status::Whole => Err(Error::archive(format!(
            "a member of {} bytes; at most {MEMBER_BYTES} can be read at once",
            place.size
        ))),
        Status::Sparse => Err(Error::archive(
            "the member is stored as a sparse file, which is not supported; extract it with `tar`",
        )),
        Status::Dangling => Err(Error::archive(
            "the member is a hard link to something that is not in the archive",
        )),
    }
}
