//! Turns any bytes, taken as raw deflate, into what our walker and `zlib-rs` make of them.

use flate2::{Decompress, FlushDecompress, Status};

use crate::archive::deflate::{
    BLOCK_HEADER_BYTES, Output, SLACK, Stop, Trace, Untraced, WINDOW, Walker,
};
use crate::archive::points::{Point, PointLog, Points, decode_window};

/// Output that is made at once by whoever does not care.
const ROOM: usize = 64 << 10;

/// Least distance of points inside blocks.
const SPACING: usize = 24;

/// Most seek points of one input that are tried.
const MOST_POINTS: usize = 24;

/// Checks that both readers find the same bytes and the same end, or both refuse: the stream as a
/// whole, in pieces of input and output, and from seek points of both kinds on, with no more
/// history than the points' windows have.
///
/// The first byte says how long pieces of input are, the second how long pieces of output.
///
/// # Panics
/// If the readers differ.
pub fn deflate(bytes: &[u8]) {
    let Some((&[step, room], stream)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let theirs = by_zlib(stream);
    let (step, room) = (1 + usize::from(step), 1 + 16 * usize::from(room));
    for (step, room) in [(stream.len().max(1), ROOM), (step, room)] {
        let mut places = Places::default();
        let ours = walk(stream, step, room, &mut places);
        match (ours, &theirs) {
            (Ok(Some(ours)), Some(theirs)) => {
                assert!(
                    ours == *theirs,
                    "other bytes or another end, {step}, {room}"
                );
                enter(stream, &ours.bytes, places);
            }
            (Ok(None) | Err(_), None) => {}
            (Ok(Some(_)), None) => panic!("only zlib-rs refuses, {step}, {room}"),
            (ours, Some(_)) => panic!("only ours refuses, {step}, {room}: {ours:?}"),
        }
    }
}

/// What a whole stream holds, and how many bytes it has.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    bytes: Vec<u8>,
    used: u64,
}

/// The points of a stream, and what the pass would log of it.
#[derive(Debug)]
struct Places {
    log: PointLog,
    offsets: Vec<u64>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            log: PointLog::new(0),
            offsets: Vec::new(),
        }
    }
}

impl Trace for Places {
    fn block(&mut self, bit: u64, at: usize) {
        self.log.block(bit, at);
        self.offsets.push(at as u64);
    }

    fn matched(&mut self, at: usize, distance: usize, length: usize) {
        self.log.matched(at, distance, length);
    }
}

impl Places {
    /// Makes a point at the symbol that comes next, if the last one is far enough.
    fn inside(&mut self, walker: &Walker, at: usize) {
        let last = self.log.last().map_or(0, |point| point.tar_offset);
        if let Some(header_bit) = walker.inside_block()
            && at as u64 >= last + SPACING as u64
        {
            self.log.add_inside(walker.next_bit(), at, header_bit);
            self.offsets.push(at as u64);
        }
    }
}

/// Decodes `stream` in pieces of `step` bytes into pieces of `room`; `None` if it ends early.
fn walk(
    stream: &[u8],
    step: usize,
    room: usize,
    places: &mut Places,
) -> crate::Result<Option<Decoded>> {
    let mut walker = Walker::default();
    walker.start(0);
    let mut bytes = Vec::new();
    let (mut at, mut fed) = (0, 0);
    loop {
        let piece = &stream[fed..stream.len().min(fed + step)];
        bytes.resize(at + room + SLACK, 0);
        let mut output = Output {
            bytes: &mut bytes,
            at,
            limit: at + room,
            floor: 0,
        };
        let (used, stop) = walker.run(piece, &mut output, places)?;
        let limit = output.limit;
        at = output.at;
        fed += used;
        match stop {
            Stop::End => {
                bytes.truncate(at);
                let used = walker.next_bit() / 8;
                return Ok(Some(Decoded { bytes, used }));
            }
            Stop::Input if fed == stream.len() => return Ok(None),
            Stop::Input => assert_eq!(used, piece.len(), "all input is taken"),
            Stop::Output => {
                assert!(at >= limit, "the output is full");
                places.inside(&walker, at);
            }
        }
    }
}

/// Decodes what lies behind some of the points, each with the bytes of its window only.
fn enter(stream: &[u8], data: &[u8], mut places: Places) {
    let mut points = Points::default();
    points.take(&mut places.log, data, 0);
    let every = places.offsets.len().div_ceil(MOST_POINTS).max(1);
    for offset in places.offsets.iter().copied().step_by(every) {
        let Some(point) = points.before(offset) else {
            panic!("there is no point at {offset}");
        };
        assert_eq!(point.tar_offset, offset, "a point is where it was made");
        points.enter(point);
        points.gather(data.len() as u64);
        let mut encoded = Vec::new();
        points.encode(&mut encoded);
        let found = decode_from(stream, point, &encoded, data.len() - offset as usize);
        assert!(
            found == data[offset as usize..],
            "other bytes from {point:?} on"
        );
    }
}

/// The `length` bytes behind `point`.
fn decode_from(stream: &[u8], point: Point, window: &[u8], length: usize) -> Vec<u8> {
    let mut walker = Walker::default();
    match point.header_bit {
        None => walker.start(point.bit),
        Some(header_bit) => {
            let header = &stream[(header_bit / 8) as usize..];
            let header = &header[..header.len().min(BLOCK_HEADER_BYTES)];
            let started = walker.start_inside(header, header_bit, point.bit);
            assert!(
                started.is_ok(),
                "a header that was read before: {started:?}"
            );
        }
    }
    let mut bytes = vec![0; WINDOW + length + SLACK];
    let read = decode_window(window, &mut bytes[..WINDOW]);
    assert!(read.is_some(), "a window that was written here");
    let mut output = Output {
        bytes: &mut bytes,
        at: WINDOW,
        limit: WINDOW + length,
        floor: 0,
    };
    let input = &stream[(point.bit / 8) as usize..];
    let run = walker.run(input, &mut output, &mut Untraced);
    assert!(run.is_ok(), "data that was read before: {run:?}");
    let end = output.at;
    bytes.truncate(end);
    bytes.drain(..WINDOW);
    bytes
}

/// What `zlib-rs` makes of the stream; `None` if it refuses or wants more.
fn by_zlib(stream: &[u8]) -> Option<Decoded> {
    let mut engine = Decompress::new(false);
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(ROOM);
        let before = (engine.total_in(), engine.total_out());
        let rest = &stream[before.0 as usize..];
        let status = engine.decompress_vec(rest, &mut bytes, FlushDecompress::None);
        let used = engine.total_in();
        match status {
            Ok(Status::StreamEnd) => return Some(Decoded { bytes, used }),
            Ok(_) if before != (used, engine.total_out()) => {}
            _ => return None,
        }
    }
}
