//! Turns a region of RGB pixels into a smaller or larger picture, byte for byte as Pillow does.
//!
//! Pillow's resampling (`src/libImaging/Resample.c`, 13.0): weights in double precision from a
//! box in single precision, normalised, rounded to 22 bits; two passes, each rounded to 8 bits, so
//! that their order matters ([`vertical_first`]). A pass that Pillow skips is here one weight of
//! exactly 1, which gives the same bytes.

use std::ops::Range;

use super::{Filter, resize_avx2};

/// Bits behind the point of a weight: 32 less 8 of the sample less 2 for overshoot.
pub(super) const PRECISION: u32 = 32 - 8 - 2;

/// How far a weight is shifted to split it into two halves that each fit 16 bits.
pub(super) const HALF: u32 = 11;

/// Weights of one output position are stored in groups of this many.
pub(super) const GROUP: usize = 4;

/// Bytes that must follow the last pixel of a region, because pixels are loaded 16 bytes at once.
pub(super) const SLACK: usize = 16;

/// One dimension of a resampling, in the terms of Pillow's `precompute_coeffs`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Length of the image in this dimension.
    pub(super) input: u32,
    /// The box's first edge.
    pub(super) start: f32,
    /// The box's last edge.
    pub(super) end: f32,
    /// Length of the whole output.
    pub(super) output: u32,
    /// The part of the output that is wanted.
    pub(super) window: (u32, u32),
}

impl Span {
    /// Pillow skips the pass where the box is the whole image and no length changes.
    fn is_identity(&self) -> bool {
        self.output == self.input && (self.start, self.end).eq(&(0.0, self.output as f32))
    }
}

/// For every wanted output position, the input positions it is made of and their weights.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// First input position of each output position.
    pub(super) first: Vec<u32>,
    /// How many input positions each output position has.
    pub(super) count: Vec<u32>,
    /// Weights of one output position; a multiple of [`GROUP`], the rest is 0.
    pub(super) stride: usize,
    /// `weight >> HALF` of every weight.
    pub(super) high: Vec<i16>,
    /// `weight & ((1 << HALF) - 1)` of every weight.
    pub(super) low: Vec<i16>,
    real: Vec<f64>,
}

fn filter_value(filter: Filter, x: f64) -> f64 {
    let x = x.abs();
    match filter {
        Filter::Bilinear => {
            if x < 1.0 {
                1.0 - x
            } else {
                0.0
            }
        }
        Filter::Bicubic => {
            const A: f64 = -0.5;
            if x < 1.0 {
                ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
            } else if x < 2.0 {
                (((x - 5.0) * x + 8.0) * x - 4.0) * A
            } else {
                0.0
            }
        }
    }
}

impl Axis {
    /// Computes the weights of `span`; `reversed` mirrors the output.
    pub(super) fn plan(&mut self, span: &Span, filter: Filter, reversed: bool) {
        let outputs = span.window.0..span.window.1;
        self.first.clear();
        self.count.clear();
        self.high.clear();
        self.low.clear();
        if span.is_identity() {
            self.stride = GROUP;
            self.each(outputs, reversed, |axis, output| axis.push(output, &[1.0]));
            return;
        }
        let scale = f64::from(span.end - span.start) / f64::from(span.output);
        let filter_scale = scale.max(1.0);
        let support = match filter {
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
        } * filter_scale;
        self.stride = (support.ceil() as usize * 2 + 1).next_multiple_of(GROUP);
        let inverse = 1.0 / filter_scale;
        self.each(outputs, reversed, |axis, output| {
            let center = f64::from(span.start) + (f64::from(output) + 0.5) * scale;
            let first = ((center - support + 0.5) as i64).max(0);
            let last = ((center + support + 0.5) as i64).min(i64::from(span.input));
            let mut real = std::mem::take(&mut axis.real);
            real.clear();
            let weight = |x: i64| filter_value(filter, (x as f64 - center + 0.5) * inverse);
            real.extend((first..last).map(weight));
            let sum: f64 = real.iter().fold(0.0, |sum, value| sum + value);
            if sum != 0.0 {
                for value in &mut real {
                    *value /= sum;
                }
            }
            axis.push(first as u32, &real);
            axis.real = real;
        });
    }

    fn each(&mut self, outputs: Range<u32>, reversed: bool, mut one: impl FnMut(&mut Self, u32)) {
        let last = outputs.end.wrapping_sub(1);
        for output in outputs.clone() {
            let output = if reversed {
                outputs.start + (last - output)
            } else {
                output
            };
            one(self, output);
        }
    }

    fn push(&mut self, first: u32, real: &[f64]) {
        self.first.push(first);
        self.count.push(real.len() as u32);
        for value in real {
            let scaled = value * f64::from(1 << PRECISION);
            let weight = if *value < 0.0 {
                scaled - 0.5
            } else {
                scaled + 0.5
            } as i32;
            self.high.push((weight >> HALF) as i16);
            self.low.push((weight & ((1 << HALF) - 1)) as i16);
        }
        let filled = self.first.len() * self.stride;
        self.high.resize(filled, 0);
        self.low.resize(filled, 0);
    }

    /// How many output positions there are.
    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// The input positions that some output position needs.
    pub(super) fn source(&self) -> Range<u32> {
        let start = self.first.iter().copied().min().unwrap_or(0);
        let ends = self
            .first
            .iter()
            .zip(&self.count)
            .map(|(first, count)| first + count);
        start..ends.max().unwrap_or(0)
    }

    /// One weight, put together again.
    fn weight(&self, output: usize, tap: usize) -> i32 {
        let at = output * self.stride + tap;
        (i32::from(self.high[at]) << HALF) + i32::from(self.low[at])
    }
}

/// Whether Pillow does the vertical pass before the horizontal one.
///
/// Pillow 13.0 does so where the image loses more than twice as many rows as columns (a change of
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
    between: Vec<u8>,
}

impl Resampler {
    /// Writes `vertical.len()` rows of `horizontal.len()` RGB pixels to `out`, the rows
    /// `out_stride` bytes apart.
    pub(super) fn resample(
        &mut self,
        region: &Region<'_>,
        vertical_first: bool,
        out: &mut [u8],
        out_stride: usize,
    ) {
        let (columns, rows) = (self.horizontal.source(), self.vertical.source());
        let mut between = std::mem::take(&mut self.between);
        if vertical_first {
            let stride = columns.len() * 3;
            between.resize(self.vertical.len() * stride + SLACK, 0);
            vertical_pass(&self.vertical, region, &columns, &mut between, stride);
            let middle = Region {
                x: columns.start,
                y: 0,
                stride,
                pixels: &between,
            };
            let rows = 0..self.vertical.len() as u32;
            horizontal_pass(&self.horizontal, &middle, &rows, out, out_stride);
        } else {
            let stride = self.horizontal.len() * 3;
            between.resize(rows.len() * stride + SLACK, 0);
            horizontal_pass(&self.horizontal, region, &rows, &mut between, stride);
            let middle = Region {
                x: 0,
                y: rows.start,
                stride,
                pixels: &between,
            };
            let columns = 0..self.horizontal.len() as u32;
            vertical_pass(&self.vertical, &middle, &columns, out, out_stride);
        }
        self.between = between;
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
    if resize_avx2::available() {
        resize_avx2::horizontal(axis, region, rows, out, out_stride);
    } else {
        horizontal_scalar(axis, region, rows, out, out_stride);
    }
}

/// Writes `axis.len()` rows, each the columns `columns` of rows of `region`, to `out`.
fn vertical_pass(
    axis: &Axis,
    region: &Region<'_>,
    columns: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    if resize_avx2::available() {
        resize_avx2::vertical(axis, region, columns, out, out_stride);
    } else {
        vertical_scalar(axis, region, columns, out, out_stride);
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
    region: &Region<'_>,
    columns: &Range<u32>,
    out: &mut [u8],
    out_stride: usize,
) {
    let left = (columns.start - region.x) as usize * 3;
    for output in 0..axis.len() {
        let top = (axis.first[output] - region.y) as usize;
        let row = &mut out[output * out_stride..output * out_stride + columns.len() * 3];
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
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Extremes are common, so that sums saturate on both sides.
            match state >> 28 {
                0..4 => 0,
                4..8 => 255,
                _ => (state >> 16) as u8,
            }
        };
        (0..length).map(|_| next()).collect()
    }

    fn spans() -> Vec<(Span, Filter, bool)> {
        let mut spans = Vec::new();
        for input in (1..=40).chain([63, 64, 65, 200]) {
            for output in [1, 2, 3, 5, 8, 13, 16, 17, 31, 64] {
                let half = input as f32 / 3.0;
                for (start, end) in [
                    (0.0, input as f32),
                    (half.floor(), input as f32),
                    (0.5, 0.9),
                ] {
                    for filter in [Filter::Bilinear, Filter::Bicubic] {
                        let window = (output / 4, output);
                        let span = Span {
                            input,
                            start,
                            end,
                            output,
                            window,
                        };
                        spans.push((span, filter, input % 2 == 0));
                    }
                }
            }
        }
        spans
    }

    /// Runs one pass both ways into memory that is dirty in different ways.
    fn compare(length: usize, pass: impl Fn(bool, &mut [u8])) {
        let (mut vector, mut scalar) = (vec![1; length], vec![1; length]);
        pass(true, &mut vector);
        pass(false, &mut scalar);
        assert!(vector == scalar);
    }

    #[test]
    fn avx2_gives_the_bytes_of_the_scalar_code() {
        if !resize_avx2::available() {
            return;
        }
        let mut axis = Axis::default();
        for (span, filter, reversed) in spans() {
            axis.plan(&span, filter, reversed);
            for other in [1_u32, 3, 4, 5, 6, 11] {
                let stride = span.input as usize * 3;
                let pixels = noise(stride * other as usize + SLACK);
                let region = Region {
                    x: 0,
                    y: 0,
                    stride,
                    pixels: &pixels,
                };
                let out = axis.len() * 3 + 2;
                compare(out * other as usize, |vector, bytes| {
                    let pass = if vector {
                        resize_avx2::horizontal
                    } else {
                        horizontal_scalar
                    };
                    pass(&axis, &region, &(0..other), bytes, out);
                });
                let stride = other as usize * 3;
                let pixels = noise(stride * span.input as usize + SLACK);
                let region = Region {
                    x: 0,
                    y: 0,
                    stride,
                    pixels: &pixels,
                };
                compare(axis.len() * (stride + 1), |vector, bytes| {
                    let pass = if vector {
                        resize_avx2::vertical
                    } else {
                        vertical_scalar
                    };
                    pass(&axis, &region, &(0..other), bytes, stride + 1);
                });
            }
        }
    }

    #[test]
    fn weights_add_up_to_one_but_for_rounding() {
        let mut axis = Axis::default();
        for (span, filter, reversed) in spans() {
            axis.plan(&span, filter, reversed);
            for output in 0..axis.len() {
                let count = axis.count[output] as usize;
                assert!(count > 0 && axis.first[output] + axis.count[output] <= span.input);
                let sum: i32 = (0..count).map(|tap| axis.weight(output, tap)).sum();
                assert!(
                    (sum - (1 << PRECISION)).unsigned_abs() as usize <= count,
                    "{span:?}"
                );
            }
        }
    }
}
