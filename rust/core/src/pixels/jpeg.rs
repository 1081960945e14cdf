//! Turns JPEG bytes into the RGB pixels that Pillow makes of them.
//!
//! The only file that talks to the decoder library. It is asked for what Pillow asks libjpeg-turbo
//! for: the accurate integer IDCT, "fancy" upsampling, no EXIF rotation. Unwinding out of the
//! library is caught and becomes an error.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libjpeg_turbo_rs::simd::{SimdRoutines, detect};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::baseline::Workspace;
use super::colour::{Upsampler, Window, convert};
use super::frame::Frame;
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
    Plain(Box<Frame<'a>>),
    /// The library.
    Other(Box<Library<'a>>),
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        check_magic(data)?;
        let (width, height, kind) = if let Ok(frame) = Frame::read(data) {
            (frame.width, frame.height, Kind::Plain(Box::new(frame)))
        } else {
            let library = Library::open(data)?;
            (
                library.width,
                library.height,
                Kind::Other(Box::new(library)),
            )
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

    /// Writes all pixels, 3 bytes each, to `out`, which must have just that length.
    pub(super) fn decode(&self, scratch: &mut Scratch, out: &mut [u8]) -> Result<()> {
        let window = Window {
            columns: 0..self.width as usize,
            rows: 0..self.height as usize,
        };
        match &self.kind {
            Kind::Plain(frame) => match decode_plain(frame, &window, scratch, out) {
                Ok(()) => Ok(()),
                Err(Unusual) => Library::open(self.data)?.decode(out),
            },
            Kind::Other(library) => library.decode(out),
        }
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
        let whole = self.width as usize * self.height as usize * 3;
        let decoded = match &self.kind {
            Kind::Plain(frame) => {
                let length = window.columns.len() * window.rows.len() * 3;
                pixels.resize(length + SLACK, 0);
                match decode_plain(frame, &window, scratch, &mut pixels[..length]) {
                    Ok(()) => Ok(true),
                    Err(Unusual) => Library::open(self.data).and_then(|library| {
                        pixels.resize(whole + SLACK, 0);
                        library.decode(&mut pixels[..whole])?;
                        Ok(false)
                    }),
                }
            }
            Kind::Other(library) => {
                pixels.resize(whole + SLACK, 0);
                library.decode(&mut pixels[..whole]).map(|()| false)
            }
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

/// Decodes a window into `out`, 3 bytes a pixel, without gaps.
fn decode_plain(
    frame: &Frame<'_>,
    window: &Window,
    scratch: &mut Scratch,
    out: &mut [u8],
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
    let to_rgb = |y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8], width: usize| {
        kernels.ycbcr_to_rgb_row(y, cb, cr, out, width);
    };
    convert(frame, &workspace.planes, window, upsampler, &to_rgb, out);
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

    /// Writes the whole image, 3 bytes a pixel, to `out`.
    fn decode(&self, out: &mut [u8]) -> Result<()> {
        if self.components == 4 {
            let mut inks = vec![0; self.width as usize * self.height as usize * 4];
            guarded(|| self.decoder.decode_image_into(&mut inks))?;
            cmyk_to_rgb(&inks, out);
        } else {
            guarded(|| self.decoder.decode_image_into(out))?;
        }
        Ok(())
    }
}

/// Converts as Pillow does: `CMYK;I` (Adobe stores inks inverted), then `cmyk2rgb` of
/// `src/libImaging/Convert.c`.
fn cmyk_to_rgb(inks: &[u8], out: &mut [u8]) {
    for (rgb, cmyk) in out
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(inks.as_chunks::<4>().0)
    {
        let light = u32::from(cmyk[3]);
        for (colour, ink) in rgb.iter_mut().zip(cmyk) {
            let scaled = (255 - u32::from(*ink)) * light + 128;
            *colour = light.saturating_sub(((scaled >> 8) + scaled) >> 8) as u8;
        }
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
