//! Turns the members that a tar yields into rows of an index: checksum, image header, seek point.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crc32fast::Hasher;

use super::deflate::WINDOW;
use super::gzip::Piece;
use super::points::{NO_WINDOW, POINT_AT_BLOCK, POINT_INSIDE, Point, Points};
use super::tar::{Entry, EntryKind, Members, Start};
use crate::error::Result;
use crate::index::build::IndexBuilder;
use crate::index::checkpoint::GzipStart;
use crate::index::{Place, Status};
use crate::pixels::header::{Header, HeaderScanner};

/// How often a place to go on from is noted; a pass that dies loses no more than twice this.
const CUT_EVERY: Duration = Duration::from_millis(250);

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
    /// Then they wait until the compressed position behind them is known.
    pending: VecDeque<Row>,
    encoded: Vec<u8>,
    scanner: HeaderScanner,
    crc: Hasher,
    /// A place to go on from that becomes one when all members before it are stored.
    cut: Option<Cut>,
    last_cut: Instant,
}

/// A place from which a pass can go on.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) members: u64,
    pub(crate) window_bytes: u64,
    pub(crate) start: Start,
    /// Only while the piece in hand is parsed: it then becomes `gzip`.
    point: Option<Point>,
    pub(crate) gzip: Option<GzipStart>,
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
    /// Where it ends in the tar, if it has a seek point.
    end: Option<u64>,
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
            pending: VecDeque::new(),
            encoded: Vec::new(),
            scanner: HeaderScanner::default(),
            crc: Hasher::new(),
            cut: None,
            last_cut: Instant::now(),
        }
    }

    /// Number of members so far.
    pub(crate) fn members(&self) -> u64 {
        self.builder.members() + (self.waiting.len() + self.pending.len()) as u64
    }

    /// The collection so far.
    pub(crate) fn builder(&mut self) -> &mut IndexBuilder {
        &mut self.builder
    }

    /// Takes over the points of a piece of inflated tar, before its members are parsed.
    pub(crate) fn start_piece(&mut self, piece: &mut Piece<'_>) {
        self.compressed = true;
        self.points.take(piece.log, piece.bytes, piece.tar_offset);
        self.piece_end_bit = piece.end_bit;
        self.piece_end = piece.tar_offset + piece.bytes.len() as u64;
    }

    /// Forgets what of the piece no later member needs.
    pub(crate) fn end_piece(&mut self, piece: &Piece<'_>) -> Result<()> {
        if self.member.is_some() {
            self.points.gather(self.piece_end);
        }
        self.store_pending(false)?;
        self.points.prune();
        if let Some(point) = self.cut.as_mut().and_then(|cut| cut.point.take()) {
            let gzip = gzip_start(point, piece);
            match &mut self.cut {
                Some(cut) if gzip.is_some() => cut.gzip = gzip,
                cut => *cut = None,
            }
        }
        Ok(())
    }

    /// The last place to go on from that is one by now.
    pub(crate) fn take_cut(&mut self) -> Option<Cut> {
        let stored = self.builder.members();
        self.cut.take_if(|cut| cut.members <= stored)
    }

    /// The finished collection.
    pub(crate) fn finish(mut self) -> Result<IndexBuilder> {
        self.store_waiting()?;
        self.store_pending(true)?;
        Ok(self.builder)
    }

    /// Stores the window that members waited for.
    fn store_waiting(&mut self) -> Result<()> {
        let mut window = 0;
        if self.waiting.iter().any(|row| row.end.is_some()) {
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
        for mut row in self.waiting.drain(..) {
            if row.end.is_some() {
                row.place.window = window;
            }
            self.pending.push_back(row);
        }
        Ok(())
    }

    /// Stores the members whose compressed end is known: a point behind them after which another
    /// one has come, so that no piece of output decides. At the end it is the end of the file.
    fn store_pending(&mut self, last: bool) -> Result<()> {
        while let Some(row) = self.pending.front_mut() {
            if let Some(end) = row.end {
                let end_bit = match self.points.after(end) {
                    Some(point) if last || Some(point) != self.points.last() => point.bit,
                    _ if last => self.piece_end_bit,
                    _ => return Ok(()),
                };
                row.place.compressed_size = end_bit.div_ceil(8) - row.place.point_bit / 8;
            }
            let Some(row) = self.pending.pop_front() else {
                return Ok(());
            };
            match row.target {
                Some(target) => self.builder.add_link(&row.name, target)?,
                None => self.builder.add(&row.name, row.place, &row.image)?,
            }
        }
        Ok(())
    }

    fn wait(&mut self, row: Row) -> Result<()> {
        let pointed = row.end.is_some();
        self.waiting.push(row);
        // Without a point there is nothing to wait for, unless others before it wait.
        if !pointed && self.waiting.len() == 1 {
            self.store_waiting()?;
        }
        if self.compressed {
            Ok(())
        } else {
            self.store_pending(true)
        }
    }

    /// Notes that a pass could go on with the member that begins, if it is time to.
    fn note_cut(&mut self, entry: &Entry, point: Option<Point>) {
        let due = self.cut.is_none()
            && self.builder.has_journal()
            && self.last_cut.elapsed() >= CUT_EVERY;
        let reachable = |start: &Start| {
            point.is_some_and(|point| point.tar_offset <= start.tar_offset) || !self.compressed
        };
        let Some(start) = entry.start.filter(|start| due && reachable(start)) else {
            return;
        };
        self.last_cut = Instant::now();
        self.cut = Some(Cut {
            members: self.builder.members() + self.pending.len() as u64,
            window_bytes: self.builder.window_bytes(),
            start,
            point,
            gzip: None,
        });
    }
}

/// What decoding from `point` needs, if the piece has it.
fn gzip_start(point: Point, piece: &Piece<'_>) -> Option<GzipStart> {
    let here = usize::try_from(point.tar_offset.checked_sub(piece.tar_offset)?).ok()?;
    let summed = usize::try_from(piece.sum_end.checked_sub(piece.tar_offset)?).ok()?;
    let new = piece.bytes.get(summed..here)?;
    let mut sum = piece.sum.clone();
    sum.update(new);
    let length = piece.sum_length + new.len() as u64;
    let kept = usize::try_from(length).map_or(WINDOW, |length| length.min(WINDOW));
    let mut window = [&piece.history[here.min(WINDOW)..], &piece.bytes[..here]].concat();
    window.drain(..window.len().checked_sub(kept)?);
    Some(GzipStart {
        bit: point.bit,
        header_bit: point.header_bit.unwrap_or(0),
        tar_offset: point.tar_offset,
        crc: sum.finalize(),
        length,
        window,
    })
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
                self.note_cut(&entry, Some(new));
            }
        } else if !self.compressed {
            self.note_cut(&entry, None);
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
        let mut end = None;
        if let Some(point) = point {
            let behind = entry.data_offset + entry.size;
            self.points.gather(behind);
            place.point_bit = point.bit;
            place.gap = u32::try_from(entry.data_offset - point.tar_offset).unwrap_or(u32::MAX);
            end = Some(behind);
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
            end,
        })
    }
}
