//! Turns a region of RGB pixels into a smaller or larger picture, byte for byte as Pillow does.
//!
//! Two passes (`src/libImaging/Resample.c`, 13.0), each rounded to 8 bits, so that their order
//! matters ([`vertical_first`]).

mod avx2;
mod weights;

use std::ops::Range;

use weights::PRECISION;
pub(super) use weights::{Axis, Span};

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
    if avx2::available() {
        avx2::horizontal(axis, region, rows, out, out_stride);
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
    if avx2::available() {
        avx2::vertical(axis, region, columns, out, out_stride);
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
    use crate::pixels::Filter;

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
        if !avx2::available() {
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
                        avx2::horizontal
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
                        avx2::vertical
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
