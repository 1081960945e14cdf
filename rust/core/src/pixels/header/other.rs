//! Turns the first bytes of PNG, GIF, WebP, BMP and TIFF files into format and size.

use super::{Format, Header};
use crate::pixels::format::identify;

/// Fills in what `head`, the first bytes of a file, tells.
pub(super) fn read(head: &[u8], header: &mut Header) {
    let big = |at: usize| {
        head.get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_be_bytes)
    };
    let little = |at: usize| {
        head.get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_le_bytes)
    };
    let format = identify(head).map_or(Format::Unknown, |(format, _)| format);
    let size = match format {
        Format::Png => big(16).zip(big(20)),
        Format::Gif => little(6).map(|sides| (sides & 0xffff, sides >> 16)),
        Format::Webp => webp_size(head),
        // The height of a bitmap stored top row first is negative.
        Format::Bmp => little(18).zip(little(22).map(|height| (height as i32).unsigned_abs())),
        _ => None,
    };
    header.format = format;
    (header.width, header.height) = size.unwrap_or_default();
}

/// The size in the first chunk: lossy (RFC 6386 9.1), lossless or extended (RFC 9649).
fn webp_size(head: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| {
        Some(u32::from(u16::from_le_bytes([
            *head.get(at)?,
            *head.get(at + 1)?,
        ])))
    };
    let three = |at: usize| Some(word(at)? | u32::from(*head.get(at + 2)?) << 16);
    match head.get(12..16)? {
        b"VP8 " if head.get(23..26)? == [0x9d, 0x01, 0x2a] => {
            Some((word(26)? & 0x3fff, word(28)? & 0x3fff))
        }
        b"VP8L" if *head.get(20)? == 0x2f => {
            let bits = word(21)? | word(23)? << 16;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((three(24)? + 1, three(27)? + 1)),
        _ => None,
    }
}
