//! Turns an index file into look-ups: member by number, by name, and where its bytes are.
//!
//! The file is mapped, not read: all processes of a machine share it. It is never trusted: its
//! checksums are verified when it is opened, and every value is checked when it is used.

pub(crate) mod build;
mod format;
mod members;
mod mmap;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use format::{Kind, STAMP_BYTES, Stamp, Summary};
use format::{SECTIONS, Section};
use members::{IMAGE_BYTES, PLACE_BYTES};
pub use members::{Place, Status};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::MEMBERS;
use crate::pixels::header::Header;

/// An opened index, shared by every reader of the process.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    file: mmap::MappedFile,
    summary: Summary,
    sections: [Range<usize>; SECTIONS],
}

impl Index {
    /// Opens and checks the index file `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let file = mmap::MappedFile::open(path)?;
        let (summary, sections) = format::decode(&file).map_err(|error| error.with_path(path))?;
        let index = Self {
            path: path.to_owned(),
            file,
            summary,
            sections,
        };
        index
            .check_lengths()
            .ok_or_else(|| index.damaged("its sections have wrong lengths"))?;
        Ok(index)
    }

    fn check_lengths(&self) -> Option<()> {
        let members = usize::try_from(self.summary.members).ok()?;
        let fits = self.summary.members <= MEMBERS
            && self.section(Section::Places).len() == members.checked_mul(PLACE_BYTES)?
            && self.section(Section::Images).len() == members.checked_mul(IMAGE_BYTES)?
            && self.section(Section::Lookup).len() == members.checked_mul(8)?;
        fits.then_some(())
    }

    fn section(&self, section: Section) -> &[u8] {
        self.file
            .get(self.sections[section as usize].clone())
            .unwrap_or_default()
    }

    fn damaged(&self, what: &str) -> Error {
        Error::index(format!(
            "the index is damaged: {what}; make it anew with build=\"rebuild\""
        ))
        .with_path(&self.path)
    }

    /// The index file's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the index file.
    pub fn file_size(&self) -> u64 {
        self.file.len() as u64
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
    ///
    /// Empty if there is no such member or the index is damaged.
    pub fn name(&self, member: usize) -> &[u8] {
        let names = self.section(Section::Names);
        let start = |number: usize| match self.row(number) {
            Some(place) => usize::try_from(place.name).unwrap_or(usize::MAX),
            None => names.len(),
        };
        names
            .get(start(member)..start(member.saturating_add(1)))
            .unwrap_or_default()
    }

    /// The number of the member with this name; the last one where several have it.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let (hashes, members) = self.section(Section::Lookup).split_at(self.len() * 4);
        let (hashes, _) = hashes.as_chunks::<4>();
        let (members, _) = members.as_chunks::<4>();
        let hash = crc32fast::hash(name);
        let end = hashes.partition_point(|&stored| u32::from_le_bytes(stored) <= hash);
        (0..end)
            .rev()
            .take_while(|&slot| u32::from_le_bytes(hashes[slot]) == hash)
            .map(|slot| u32::from_le_bytes(members[slot]) as usize)
            .find(|&member| member < self.len() && self.name(member) == name)
    }

    /// A number that tells this archive's content from another's: kept in resume states.
    pub fn fingerprint(&self) -> u64 {
        self.summary.fingerprint
    }

    /// Where a member is.
    pub fn place(&self, member: usize) -> Result<Place> {
        self.row(member).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "there is no member {member}; the archive has {}",
                    self.len()
                ),
            )
        })
    }

    fn row(&self, member: usize) -> Option<Place> {
        let start = member.checked_mul(PLACE_BYTES)?;
        let row = self
            .section(Section::Places)
            .get(start..start.checked_add(PLACE_BYTES)?)?;
        Some(Place::decode(row))
    }

    /// What the image of a member says of itself; all zero if there is no such member.
    pub fn image(&self, member: usize) -> Header {
        let start = member.saturating_mul(IMAGE_BYTES);
        let row = self
            .section(Section::Images)
            .get(start..start.saturating_add(IMAGE_BYTES));
        row.map(members::decode_image).unwrap_or_default()
    }

    /// The encoded window of a place, and whatever lies behind it.
    pub(crate) fn window(&self, place: &Place) -> Result<&[u8]> {
        usize::try_from(place.window)
            .ok()
            .and_then(|start| self.section(Section::Windows).get(start..))
            .ok_or_else(|| self.damaged("a window lies outside"))
    }

    /// All names in order with a zero byte between two, for callers that want them at once.
    pub fn joined_names(&self) -> Vec<u8> {
        let names = self.section(Section::Names);
        let mut out = Vec::with_capacity(names.len() + self.len());
        for member in 0..self.len() {
            if member > 0 {
                out.push(0);
            }
            out.extend_from_slice(self.name(member));
        }
        out
    }

    /// Writes one row of [`MEMBER_ROW_BYTES`] for every member into `out`, in order.
    ///
    /// Little-endian and packed: tar offset 8, size 8, crc32 4, width 4, height 4, sampling 4,
    /// restart interval 2, components 1, sof 1, precision 1, orientation 1, format 1, adobe 1.
    pub fn fill_members(&self, out: &mut [u8]) -> Result<()> {
        let expected = self.len() * MEMBER_ROW_BYTES;
        if out.len() != expected {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "expected {expected} bytes of room for members, found {}",
                    out.len()
                ),
            ));
        }
        let images = self.section(Section::Images).chunks_exact(IMAGE_BYTES);
        for ((member, row), image) in out
            .chunks_exact_mut(MEMBER_ROW_BYTES)
            .enumerate()
            .zip(images)
        {
            let place = self.place(member)?;
            row[..8].copy_from_slice(&place.tar_offset.to_le_bytes());
            row[8..16].copy_from_slice(&place.size.to_le_bytes());
            row[16..20].copy_from_slice(&place.crc32.to_le_bytes());
            row[20..].copy_from_slice(image);
        }
        Ok(())
    }
}

/// Bytes of one row of [`Index::fill_members`].
pub const MEMBER_ROW_BYTES: usize = 40;
