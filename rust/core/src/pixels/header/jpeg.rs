//! Turns JPEG marker segments (T.81 B.1.1, B.2) into header fields, up to the first scan.

use super::Header;
use crate::limits::{IMAGE_SEGMENT_BYTES, IMAGE_SEGMENTS};

#[derive(Debug, Default)]
pub(super) struct Segments {
    at: Place,
    seen: u32,
    kept: Vec<u8>,
}

#[derive(Debug, Default)]
enum Place {
    /// Before a marker's 0xFF.
    #[default]
    Prefix,
    /// Behind it.
    Marker,
    Length {
        marker: u8,
        high: Option<u8>,
    },
    Body {
        marker: u8,
        left: usize,
    },
}

impl Segments {
    /// Takes bytes from behind the start-of-image marker on; false when no more are wanted.
    pub(super) fn push(&mut self, mut bytes: &[u8], header: &mut Header) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.at {
                Place::Prefix => {
                    bytes = rest;
                    // Decoders pass over what lies between segments; so must we.
                    if byte == 0xff {
                        self.at = Place::Marker;
                    }
                }
                Place::Marker => {
                    bytes = rest;
                    self.seen += 1;
                    self.at = match byte {
                        0xff => Place::Marker,
                        // Stuffing and markers without a segment (T.81 table B.1).
                        0x00 | 0x01 | 0xd0..=0xd8 => Place::Prefix,
                        // End of image, start of scan.
                        0xd9 | 0xda => return false,
                        _ if self.seen > IMAGE_SEGMENTS => return false,
                        marker => Place::Length { marker, high: None },
                    };
                }
                Place::Length { marker, high: None } => {
                    bytes = rest;
                    self.at = Place::Length {
                        marker,
                        high: Some(byte),
                    };
                }
                Place::Length {
                    marker,
                    high: Some(high),
                } => {
                    bytes = rest;
                    let length = usize::from(u16::from_be_bytes([high, byte]));
                    let Some(left) = length.checked_sub(2) else {
                        return false;
                    };
                    self.kept.clear();
                    self.at = Place::Body { marker, left };
                    if left == 0 {
                        self.at = Place::Prefix;
                    }
                }
                Place::Body { marker, left } => {
                    let some = bytes.len().min(left);
                    if is_read(marker) {
                        let room = some.min(IMAGE_SEGMENT_BYTES.saturating_sub(self.kept.len()));
                        self.kept.extend_from_slice(&bytes[..room]);
                    }
                    bytes = &bytes[some..];
                    self.at = Place::Body {
                        marker,
                        left: left - some,
                    };
                    if left == some {
                        read_segment(marker, &self.kept, header);
                        self.at = Place::Prefix;
                    }
                }
            }
        }
        true
    }
}

/// Start of frame, except the markers of the same range that are tables or reserved.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

fn is_read(marker: u8) -> bool {
    is_frame(marker) || matches!(marker, 0xdd | 0xe1 | 0xee)
}

fn read_segment(marker: u8, body: &[u8], header: &mut Header) {
    match (marker, body) {
        (0xdd, &[high, low]) => header.restart_interval = u16::from_be_bytes([high, low]),
        (0xe1, _) if header.orientation == 0 => {
            if let Some(orientation) = body.strip_prefix(b"Exif\0\0").and_then(exif_orientation) {
                header.orientation = orientation;
            }
        }
        (0xee, _) if body.starts_with(b"Adobe") => {
            header.adobe = body
                .get(11)
                .map_or(0, |transform| transform.saturating_add(1));
        }
        (_, &[precision, h1, h0, w1, w0, components, ref list @ ..])
            if is_frame(marker) && header.sof == 0 =>
        {
            header.sof = marker;
            header.precision = precision;
            header.height = u32::from(u16::from_be_bytes([h1, h0]));
            header.width = u32::from(u16::from_be_bytes([w1, w0]));
            header.components = components;
            for (place, component) in list.chunks_exact(3).take(4).enumerate() {
                header.sampling |= u32::from(component[1]) << (8 * place);
            }
        }
        _ => {}
    }
}

/// Tag 0x0112 of the first directory of the TIFF structure in an EXIF segment (CIPA DC-008 4.6).
fn exif_orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let (first, second) = (u32::from(short(4)?), u32::from(short(6)?));
    let directory = if big {
        first << 16 | second
    } else {
        second << 16 | first
    } as usize;
    let entries = short(directory)?;
    for entry in 0..usize::from(entries) {
        let at = directory.checked_add(2 + entry * 12)?;
        if short(at)? == 0x0112 {
            let value = short(at.checked_add(8)?)?;
            return u8::try_from(value)
                .ok()
                .filter(|value| (1..=8).contains(value));
        }
    }
    None
}
