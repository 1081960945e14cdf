//! Turns an index file into look-ups: member by number, by name, and where its bytes are.
//!
//! The file is mapped, not read: all processes of a machine share it. It is never trusted: the
//! header is checked when it is opened, every page when it is first touched, and every value when
//! it is used.

pub(crate) mod build;
pub(crate) mod checkpoint;
mod columns;
mod format;
pub(crate) mod journal;
mod members;
mod mmap;
mod names;
mod pages;
mod write;

use std::path::{Path, PathBuf};

use columns::Column;
pub(crate) use format::STAMP_BYTES;
use format::{COLUMNS, SECTIONS, Section, uint};
pub use format::{Kind, Stamp, Summary};
use members::KIND_BYTES;
pub use members::{Place, Status};
use pages::Pages;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{INDEX_WINDOW_BYTES, MEMBER_NAME_BYTES, MEMBERS};
use crate::pixels::header::Header;

/// An opened index, shared by every reader of the process.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    pages: Pages,
    summary: Summary,
    columns: [Column; COLUMNS],
    /// Start and length of every section in the body.
    extents: [(usize, usize); SECTIONS],
}

impl Index {
    /// Opens and checks the index file `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let file = mmap::MappedFile::open(path)?;
        let decoded = format::decode(&file).map_err(|error| error.with_path(path))?;
        let mut columns = [Column::default(); COLUMNS];
        let mut extents = [(0, 0); SECTIONS];
        for (number, (row, start)) in decoded.rows.iter().zip(decoded.starts).enumerate() {
            extents[number] = (start, row.count);
            if let Some(column) = columns.get_mut(number) {
                *column = Column {
                    start,
                    count: row.count,
                    width: row.width,
                };
            }
        }
        let mut index = Self {
            path: path.to_owned(),
            pages: Pages::new(file, decoded.body),
            summary: decoded.summary,
            columns,
            extents,
        };
        index.check_counts()?;
        let stopped = index.bytes(Section::Stopped, 0..index.extent(Section::Stopped).1)?;
        let stopped = String::from_utf8_lossy(stopped).into_owned();
        index.summary.stopped = (!stopped.is_empty()).then_some(stopped);
        Ok(index)
    }

    fn check_counts(&self) -> Result<()> {
        let count = |section: Section| self.columns[section as usize].count as u64;
        let members = self.summary.members;
        let a_member = (0..COLUMNS)
            .filter(|&number| !matches!(number, 12 | 13 | 16))
            .all(|number| self.columns[number].count as u64 == members);
        let right = members <= MEMBERS
            && a_member
            && count(Section::PointBit) == count(Section::Window)
            && self.extent(Section::Kinds).1.is_multiple_of(KIND_BYTES);
        if right {
            Ok(())
        } else {
            Err(self.damaged("its sections have wrong lengths"))
        }
    }

    fn extent(&self, section: Section) -> (usize, usize) {
        self.extents[section as usize]
    }

    /// Number `at` of a column.
    #[inline]
    fn number(&self, section: Section, at: usize) -> Result<u64> {
        let column = &self.columns[section as usize];
        column
            .places(at)
            .and_then(|[base, own]| {
                let base = uint(self.pages.get(base)?);
                base.checked_add(uint(self.pages.get(own)?))
            })
            .ok_or_else(|| self.damaged("a page's checksum or a number in it is wrong"))
    }

    /// Some bytes of a section, as positions from its start.
    fn bytes(&self, section: Section, range: std::ops::Range<usize>) -> Result<&[u8]> {
        let (start, length) = self.extent(section);
        if range.start > range.end || range.end > length {
            return Err(self.damaged("a position lies outside of its section"));
        }
        self.pages
            .get(start + range.start..start + range.end)
            .ok_or_else(|| self.damaged("a page's checksum is wrong"))
    }

    fn damaged(&self, what: &str) -> Error {
        Error::index(format!(
            "the index is damaged: {what}; make it anew with build=\"rebuild\""
        ))
        .with_path(&self.path)
    }

    /// Checks every page.
    pub fn check(&self) -> Result<()> {
        match self.pages.get(0..self.pages.len()) {
            Some(_) => Ok(()),
            None => Err(self.damaged("a page's checksum is wrong")),
        }
    }

    /// The index file's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the index file.
    pub fn file_size(&self) -> u64 {
        self.pages.file_length() as u64
    }

    /// What the index says about the archive as a whole.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.summary.members as usize
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of a member, as the archive stores it.
    pub fn name(&self, member: usize) -> Result<Vec<u8>> {
        let mut name = Vec::new();
        self.name_into(member, &mut name)?;
        Ok(name)
    }

    /// Writes the name of a member behind `out`.
    fn name_into(&self, member: usize, out: &mut Vec<u8>) -> Result<()> {
        self.check_member(member)?;
        let directory = self.number(Section::Directory, member)?;
        let directory = usize::try_from(directory)
            .map_err(|_| self.damaged("a member's directory is not there"))?;
        let (ends, names) = (Section::DirectoryEnd, Section::Directories);
        let directory = self.piece(ends, names, directory)?;
        let form = self.piece(Section::FileNameEnd, Section::FileNames, member)?;
        // One long directory with many members would make names without end of a short file.
        if (directory.len() + form.len()) as u64 > MEMBER_NAME_BYTES + 1 {
            return Err(self.damaged("a name is too long"));
        }
        out.extend_from_slice(directory);
        names::decode(form, out).ok_or_else(|| self.damaged("a name has an unknown form"))
    }

    /// Piece `at` of the section `pieces`, whose ends are the column `ends`.
    fn piece(&self, ends: Section, pieces: Section, at: usize) -> Result<&[u8]> {
        let end = |at: usize| {
            let end = self.number(ends, at)?;
            usize::try_from(end).map_err(|_| self.damaged("a position lies outside"))
        };
        let start = if at == 0 { 0 } else { end(at - 1)? };
        self.bytes(pieces, start..end(at)?)
    }

    /// The number of the member with this name; the last one where several have it.
    pub fn find(&self, name: &[u8]) -> Result<Option<usize>> {
        let hash = u64::from(crc32fast::hash(name));
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.number(Section::NameHash, middle)? <= hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        for slot in (0..low).rev() {
            if self.number(Section::NameHash, slot)? != hash {
                break;
            }
            let member = self.number(Section::NameMember, slot)? as usize;
            found.clear();
            self.name_into(member, &mut found)?;
            if found == name {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// A number that tells this archive's content from another's: kept in resume states.
    pub fn fingerprint(&self) -> u64 {
        self.summary.fingerprint
    }

    fn check_member(&self, member: usize) -> Result<()> {
        let count = self.len();
        if member < count {
            return Ok(());
        }
        let message = format!("there is no member {member}; the archive has {count}");
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Where a member is.
    pub fn place(&self, member: usize) -> Result<Place> {
        self.check_member(member)?;
        let number = |section| self.number(section, member);
        let mut place = Place {
            tar_offset: number(Section::TarOffset)?,
            size: number(Section::Size)?,
            crc32: number(Section::Crc32)? as u32,
            status: Status::from_number(number(Section::Status)?),
            gap: u32::try_from(number(Section::Gap)?).unwrap_or(u32::MAX),
            compressed_size: number(Section::CompressedSize)?,
            ..Place::default()
        };
        if let Some(point) = (number(Section::Point)? as usize).checked_sub(1) {
            place.point_bit = self.number(Section::PointBit, point)?;
            place.window = self.number(Section::Window, point)?;
        }
        Ok(place)
    }

    /// What the image of a member says of itself.
    pub fn image(&self, member: usize) -> Result<Header> {
        self.check_member(member)?;
        let kind = self.number(Section::Kind, member)? as usize;
        let start = kind.saturating_mul(KIND_BYTES);
        let row = self.bytes(Section::Kinds, start..start.saturating_add(KIND_BYTES))?;
        let width = self.number(Section::Width, member)? as u32;
        let height = self.number(Section::Height, member)? as u32;
        Ok(members::decode_kind(row, width, height))
    }

    /// The encoded window of a place, and whatever of the section lies behind it, up to the longest
    /// that a window can be.
    pub(crate) fn window(&self, place: &Place) -> Result<&[u8]> {
        let length = self.extent(Section::Windows).1;
        let start = usize::try_from(place.window).unwrap_or(usize::MAX);
        let end = length.min(start.saturating_add(INDEX_WINDOW_BYTES));
        self.bytes(Section::Windows, start..end)
    }

    /// All names in order with a zero byte between two, for callers that want them at once.
    pub fn joined_names(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.extent(Section::FileNames).1 + self.len());
        for member in 0..self.len() {
            if member > 0 {
                out.push(0);
            }
            self.name_into(member, &mut out)?;
        }
        Ok(out)
    }

    /// Writes one row of [`MEMBER_ROW_BYTES`] for every member into `out`, in order.
    ///
    /// Little-endian and packed: tar offset 8, size 8, crc32 4, width 4, height 4, sampling 4,
    /// restart interval 2, components 1, sof 1, precision 1, orientation 1, format 1, adobe 1.
    pub fn fill_members(&self, out: &mut [u8]) -> Result<()> {
        let expected = self.len() * MEMBER_ROW_BYTES;
        if out.len() != expected {
            return Err(Error::argument(format!(
                "expected {expected} bytes of room for members, found {}",
                out.len()
            )));
        }
        for (member, row) in out.chunks_exact_mut(MEMBER_ROW_BYTES).enumerate() {
            let number = |section| self.number(section, member);
            row[..8].copy_from_slice(&number(Section::TarOffset)?.to_le_bytes());
            row[8..16].copy_from_slice(&number(Section::Size)?.to_le_bytes());
            row[16..20].copy_from_slice(&number(Section::Crc32)?.to_le_bytes()[..4]);
            members::encode_image(&self.image(member)?, &mut row[20..]);
        }
        Ok(())
    }
}

/// Bytes of one row of [`Index::fill_members`].
pub const MEMBER_ROW_BYTES: usize = 40;
