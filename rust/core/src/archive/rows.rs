//! Turns members of which something is still unknown into rows of an index, in order.
//!
//! A member of a tar.gz needs the window of its seek point, which is whole when no later member can
//! add to it, and the position in the file behind its last byte, which is known when a point behind
//! it has come.

use std::collections::VecDeque;

use super::points::Points;
use crate::error::Result;
use crate::index::Place;
use crate::index::build::IndexBuilder;
use crate::pixels::header::Header;

/// A member as far as it is known.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: Vec<u8>,
    pub(super) place: Place,
    pub(super) image: Header,
    /// The name that a hard link leads to.
    pub(super) target: Option<Vec<u8>>,
    /// Where it ends in the tar, if it has a seek point.
    pub(super) end: Option<u64>,
}

/// Members in the archive's order that are not yet in the index.
#[derive(Debug, Default)]
pub(super) struct Rows {
    queue: VecDeque<Row>,
    /// How many of them, from the first on, have their window.
    windowed: usize,
    /// And how many have their end.
    ended: usize,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn push(&mut self, row: Row) {
        if row.end.is_none() && self.windowed == self.queue.len() {
            self.windowed += 1;
        }
        self.queue.push_back(row);
    }

    /// Whether a row waits for the window of its point.
    pub(super) fn want_window(&self) -> bool {
        self.queue
            .range(self.windowed..)
            .any(|row| row.end.is_some())
    }

    /// All rows so far that lack a window have the one at this position.
    pub(super) fn set_window(&mut self, window: u64) {
        for row in self.queue.range_mut(self.windowed..) {
            if row.end.is_some() {
                row.place.window = window;
            }
        }
        self.windowed = self.queue.len();
    }

    /// Finds the ends of rows: a point behind each after which another one has come, so that no
    /// piece of output decides. `file_end`: the position in bits that counts where no point comes.
    pub(super) fn find_ends(&mut self, points: &Points, file_end: Option<u64>) {
        for row in self.queue.range_mut(self.ended..) {
            if let Some(end) = row.end {
                let end_bit = match (points.after(end), file_end) {
                    (Some(point), None) if Some(point) == points.last() => return,
                    (Some(point), _) => point.bit,
                    (None, Some(bit)) => bit,
                    (None, None) => return,
                };
                row.place.compressed_size = end_bit.div_ceil(8) - row.place.point_bit / 8;
            }
            self.ended += 1;
        }
    }

    /// Gives the index the rows of which all is known.
    pub(super) fn store(&mut self, builder: &mut IndexBuilder) -> Result<()> {
        for _ in 0..self.windowed.min(self.ended) {
            let Some(row) = self.queue.pop_front() else {
                return Ok(());
            };
            self.windowed -= 1;
            self.ended -= 1;
            match row.target {
                Some(target) => builder.add_link(&row.name, target)?,
                None => builder.add(&row.name, row.place, &row.image)?,
            }
        }
        Ok(())
    }
}
