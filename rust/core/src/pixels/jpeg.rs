//! Turns JPEG bytes into the RGB pixels that Pillow makes of them.
//!
//! The only file that talks to the decoder library. It is asked for what Pillow asks libjpeg-turbo
//! for: the accurate integer IDCT, "fancy" upsampling, no EXIF rotation. Unwinding out of the
//! library is caught and becomes an error.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libjpeg_turbo_rs::simd::{SimdRoutines, detect};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::baseline::{Frame, Workspace};
use super::colour::{Upsampler, Window, convert};
use super::huffman::Unusual;
use super::resize::{Region, SLACK};
use crate::error::{Error, Result};
use crate::limits;

/// Memory that decoding needs, kept from one image to the next.
#[derive(Default)]
pub(super) struct Scratch {
    pixels: Vec<u8>,
    workspace: Workspace,
    upsampler: Upsampler,
    kernels: Option<SimdRoutines>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Scratch")
            .field("pixels", &self.pixels.len())
            .finish_non_exhaustive()
    }
}

/// A JPEG whose header is read and within the limits.
pub(super) struct Jpeg<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    kind: Kind<'a>,
}

/// Who decodes it.
enum Kind<'a> {
    /// This crate, and the library if the data turn out to be unusual.
    Plain(Frame<'a>),
    /// The library.
    Other(Library<'a>),
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        check_magic(data)?;
        let (width, height, kind) = match Frame::read(data) {
            Ok(frame) => (frame.width, frame.height, Kind::Plain(frame)),
            Err(Unusual) => {
                let library = Library::open(data)?;
                (library.width, library.height, Kind::Other(library))
            }
        };
        check_size(width, height)?;
        Ok(Self {
            data,
            width,
            height,
            kind,
        })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// All pixels, 3 bytes each.
    pub(super) fn decode(&self, scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut pixels = Vec::new();
        let window = Window {
            columns: 0..self.width as usize,
            rows: 0..self.height as usize,
        };
        match &self.kind {
            Kind::Plain(frame) => {
                if decode_plain(frame, &window, scratch, &mut pixels) == Err(Unusual) {
                    Library::open(self.data)?.decode(&mut pixels)?;
                }
            }
            Kind::Other(library) => library.decode(&mut pixels)?,
        }
        pixels.truncate(self.width as usize * self.height as usize * 3);
        Ok(pixels)
    }

    /// The pixels of at least these columns and rows.
    pub(super) fn decode_region<'s>(
        &self,
        columns: Range<u32>,
        rows: Range<u32>,
        scratch: &'s mut Scratch,
    ) -> Result<Region<'s>> {
        let mut pixels = std::mem::take(&mut scratch.pixels);
        let window = Window {
            columns: columns.start as usize..columns.end as usize,
            rows: rows.start as usize..rows.end as usize,
        };
        let decoded = match &self.kind {
            Kind::Plain(frame) => match decode_plain(frame, &window, scratch, &mut pixels) {
                Ok(()) => Ok(true),
                Err(Unusual) => Library::open(self.data)
                    .and_then(|library| library.decode(&mut pixels))
                    .map(|()| false),
            },
            Kind::Other(library) => library.decode(&mut pixels).map(|()| false),
        };
        scratch.pixels = pixels;
        let pixels = &scratch.pixels;
        Ok(if decoded? {
            let stride = columns.len() * 3;
            Region {
                x: columns.start,
                y: rows.start,
                stride,
                pixels,
            }
        } else {
            Region {
                x: 0,
                y: 0,
                stride: self.width as usize * 3,
                pixels,
            }
        })
    }
}

/// Decodes a window, which `pixels` then starts with, and [`SLACK`] bytes follow.
fn decode_plain(
    frame: &Frame<'_>,
    window: &Window,
    scratch: &mut Scratch,
    pixels: &mut Vec<u8>,
) -> Result<(), Unusual> {
    let (columns, rows) = window.mcus(frame);
    let Scratch {
        workspace,
        upsampler,
        kernels,
        ..
    } = scratch;
    let kernels = kernels.get_or_insert_with(detect);
    workspace.decode(frame, columns, rows, kernels.idct_islow)?;
    let length = window.columns.len() * window.rows.len() * 3;
    pixels.resize(length + SLACK, 0);
    let to_rgb = |y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8], width: usize| {
        kernels.ycbcr_to_rgb_row(y, cb, cr, out, width);
    };
    convert(
        frame,
        &workspace.planes,
        window,
        upsampler,
        &to_rgb,
        &mut pixels[..length],
    );
    Ok(())
}

fn check_size(width: u32, height: u32) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::decode(format!(
            "the image is {width} x {height} pixels"
        )));
    }
    if u64::from(width) * u64::from(height) > limits::IMAGE_PIXELS {
        return Err(Error::decode(format!(
            "the image is {width} x {height} pixels, more than the limit of {}",
            limits::IMAGE_PIXELS
        )));
    }
    Ok(())
}

/// An image that the decoder library decodes, always whole.
struct Library<'a> {
    decoder: Decoder<'a>,
    width: u32,
    height: u32,
    components: usize,
}

impl<'a> Library<'a> {
    fn open(data: &'a [u8]) -> Result<Self> {
        let limits = DecodeLimits {
            max_width: u16::MAX as usize,
            max_height: u16::MAX as usize,
            max_pixels: limits::IMAGE_PIXELS,
            max_scans: limits::IMAGE_SCANS as usize,
            max_memory: None,
        };
        let mut decoder = guarded(|| Decoder::new_with_limits(data, limits))?;
        let header = decoder.header();
        let (width, height) = (header.width() as u32, header.height() as u32);
        let (components, precision) = (header.components.len(), header.precision);
        let lossless = header.is_lossless;
        check_size(width, height)?;
        if precision != 8 {
            return Err(Error::decode(format!(
                "expected 8 bits a sample, found {precision}"
            )));
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(Error::decode(format!(
                "expected 1, 3 or 4 components, found {components}"
            )));
        }
        if lossless {
            return Err(Error::decode(
                "expected a DCT-coded JPEG, found a lossless one",
            ));
        }
        let format = if components == 4 {
            PixelFormat::Cmyk
        } else {
            PixelFormat::Rgb
        };
        decoder.set_output_format(format);
        decoder.set_block_smoothing(true);
        Ok(Self {
            decoder,
            width,
            height,
            components,
        })
    }

    /// Fills `pixels` with the whole image, 3 bytes each, and [`SLACK`] bytes behind it.
    fn decode(&self, pixels: &mut Vec<u8>) -> Result<()> {
        let count = self.width as usize * self.height as usize;
        let size = if self.components == 4 { 4 } else { 3 };
        pixels.resize(count * size, 0);
        guarded(|| self.decoder.decode_image_into(pixels))?;
        if self.components == 4 {
            cmyk_to_rgb(pixels);
        }
        pixels.resize(count * 3 + SLACK, 0);
        Ok(())
    }
}

/// Converts in place as Pillow does: `CMYK;I` (Adobe stores inks inverted), then `cmyk2rgb` of
/// `src/libImaging/Convert.c`.
fn cmyk_to_rgb(pixels: &mut [u8]) {
    for at in 0..pixels.len() / 4 {
        let [c, m, y, k] = [0, 1, 2, 3].map(|i| u32::from(pixels[at * 4 + i]));
        let colour = |inverted: u32| {
            let scaled = (255 - inverted) * k + 128;
            k.saturating_sub(((scaled >> 8) + scaled) >> 8) as u8
        };
        let rgb = [colour(c), colour(m), colour(y)];
        pixels[at * 3..at * 3 + 3].copy_from_slice(&rgb);
    }
}

/// Calls the library; an unwinding panic becomes an error.
fn guarded<T>(call: impl FnOnce() -> std::result::Result<T, JpegError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(explain(&error)),
        Err(_) => Err(Error::decode(
            "the JPEG is damaged in a way that the decoder cannot handle",
        )),
    }
}

fn explain(error: &JpegError) -> Error {
    match error {
        JpegError::UnexpectedEof => {
            Error::decode("the JPEG is truncated: the data end before the last pixel")
        }
        other => Error::decode(format!("the JPEG cannot be decoded: {other}")),
    }
}

fn check_magic(data: &[u8]) -> Result<()> {
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
    Err(match found {
        Some((_, _, name)) => Error::decode(format!("expected a JPEG, found {name}")),
        None => {
            let start: Vec<String> = data.iter().take(4).map(|b| format!("{b:02x}")).collect();
            Error::decode(format!(
                "expected a JPEG (ff d8 ff), found bytes that start with {}",
                start.join(" ")
            ))
        }
    })
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
