//! Turns an index's members into the places before them where a deflate block begins.

use std::collections::VecDeque;

use crate::archive::deflate::WINDOW;
use crate::archive::points::POINT_AT_BLOCK;
use crate::error::{Error, Result};
use crate::index::{Index, Place};

/// How far before a point decoding begins that is to know the 32 KiB before the point: the first
/// 32 KiB of it are needed, and what these copy from further back is not known. Twice that leaves
/// hardly any unknown byte to be copied on.
const RUN_UP: u64 = 2 * WINDOW as u64;

/// A place where a block begins, before some member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Position in the file, in bits.
    pub(super) bit: u64,
    /// Position in the tar of the first byte that comes out.
    pub(super) tar_offset: u64,
    place: Place,
}

/// A place for a seek point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) start: Start,
    /// The last place that is far enough before to decode from.
    pub(super) before: Option<Start>,
}

/// Goes over an index once; of the starts it keeps those that may still be needed.
#[derive(Debug)]
pub(super) struct Starts<'a> {
    index: &'a Index,
    /// The next member to look at.
    member: usize,
    /// The next start, if it has been looked at already.
    ahead: Option<Start>,
    /// The starts of the last [`RUN_UP`], and the last one before.
    recent: VecDeque<Start>,
}

impl<'a> Starts<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self {
            index,
            member: 0,
            ahead: None,
            recent: VecDeque::new(),
        }
    }

    /// Number of members looked at.
    pub(super) fn members(&self) -> u64 {
        self.member as u64
    }

    /// What the index has stored of a start's history.
    pub(super) fn window(&self, start: &Start) -> Result<&'a [u8]> {
        let stored = self.index.window(&start.place)?;
        match stored.split_first() {
            Some((&POINT_AT_BLOCK, encoded)) => Ok(encoded),
            _ => Err(self.damaged()),
        }
    }

    /// The last start behind `after` and not behind `last`; both must not be less than before.
    pub(super) fn between(&mut self, after: u64, last: u64) -> Result<Option<Candidate>> {
        while let Some(start) = self.peek()?.filter(|start| start.tar_offset <= last) {
            self.ahead = None;
            self.recent.push_back(start);
            while self
                .recent
                .get(1)
                .is_some_and(|next| is_before(next, &start))
            {
                self.recent.pop_front();
            }
        }
        let newest = self.recent.back().filter(|start| start.tar_offset > after);
        Ok(newest.map(|start| Candidate {
            start: *start,
            before: self
                .recent
                .front()
                .copied()
                .filter(|first| is_before(first, start)),
        }))
    }

    fn peek(&mut self) -> Result<Option<Start>> {
        let newest = self.recent.back().map_or(0, |start| start.tar_offset);
        while self.ahead.is_none() && self.member < self.index.len() {
            let place = self.index.place(self.member)?;
            self.member += 1;
            // Without one: empty members, and those that cannot be read. A hard link has the start
            // of an earlier member, as have neighbours in one block.
            if place.point_bit == 0 {
                continue;
            }
            let gap = u64::from(place.gap);
            let tar_offset = place.tar_offset.checked_sub(gap);
            let tar_offset = tar_offset.ok_or_else(|| self.damaged())?;
            let at_block = self.index.window(&place)?.first() == Some(&POINT_AT_BLOCK);
            if at_block && tar_offset > newest {
                self.ahead = Some(Start {
                    bit: place.point_bit,
                    tar_offset,
                    place,
                });
            }
        }
        Ok(self.ahead)
    }

    fn damaged(&self) -> Error {
        Error::index("the index is damaged: a seek point cannot be read; make it anew")
            .with_path(self.index.path())
    }
}

fn is_before(first: &Start, start: &Start) -> bool {
    first.tar_offset.saturating_add(RUN_UP) <= start.tar_offset
}
