//! Turns a member's number into a file: bytes at any position, in memory that does not depend on
//! the member's size.
//!
//! A compressed member is inflated forward from its seek point; going back further than the last
//! 32 KiB starts there anew. All reads are positional, so that a file that was open before a fork
//! goes on in both processes.

use std::sync::Arc;

use crc32fast::Hasher;

use super::compressed::Compressed;
use super::point;
use super::read::{check_span, check_status, ends_inside, wrong_sum};
use crate::archive::deflate::{Output, SLACK, Stop, Untraced, WINDOW, Walker};
use crate::archive::file::ArchiveFile;
use crate::archive::gzip_header::HeaderParser;
use crate::archive::{Archive, Storage, folder};
use crate::error::{Error, Result};
use crate::index::{Index, Place};
use crate::limits::DEFLATE_RATIO;
use crate::progress::{OnProgress, Progress, Reporter};

/// Bytes that are inflated or copied between two looks at whether the caller wants to stop; the
/// output at hand is no longer.
const PIECE: usize = 64 << 10;

/// A member that is open for reading.
#[derive(Debug)]
pub struct MemberFile {
    archive: Arc<Archive>,
    member: usize,
    place: Place,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Stored(Stored),
    Inflated(Box<Inflated>),
}

impl MemberFile {
    /// Opens a member of any size.
    pub fn open(archive: Arc<Archive>, member: usize) -> Result<Self> {
        let opened = Self::content(&archive, member);
        let (place, content) = opened.map_err(|error| named(error, &archive, member))?;
        Ok(Self {
            archive,
            member,
            place,
            content,
        })
    }

    fn content(archive: &Archive, member: usize) -> Result<(Place, Content)> {
        let place = archive.index().place(member)?;
        check_status(&place)?;
        if place.size == 0 && place.crc32 != 0 {
            return Err(wrong_sum(&place, 0));
        }
        let content = match archive.storage() {
            Storage::Folder => {
                let name = archive.index().name(member)?;
                let own = folder::open(archive.path(), &name, &place)?;
                Content::Stored(Stored::new(Some(own), 0))
            }
            Storage::Tar(file) => {
                let left = file.size()?.checked_sub(place.tar_offset);
                if left.is_none_or(|left| left < place.size) {
                    let message = "the archive is shorter than its index says";
                    return Err(Error::archive(message).with_offset(place.tar_offset));
                }
                Content::Stored(Stored::new(None, place.tar_offset))
            }
            Storage::Gzip(_) => Content::Inflated(Box::new(Inflated::new(&place)?)),
        };
        Ok((place, content))
    }

    /// Bytes of the member.
    pub fn size(&self) -> u64 {
        self.place.size
    }

    /// Fills `out` with the bytes from `offset` on, as far as the member goes; returns how many.
    ///
    /// The CRC32 is checked when its last byte is read: of a compressed member always, of others if
    /// all bytes before were read by then.
    pub fn read_at(
        &mut self,
        offset: u64,
        out: &mut [u8],
        progress: &mut OnProgress<'_>,
    ) -> Result<usize> {
        let left = self.place.size.saturating_sub(offset);
        let count = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let out = &mut out[..count];
        let mut told = |done: Progress| progress(done);
        let mut reporter = Reporter::new(&mut told);
        self.fill(offset, out, &mut reporter)
            .map_err(|error| named(error, &self.archive, self.member))?;
        Ok(count)
    }

    fn fill(&mut self, offset: u64, out: &mut [u8], reporter: &mut Reporter<'_>) -> Result<()> {
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let end = out.len().min(done + PIECE);
            done += match (&mut self.content, self.archive.storage()) {
                (Content::Inflated(inflated), Storage::Gzip(file)) => {
                    let source = (file, self.archive.index());
                    inflated.read(&self.place, source, at, &mut out[done..end], reporter)?
                }
                (Content::Stored(stored), storage) => {
                    stored.read(&self.place, storage, at, &mut out[done..end])?
                }
                (Content::Inflated(_), _) => return Err(misplaced()),
            };
            reporter.tick(Progress::default())?;
        }
        Ok(())
    }
}

fn named(error: Error, archive: &Archive, member: usize) -> Error {
    error
        .with_member(&archive.index().name(member).unwrap_or_default())
        .with_path(archive.path())
}

/// Cannot happen: the content was made for the storage.
fn misplaced() -> Error {
    Error::archive("the member is not where it was when it was opened")
}

/// Bytes that lie in a file as they are, from `start` on.
#[derive(Debug)]
struct Stored {
    /// The member's own file, or else the archive's.
    own: Option<ArchiveFile>,
    start: u64,
    sum: Hasher,
    /// How many bytes, from the first on, `sum` has.
    summed: u64,
}

impl Stored {
    fn new(own: Option<ArchiveFile>, start: u64) -> Self {
        Self {
            own,
            start,
            sum: Hasher::new(),
            summed: 0,
        }
    }

    /// Fills `out` from byte `at` of the member on.
    fn read(&mut self, place: &Place, storage: &Storage, at: u64, out: &mut [u8]) -> Result<usize> {
        let file = match (&self.own, storage) {
            (Some(own), _) => own,
            (None, Storage::Tar(file)) => file,
            (None, _) => return Err(misplaced()),
        };
        file.read_exact(out, self.start.saturating_add(at))?;
        let behind = at + out.len() as u64;
        if at <= self.summed && self.summed < behind {
            let mut sum = self.sum.clone();
            sum.update(&out[(self.summed - at) as usize..]);
            if behind == place.size {
                check(place, &sum)?;
            }
            // Only now: where the checksum is wrong, so is that of the next try.
            (self.sum, self.summed) = (sum, behind);
        }
        Ok(out.len())
    }
}

fn check(place: &Place, sum: &Hasher) -> Result<()> {
    match sum.clone().finalize() {
        found if found == place.crc32 => Ok(()),
        found => Err(wrong_sum(place, found)),
    }
}

/// Bytes that are inflated from the seek point on; positions count from there.
#[derive(Debug)]
struct Inflated {
    walker: Walker,
    compressed: Compressed,
    /// History, output of at most [`PIECE`], and [`SLACK`]; `buffer[WINDOW]` is output `base`.
    buffer: Vec<u8>,
    at: usize,
    floor: usize,
    base: u64,
    sum: Hasher,
    /// Whether the walker has been put at the seek point.
    started: bool,
}

impl Inflated {
    fn new(place: &Place) -> Result<Self> {
        check_span(place)?;
        let most = place.compressed_size.saturating_mul(DEFLATE_RATIO);
        if place.size > most.min(i64::MAX as u64) {
            return Err(Error::archive(format!(
                "{} compressed bytes cannot hold a member of {}",
                place.compressed_size, place.size
            )));
        }
        let start = place.point_bit / 8;
        let end = start.saturating_add(place.compressed_size);
        Ok(Self {
            walker: Walker::default(),
            compressed: Compressed::new(start, end),
            buffer: Vec::new(),
            at: WINDOW,
            floor: 0,
            base: 0,
            sum: Hasher::new(),
            started: false,
        })
    }

    /// Copies bytes from byte `at` of the member on to `out`, at least one; returns how many.
    fn read(
        &mut self,
        place: &Place,
        source: (&ArchiveFile, &Index),
        at: u64,
        out: &mut [u8],
        reporter: &mut Reporter<'_>,
    ) -> Result<usize> {
        let from = u64::from(place.gap) + at;
        let to = from + out.len() as u64;
        if !self.started || from + (WINDOW as u64) < self.base {
            self.restart(place, source)?;
        }
        while self.end() < to {
            // What is wanted first must not leave the buffer before it was copied.
            if self.end() > from && self.at >= WINDOW + PIECE {
                break;
            }
            let advanced = self.advance(place, source.0, to);
            self.started = advanced.is_ok();
            advanced?;
            reporter.tick(Progress::default())?;
        }
        let start = (from + WINDOW as u64 - self.base) as usize;
        let bytes = &self.buffer[start..self.at];
        let count = bytes.len().min(out.len());
        out[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Position behind the output so far.
    fn end(&self) -> u64 {
        self.base + (self.at - WINDOW) as u64
    }

    fn restart(&mut self, place: &Place, (file, index): (&ArchiveFile, &Index)) -> Result<()> {
        self.started = false;
        self.buffer.resize(WINDOW + PIECE + SLACK, 0);
        let history = &mut self.buffer[..WINDOW];
        point::start(&mut self.walker, history, file, index, place)?;
        self.compressed.seek(place.point_bit / 8);
        (self.at, self.floor, self.base) = (WINDOW, 0, 0);
        self.sum = Hasher::new();
        self.started = true;
        Ok(())
    }

    /// Inflates some more, not much further than to the position `to`.
    fn advance(&mut self, place: &Place, file: &ArchiveFile, to: u64) -> Result<()> {
        if self.at >= WINDOW + PIECE {
            let moved = self.at - WINDOW;
            self.buffer.copy_within(moved..self.at, 0);
            self.base += moved as u64;
            self.floor = self.floor.saturating_sub(moved);
            self.at = WINDOW;
        }
        let before = self.at;
        let left = usize::try_from(to - self.end()).unwrap_or(PIECE);
        let mut output = Output {
            bytes: &mut self.buffer,
            at: self.at,
            limit: (WINDOW + PIECE).min(self.at.saturating_add(left)),
            floor: self.floor,
        };
        let input = self.compressed.rest(file)?;
        // Bits that the walker holds may be enough where no input is left.
        let is_last = input.is_empty();
        let (used, stop) = self.walker.run(input, &mut output, &mut Untraced)?;
        self.at = output.at;
        self.compressed.take(used);
        self.count(place, before)?;
        match stop {
            Stop::Input if is_last && self.end() < to => Err(ends_inside()),
            Stop::End if self.end() < to => self.next_gzip_member(file),
            _ => Ok(()),
        }
    }

    /// Adds the output from `before` on to the checksum, and checks it at the member's end.
    fn count(&mut self, place: &Place, before: usize) -> Result<()> {
        let first = u64::from(place.gap);
        let last = first + place.size;
        let index = |position: u64| {
            let place = (position + WINDOW as u64).saturating_sub(self.base);
            usize::try_from(place).map_or(self.at, |at| at.clamp(before, self.at))
        };
        self.sum.update(&self.buffer[index(first)..index(last)]);
        let ends = self.end() >= last && self.base + ((before - WINDOW) as u64) < last;
        if ends {
            check(place, &self.sum)
        } else {
            Ok(())
        }
    }

    /// Passes over a gzip trailer, padding and the next header.
    fn next_gzip_member(&mut self, file: &ArchiveFile) -> Result<()> {
        self.compressed.seek(self.walker.next_bit() / 8 + 8);
        let mut parser = HeaderParser::default();
        let mut padding = true;
        loop {
            let byte = self.compressed.rest(file)?.first().copied();
            let byte = byte.ok_or_else(ends_inside)?;
            self.compressed.take(1);
            padding &= byte == 0;
            if !padding && parser.push(byte)? {
                break;
            }
        }
        self.walker.start(self.compressed.position() * 8);
        self.floor = self.at;
        Ok(())
    }
}
