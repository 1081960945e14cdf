//! Turns a plain baseline JPEG into a resized picture in less time than the exact way takes, with
//! nearly the same pixels: `decode="fast"`.
//!
//! Blocks become `n` x `n` samples, as few as the output's size allows; every component goes to that
//! size by itself, chroma straight from the samples that the file has; only then are pixels RGB.

use super::entropy::Block;
use super::frame::{Colour, Frame};
use super::huffman::Unusual;
use super::idct_scaled::ScaledIdct;
use super::points::ScanPoints;
use super::stream::{Blocks, Mcus, Stream};
use super::ycc;
use crate::pixels::Filter;
use crate::pixels::crop::Placement;
use crate::pixels::resample::planar::{CoarseAxis, Planar, SLACK, Samples};
use crate::pixels::resample::{Axis, Span};

/// Memory that is kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    planes: [Plane; 3],
    axes: [Axes; 3],
    planar: Planar,
    axis: Axis,
}

/// Which samples become which: the same for both components of chroma, most often.
#[derive(Debug, Default)]
struct Axes {
    horizontal: CoarseAxis,
    vertical: CoarseAxis,
}

/// One component.
#[derive(Debug, Default)]
struct Plane {
    samples: Vec<u8>,
    stride: usize,
    /// Where the samples start in the scaled picture.
    start: (usize, usize),
    /// Samples of an MCU, across and down.
    mcu: (usize, usize),
    /// Samples of a block, across and down.
    size: usize,
    /// Its place among the axes.
    axes: usize,
    /// At the size of the output.
    resized: Vec<u8>,
}

/// Samples per side of a luma block that are enough for the output.
fn block_size(placement: &Placement) -> usize {
    let pixels = |span: &Span| f64::from(span.end - span.start) / f64::from(span.output);
    let least = pixels(&placement.horizontal).min(pixels(&placement.vertical));
    (8.0 / least).ceil().clamp(1.0, 8.0) as usize
}

impl Sketch {
    /// Writes rows of RGB pixels, `stride` bytes apart.
    pub(super) fn draw(
        &mut self,
        frame: &Frame<'_>,
        placement: &Placement,
        filter: Filter,
        (stream, points): (&mut Stream, Option<&mut ScanPoints>),
        (out, stride): (&mut [u8], usize),
    ) -> Result<(), Unusual> {
        if !matches!(frame.colour, Colour::Grey | Colour::Ycc) {
            return Err(Unusual);
        }
        let n = block_size(placement);
        let mut wanted: Option<Mcus> = None;
        let count = frame.components.len();
        let mut idcts = Vec::with_capacity(count);
        for number in 0..count {
            let (across, down) = frame.mcu();
            let blocks = frame.components[number].blocks;
            let expansion = (across / 8 / blocks.0, down / 8 / blocks.1);
            let size = (n * expansion.0.min(expansion.1)).min(8);
            idcts.push(ScaledIdct::new(size));
            let plane = &mut self.planes[number];
            plane.size = size;
            plane.mcu = (blocks.0 * size, blocks.1 * size);
            let twin = number == 2 && blocks == frame.components[1].blocks;
            plane.axes = if twin { 1 } else { number };
            if twin {
                continue;
            }
            let scale = |expansion: usize| size as f32 / (8 * expansion) as f32;
            let horizontal = scaled(&placement.horizontal, scale(expansion.0));
            let vertical = scaled(&placement.vertical, scale(expansion.1));
            let axes = &mut self.axes[number];
            self.axis.plan(&horizontal, filter, placement.flip);
            axes.horizontal.round(&self.axis);
            let columns = self.axis.source();
            self.axis.plan(&vertical, filter, false);
            axes.vertical.round(&self.axis);
            let rows = self.axis.source();
            let mcu = plane.mcu;
            let first = (columns.start as usize / mcu.0, rows.start as usize / mcu.1);
            let end = (
                (columns.end as usize).div_ceil(mcu.0),
                (rows.end as usize).div_ceil(mcu.1),
            );
            let mcus = wanted.get_or_insert(Mcus {
                columns: first.0..end.0,
                rows: first.1..end.1,
            });
            mcus.columns = mcus.columns.start.min(first.0)..mcus.columns.end.max(end.0);
            mcus.rows = mcus.rows.start.min(first.1)..mcus.rows.end.max(end.1);
        }
        let wanted = wanted.ok_or(Unusual)?;
        let planes = &mut self.planes[..count];
        let mut quantisation = Vec::with_capacity(count);
        for (plane, component) in planes.iter_mut().zip(&frame.components) {
            // Every row of a block is written 8 bytes long; what is too much is written over later,
            // or lies behind the row.
            plane.stride = wanted.columns.len() * plane.mcu.0 + 8;
            plane.start = (
                wanted.columns.start * plane.mcu.0,
                wanted.rows.start * plane.mcu.1,
            );
            let length = plane.stride * wanted.rows.len() * plane.mcu.1;
            plane.samples.resize(length + SLACK, 0);
            let table = frame.quantisation[component.quantisation].as_ref();
            quantisation.push(table.ok_or(Unusual)?);
        }
        let mut strokes = Strokes {
            planes,
            idcts,
            quantisation,
            block: Block::ZERO,
        };
        stream.decode(frame, &wanted, points, &mut strokes)?;
        for plane in &mut self.planes[..count] {
            let samples = Samples {
                start: plane.start,
                stride: plane.stride,
                bytes: &plane.samples,
            };
            let axes = &self.axes[plane.axes];
            let length = axes.horizontal.len() * axes.vertical.len();
            plane.resized.resize(length, 0);
            self.planar.resample(
                &samples,
                &axes.horizontal,
                &axes.vertical,
                &mut plane.resized,
            );
        }
        let width = self.axes[0].horizontal.len();
        for row in 0..self.axes[0].vertical.len() {
            let line = |index: usize| &self.planes[index].resized[row * width..(row + 1) * width];
            let out = &mut out[row * stride..row * stride + width * 3];
            if count == 1 {
                ycc::grey(line(0), out);
            } else {
                ycc::to_rgb(line(0), line(1), line(2), out);
            }
        }
        Ok(())
    }
}

/// The same part of the picture at another size.
fn scaled(span: &Span, scale: f32) -> Span {
    Span {
        input: ((span.input as f32 * scale).ceil() as u32).max(1),
        start: span.start * scale,
        end: span.end * scale,
        ..*span
    }
}

/// Blocks on their way into the planes.
struct Strokes<'a> {
    planes: &'a mut [Plane],
    idcts: Vec<ScaledIdct>,
    quantisation: Vec<&'a [u16; 64]>,
    block: Block,
}

impl Blocks for Strokes<'_> {
    #[inline(always)]
    fn space(&mut self, _: usize) -> &mut Block {
        &mut self.block
    }

    #[inline(always)]
    fn put(&mut self, component: usize, column: usize, row: usize, last: usize) {
        let plane = &mut self.planes[component];
        let (x, y) = (
            column * plane.size - plane.start.0,
            row * plane.size - plane.start.1,
        );
        let out = &mut plane.samples[y * plane.stride + x..];
        let (idct, table) = (&self.idcts[component], self.quantisation[component]);
        idct.transform(&self.block, last, table, out, plane.stride);
        self.block = Block::ZERO;
    }

    fn end_row(&mut self, _: usize) {}
}
