//! Turns JPEG bytes into the RGB pixels that Pillow makes of them: the accurate integer IDCT,
//! "fancy" upsampling, no EXIF rotation.
#![expect(
    clippy::inline_always,
    reason = "the inner loops keep their state in registers only where nothing is called"
)]

mod band;
mod bits;
mod coefficients;
mod definitions;
mod entropy;
mod frame;
mod huffman;
mod idct;
mod idct_avx2;
mod idct_scaled;
mod idct_scaled_avx2;
mod layout;
mod library;
mod lookup;
mod markers;
mod picture;
mod points;
mod progressive;
mod scans;
mod sequential;
mod sketch;
mod smoothing;
mod stream;
mod suspension;
mod tables;
mod trial;
mod unstuffed;
mod unstuffed_avx2;
mod upsample;
mod upsample_avx2;
mod ycc;
mod ycc_avx2;

use std::ops::Range;

use super::Filter;
use super::crop::Placement;
use super::rows::{Rows, pass_on};
use crate::error::{Error, Result};
use crate::limits;
use band::{Band, Shape, Window};
use frame::Frame;
use huffman::Unusual;
use library::Library;
use markers::check_scans;
use picture::{Picture, Room};
pub use points::ScanPoints;
use sketch::Sketch;
use stream::Stream;

/// Memory that decoding needs, kept from one image to the next.
#[derive(Default)]
pub(super) struct Scratch {
    /// A whole image of the library's.
    pixels: Vec<u8>,
    stream: Stream,
    band: Band,
    sketch: Sketch,
    room: Room,
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
    /// This crate as the data come, or from all coefficients if they turn out to be unusual.
    Plain(Box<Frame<'a>>),
    /// This crate, from all coefficients at once.
    Any(Box<Picture<'a>>),
    /// The library: arithmetic coding, lossless files.
    Other(Box<Library<'a>>),
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        let (width, height, kind) = if let Ok(frame) = Frame::read(data) {
            (frame.width, frame.height, Kind::Plain(Box::new(frame)))
        } else {
            let picture = Picture::open(data)?;
            let (width, height) = picture.size;
            let kind = if picture.foreign {
                check_scans(data)?;
                Kind::Other(Box::new(Library::open(data)?))
            } else {
                Kind::Any(Box::new(picture))
            };
            (width, height, kind)
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

    /// Passes the pixels of these columns and rows on to `sink`; starts in the scan where `points`
    /// say that it can, and adds to them.
    pub(super) fn decode(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        points: Option<&mut ScanPoints>,
        scratch: &mut Scratch,
        sink: &mut dyn Rows,
    ) -> Result<()> {
        let window = Window { columns, rows };
        match &self.kind {
            Kind::Plain(frame) => {
                if decode_plain(frame, &window, points, scratch, sink).is_ok() {
                    return Ok(());
                }
                let picture = Picture::open(self.data)?;
                picture.decode(&window, &mut scratch.room, &mut scratch.band, sink)
            }
            Kind::Any(picture) => {
                picture.decode(&window, &mut scratch.room, &mut scratch.band, sink)
            }
            Kind::Other(library) => decode_by_library(library, &window, scratch, sink),
        }
    }
}

impl Jpeg<'_> {
    /// Draws a resized part of the picture in less time than the exact way takes, if it can; `out`
    /// has rows of RGB pixels `stride` bytes apart.
    pub(super) fn sketch(
        &self,
        placement: &Placement,
        filter: Filter,
        points: Option<&mut ScanPoints>,
        scratch: &mut Scratch,
        (out, stride): (&mut [u8], usize),
    ) -> bool {
        let Kind::Plain(frame) = &self.kind else {
            return false;
        };
        scratch
            .sketch
            .draw(
                frame,
                placement,
                filter,
                (&mut scratch.stream, points),
                (out, stride),
            )
            .is_ok()
    }
}

/// Entropy decoding alone, of a plain baseline JPEG: see [`trial::entropy`].
pub(super) fn entropy(data: &[u8], scratch: &mut Scratch, all: bool) -> Result<u64> {
    Frame::read(data)
        .and_then(|frame| trial::entropy(&frame, &mut scratch.stream, all))
        .map_err(|Unusual| Error::decode("not a plain baseline JPEG, or damaged"))
}

/// The greatest dequantised coefficient of a plain baseline JPEG without damage.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn greatest_coefficient(data: &[u8]) -> Option<u32> {
    let frame = Frame::read(data).ok()?;
    trial::greatest(&frame, &mut Stream::default()).ok()
}

fn decode_plain(
    frame: &Frame<'_>,
    window: &Window,
    points: Option<&mut ScanPoints>,
    scratch: &mut Scratch,
    sink: &mut dyn Rows,
) -> Result<(), Unusual> {
    let shape = Shape::of(frame).ok_or(Unusual)?;
    let wanted = window.mcus(shape.mcu, shape.size);
    let mut decode = |points: Option<&mut ScanPoints>| {
        let mut bands = scratch.band.begin(&shape, window, &wanted, sink);
        scratch.stream.decode(frame, &wanted, points, &mut bands)
    };
    if let Some(points) = points {
        if decode(Some(&mut *points)).is_ok() {
            return Ok(());
        }
        // The data, or the points; whether they are kept must not decide who decodes a damaged file.
        points.clear();
    }
    decode(None)
}

fn decode_by_library(
    library: &Library<'_>,
    window: &Window,
    scratch: &mut Scratch,
    sink: &mut dyn Rows,
) -> Result<()> {
    let stride = library.width as usize * 3;
    scratch.pixels.resize(stride * library.height as usize, 0);
    library.decode(&mut scratch.pixels)?;
    pass_on(&scratch.pixels, stride, &window.columns, &window.rows, sink);
    Ok(())
}

/// An error unless a picture of this size has pixels, and no more than the limit.
pub(super) fn check_size(width: u32, height: u32) -> Result<()> {
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
