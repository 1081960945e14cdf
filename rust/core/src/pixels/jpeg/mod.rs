//! Turns JPEG bytes into the RGB pixels that Pillow makes of them: the accurate integer IDCT,
//! "fancy" upsampling, no EXIF rotation.

mod baseline;
mod colour;
mod entropy;
mod frame;
mod huffman;
mod library;

use std::ops::Range;

use libjpeg_turbo_rs::simd::{SimdRoutines, detect};

use super::format::check_magic;
use super::resample::{Region, SLACK};
use crate::error::{Error, Result};
use crate::limits;
use baseline::Workspace;
use colour::{Upsampler, Window, convert};
use frame::Frame;
use huffman::Unusual;
use library::Library;

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
