//! Tells what kind of file some bytes are, by the first of them.

use super::header::Format;
use crate::error::{Error, Result};

/// An error that names what the bytes are, unless they are a JPEG or a PNG.
pub(super) fn check_magic(data: &[u8]) -> Result<()> {
    let found = match identify(data) {
        Some((Format::Jpeg | Format::Png, _)) => return Ok(()),
        Some((_, name)) => name.to_owned(),
        None if data.is_empty() => "no bytes at all".to_owned(),
        None if data.iter().all(|byte| *byte == 0) => {
            format!("{} bytes that are all zero", data.len())
        }
        None => {
            let start = data.iter().take(4).map(|byte| format!(" {byte:02x}"));
            format!("bytes that start with{}", start.collect::<String>())
        }
    };
    Err(Error::decode(format!("expected a JPEG or a PNG, found {found}")).with_offset(0))
}

/// The format of a file that begins with `head`, and its name.
pub(super) fn identify(head: &[u8]) -> Option<(Format, &'static str)> {
    let has = |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    let magic = MAGICS
        .iter()
        .find(|magic| has(0, magic.start) && has(magic.at, magic.bytes));
    if let Some(magic) = magic {
        return Some((magic.format, magic.name));
    }
    let name = if is_markup(head) {
        "text that looks like HTML, SVG or XML"
    } else if matches!(head, [b'P', b'1'..=b'7', blank, ..] if blank.is_ascii_whitespace()) {
        "a PNM"
    } else {
        return None;
    };
    Some((Format::Unknown, name))
}

/// Whether the first letter, behind a byte order mark and blanks, opens a tag.
fn is_markup(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.trim_ascii_start().starts_with(b"<")
}

/// How a format is known.
struct Magic {
    format: Format,
    name: &'static str,
    /// The first bytes.
    start: &'static [u8],
    /// Where other bytes are.
    at: usize,
    bytes: &'static [u8],
}

const fn at_start(format: Format, name: &'static str, start: &'static [u8]) -> Magic {
    Magic {
        format,
        name,
        start,
        at: 0,
        bytes: b"",
    }
}

const fn inside(
    format: Format,
    name: &'static str,
    start: &'static [u8],
    at: usize,
    bytes: &'static [u8],
) -> Magic {
    Magic {
        format,
        name,
        start,
        at,
        bytes,
    }
}

/// A brand of the ISO base media file format (ISO/IEC 14496-12 4.3).
const fn brand(name: &'static str, bytes: &'static [u8]) -> Magic {
    inside(Format::Unknown, name, b"", 4, bytes)
}

const fn other(name: &'static str, start: &'static [u8]) -> Magic {
    at_start(Format::Unknown, name, start)
}

/// What is found under the names of photos; the first that fits counts.
const MAGICS: [Magic; 41] = [
    // Pillow takes for a JPEG what starts so.
    at_start(Format::Jpeg, "a JPEG", b"\xff\xd8\xff"),
    at_start(Format::Png, "a PNG", super::png::SIGNATURE),
    at_start(Format::Gif, "a GIF", b"GIF87a"),
    at_start(Format::Gif, "a GIF", b"GIF89a"),
    inside(Format::Webp, "a WebP", b"RIFF", 8, b"WEBP"),
    inside(Format::Unknown, "an AVI", b"RIFF", 8, b"AVI "),
    inside(Format::Unknown, "a WAV", b"RIFF", 8, b"WAVE"),
    at_start(Format::Bmp, "a BMP", b"BM"),
    at_start(Format::Tiff, "a TIFF", b"II*\0"),
    at_start(Format::Tiff, "a TIFF", b"MM\0*"),
    other("a BigTIFF", b"II+\0"),
    other("a BigTIFF", b"MM\0+"),
    brand("an AVIF", b"ftypavif"),
    brand("an AVIF", b"ftypavis"),
    brand("a HEIF or HEIC", b"ftypheic"),
    brand("a HEIF or HEIC", b"ftypheix"),
    brand("a HEIF or HEIC", b"ftypheim"),
    brand("a HEIF or HEIC", b"ftypheis"),
    brand("a HEIF or HEIC", b"ftyphevc"),
    brand("a HEIF or HEIC", b"ftyphevx"),
    brand("a HEIF or HEIC", b"ftypmif1"),
    brand("a HEIF or HEIC", b"ftypmsf1"),
    brand("a Canon CR3", b"ftypcrx "),
    brand("a QuickTime film (MOV)", b"ftypqt  "),
    brand("an MP4", b"ftyp"),
    brand("a QuickTime film (MOV)", b"moov"),
    brand("a QuickTime film (MOV)", b"mdat"),
    other("a JPEG 2000 (JP2)", b"\0\0\0\x0cjP  \r\n\x87\n"),
    other("a JPEG 2000 codestream", b"\xff\x4f\xff\x51"),
    other("a JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    other("a JPEG XL codestream", b"\xff\x0a"),
    other("a Photoshop file (PSD)", b"8BPS"),
    other("an icon (ICO)", b"\0\0\x01\0"),
    other("gzip data", b"\x1f\x8b"),
    other("bzip2 data", b"BZh"),
    other("xz data", b"\xfd7zXZ\0"),
    other("Zstandard data", b"\x28\xb5\x2f\xfd"),
    other("a zip file", b"PK\x03\x04"),
    other("a zip file", b"PK\x05\x06"),
    other("a PDF", b"%PDF-"),
    inside(Format::Unknown, "a tar", b"", 257, b"ustar"),
];
