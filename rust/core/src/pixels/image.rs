//! Turns the bytes of a picture into RGB pixels, whichever of the known formats they are.

use std::ops::Range;

use super::crop::Placement;
use super::jpeg::{self, Jpeg, ScanPoints};
use super::png::{self, Png};
use super::rows::Rows;
use super::{Filter, format};
use crate::error::Result;

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// That of JPEGs.
    pub(super) jpeg: jpeg::Scratch,
    png: png::Scratch,
}

/// A picture whose header is read and within the limits.
pub(super) enum Image<'a> {
    /// ITU T.81.
    Jpeg(Jpeg<'a>),
    /// ISO/IEC 15948.
    Png(Box<Png<'a>>),
}

impl<'a> Image<'a> {
    /// Reads the header.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        if data.starts_with(png::SIGNATURE) {
            Ok(Self::Png(Box::new(Png::open(data)?)))
        } else {
            format::check_magic(data)?;
            Ok(Self::Jpeg(Jpeg::open(data)?))
        }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        match self {
            Self::Jpeg(jpeg) => jpeg.size(),
            Self::Png(png) => png.size(),
        }
    }

    /// Passes the pixels of these columns and rows on to `sink`. Points in the scan are of use to
    /// JPEGs only.
    pub(super) fn decode(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        points: Option<&mut ScanPoints>,
        scratch: &mut Scratch,
        sink: &mut dyn Rows,
    ) -> Result<()> {
        match self {
            Self::Jpeg(jpeg) => jpeg.decode(columns, rows, points, &mut scratch.jpeg, sink),
            Self::Png(png) => png.decode(&columns, &rows, &mut scratch.png, sink),
        }
    }

    /// Draws a resized part of the picture in less time than the exact way takes, if it can; `out`
    /// has rows of RGB pixels `stride` bytes apart.
    pub(super) fn sketch(
        &self,
        placement: &Placement,
        filter: Filter,
        points: Option<&mut ScanPoints>,
        scratch: &mut Scratch,
        out: (&mut [u8], usize),
    ) -> bool {
        match self {
            Self::Jpeg(jpeg) => jpeg.sketch(placement, filter, points, &mut scratch.jpeg, out),
            Self::Png(_) => false,
        }
    }
}
