//! Turns what an index says about its archive, and where its sections are, into the header of the
//! file, and back: format 1, described byte by byte in `docs/index-format.md`.

use std::ops::Range;

use super::columns;
use super::pages::PAGE;
use crate::error::{Error, Result};
use crate::limits::INDEX_SECTIONS;

/// First bytes of every index: like PNG's, they do not survive a transfer as text.
pub(super) const MAGIC: [u8; 8] = *b"PTIDX\r\n\x1a";
/// The version this code reads and writes.
pub(super) const VERSION: u32 = 1;
/// Length of the header before its table of sections.
const FIXED: usize = 104;
/// Length of a row of the table of sections.
const ROW: usize = 16;

const COMPLETE: u32 = 1;
const HAS_MD5: u32 = 2;

/// The sections, in the order in which the file has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Section {
    /// Columns, a number a member.
    TarOffset = 0,
    Size = 1,
    Crc32 = 2,
    Status = 3,
    /// The number of the member's seek point plus 1; 0 for none.
    Point = 4,
    Gap = 5,
    CompressedSize = 6,
    Width = 7,
    Height = 8,
    /// The row of `Kinds`.
    Kind = 9,
    /// The number of the directory.
    Directory = 10,
    /// Where the member's file name ends in `FileNames`.
    FileNameEnd = 11,
    /// Columns, a number a seek point.
    PointBit = 12,
    /// Where the point's window starts in `Windows`.
    Window = 13,
    /// Columns, a number a member: CRC32 of every name, sorted, and the members in that order.
    NameHash = 14,
    NameMember = 15,
    /// Column, a number a directory: where its name ends in `Directories`.
    DirectoryEnd = 16,
    /// Bytes.
    Directories = 17,
    FileNames = 18,
    Windows = 19,
    /// Rows of what is the same for many images.
    Kinds = 20,
    /// Why the index is not complete, in UTF-8; empty if it is.
    Stopped = 21,
}

/// How many sections there are.
pub(super) const SECTIONS: usize = 22;

/// How many of them, the first ones, are columns.
pub(super) const COLUMNS: usize = 17;

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
    /// CRC32 of blocks sampled all over it.
    pub samples_crc: u32,
}

/// How much of either end of an archive goes into its [`Stamp`], in bytes.
pub(crate) const STAMP_BYTES: usize = 64 << 10;

/// Everything an index says about the archive as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What is indexed.
    pub kind: Kind,
    /// Whether the archive ended as it should, with an end-of-archive mark.
    pub complete: bool,
    /// Why the index holds only what the archive had up to here; `None` where it holds all.
    pub stopped: Option<String>,
    /// Number of members.
    pub members: u64,
    /// Bytes of all members.
    pub bytes: u64,
    /// The archive file's size and ends; zero for a folder.
    pub stamp: Stamp,
    /// The archive file's md5; a folder has none, nor has a pass that was told to leave it out.
    pub md5: Option<[u8; 16]>,
    /// A number that differs between archives.
    pub fingerprint: u64,
}

/// A section's place: a row of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Bytes of a column's differences; 0 for a section of bytes.
    pub(super) width: usize,
    /// Numbers of a column, else bytes.
    pub(super) count: usize,
}

impl Row {
    fn length(self, section: usize) -> Option<usize> {
        if section < COLUMNS {
            columns::length(self.count, self.width)
        } else {
            Some(self.count)
        }
    }
}

/// What a header says.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) summary: Summary,
    pub(super) rows: [Row; SECTIONS],
    /// Where each section starts in the body.
    pub(super) starts: [usize; SECTIONS],
    /// Where the body is in the file.
    pub(super) body: Range<usize>,
}

/// Length of a header with `sections` rows.
pub(super) const fn header_bytes(sections: usize) -> usize {
    FIXED + sections * ROW + 4
}

/// The header's bytes; `page_crcs` are the checksums of the pages.
pub(super) fn encode(
    summary: &Summary,
    rows: &[Row; SECTIONS],
    body: u64,
    page_crcs: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(header_bytes(SECTIONS));
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    let md5 = if summary.md5.is_some() { HAS_MD5 } else { 0 };
    let complete = if summary.complete { COMPLETE } else { 0 };
    out.extend((md5 | complete).to_le_bytes());
    let kind: u32 = match summary.kind {
        Kind::Tar => 0,
        Kind::Gzip => 1,
        Kind::Folder => 2,
    };
    out.extend(kind.to_le_bytes());
    out.extend((SECTIONS as u32).to_le_bytes());
    out.extend(summary.members.to_le_bytes());
    out.extend(summary.bytes.to_le_bytes());
    out.extend(summary.stamp.size.to_le_bytes());
    out.extend(summary.stamp.head_crc.to_le_bytes());
    out.extend(summary.stamp.tail_crc.to_le_bytes());
    out.extend(summary.stamp.samples_crc.to_le_bytes());
    out.extend((PAGE as u32).to_le_bytes());
    out.extend(summary.md5.unwrap_or_default());
    out.extend(summary.fingerprint.to_le_bytes());
    out.extend(body.to_le_bytes());
    out.extend(crc32fast::hash(page_crcs).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    for (number, row) in rows.iter().enumerate() {
        out.extend((number as u32).to_le_bytes());
        out.extend((row.width as u32).to_le_bytes());
        out.extend((row.count as u64).to_le_bytes());
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Checks an index file, all but its pages, and says what is where.
pub(super) fn decode(file: &[u8]) -> Result<Decoded> {
    let damaged = |what: &str| {
        Error::index(format!(
            "the index is damaged: {what}; make it anew with build=\"rebuild\""
        ))
    };
    let magic = file.get(..8).unwrap_or(file);
    if magic != MAGIC {
        return Err(Error::index(
            "this is not a ptarmigan index; remove it, or give another `index_path`",
        ));
    }
    let fixed = file
        .get(..FIXED)
        .ok_or_else(|| damaged("it ends in its header"))?;
    let version = uint(&fixed[8..12]);
    if version != u64::from(VERSION) {
        return Err(Error::index(format!(
            "expected an index of version {VERSION}, found version {version}; make it anew with \
             build=\"rebuild\""
        )));
    }
    let sections = uint(&fixed[20..24]) as usize;
    if !(SECTIONS..=INDEX_SECTIONS).contains(&sections) {
        return Err(damaged("it has a wrong number of sections"));
    }
    let header = file
        .get(..header_bytes(sections))
        .ok_or_else(|| damaged("it ends in its header"))?;
    let (checked, crc) = header.split_at(header.len() - 4);
    if uint(crc) != u64::from(crc32fast::hash(checked)) {
        return Err(damaged("its header's checksum is wrong"));
    }
    let senseless = || damaged("its header makes no sense");
    let summary = summary(fixed).ok_or_else(senseless)?;
    let (rows, starts, length) = table(&checked[FIXED..]).ok_or_else(senseless)?;
    let page_crcs = length
        .checked_add(header.len())
        .and_then(|end| file.get(end..))
        .filter(|crcs| crcs.len() == length.div_ceil(PAGE) * 4)
        .ok_or_else(|| damaged("its length is wrong"))?;
    let fits = uint(&fixed[88..96]) == length as u64 && uint(&fixed[60..64]) == PAGE as u64;
    if !fits || uint(&fixed[96..100]) != u64::from(crc32fast::hash(page_crcs)) {
        return Err(damaged("the checksums of its pages are wrong"));
    }
    Ok(Decoded {
        summary,
        rows,
        starts,
        body: header.len()..header.len() + length,
    })
}

/// The known sections and the length of all of them.
fn table(rows: &[u8]) -> Option<([Row; SECTIONS], [usize; SECTIONS], usize)> {
    let mut known = [Row::default(); SECTIONS];
    let mut starts = [0; SECTIONS];
    let mut end = 0usize;
    for (number, bytes) in rows.chunks_exact(ROW).enumerate() {
        let row = Row {
            width: usize::try_from(uint(&bytes[4..8])).ok()?,
            count: usize::try_from(uint(&bytes[8..16])).ok()?,
        };
        if uint(&bytes[..4]) != number as u64 || row.width > 8 {
            return None;
        }
        if number < SECTIONS {
            known[number] = row;
            starts[number] = end;
        }
        end = end.checked_add(row.length(number)?)?;
    }
    Some((known, starts, end))
}

fn summary(header: &[u8]) -> Option<Summary> {
    let flags = uint(&header[12..16]) as u32;
    if flags & !(COMPLETE | HAS_MD5) != 0 {
        return None;
    }
    let kind = match uint(&header[16..20]) {
        0 => Kind::Tar,
        1 => Kind::Gzip,
        2 => Kind::Folder,
        _ => return None,
    };
    Some(Summary {
        kind,
        complete: flags & COMPLETE != 0,
        stopped: None,
        members: uint(&header[24..32]),
        bytes: uint(&header[32..40]),
        stamp: Stamp {
            size: uint(&header[40..48]),
            head_crc: uint(&header[48..52]) as u32,
            tail_crc: uint(&header[52..56]) as u32,
            samples_crc: uint(&header[56..60]) as u32,
        },
        md5: if flags & HAS_MD5 != 0 {
            header[64..80].try_into().ok()
        } else {
            None
        },
        fingerprint: uint(&header[80..88]),
    })
}

/// A little-endian number of at most eight bytes.
#[inline]
pub(super) fn uint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
