//! Turns a place's seek point into a walker that stands at it, with the history that it needs.

use crate::archive::deflate::{BLOCK_HEADER_BYTES, WINDOW, Walker};
use crate::archive::file::ArchiveFile;
use crate::archive::points::{POINT_INSIDE, decode_window, overlay_window};
use crate::error::{Error, Result};
use crate::index::{Index, Place};

/// Puts `walker` at the seek point of `place`; `history` becomes the 32 KiB before it, of which
/// only what the member refers to is right.
pub(super) fn start(
    walker: &mut Walker,
    history: &mut [u8],
    file: &ArchiveFile,
    index: &Index,
    place: &Place,
) -> Result<()> {
    let (header_bit, encoded) = stored_window(index, place)?;
    decode_window(encoded, &mut history[..WINDOW]).ok_or_else(damaged)?;
    let Some(header_bit) = header_bit else {
        walker.start(place.point_bit);
        return Ok(());
    };
    let mut header = [0; BLOCK_HEADER_BYTES];
    let count = file.read_up_to(&mut header, header_bit / 8)?;
    walker.start_inside(&header[..count], header_bit, place.point_bit)
}

/// Puts the bytes that the window of `place` has over `history`, the 32 KiB before its point.
pub(super) fn overlay(history: &mut [u8], index: &Index, place: &Place) -> Result<()> {
    let (_, encoded) = stored_window(index, place)?;
    overlay_window(encoded, &mut history[..WINDOW]).ok_or_else(damaged)
}

/// Where the block begins that the point is inside of, if it is inside one, and the window's runs.
fn stored_window<'a>(index: &'a Index, place: &Place) -> Result<(Option<u64>, &'a [u8])> {
    let (&form, encoded) = index.window(place)?.split_first().ok_or_else(damaged)?;
    if form != POINT_INSIDE {
        return Ok((None, encoded));
    }
    let (header_bit, encoded) = encoded.split_first_chunk::<8>().ok_or_else(damaged)?;
    Ok((Some(u64::from_le_bytes(*header_bit)), encoded))
}

fn damaged() -> Error {
    Error::index("the index is damaged: a window cannot be read")
}
