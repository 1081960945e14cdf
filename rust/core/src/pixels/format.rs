//! Tells what kind of file some bytes are, by the first of them.

use crate::error::{Error, Result};

/// An error that names what the bytes are, unless they are a JPEG.
pub(super) fn check_magic(data: &[u8]) -> Result<()> {
    if data.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return Ok(());
    }
    if data.is_empty() {
        return Err(Error::decode("expected a JPEG, found no bytes at all"));
    }
    let found = FORMATS.iter().find(|(at, magic, _)| {
        data.get(*at..*at + magic.len())
            .is_some_and(|bytes| bytes == *magic)
    });
    if let Some((_, _, name)) = found {
        return Err(Error::decode(format!("expected a JPEG, found {name}")).with_offset(0));
    }
    let start: Vec<String> = data
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let message = "expected a JPEG (ff d8 ff), found bytes that start with";
    Err(Error::decode(format!("{message} {}", start.join(" "))).with_offset(0))
}

/// Offset, bytes and name of formats that are found under names ending in `.jpg`.
const FORMATS: [(usize, &[u8], &str); 12] = [
    (0, b"\x89PNG\r\n\x1a\n", "a PNG"),
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP"),
    (0, b"BM", "a BMP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (4, b"ftypavif", "an AVIF"),
    (4, b"ftyphei", "a HEIF"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"<", "text that looks like HTML or XML"),
    (0, b"\x1f\x8b", "gzip data"),
];
