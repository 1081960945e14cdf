//! Turns the members that a tar yields into rows of an index: checksum, image header, seek point.

use crc32fast::Hasher;

use super::gzip::Piece;
use super::points::{NO_WINDOW, POINT_AT_BLOCK, POINT_INSIDE, Point, Points};
use super::tar::{Entry, EntryKind, Members};
use crate::error::Result;
use crate::index::build::IndexBuilder;
use crate::index::{Place, Status};
use crate::pixels::header::{Header, HeaderScanner};

/// The [`Members`] of an indexing pass.
#[derive(Debug)]
pub(crate) struct Recorder {
    builder: IndexBuilder,
    points: Points,
    compressed: bool,
    /// The compressed position behind the piece in hand.
    piece_end_bit: u64,
    piece_end: u64,
    member: Option<Member>,
    /// Members of one seek point wait until its window is known.
    waiting: Vec<Row>,
    encoded: Vec<u8>,
    scanner: HeaderScanner,
    crc: Hasher,
}

/// The member whose data goes by.
#[derive(Debug)]
struct Member {
    entry: Entry,
    point: Option<Point>,
}

#[derive(Debug)]
struct Row {
    name: Vec<u8>,
    place: Place,
    image: Header,
    /// The name that a hard link leads to.
    target: Option<Vec<u8>>,
    /// Whether `place` lacks the position of the current window.
    windowed: bool,
}

impl Recorder {
    pub(crate) fn new(builder: IndexBuilder) -> Self {
        Self {
            builder,
            points: Points::default(),
            compressed: false,
            piece_end_bit: 0,
            piece_end: 0,
            member: None,
            waiting: Vec::new(),
            encoded: Vec::new(),
            scanner: HeaderScanner::default(),
            crc: Hasher::new(),
        }
    }

    /// Number of members so far.
    pub(crate) fn members(&self) -> u64 {
        self.builder.members() + self.waiting.len() as u64
    }

    /// Takes over the points of a piece of inflated tar, before its members are parsed.
    pub(crate) fn start_piece(&mut self, piece: &mut Piece<'_>) {
        self.compressed = true;
        self.points.take(piece.log, piece.bytes, piece.tar_offset);
        self.piece_end_bit = piece.end_bit;
        self.piece_end = piece.tar_offset + piece.bytes.len() as u64;
    }

    /// Forgets the points of the piece that no later member needs.
    pub(crate) fn end_piece(&mut self) -> Result<()> {
        if self.member.is_some() {
            self.points.gather(self.piece_end);
        } else {
            self.store_waiting()?;
        }
        self.points.prune();
        Ok(())
    }

    /// The finished collection.
    pub(crate) fn finish(mut self) -> Result<IndexBuilder> {
        self.store_waiting()?;
        Ok(self.builder)
    }

    /// Stores the members that waited for the current window, and the window.
    fn store_waiting(&mut self) -> Result<()> {
        let mut window = 0;
        if self.waiting.iter().any(|row| row.windowed) {
            self.encoded.clear();
            match self.points.current().and_then(|point| point.header_bit) {
                Some(bit) => {
                    self.encoded.push(POINT_INSIDE);
                    self.encoded.extend(bit.to_le_bytes());
                }
                None => self.encoded.push(POINT_AT_BLOCK),
            }
            self.points.encode(&mut self.encoded);
            if self.encoded != NO_WINDOW {
                window = self.builder.add_window(&self.encoded)?;
            }
        }
        for row in self.waiting.drain(..) {
            if let Some(target) = row.target {
                self.builder.add_link(&row.name, target)?;
                continue;
            }
            let window = if row.windowed { window } else { 0 };
            self.builder.add(
                &row.name,
                Place {
                    window,
                    ..row.place
                },
                &row.image,
            )?;
        }
        Ok(())
    }

    fn wait(&mut self, row: Row) -> Result<()> {
        let windowed = row.windowed;
        self.waiting.push(row);
        // Without a point there is nothing to wait for, unless others before it wait.
        if !windowed && self.waiting.len() == 1 {
            self.store_waiting()
        } else {
            Ok(())
        }
    }
}

impl Members for Recorder {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        self.crc = Hasher::new();
        let mut point = None;
        if self.compressed && entry.size > 0 && entry.kind == EntryKind::File {
            point = self.points.before(entry.data_offset);
            if let Some(new) = point.filter(|new| self.points.current() != Some(*new)) {
                self.store_waiting()?;
                self.points.enter(new);
            }
        }
        self.member = Some(Member { entry, point });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        if !self.scanner.is_done() {
            self.scanner.push(bytes);
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(Member { entry, point }) = self.member.take() else {
            return Ok(());
        };
        let mut place = Place {
            tar_offset: entry.data_offset,
            size: entry.size,
            crc32: std::mem::take(&mut self.crc).finalize(),
            ..Place::default()
        };
        if let Some(point) = point {
            let end = entry.data_offset + entry.size;
            self.points.gather(end);
            let end_bit = self
                .points
                .after(end)
                .map_or(self.piece_end_bit, |point| point.bit);
            place.point_bit = point.bit;
            place.gap = u32::try_from(entry.data_offset - point.tar_offset).unwrap_or(u32::MAX);
            place.compressed_size = end_bit.div_ceil(8) - point.bit / 8;
        }
        let target = match entry.kind {
            EntryKind::File => None,
            EntryKind::HardLink { target } => Some(target),
            EntryKind::Sparse => {
                place.status = Status::Sparse;
                None
            }
        };
        let image = self.scanner.finish();
        self.wait(Row {
            name: entry.name,
            place,
            image,
            target,
            windowed: point.is_some(),
        })
    }
}
