//! Turns a region of RGB pixels into a smaller or larger picture, byte for byte as Pillow does.
//!
//! Two passes (`src/libImaging/Resample.c`, 13.0), each rounded to 8 bits, so that their order
//! matters ([`vertical_first`]).

mod avx2;
pub(super) mod planar;
mod planar_avx2;
mod weights;

use std::ops::Range;

use weights::PRECISION;
pub(super) use weights::{Axis, Span};

use super::rows::Rows;

/// Bytes that must follow the last pixel of a region, because pixels are loaded 16 bytes at once.
pub(super) const SLACK: usize = 16;

/// Whether Pillow does the vertical pass before the horizontal one.
///
/// Pillow 13.0 does so where the image loses more than twice as many rows as columns (python-pillow/Pillow#9549, a change of
/// that release; the order before was horizontal first but for very tall images). The lengths are
/// those of the whole image and the whole output, whatever the box is.
pub(super) fn vertical_first(horizontal: &Span, vertical: &Span) -> bool {
    let lost = |span: &Span| i64::from(span.input) - i64::from(span.output);
    lost(vertical) > 0 && lost(vertical) > 2 * lost(horizontal)
}

/// RGB pixels of a part of an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region<'a> {
    /// Column of the image where the region starts.
    pub(super) x: u32,
    /// Row of the image where the region starts.
    pub(super) y: u32,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    /// The pixels, 3 bytes each, with at least [`SLACK`] bytes behind the last one.
    pub(super) pixels: &'a [u8],
}

/// Resamples pictures one after the other, keeping its memory.
#[derive(Debug, Default)]
pub(super) struct Resampler {
    /// Columns.
    pub(super) horizontal: Axis,
    /// Rows.
    pub(super) vertical: Axis,
    /// Rows of the picture that just arrived.
    band: Vec<u8>,
    /// Rows before the vertical pass: as many as it still needs, and room for some more.
    waiting: Vec<u8>,
    /// Rows after the vertical pass, if that is the first.
    middle: Vec<u8>,
}

impl Resampler {
    /// Takes the rows of the picture's window that `horizontal` and `vertical` refer to, and writes
    /// `vertical.len()` rows of `horizontal.len()` RGB pixels to `out`, the rows `out_stride` bytes
    /// apart.
    pub(super) fn passes<'a>(
        &'a mut self,
        vertical_first: bool,
        out: &'a mut [u8],
        out_stride: usize,
    ) -> Passes<'a> {
        let columns = self.horizontal.source();
        let stride = if vertical_first {
            columns.len() * 3
        } else {
            self.horizontal.len() * 3
        };
        Passes {
            resampler: self,
            columns,
            vertical_first,
            out,
            out_stride,
            stride,
            first: 0,
            count: 0,
            next: 0,
        }
    }
}

/// A picture on its way through both passes; no more of it is kept than the second one needs.
#[derive(Debug)]
pub(super) struct Passes<'a> {
    resampler: &'a mut Resampler,
    columns: Range<u32>,
    vertical_first: bool,
    out: &'a mut [u8],
    out_stride: usize,
    /// Bytes of a waiting row.
    stride: usize,
    /// The first waiting row.
    first: usize,
    /// How many rows are waiting.
    count: usize,
    /// The next row of the output.
    next: usize,
}

impl Passes<'_> {
    /// Makes room for `more` waiting rows.
    fn reserve(&mut self, more: usize) {
        let Resampler {
            vertical, waiting, ..
        } = &mut *self.resampler;
        let needed = vertical.first.get(self.next).map_or(0, |row| *row as usize);
        let room = (self.count + more) * self.stride + SLACK;
        let gone = needed.saturating_sub(self.first).min(self.count);
        // Moving rows is worth it only now and then.
        if room > waiting.len() && gone > 0 {
            waiting.copy_within(gone * self.stride..self.count * self.stride, 0);
            self.first += gone;
            self.count -= gone;
        }
        let room = (self.count + 2 * more) * self.stride + SLACK;
        if room > waiting.len() {
            waiting.resize(room, 0);
        }
    }

    /// Does the vertical pass for every row of the output whose rows are all here.
    fn advance(&mut self) {
        let Resampler {
            horizontal,
            vertical,
            waiting,
            middle,
            ..
        } = &mut *self.resampler;
        let here = (self.first + self.count) as u32;
        let ready = |row: usize| vertical.first[row] + vertical.count[row] <= here;
        let mut end = self.next;
        while end < vertical.len() && ready(end) {
            end += 1;
        }
        if end == self.next {
            return;
        }
        let rows = self.next..end;
        let out = &mut self.out[self.next * self.out_stride..];
        let waiting = Region {
            x: if self.vertical_first {
                self.columns.start
            } else {
                0
            },
            y: self.first as u32,
            stride: self.stride,
            pixels: waiting,
        };
        if self.vertical_first {
            let length = rows.len() * self.stride + SLACK;
            if middle.len() < length {
                middle.resize(length, 0);
            }
            vertical_pass(
                vertical,
                &rows,
                &waiting,
                &self.columns,
                middle,
                self.stride,
            );
            let region = Region {
                y: 0,
                pixels: middle,
                ..waiting
            };
            let rows = 0..rows.len() as u32;
            horizontal_pass(horizontal, &region, &rows, out, self.out_stride);
        } else {
            let columns = 0..horizontal.len() as u32;
            vertical_pass(vertical, &rows, &waiting, &columns, out, self.out_stride);
        }
        self.next = end;
    }
}

impl Rows for Passes<'_> {
    fn begin(&mut self) {
        self.first = self.resampler.vertical.source().start as usize;
        (self.count, self.next) = (0, 0);
    }

    fn space(&mut self, rows: Range<usize>) -> (&mut [u8], usize) {
        debug_assert_eq!(rows.start, self.first + self.count);
        self.reserve(rows.len());
        if self.vertical_first {
            let start = self.count * self.stride;
            let end = start + rows.len() * self.stride;
            return (&mut self.resampler.waiting[start..end], self.stride);
        }
        let stride = self.columns.len() * 3;
        let length = rows.len() * stride;
        let band = &mut self.resampler.band;
        if band.len() < length + SLACK {
            band.resize(length + SLACK, 0);
        }
        (&mut band[..length], stride)
    }

    fn filled(&mut self, rows: Range<usize>) {
        if !self.vertical_first {
            let Resampler {
                horizontal,
                band,
                waiting,
                ..
            } = &mut *self.resampler;
            let region = Region {
                x: self.columns.start,
                y: rows.start as u32,
                stride: self.columns.len() * 3,
                pixels: band,
            };
            let rows = rows.start as u32..rows.end as u32;
            let out = &mut waiting[self.count * self.stride..];
            horizontal_pass(horizontal, &region, &rows, out, self.stride);
        }
        self.count += rows.len();
        self.advance();
    }
}

/// Writes every row of `rows`, resampled to `axis.len()` pixels, to `out`.
fn horizontal_pass(
    axis: &Axis,
    region: &Region<'_>,
    rows: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    if avx2::available() {
        avx2::horizontal(axis, region, rows, out, out_stride);
    } else {
        horizontal_scalar(axis, region, rows, out, out_stride);
    }
}

/// Writes the rows `outputs` of `axis`, each the columns `columns` of rows of `region`, to `out`.
fn vertical_pass(
    axis: &Axis,
    outputs: &Range<usize>,
    region: &Region<'_>,
    columns: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    if avx2::available() {
        avx2::vertical(axis, outputs, region, columns, out, out_stride);
    } else {
        vertical_scalar(axis, outputs, region, columns, out, out_stride);
    }
}

fn horizontal_scalar(
    axis: &Axis,
    region: &Region<'_>,
    rows: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    for (index, row) in rows.clone().enumerate() {
        let source = &region.pixels[(row - region.y) as usize * region.stride..];
        let target = &mut out[index * out_stride..];
        for output in 0..axis.len() {
            let start = (axis.first[output] - region.x) as usize * 3;
            let mut sums = [1_i32 << (PRECISION - 1); 3];
            for tap in 0..axis.count[output] as usize {
                let weight = axis.weight(output, tap);
                let pixel = &source[start + tap * 3..start + tap * 3 + 3];
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*sample) * weight;
                }
            }
            for (byte, sum) in target[output * 3..].iter_mut().zip(sums) {
                *byte = (sum >> PRECISION).clamp(0, 255) as u8;
            }
        }
    }
}

fn vertical_scalar(
    axis: &Axis,
    outputs: &Range<usize>,
    region: &Region<'_>,
    columns: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    let left = (columns.start - region.x) as usize * 3;
    for (index, output) in outputs.clone().enumerate() {
        let top = (axis.first[output] - region.y) as usize;
        let row = &mut out[index * out_stride..index * out_stride + columns.len() * 3];
        for (x, byte) in row.iter_mut().enumerate() {
            let mut sum = 1_i32 << (PRECISION - 1);
            for tap in 0..axis.count[output] as usize {
                let sample = region.pixels[(top + tap) * region.stride + left + x];
                sum += i32::from(sample) * axis.weight(output, tap);
            }
            *byte = (sum >> PRECISION).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
