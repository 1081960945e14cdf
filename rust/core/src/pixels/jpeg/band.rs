//! Turns blocks of coefficients into rows of RGB pixels, one row of MCUs at a time: inverse DCT,
//! chroma upsampling, colour conversion.
//!
//! Only a band of samples as high as one MCU is kept, with the row above it, because "fancy"
//! upsampling (a triangle filter, `jdsample.c`) looks one chroma row up and down.

use std::ops::Range;

use super::entropy::Block;
use super::frame::{Colour, Component, Frame};
use super::idct::Idct;
use super::stream::{Blocks, Mcus};
use super::{upsample, ycc};
use crate::pixels::rows::Rows;

/// The part of a picture that is wanted, in pixels.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Columns.
    pub(super) columns: Range<usize>,
    /// Rows.
    pub(super) rows: Range<usize>,
}

impl Window {
    /// The MCUs that the window needs, a chroma sample more on each side where chroma is upsampled.
    pub(super) fn mcus(&self, mcu: (usize, usize), size: (u32, u32)) -> Mcus {
        let span = |pixels: &Range<usize>, mcu: usize, length: u32| {
            let margin = if mcu > 8 { mcu / 8 } else { 0 };
            let end = (pixels.end + margin).min(length as usize);
            pixels.start.saturating_sub(margin) / mcu..end.div_ceil(mcu)
        };
        Mcus {
            columns: span(&self.columns, mcu.0, size.0),
            rows: span(&self.rows, mcu.1, size.1),
        }
    }
}

/// What a band needs to know of a picture.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// Pixels of an MCU, across and down.
    pub(super) mcu: (usize, usize),
    /// What the components are.
    pub(super) colour: Colour,
    /// Blocks of each component in an MCU, across and down, and its quantisation table.
    pub(super) components: Vec<((usize, usize), &'a [u16; 64])>,
}

impl<'a> Shape<'a> {
    /// That of a plain file, if it has all quantisation tables.
    pub(super) fn of(frame: &'a Frame<'_>) -> Option<Self> {
        let component = |component: &Component| {
            let table = frame.quantisation[component.quantisation].as_ref()?;
            Some((component.blocks, table))
        };
        Some(Self {
            size: (frame.width, frame.height),
            mcu: frame.mcu(),
            colour: frame.colour,
            components: frame
                .components
                .iter()
                .map(component)
                .collect::<Option<_>>()?,
        })
    }
}

/// How a component's samples become as many as there are pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Upsampling {
    /// They are as many.
    #[default]
    None,
    /// Twice as many across (`h2v1_fancy_upsample`).
    Across,
    /// Twice as many down (`h1v2_fancy_upsample`).
    Down,
    /// Both (`h2v2_fancy_upsample`).
    Both,
    /// Every sample again and again (`int_upsample`).
    Repeat,
}

/// One component's samples of a band.
#[derive(Debug)]
struct Plane {
    /// One row from the band above, then those of this one.
    samples: Vec<u8>,
    stride: usize,
    /// Blocks of an MCU, across and down.
    blocks: (usize, usize),
    /// Pixels of a sample, across and down.
    expansion: (usize, usize),
    upsampling: Upsampling,
    /// Samples of the whole picture, across and down.
    size: (usize, usize),
    quantisation: [u16; 64],
    /// Blocks of a row in the band.
    width: usize,
    /// Whether two neighbours of a row come one after the other.
    paired: bool,
    /// Two neighbours, transformed together; whether the first one waits, and its last coefficient.
    pair: [Block; 2],
    waits: bool,
    last: usize,
    /// A row of samples for pixels, and the column of the picture where it starts.
    row: Vec<u8>,
}

impl Default for Plane {
    fn default() -> Self {
        Self {
            samples: Vec::new(),
            stride: 0,
            blocks: (1, 1),
            expansion: (1, 1),
            upsampling: Upsampling::None,
            size: (0, 0),
            quantisation: [0; 64],
            width: 0,
            paired: false,
            pair: [Block::ZERO; 2],
            waits: false,
            last: 0,
            row: Vec::new(),
        }
    }
}

/// Memory for a band, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Band {
    planes: [Plane; 4],
    count: usize,
}

impl Band {
    /// Makes the band ready for a picture; what is put into it comes out of `rows`.
    pub(super) fn begin<'a>(
        &'a mut self,
        shape: &Shape<'_>,
        window: &'a Window,
        wanted: &Mcus,
        rows: &'a mut dyn Rows,
    ) -> Bands<'a> {
        self.count = shape.components.len();
        for (plane, &(blocks, quantisation)) in self.planes.iter_mut().zip(&shape.components) {
            plane.quantisation = *quantisation;
            plane.prepare(blocks, shape, wanted.columns.len());
        }
        let planes = &self.planes[..self.count];
        let lag = planes
            .iter()
            .any(|plane| matches!(plane.upsampling, Upsampling::Down | Upsampling::Both));
        rows.begin();
        Bands {
            band: self,
            window,
            columns: wanted.columns.clone(),
            mcu: shape.mcu,
            colour: shape.colour,
            lag: usize::from(lag),
            next: window.rows.start,
            last_row: wanted.rows.end - 1,
            idct: Idct::new(),
            rows,
        }
    }
}

impl Plane {
    fn prepare(&mut self, blocks: (usize, usize), shape: &Shape<'_>, columns: usize) {
        let (mcu, size) = (shape.mcu, shape.size);
        self.blocks = blocks;
        self.expansion = (mcu.0 / 8 / blocks.0, mcu.1 / 8 / blocks.1);
        self.size = (
            (size.0 as usize).div_ceil(self.expansion.0),
            (size.1 as usize).div_ceil(self.expansion.1),
        );
        // Narrow pictures are upsampled plainly (`jinit_upsampler`).
        let wide = self.size.0 > 2;
        self.upsampling = match self.expansion {
            (1, 1) => Upsampling::None,
            (2, 1) if wide => Upsampling::Across,
            (1, 2) => Upsampling::Down,
            (2, 2) if wide => Upsampling::Both,
            _ => Upsampling::Repeat,
        };
        self.stride = columns * blocks.0 * 8;
        let length = self.stride * (blocks.1 * 8 + 1);
        if self.samples.len() < length {
            self.samples.resize(length, 0);
        }
        self.width = columns * blocks.0;
        self.paired = blocks.1 == 1 || blocks.0.is_multiple_of(2);
        self.pair = [Block::ZERO; 2];
        self.waits = false;
    }
}

/// A picture on its way through the band.
pub(super) struct Bands<'a> {
    band: &'a mut Band,
    window: &'a Window,
    /// Columns of MCUs.
    columns: Range<usize>,
    mcu: (usize, usize),
    colour: Colour,
    /// Rows of pixels of a band that wait for the next one.
    lag: usize,
    /// The next row of pixels.
    next: usize,
    last_row: usize,
    idct: Idct,
    rows: &'a mut dyn Rows,
}

impl Blocks for Bands<'_> {
    #[inline(always)]
    fn space(&mut self, component: usize) -> &mut Block {
        let plane = &mut self.band.planes[component & 3];
        &mut plane.pair[usize::from(plane.waits)]
    }

    #[inline(always)]
    fn put(&mut self, component: usize, column: usize, row: usize, last: usize) {
        let plane = &mut self.band.planes[component & 3];
        let x = column - self.columns.start * plane.blocks.0;
        if plane.paired && !plane.waits && x + 1 < plane.width {
            plane.waits = true;
            plane.last = last;
            return;
        }
        let stride = plane.stride;
        let start = (row % plane.blocks.1 * 8 + 1) * stride;
        let quantisation = &plane.quantisation;
        let [first, second] = &plane.pair;
        if plane.waits {
            let blocks = [first.coefficients(), second.coefficients()];
            let out = &mut plane.samples[start + (x - 1) * 8..];
            let last = last.max(plane.last);
            self.idct.two(blocks, last, quantisation, out, stride);
            plane.pair = [Block::ZERO; 2];
            plane.waits = false;
        } else {
            let out = &mut plane.samples[start + x * 8..];
            self.idct
                .one(first.coefficients(), last, quantisation, out, stride);
            plane.pair[0] = Block::ZERO;
        }
    }

    fn end_row(&mut self, row: usize) {
        let end = if row == self.last_row {
            self.window.rows.end
        } else {
            ((row + 1) * self.mcu.1 - self.lag).min(self.window.rows.end)
        };
        if end > self.next {
            self.emit(row, end);
        }
        for plane in &mut self.band.planes[..self.band.count] {
            let last = plane.blocks.1 * 8 * plane.stride;
            plane.samples.copy_within(last..last + plane.stride, 0);
        }
    }
}

impl Bands<'_> {
    /// Writes the rows of pixels up to `end`, the band being that of the MCU row `row`.
    fn emit(&mut self, row: usize, end: usize) {
        let pixels = self.next..end;
        let (out, stride) = self.rows.space(pixels.clone());
        let width = self.window.columns.len();
        for (y, out) in pixels.clone().zip(out.chunks_mut(stride)) {
            let planes = &mut self.band.planes[..self.band.count];
            let mut starts = [0; 4];
            for (plane, start) in planes.iter_mut().zip(&mut starts) {
                *start = plane.expand(y, row, &self.window.columns, self.columns.start);
            }
            let line = |index: usize| {
                let plane = &planes[index];
                let first = self.window.columns.start - starts[index];
                if plane.upsampling == Upsampling::None {
                    let from = plane.slot(y, row) * plane.stride + first;
                    &plane.samples[from..from + width]
                } else {
                    &plane.row[first..first + width]
                }
            };
            let out = &mut out[..width * 3];
            match self.colour {
                Colour::Grey => ycc::grey(line(0), out),
                Colour::Ycc => ycc::to_rgb(line(0), line(1), line(2), out),
                Colour::Rgb => ycc::interleave(line(0), line(1), line(2), out),
                Colour::Cmyk => ycc::cmyk_to_rgb([0, 1, 2, 3].map(line), out),
                Colour::Ycck => ycc::ycck_to_rgb([0, 1, 2, 3].map(line), out),
            }
        }
        self.next = end;
        self.rows.filled(pixels);
    }
}

impl Plane {
    /// The row of `samples` that has row `y` of the component, the band being that of MCU row `mcu`.
    fn slot(&self, y: usize, mcu: usize) -> usize {
        y + 1 - mcu * self.blocks.1 * 8
    }

    fn line(&self, y: usize, mcu: usize, columns: Range<usize>) -> &[u8] {
        let start = self.slot(y, mcu) * self.stride;
        &self.samples[start + columns.start..start + columns.end]
    }

    /// Fills `self.row` with the samples of the row of pixels `y`, where there are too few, and
    /// returns the column of the picture where they start.
    fn expand(&mut self, y: usize, mcu: usize, columns: &Range<usize>, first_mcu: usize) -> usize {
        let left = first_mcu * self.blocks.0 * 8;
        let (across, down) = self.expansion;
        // The part of the sample row that the window needs: one more on each side where the filter
        // looks at neighbours.
        let margin = usize::from(matches!(
            self.upsampling,
            Upsampling::Across | Upsampling::Both
        ));
        let start = (columns.start / across).saturating_sub(margin);
        let end = (columns.end.div_ceil(across) + margin).min(self.size.0);
        let part = start - left..end - left;
        let edges = (start == 0, end == self.size.0);
        let near = y / down;
        // The nearest chroma row counts three times, the next nearest once; at the picture's edge
        // the last row stands in for the one beyond.
        let upper = y.is_multiple_of(2);
        let far = if upper {
            near.saturating_sub(1)
        } else {
            (near + 1).min(self.size.1 - 1)
        };
        let mut row = std::mem::take(&mut self.row);
        row.resize((end - start) * across, 0);
        match self.upsampling {
            Upsampling::None => {}
            Upsampling::Across => upsample::h2v1(self.line(near, mcu, part), edges, &mut row),
            Upsampling::Down => {
                let (near, far) = (
                    self.line(near, mcu, part.clone()),
                    self.line(far, mcu, part),
                );
                upsample::h1v2(near, far, upper, &mut row);
            }
            Upsampling::Both => {
                let (near, far) = (
                    self.line(near, mcu, part.clone()),
                    self.line(far, mcu, part),
                );
                upsample::h2v2(near, far, edges, &mut row);
            }
            Upsampling::Repeat => {
                let samples = self.line(near, mcu, part);
                match across {
                    1 => row.copy_from_slice(samples),
                    2 => upsample::h2(samples, &mut row),
                    _ => upsample::hn(samples, across, &mut row),
                }
            }
        }
        self.row = row;
        if self.upsampling == Upsampling::None {
            left
        } else {
            start * across
        }
    }
}
