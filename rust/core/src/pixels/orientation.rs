//! Turns the bytes of a picture into its orientation, from EXIF or else XMP, as Pillow's
//! `ImageOps.exif_transpose` finds it (13.0). Its pixels are not needed.
//!
//! Not the census' reader of EXIF, which keeps only the first bytes of a segment.

use std::collections::HashSet;

use super::png::{self, Png};
use crate::error::Result;

/// 1 to 8, 1 being upright: how the picture is to be turned (CIPA DC-008 4.6.4 A).
pub(super) fn orientation(data: &[u8]) -> Result<u8> {
    let (exif, xmp) = if data.starts_with(png::SIGNATURE) {
        Png::open(data)?.metadata()?
    } else {
        jpeg_metadata(data)
    };
    let value = exif_orientation(&exif).or_else(|| xmp_orientation(&xmp));
    let value = value.and_then(|value| u8::try_from(value).ok());
    Ok(value.filter(|value| (1..=8).contains(value)).unwrap_or(1))
}

/// EXIF, its segments one behind the other, and the last XMP before the first scan.
fn jpeg_metadata(data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut exif, mut xmp) = (Vec::new(), Vec::new());
    let mut at = 2;
    while let Some(start) = memchr::memchr(0xff, data.get(at..).unwrap_or_default()) {
        at += start + 1;
        let Some(&marker) = data.get(at) else { break };
        match marker {
            0xff => continue,
            0xda => break,
            // They have no length (T.81 table B.1).
            0x00 | 0x01 | 0xc8 | 0xd0..=0xd9 | 0xf0..=0xfd => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let Some(&[high, low]) = data.get(at + 1..at + 3) else {
            break;
        };
        let end = at + 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
        let body = data.get(at + 3..end).unwrap_or_default();
        if marker == 0xe1 {
            if let Some(tiff) = body.strip_prefix(b"Exif\0\0") {
                exif.extend_from_slice(tiff);
            } else if let Some(text) = body.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                xmp = text.to_vec();
            }
        }
        at = end;
    }
    (exif, xmp)
}

/// What the tag has in the first directory of a TIFF structure, if it is there; 0 for fractions and
/// bytes, which no camera writes.
fn exif_orientation(exif: &[u8]) -> Option<i64> {
    const ORIENTATION: u32 = 0x0112;
    let mut tiff = exif;
    while let Some(rest) = tiff.strip_prefix(b"Exif\0\0") {
        tiff = rest;
    }
    let big = match tiff.get(..4)? {
        b"MM\0*" | b"MM*\0" => true,
        b"II*\0" | b"II\0*" => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let join = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
        Some(if big {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        })
    };
    let directory = number(4, 4)? as usize;
    let mut seen = HashSet::new();
    let mut total = 0;
    for entry in 0..number(directory, 2)? as usize {
        let at = directory.checked_add(2 + entry * 12)?;
        let Some(offset) = number(at.checked_add(8)?, 4) else {
            break;
        };
        let (tag, kind, count) = (number(at, 2)?, number(at + 2, 2)?, number(at + 4, 4)?);
        // Sizes of the types (TIFF 6.0, section 2; BigTIFF's 8-byte number).
        let size = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 => 8,
            _ => continue,
        };
        let size = u64::from(count) * size;
        let inline = size <= 4;
        if size == 0 || seen.contains(&tag) {
            continue;
        }
        if !inline {
            // Pillow passes over values that together are larger than the file, and goes no further
            // than one that is not there.
            total += size;
            if total > tiff.len() as u64 {
                continue;
            }
            if u64::from(offset) + size > tiff.len() as u64 {
                break;
            }
        }
        seen.insert(tag);
        if tag == ORIENTATION {
            let place = if inline { at + 8 } else { offset as usize };
            return match kind {
                6 => number(place, 1).map(|value| i64::from(value as u8 as i8)),
                3 => number(place, 2).map(i64::from),
                8 => number(place, 2).map(|value| i64::from(value as u16 as i16)),
                4 | 13 => number(place, 4).map(i64::from),
                9 => number(place, 4).map(|value| i64::from(value as i32)),
                _ => Some(0),
            };
        }
    }
    None
}

/// The digit of the first `tiff:Orientation="6"` or `<tiff:Orientation>6`.
fn xmp_orientation(xmp: &[u8]) -> Option<i64> {
    const NAME: &[u8] = b"tiff:Orientation";
    memchr::memmem::find_iter(xmp, NAME).find_map(|at| {
        let rest = &xmp[at + NAME.len()..];
        let value = rest
            .strip_prefix(b"=\"")
            .or_else(|| rest.strip_prefix(b">"));
        let digit = *value?.first()?;
        digit.is_ascii_digit().then(|| i64::from(digit - b'0'))
    })
}
