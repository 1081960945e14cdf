//! Turns an index's header and sections into the bytes of version 1 of the file, and back.
//!
//! All numbers are little-endian. The file is
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic |
//! | 8..12 | version |
//! | 12..16 | flags: bit 0 complete, bit 1 has an md5 |
//! | 16..20 | kind of archive: 0 tar, 1 tar.gz, 2 folder |
//! | 20..24 | zero |
//! | 24..32 | number of members |
//! | 32..40 | bytes of all members |
//! | 40..48 | size of the archive file |
//! | 48..56 | CRC32 of its first and of its last 64 KiB |
//! | 56..72 | md5 of the archive file |
//! | 72..80 | fingerprint |
//! | 80..200 | five sections: number, CRC32, position, length (4 + 4 + 8 + 8 bytes each) |
//! | 200..204 | CRC32 of bytes 0..200 |
//! | 204.. | the sections, one after the other, nothing between or behind |

use std::ops::Range;

use crate::error::{Error, Result};

/// First bytes of every index: like PNG's, they do not survive a transfer as text.
pub(super) const MAGIC: [u8; 8] = *b"PTIDX\r\n\x1a";
/// The version this code reads and writes.
pub(super) const VERSION: u32 = 1;
/// Length of everything before the first section.
pub(super) const HEADER_BYTES: usize = 204;
/// Where the table of sections starts.
const TABLE: usize = 80;

/// The sections, in the order in which the file has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Section {
    /// Fixed rows, one a member: `members::Place`.
    Places = 0,
    /// Fixed rows, one a member: the image's header.
    Images = 1,
    /// All names, one after the other.
    Names = 2,
    /// CRC32 of every name, sorted, then the members in the same order, 4 bytes each.
    Lookup = 3,
    /// Sparse windows, one after the other.
    Windows = 4,
}

/// How many sections there are.
pub(super) const SECTIONS: usize = 5;

/// What kind of thing is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An uncompressed tar.
    Tar,
    /// A gzip-compressed tar.
    Gzip,
    /// A directory of files.
    Folder,
}

/// What tells one archive file from another without reading all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes of the file.
    pub size: u64,
    /// CRC32 of its first 64 KiB.
    pub head_crc: u32,
    /// CRC32 of its last 64 KiB: a gzip trailer in it depends on every byte of the content.
    pub tail_crc: u32,
}

/// How much of either end of an archive goes into its [`Stamp`], in bytes.
pub const STAMP_BYTES: usize = 64 << 10;

/// Everything an index says about the archive as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What is indexed.
    pub kind: Kind,
    /// Whether the archive ended as it should, with an end-of-archive mark.
    pub complete: bool,
    /// Number of members.
    pub members: u64,
    /// Bytes of all members.
    pub bytes: u64,
    /// The archive file's size and ends; zero for a folder.
    pub stamp: Stamp,
    /// The archive file's md5; a folder has none.
    pub md5: Option<[u8; 16]>,
    /// A number that differs between archives.
    pub fingerprint: u64,
}

/// Where the sections are and what they must add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) crc: u32,
    pub(super) start: u64,
    pub(super) length: u64,
}

/// The header's bytes.
pub(super) fn encode(summary: &Summary, sections: &[Extent; SECTIONS]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    let flags = u32::from(summary.complete) | u32::from(summary.md5.is_some()) << 1;
    out.extend(flags.to_le_bytes());
    let kind: u32 = match summary.kind {
        Kind::Tar => 0,
        Kind::Gzip => 1,
        Kind::Folder => 2,
    };
    out.extend(kind.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(summary.members.to_le_bytes());
    out.extend(summary.bytes.to_le_bytes());
    out.extend(summary.stamp.size.to_le_bytes());
    out.extend(summary.stamp.head_crc.to_le_bytes());
    out.extend(summary.stamp.tail_crc.to_le_bytes());
    out.extend(summary.md5.unwrap_or_default());
    out.extend(summary.fingerprint.to_le_bytes());
    for (number, section) in sections.iter().enumerate() {
        out.extend((number as u32).to_le_bytes());
        out.extend(section.crc.to_le_bytes());
        out.extend(section.start.to_le_bytes());
        out.extend(section.length.to_le_bytes());
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Checks a whole index file, every byte of it, and says what is where.
pub(super) fn decode(file: &[u8]) -> Result<(Summary, [Range<usize>; SECTIONS])> {
    let magic = file.get(..8).unwrap_or(file);
    if magic != MAGIC {
        return Err(Error::index(
            "this is not a ptarmigan index; remove it, or give another `index_path`",
        ));
    }
    let damaged = |what: &str| {
        Error::index(format!(
            "the index is damaged: {what}; make it anew with build=\"rebuild\""
        ))
    };
    let version = file
        .get(8..12)
        .map(uint)
        .ok_or_else(|| damaged("it ends in its header"))?;
    if version != u64::from(VERSION) {
        return Err(Error::index(format!(
            "expected an index of version {VERSION}, found version {version}; make it anew with \
             build=\"rebuild\""
        )));
    }
    let header = file
        .get(..HEADER_BYTES)
        .ok_or_else(|| damaged("it ends in its header"))?;
    let (checked, crc) = header.split_at(HEADER_BYTES - 4);
    if uint(crc) != u64::from(crc32fast::hash(checked)) {
        return Err(damaged("its header's checksum is wrong"));
    }
    let summary = summary(header).ok_or_else(|| damaged("its header makes no sense"))?;
    let mut ranges = [const { 0..0 }; SECTIONS];
    let mut end = HEADER_BYTES;
    for (number, range) in ranges.iter_mut().enumerate() {
        let row = &header[TABLE + 24 * number..][..24];
        *range = section(file, row, number, end)
            .ok_or_else(|| damaged("a section is not where it should be"))?;
        if crc32fast::hash(&file[range.clone()]) != uint(&row[4..8]) as u32 {
            return Err(damaged("a section's checksum is wrong"));
        }
        end = range.end;
    }
    if end != file.len() {
        return Err(damaged("there are bytes behind its end"));
    }
    Ok((summary, ranges))
}

fn section(file: &[u8], row: &[u8], number: usize, start: usize) -> Option<Range<usize>> {
    let length = usize::try_from(uint(&row[16..24])).ok()?;
    let end = start.checked_add(length)?;
    let expected = uint(&row[..4]) == number as u64 && uint(&row[8..16]) == start as u64;
    (expected && end <= file.len()).then_some(start..end)
}

fn summary(header: &[u8]) -> Option<Summary> {
    let flags = uint(&header[12..16]);
    let kind = match uint(&header[16..20]) {
        0 => Kind::Tar,
        1 => Kind::Gzip,
        2 => Kind::Folder,
        _ => return None,
    };
    Some(Summary {
        kind,
        complete: flags & 1 != 0,
        members: uint(&header[24..32]),
        bytes: uint(&header[32..40]),
        stamp: Stamp {
            size: uint(&header[40..48]),
            head_crc: uint(&header[48..52]) as u32,
            tail_crc: uint(&header[52..56]) as u32,
        },
        md5: if flags & 2 != 0 {
            header[56..72].try_into().ok()
        } else {
            None
        },
        fingerprint: uint(&header[72..80]),
    })
}

/// A little-endian number of at most eight bytes.
pub(super) fn uint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
