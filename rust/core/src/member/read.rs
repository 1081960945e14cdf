//! Turns a [`Place`] into bytes: one positional read, a little inflating, one checksum.

use super::point;
use crate::archive::deflate::{Output, SLACK, Stop, Untraced, WINDOW, Walker};
use crate::archive::file::ArchiveFile;
use crate::archive::gzip_header::HeaderParser;
use crate::error::{Error, Result};
use crate::index::{Index, Place, Status};
use crate::limits::{DEFLATE_RATIO, MEMBER_BYTES, READ_AHEAD_BYTES};

/// The memory that reading a member needs, kept from one read to the next.
#[derive(Debug, Default)]
pub struct Reader {
    pub(super) compressed: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) walker: Walker,
}

impl Reader {
    /// The memory for output, whatever is in it.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Reads the member at `place` of an uncompressed tar, without checking it.
    pub(crate) fn copy(&mut self, file: &ArchiveFile, place: &Place) -> Result<&[u8]> {
        let size = checked_size(place)?;
        if self.output.len() < size {
            file.expect_bytes(place.tar_offset, place.size)?;
            self.output.resize(size, 0);
        }
        file.read_exact(&mut self.output[..size], place.tar_offset)?;
        Ok(&self.output[..size])
    }

    /// Inflates the member at `place` of a tar.gz, without checking it.
    pub(crate) fn inflate(
        &mut self,
        file: &ArchiveFile,
        index: &Index,
        place: &Place,
    ) -> Result<&[u8]> {
        let size = checked_size(place)?;
        if size == 0 {
            return Ok(&[]);
        }
        let gap = place.gap as usize;
        check_span(place)?;
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
        let history = &mut self.output[..WINDOW];
        point::start(&mut self.walker, history, file, index, place)?;
        let mut output = Output {
            bytes: &mut self.output,
            at: WINDOW,
            limit,
            floor: 0,
        };
        let mut input = &self.compressed[..needed];
        fill(&mut self.walker, &mut input, &mut output)?;
        Ok(&self.output[limit - size..limit])
    }
}

/// Fills `output` up to its limit from `input`, which moves on.
pub(super) fn fill(walker: &mut Walker, input: &mut &[u8], output: &mut Output<'_>) -> Result<()> {
    while output.at < output.limit {
        let (used, stop) = walker.run(input, output, &mut Untraced)?;
        *input = &input[used..];
        if output.at >= output.limit {
            break;
        }
        match stop {
            Stop::Output => {}
            Stop::Input => return Err(ends_inside()),
            Stop::End => {
                let taken = next_gzip_member(walker, input)?;
                *input = &input[taken..];
                output.floor = output.at;
            }
        }
    }
    Ok(())
}

/// Fails if the place's numbers cannot be those of a member: memory is taken by them.
pub(super) fn check_span(place: &Place) -> Result<()> {
    let (gap, size) = (u64::from(place.gap), place.size);
    // A deflate stream is at most 5 bytes a 65,535 longer than what it holds, plus the codes of
    // its blocks, empty blocks and the headers of gzip members.
    let most = size
        .saturating_add(gap)
        .saturating_mul(2)
        .saturating_add(READ_AHEAD_BYTES);
    let possible = DEFLATE_RATIO.saturating_mul(place.compressed_size);
    if gap > READ_AHEAD_BYTES || place.compressed_size > most || size.saturating_add(gap) > possible
    {
        return Err(Error::archive(format!(
            "the member's {size} bytes lie behind {gap} others in {} compressed ones, which is \
             more than is read at once, or than there can be",
            place.compressed_size
        )));
    }
    Ok(())
}

/// Fails if `bytes` are not those that the index has the checksum of.
pub(crate) fn check_sum(place: &Place, bytes: &[u8]) -> Result<()> {
    match crc32fast::hash(bytes) {
        found if found == place.crc32 => Ok(()),
        found => Err(wrong_sum(place, found)),
    }
}

/// The error of a member that has the checksum `found`.
pub(super) fn wrong_sum(place: &Place, found: u32) -> Error {
    Error::archive(format!(
        "the checksum is wrong: expected `{:08x}`, found `{found:08x}`; the archive is damaged, or \
         was changed after its index was made",
        place.crc32
    ))
    .with_offset(place.point_bit / 8)
}

/// The error of a member that lacks compressed data.
pub(super) fn ends_inside() -> Error {
    Error::archive("the compressed data ends inside the member")
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
    Err(ends_inside())
}

/// The member's size, if it can be read into memory.
fn checked_size(place: &Place) -> Result<usize> {
    check_status(place)?;
    if place.size > MEMBER_BYTES {
        return Err(Error::archive(format!(
            "a member of {} bytes; at most {MEMBER_BYTES} can be read at once: open it as a file \
             instead",
            place.size
        )));
    }
    Ok(place.size as usize)
}

/// Fails if the member cannot be read at all.
pub(super) fn check_status(place: &Place) -> Result<()> {
    match place.status {
        Status::Whole => Ok(()),
        Status::Sparse => Err(Error::archive(
            "the member is stored as a sparse file, which is not supported; extract it with `tar`",
        )),
        Status::Dangling => Err(Error::archive(
            "the member is a hard link to something that is not in the archive",
        )),
    }
}
