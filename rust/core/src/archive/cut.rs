//! Turns a place in a piece of output into one from which a later pass can go on.

use super::deflate::WINDOW;
use super::gzip::Piece;
use super::points::Point;
use super::tar::Start;
use crate::index::checkpoint::{GzipStart, Inside};

/// A place from which a pass can go on.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) members: u64,
    pub(crate) window_bytes: u64,
    pub(crate) start: Start,
    /// The member whose data it is inside of.
    pub(crate) inside: Option<Inside>,
    /// Only while the piece in hand is parsed: it then becomes `gzip`.
    pub(super) point: Option<Point>,
    pub(crate) gzip: Option<GzipStart>,
}

/// What decoding from `point` needs, if the piece has it.
pub(super) fn gzip_start(point: Point, piece: &Piece<'_>) -> Option<GzipStart> {
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
