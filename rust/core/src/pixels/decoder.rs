//! Turns the bytes of a JPEG or PNG into pixels, whole or as a [`Transform`] wants them, keeping its
//! memory.

use super::crop::Placement;
use super::image::{Image, Scratch};
use super::jpeg::{self, ScanPoints};
use super::orientation;
use super::output::Table;
use super::resample::{Resampler, vertical_first};
use super::rows::Whole;
use super::{Dtype, Fidelity, Filter, Layout, Recipe, RgbImage, Transform};
use crate::error::{Error, Result};

/// Decodes images one after the other, keeping its memory; keep one a thread.
#[derive(Debug, Default)]
pub struct Decoder {
    scratch: Scratch,
    resampler: Resampler,
    table: Table,
    rgb: Vec<u8>,
}

impl Decoder {
    /// Width and height of an image, from its header.
    pub fn size(data: &[u8]) -> Result<(u32, u32)> {
        Ok(Image::open(data)?.size())
    }

    /// How an image is to be turned, 1 to 8 as EXIF numbers it; 1, upright, where nothing is said.
    /// Decoding does not turn it.
    pub fn orientation(data: &[u8]) -> Result<u8> {
        orientation::orientation(data)
    }

    /// Decodes a whole image, equal to Pillow's `Image.open(...).convert("RGB")`.
    pub fn decode(&mut self, data: &[u8]) -> Result<RgbImage> {
        let image = Image::open(data)?;
        let (width, height) = image.size();
        let mut data = vec![0; width as usize * height as usize * 3];
        decode_whole(&image, &mut self.scratch, &mut data)?;
        Ok(RgbImage {
            width,
            height,
            data,
        })
    }

    /// Decodes a whole image into `out`, which must have just 3 bytes for every pixel of
    /// [`Decoder::size`].
    pub fn decode_into(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let image = Image::open(data)?;
        let (width, height) = image.size();
        if out.len() != width as usize * height as usize * 3 {
            return Err(Error::argument(format!(
                "an image of {width} x {height} pixels needs {} bytes, not {}",
                width as usize * height as usize * 3,
                out.len()
            )));
        }
        decode_whole(&image, &mut self.scratch, out)
    }

    /// A checksum of the coefficients of a plain baseline JPEG, or with `all` false, having only
    /// passed over them: what entropy decoding takes alone, for the benches.
    pub fn entropy(&mut self, data: &[u8], all: bool) -> Result<u64> {
        jpeg::entropy(data, &mut self.scratch.jpeg, all)
    }

    /// Decodes `data`, applies the recipe's transform with the choices of `sample`, and writes the
    /// transform's size of pixels as its output says into `out`, which must have just that length.
    ///
    /// Equal to Pillow's `resize(size, filter, box=...)` of the box that [`Transform::place`]
    /// gives, mirrored last, or to torchvision's `Resize` and `CenterCrop` on a Pillow image; nearly
    /// so with [`Fidelity::Fast`].
    ///
    /// `points`, if they are of this very file, shorten the way to the crop; what this decoding
    /// comes by is added to them. The pixels are the same with and without.
    pub fn render(
        &mut self,
        data: &[u8],
        recipe: &Recipe<'_>,
        sample: u64,
        points: Option<&mut ScanPoints>,
        out: &mut [u8],
    ) -> Result<()> {
        let Recipe {
            transform,
            output,
            fidelity,
            ..
        } = *recipe;
        let expected = output.bytes(transform.size())?;
        if out.len() != expected {
            return Err(Error::argument(format!(
                "the output must have {expected} bytes, not {}",
                out.len()
            )));
        }
        let image = Image::open(data)?;
        let (width, height) = image.size();
        let placement = transform.placement(width, height, recipe.key(sample))?;
        let filter = match transform {
            Transform::RandomResizedCrop { filter, .. }
            | Transform::ResizeCenterCrop { filter, .. } => *filter,
        };
        let manner = (filter, fidelity);
        let row = transform.size().1 as usize * 3;
        if output.dtype == Dtype::Uint8 && output.layout == Layout::Nhwc {
            self.paint(&image, &placement, manner, points, out, row)
        } else {
            let mut rgb = std::mem::take(&mut self.rgb);
            rgb.resize(expected / output.dtype.size(), 0);
            let painted = self.paint(&image, &placement, manner, points, &mut rgb, row);
            if painted.is_ok() {
                self.table.write(&rgb, output, out);
            }
            self.rgb = rgb;
            painted
        }
    }

    /// Writes rows of `row` bytes of RGB pixels.
    fn paint(
        &mut self,
        image: &Image<'_>,
        placement: &Placement,
        (filter, fidelity): (Filter, Fidelity),
        mut points: Option<&mut ScanPoints>,
        out: &mut [u8],
        row: usize,
    ) -> Result<()> {
        let (across, down) = (&placement.horizontal, &placement.vertical);
        let (left, top) = placement.padding;
        if across.len() * 3 != row || down.len() * row != out.len() {
            out.fill(0);
        }
        let out = &mut out[top * row + left * 3..];
        if fidelity == Fidelity::Fast {
            let (points, scratch) = (points.as_deref_mut(), &mut self.scratch);
            if image.sketch(placement, filter, points, scratch, (&mut *out, row)) {
                return Ok(());
            }
        }
        self.resampler
            .horizontal
            .plan(across, filter, placement.flip);
        self.resampler.vertical.plan(down, filter, false);
        let columns = self.resampler.horizontal.source();
        let rows = self.resampler.vertical.source();
        let order = vertical_first(across, down);
        let mut passes = self.resampler.passes(order, out, row);
        image.decode(
            columns.start as usize..columns.end as usize,
            rows.start as usize..rows.end as usize,
            points,
            &mut self.scratch,
            &mut passes,
        )
    }
}

/// Writes all pixels, 3 bytes each, to `out`, which must have just that length.
fn decode_whole(image: &Image<'_>, scratch: &mut Scratch, out: &mut [u8]) -> Result<()> {
    let (width, height) = image.size();
    let stride = width as usize * 3;
    let mut whole = Whole { out, stride };
    image.decode(
        0..width as usize,
        0..height as usize,
        None,
        scratch,
        &mut whole,
    )
}
