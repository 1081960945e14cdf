//! Turns the members that a tar yields into rows of an index: checksum, image header, seek point.

use std::time::{Duration, Instant};

use crc32fast::Hasher;

use super::cut::{Cut, gzip_start};
use super::deflate::WINDOW;
use super::gzip::Piece;
use super::points::{NO_WINDOW, POINT_AT_BLOCK, POINT_INSIDE, Point, Points};
use super::rows::{Row, Rows};
use super::tar::{Entry, EntryKind, Members, Start};
use crate::error::Result;
use crate::index::build::IndexBuilder;
use crate::index::checkpoint::Inside;
use crate::index::{Place, Status};
use crate::pixels::header::HeaderScanner;

/// How often a place to go on from is noted; a pass that dies loses no more than twice this.
const CUT_EVERY: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 250 });

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
    rows: Rows,
    /// The window of the point in hand, once nothing can be added to it.
    window: Option<u64>,
    scanner: HeaderScanner,
    crc: Hasher,
    /// A place to go on from that becomes one when all members before it are stored.
    cut: Option<Cut>,
    last_cut: Instant,
    /// The point in the piece in hand at which to cut the member in hand.
    split: Option<Point>,
    unproven: bool,
}

/// The member whose data goes by.
#[derive(Debug)]
struct Member {
    entry: Entry,
    point: Option<Point>,
    /// Bytes of its data that have gone by.
    seen: u64,
}

impl Member {
    /// Its place as far as it is known before its end.
    fn place(&self, crc32: u32) -> Place {
        let mut place = Place {
            tar_offset: self.entry.data_offset,
            size: self.entry.size,
            crc32,
            ..Place::default()
        };
        if let Some(point) = self.point {
            place.point_bit = point.bit;
            let gap = self.entry.data_offset - point.tar_offset;
            place.gap = u32::try_from(gap).unwrap_or(u32::MAX);
        }
        place
    }
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
            rows: Rows::default(),
            window: None,
            scanner: HeaderScanner::default(),
            crc: Hasher::new(),
            cut: None,
            last_cut: Instant::now(),
            split: None,
            unproven: false,
        }
    }

    /// Goes on inside a member whose data ends at `data_offset + size`, from `start` on.
    pub(crate) fn go_on_inside(&mut self, inside: &Inside, start: Start) {
        let place = inside.place;
        let point = Point {
            bit: place.point_bit,
            tar_offset: place.tar_offset - u64::from(place.gap),
            header_bit: None,
        };
        let point = (place.point_bit > 0).then_some(point);
        if let Some(point) = point {
            self.points.enter(point);
            self.window = Some(place.window);
        }
        let seen = start.tar_offset - place.tar_offset;
        self.crc = Hasher::new_with_initial_len(place.crc32, seen);
        self.scanner = HeaderScanner::done(inside.image);
        self.member = Some(Member {
            entry: Entry {
                name: inside.name.clone(),
                data_offset: place.tar_offset,
                size: place.size,
                kind: EntryKind::File,
                start: Some(start),
            },
            point,
            seen,
        });
    }

    /// Whether the last member has all its bytes, but no header has come behind it.
    ///
    /// gzip's checksum comes at the very end. A stream that ends before it may be cut off, and then
    /// what was decoded is right. But it may as well be whole and damaged: a wrong bit lets the
    /// decoder lose its step for good, run over the real end, and seem to want more. Behind the bit
    /// comes nonsense, and nonsense has no tar header, with its checksum, in the right place: so a
    /// header proves the member before it. Blocks of zeros do not, where a decoder out of step finds
    /// zeros among zeros.
    pub(crate) fn last_is_unproven(&self) -> bool {
        self.unproven
    }

    /// Number of members so far.
    pub(crate) fn members(&self) -> u64 {
        self.builder.members() + self.rows.len() as u64
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
        self.split = None;
        // A member can be cut behind what its window depends on.
        if self.cut_is_due()
            && let Some(last) = self.points.last()
            && let Some(first) = self.points.current()
        {
            let settled = first.tar_offset + WINDOW as u64;
            self.split = (last.tar_offset >= settled).then_some(last);
        }
    }

    /// Forgets what of the piece no later member needs.
    pub(crate) fn end_piece(&mut self, piece: &Piece<'_>) -> Result<()> {
        if self.member.is_some() {
            self.points.gather(self.piece_end);
            // Only what lies in the 32 KiB behind a point can refer to what lies before it.
            if let Some(point) = self.points.current()
                && self.piece_end >= point.tar_offset + WINDOW as u64
            {
                self.store_window()?;
            }
        }
        self.store(None)?;
        self.points.prune();
        if let Some(cut) = &mut self.cut
            && let Some(point) = cut.point.take()
        {
            cut.gzip = gzip_start(point, piece);
            let mut good = cut.gzip.is_some();
            if let Some(inside) = &mut cut.inside {
                let start = inside.place.tar_offset;
                let in_hand = self.member.as_ref();
                good &= in_hand.is_some_and(|member| member.entry.data_offset == start);
                cut.window_bytes = self.builder.window_bytes();
                inside.place.window = self.window.unwrap_or(0);
            }
            if !good {
                self.cut = None;
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
        // One that is cut off.
        self.member = None;
        self.store_window()?;
        self.store(Some(self.piece_end_bit))?;
        Ok(self.builder)
    }

    /// Stores the window that members wait for.
    fn store_window(&mut self) -> Result<()> {
        let needed = self.rows.want_window()
            || self
                .member
                .as_ref()
                .is_some_and(|member| member.point.is_some());
        let window = match self.window {
            Some(window) => window,
            None if needed => self.encode_window()?,
            None => 0,
        };
        self.window = self.window.or(needed.then_some(window));
        self.rows.set_window(window);
        Ok(())
    }

    fn encode_window(&mut self) -> Result<u64> {
        let mut encoded = Vec::new();
        match self.points.current().and_then(|point| point.header_bit) {
            Some(bit) => {
                encoded.push(POINT_INSIDE);
                encoded.extend(bit.to_le_bytes());
            }
            None => encoded.push(POINT_AT_BLOCK),
        }
        self.points.encode(&mut encoded);
        if encoded == NO_WINDOW {
            return Ok(0);
        }
        self.builder.add_window(&encoded)
    }

    /// Stores the members of which all is known; the last ones end with the file, at `file_end`.
    fn store(&mut self, file_end: Option<u64>) -> Result<()> {
        self.rows.find_ends(&self.points, file_end);
        self.rows.store(&mut self.builder)
    }

    fn cut_is_due(&self) -> bool {
        self.cut.is_none() && self.builder.has_journal() && self.last_cut.elapsed() >= CUT_EVERY
    }

    /// Notes that a pass could go on with the member that begins, if it is time to.
    fn note_cut(&mut self, entry: &Entry, point: Option<Point>) {
        let reachable = |start: &&Start| {
            start.tar_offset > 0
                && (point.is_some_and(|point| point.tar_offset <= start.tar_offset)
                    || !self.compressed)
        };
        let Some(start) = entry.start.as_ref().filter(reachable) else {
            return;
        };
        if self.cut_is_due() {
            self.cut_at(start.clone(), point, None);
        }
    }

    /// Notes that a pass could go on inside the member in hand, `behind` bytes from what it has
    /// seen so far; the CRC32 is that of the data up to there.
    fn note_cut_inside(&mut self, behind: usize, point: Option<Point>) {
        let (Some(member), Some(image)) = (&self.member, self.scanner.whole()) else {
            return;
        };
        let Some(start) = &member.entry.start else {
            return;
        };
        let start = Start {
            tar_offset: member.entry.data_offset + member.seen + behind as u64,
            ..start.clone()
        };
        let inside = Inside {
            name: member.entry.name.clone(),
            place: member.place(self.crc.clone().finalize()),
            image,
        };
        self.cut_at(start, point, Some(inside));
    }

    /// Where among the next `count` bytes of the member in hand a pass could go on, if it is time to.
    fn cut_inside(&self, count: usize) -> Option<usize> {
        let member = self.member.as_ref()?;
        let here = member.entry.data_offset + member.seen;
        if !self.compressed {
            return (member.seen > 0 && self.cut_is_due()).then_some(0);
        }
        // A point inside a block may lie where the piece ends.
        let point = self.split?.tar_offset;
        let within = point < member.entry.data_offset + member.entry.size;
        let behind = usize::try_from(point.checked_sub(here)?).ok()?;
        (within && behind <= count).then_some(behind)
    }

    fn cut_at(&mut self, start: Start, point: Option<Point>, inside: Option<Inside>) {
        self.last_cut = Instant::now();
        self.cut = Some(Cut {
            members: self.members(),
            window_bytes: self.builder.window_bytes(),
            start,
            inside,
            point,
            gzip: None,
        });
    }
}

impl Members for Recorder {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        self.crc = Hasher::new();
        self.split = None;
        self.unproven = false;
        let mut point = None;
        if self.compressed && entry.size > 0 && entry.kind == EntryKind::File {
            point = self.points.before(entry.data_offset);
            if let Some(new) = point.filter(|new| self.points.current() != Some(*new)) {
                self.store_window()?;
                self.window = None;
                self.points.enter(new);
                self.note_cut(&entry, Some(new));
            }
        } else if !self.compressed {
            self.note_cut(&entry, None);
        }
        self.member = Some(Member {
            entry,
            point,
            seen: 0,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(behind) = self.cut_inside(bytes.len()) {
            let (before, after) = bytes.split_at(behind);
            self.crc.update(before);
            let point = self.split.take();
            self.note_cut_inside(behind, point);
            rest = after;
        }
        self.crc.update(rest);
        if !self.scanner.is_done() {
            self.scanner.push(bytes);
        }
        if let Some(member) = &mut self.member {
            member.seen += bytes.len() as u64;
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        // What has no data of its own is all in its header.
        self.unproven = member.entry.kind == EntryKind::File && member.entry.size > 0;
        let mut place = member.place(std::mem::take(&mut self.crc).finalize());
        let mut end = None;
        if member.point.is_some() {
            let behind = place.tar_offset + place.size;
            self.points.gather(behind);
            end = Some(behind);
        }
        let target = match member.entry.kind {
            EntryKind::File => None,
            EntryKind::HardLink { target } => Some(target),
            EntryKind::Sparse => {
                place.status = Status::Sparse;
                None
            }
        };
        self.rows.push(Row {
            name: member.entry.name,
            place,
            image: self.scanner.finish(),
            target,
            end,
        });
        if let Some(window) = self.window {
            self.rows.set_window(window);
        }
        if self.compressed {
            Ok(())
        } else {
            self.store(None)
        }
    }
}
