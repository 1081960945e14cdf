//! Turns a stretch of the archive into a seek point with the history that whatever follows needs.
//!
//! Matches that begin within 32 KiB behind the point are the only ones that can reach back before
//! it. Where decoding began without a history, bytes copied from before the beginning are unknown,
//! and so are copies of these.

use super::SeekPoint;
use super::source::Source;
use crate::archive::deflate::{Output, SLACK, Stop, Trace, WINDOW, Walker};
use crate::archive::file::ArchiveFile;
use crate::archive::points::{clear_marks, decode_window};
use crate::error::{Error, Result};

/// Output decoded before the last 32 KiB of it are moved to the front.
const PIECE: usize = 128 << 10;

/// History, a piece with the rest of a match, and what follows a point at its end.
const BUFFER: usize = WINDOW + PIECE + SLACK + WINDOW + SLACK;

/// Which block is to become a seek point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// The one that begins at `bit`, with byte `tar_offset` of the tar.
    Block { bit: u64, tar_offset: u64 },
    /// The first one that begins at or behind this position in the tar.
    Behind(u64),
}

/// Where a stretch ended.
#[derive(Debug)]
pub(super) enum Found {
    Point(SeekPoint),
    /// Some of the point's history is not known.
    Unknown,
    /// The tar ended before; its length.
    End(u64),
}

/// The memory of stretches, used by one after the other.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    source: Source<'a>,
    walker: Walker,
    buffer: Vec<u8>,
    at: usize,
    floor: usize,
    /// Position in the file of the next byte for the walker.
    next: u64,
    watch: Watch,
}

/// The [`Trace`] of a stretch.
#[derive(Debug)]
struct Watch {
    /// Position in the tar of the buffer's first byte; wraps below zero before the first 32 KiB.
    base: u64,
    goal: Goal,
    /// The goal's bit and its place in the buffer.
    reached: Option<(u64, usize)>,
    /// Whether the walker went past the goal.
    missed: bool,
    /// The bytes of the buffer that are not known, all before `unknown_end`.
    unknown: Vec<bool>,
    unknown_end: usize,
    /// The bytes of the 32 KiB before the goal that are referred to from behind it.
    used: Vec<bool>,
}

impl Trace for Watch {
    fn block(&mut self, bit: u64, at: usize) {
        if self.reached.is_some() {
            return;
        }
        let here = self.base.wrapping_add(at as u64);
        match self.goal {
            Goal::Block { bit: wanted, .. } if bit > wanted => self.missed = true,
            Goal::Block { bit: wanted, .. } if bit < wanted => {}
            Goal::Block { tar_offset, .. } if tar_offset != here => self.missed = true,
            Goal::Behind(wanted) if here < wanted => {}
            Goal::Block { .. } | Goal::Behind(_) => self.reached = Some((bit, at)),
        }
    }

    #[inline]
    fn matched(&mut self, at: usize, distance: usize, length: usize) {
        let from = at - distance;
        if from < self.unknown_end {
            // One by one: a match may copy what it has just written.
            for step in 0..length {
                let unknown = self.unknown[from + step];
                self.unknown[at + step] = unknown;
                if unknown {
                    self.unknown_end = at + step + 1;
                }
            }
        }
        if let Some((_, point)) = self.reached.filter(|&(_, point)| from < point) {
            let before = point - WINDOW;
            let end = (from + length).min(point);
            self.used[from - before..end - before].fill(true);
        }
    }
}

impl<'a> Stretch<'a> {
    pub(super) fn new(file: &'a ArchiveFile) -> Self {
        Self {
            source: Source::new(file),
            walker: Walker::default(),
            buffer: vec![0; BUFFER],
            at: WINDOW,
            floor: 0,
            next: 0,
            watch: Watch {
                base: 0,
                goal: Goal::Behind(0),
                reached: None,
                missed: false,
                unknown: vec![false; BUFFER],
                unknown_end: 0,
                used: vec![false; WINDOW],
            },
        }
    }

    /// Starts where a block begins, with nothing known of its history but an encoded `window`.
    pub(super) fn start(&mut self, bit: u64, tar_offset: u64, window: &[u8]) -> Result<()> {
        self.reset(bit, tar_offset);
        self.watch.unknown[..WINDOW].fill(true);
        self.watch.unknown_end = WINDOW;
        decode_window(window, &mut self.buffer[..WINDOW])
            .and_then(|()| clear_marks(window, &mut self.watch.unknown[..WINDOW]))
            .ok_or_else(|| Error::index("the index is damaged: a window cannot be read"))
    }

    /// Starts at a point whose window is enough for whatever follows.
    pub(super) fn start_at_point(&mut self, point: &SeekPoint) {
        self.reset(point.bit, point.tar_offset);
        if point.window.len() == WINDOW {
            self.buffer[..WINDOW].copy_from_slice(&point.window);
        }
    }

    fn reset(&mut self, bit: u64, tar_offset: u64) {
        self.walker.start(bit);
        self.next = bit / 8;
        self.at = WINDOW;
        self.floor = 0;
        self.watch.base = tar_offset.wrapping_sub(WINDOW as u64);
        self.watch.unknown.fill(false);
        self.watch.unknown_end = 0;
    }

    /// Decodes to the goal and 32 KiB on; `tick` gets the position in the file now and then.
    pub(super) fn run(
        &mut self,
        goal: Goal,
        mut tick: impl FnMut(u64) -> Result<()>,
    ) -> Result<Found> {
        self.watch.goal = goal;
        self.watch.reached = None;
        self.watch.missed = false;
        self.watch.used.fill(false);
        loop {
            let limit = match self.watch.reached {
                Some((bit, point)) if self.at >= point + WINDOW => {
                    return Ok(self.point(bit, point));
                }
                Some((_, point)) => point + WINDOW,
                None => WINDOW + PIECE,
            };
            if self.at >= limit {
                self.make_room();
            }
            let at_end = !self.step(limit)?;
            if self.watch.missed
                || (at_end && !self.is_reached() && !matches!(goal, Goal::Behind(_)))
            {
                return Err(Error::index(
                    "the index does not fit the archive: a seek point is not where a block begins; \
                     make it anew",
                ));
            }
            if at_end {
                let end = self.watch.base.wrapping_add(self.at as u64);
                return Ok(match self.watch.reached {
                    // A point behind which nothing comes is none.
                    Some((bit, point)) if point < self.at => self.point(bit, point),
                    _ => Found::End(end),
                });
            }
            tick(self.next)?;
        }
    }

    fn is_reached(&self) -> bool {
        self.watch.reached.is_some()
    }

    /// Decodes some bytes of the file; false at the end of the last gzip member.
    fn step(&mut self, limit: usize) -> Result<bool> {
        let input = self.source.from(self.next)?;
        if input.is_empty() {
            return Err(
                Error::archive("the compressed data ends before its last block")
                    .with_offset(self.next),
            );
        }
        let mut output = Output {
            bytes: &mut self.buffer,
            at: self.at,
            limit,
            floor: self.floor,
        };
        let (taken, stop) = self.walker.run(input, &mut output, &mut self.watch)?;
        self.at = output.at;
        self.next += taken as u64;
        if stop != Stop::End {
            return Ok(true);
        }
        let end = self.walker.next_bit().div_ceil(8);
        let Some(start) = self.source.behind_trailer(end)? else {
            return Ok(false);
        };
        self.walker.start(start * 8);
        self.next = start;
        self.floor = self.at;
        Ok(true)
    }

    /// Moves the last 32 KiB to the front of the buffer.
    fn make_room(&mut self) {
        let (moved, watch) = (self.at - WINDOW, &mut self.watch);
        self.buffer.copy_within(moved..self.at, 0);
        watch.unknown.copy_within(moved..self.at, 0);
        watch.unknown[WINDOW..].fill(false);
        watch.unknown_end = watch.unknown_end.saturating_sub(moved);
        watch.base = watch.base.wrapping_add(moved as u64);
        self.floor = self.floor.saturating_sub(moved);
        self.at = WINDOW;
    }

    /// The seek point at `point` of the buffer.
    fn point(&self, bit: u64, point: usize) -> Found {
        let before = point - WINDOW..point;
        let used = &self.watch.used;
        let unknown = &self.watch.unknown[before.clone()];
        if used
            .iter()
            .zip(unknown)
            .any(|(used, unknown)| used & unknown)
        {
            return Found::Unknown;
        }
        let mut window = Vec::new();
        if used.contains(&true) {
            let bytes = self.buffer[before].iter().zip(used);
            window.extend(bytes.map(|(&byte, &used)| if used { byte } else { 0 }));
        }
        Found::Point(SeekPoint {
            bit,
            tar_offset: self.watch.base.wrapping_add(point as u64),
            window,
        })
    }
}
