//! Turns a plane of samples into a smaller or larger one, with weights of 14 bits: nearly what the
//! exact passes make, in half the time.

use super::planar_avx2;
use super::weights::Axis;
use crate::pixels::cpu::Avx2;

/// Bits behind the point of a weight.
pub(super) const PRECISION: i32 = 14;

/// Weights of one output position are stored in groups of this many.
pub(super) const GROUP: usize = 8;

/// One dimension: for every output position, the input positions it is made of and their weights.
#[derive(Debug, Default)]
pub(in crate::pixels) struct CoarseAxis {
    /// First input position of each output position.
    pub(super) first: Vec<u32>,
    /// How many input positions each output position has.
    pub(super) count: Vec<u32>,
    /// Weights of one output position; a multiple of [`GROUP`], the rest is 0.
    pub(super) stride: usize,
    pub(super) weights: Vec<i16>,
}

impl CoarseAxis {
    /// Rounds the weights of an axis; their sums stay 1, so that a flat plane stays flat.
    pub(in crate::pixels) fn round(&mut self, axis: &Axis) {
        self.first.clone_from(&axis.first);
        self.count.clone_from(&axis.count);
        let longest = axis.count.iter().max().map_or(1, |count| *count as usize);
        self.stride = longest.next_multiple_of(GROUP);
        self.weights.clear();
        for output in 0..axis.len() {
            let start = self.weights.len();
            let count = axis.count[output] as usize;
            let shift = super::weights::PRECISION as i32 - PRECISION;
            let rounded = |tap| ((axis.weight(output, tap) + (1 << (shift - 1))) >> shift) as i16;
            self.weights.extend((0..count).map(rounded));
            let sum: i32 = self.weights[start..].iter().map(|&w| i32::from(w)).sum();
            if let Some(greatest) = self.weights[start..].iter_mut().max() {
                *greatest += ((1 << PRECISION) - sum) as i16;
            }
            self.weights.resize(start + self.stride, 0);
        }
    }

    /// How many output positions there are.
    pub(in crate::pixels) fn len(&self) -> usize {
        self.first.len()
    }
}

/// A plane of samples.
#[derive(Clone, Copy, Debug)]
pub(in crate::pixels) struct Samples<'a> {
    /// Column and row of the whole plane where this part of it starts.
    pub(in crate::pixels) start: (usize, usize),
    /// Bytes from one row to the next.
    pub(in crate::pixels) stride: usize,
    /// The samples, with at least [`SLACK`] bytes behind the last one.
    pub(in crate::pixels) bytes: &'a [u8],
}

/// Bytes that must follow the last sample, because samples are loaded 16 at once.
pub(in crate::pixels) const SLACK: usize = 16;

/// Resamples planes one after the other, keeping its memory.
#[derive(Debug, Default)]
pub(in crate::pixels) struct Planar {
    between: Vec<u8>,
}

impl Planar {
    /// Writes `vertical.len()` rows of `horizontal.len()` samples, without gaps, to `out`.
    pub(in crate::pixels) fn resample(
        &mut self,
        plane: &Samples<'_>,
        horizontal: &CoarseAxis,
        vertical: &CoarseAxis,
        out: &mut [u8],
    ) {
        let width = horizontal.len();
        let ends = vertical.first.iter().zip(&vertical.count);
        let end = ends.map(|(first, count)| (first + count) as usize).max();
        let first = vertical.first.iter().min().map_or(0, |row| *row as usize);
        let rows = first..end.unwrap_or(first);
        self.between.resize(rows.len() * width + SLACK, 0);
        let avx2 = Avx2::detect();
        let across = &mut self.between;
        match avx2 {
            Some(avx2) => planar_avx2::horizontal(avx2, plane, horizontal, rows, across),
            None => horizontal_scalar(plane, horizontal, rows, across),
        }
        let between = Samples {
            start: (0, first),
            stride: width,
            bytes: &self.between,
        };
        for (output, row) in out.chunks_exact_mut(width).enumerate().take(vertical.len()) {
            match avx2 {
                Some(avx2) => planar_avx2::vertical(avx2, &between, vertical, output, row),
                None => vertical_scalar(&between, vertical, output, row),
            }
        }
    }
}

fn horizontal_scalar(
    plane: &Samples<'_>,
    axis: &CoarseAxis,
    rows: std::ops::Range<usize>,
    out: &mut [u8],
) {
    for (row, out) in rows.zip(out.chunks_exact_mut(axis.len())) {
        let line = &plane.bytes[(row - plane.start.1) * plane.stride..];
        for (output, sample) in out.iter_mut().enumerate() {
            let start = axis.first[output] as usize - plane.start.0;
            let taps = &line[start..start + axis.count[output] as usize];
            *sample = weigh(axis, output, taps.iter().copied());
        }
    }
}

fn vertical_scalar(plane: &Samples<'_>, axis: &CoarseAxis, output: usize, row: &mut [u8]) {
    let top = axis.first[output] as usize - plane.start.1;
    for (x, sample) in row.iter_mut().enumerate() {
        let taps =
            (0..axis.count[output] as usize).map(|tap| plane.bytes[(top + tap) * plane.stride + x]);
        *sample = weigh(axis, output, taps);
    }
}

fn weigh(axis: &CoarseAxis, output: usize, taps: impl Iterator<Item = u8>) -> u8 {
    let weights = &axis.weights[output * axis.stride..];
    let sum = taps
        .zip(weights)
        .fold(1 << (PRECISION - 1), |sum, (tap, &weight)| {
            sum + i32::from(tap) * i32::from(weight)
        });
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::super::Span;
    use super::*;
    use crate::pixels::Filter;

    #[test]
    fn vectors_give_the_bytes_of_the_scalar_code() {
        let Some(avx2) = Avx2::detect() else { return };
        let (mut fine, mut axis) = (Axis::default(), CoarseAxis::default());
        for (input, output) in [
            (1, 1),
            (3, 7),
            (9, 4),
            (40, 17),
            (100, 33),
            (64, 64),
            (65, 90),
        ] {
            for filter in Filter::ALL {
                let span = Span {
                    input,
                    start: 0.0,
                    end: input as f32 - 0.25,
                    output,
                    window: (0, output),
                };
                fine.plan(&span, filter, false);
                axis.round(&fine);
                for rows in [1, 2, 3, 4, 5, 9] {
                    let length = input as usize * rows;
                    let noise = |at: usize| (at * 7919 % 251 * 5) as u8;
                    let samples: Vec<u8> = (0..length + SLACK).map(noise).collect();
                    let plane = Samples {
                        start: (0, 0),
                        stride: input as usize,
                        bytes: &samples,
                    };
                    let length = output as usize * rows;
                    let (mut vector, mut scalar) = (vec![0; length], vec![0; length]);
                    planar_avx2::horizontal(avx2, &plane, &axis, 0..rows, &mut vector);
                    horizontal_scalar(&plane, &axis, 0..rows, &mut scalar);
                    assert_eq!(vector, scalar);
                    let plane = Samples {
                        stride: rows,
                        ..plane
                    };
                    let (mut vector, mut scalar) = (vec![0; rows], vec![0; rows]);
                    for output in 0..axis.len() {
                        planar_avx2::vertical(avx2, &plane, &axis, output, &mut vector);
                        vertical_scalar(&plane, &axis, output, &mut scalar);
                        assert_eq!(vector, scalar);
                    }
                }
                for output in 0..axis.len() {
                    let weights = &axis.weights[output * axis.stride..][..axis.stride];
                    let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
                    assert_eq!(sum, 1 << PRECISION);
                }
            }
        }
    }
}
