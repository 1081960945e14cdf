//! Turns a box and two lengths into the weights of a resampling, as Pillow computes them
//! (`precompute_coeffs` and `normalize_coeffs_8bpc` of `src/libImaging/Resample.c`, 13.0).
//!
//! A pass that Pillow skips is here one weight of exactly 1, which gives the same bytes.

use std::f64::consts::PI;
use std::ops::Range;

use crate::pixels::Filter;

/// Bits behind the point of a weight: 32 less 8 of the sample less 2 for overshoot.
pub(in crate::pixels) const PRECISION: u32 = 32 - 8 - 2;

/// How far a weight is shifted to split it into two halves that each fit 16 bits.
pub(in crate::pixels) const HALF: u32 = 11;

/// Weights of one output position are stored in groups of this many.
pub(in crate::pixels) const GROUP: usize = 4;

/// One dimension of a resampling, in the terms of Pillow's `precompute_coeffs`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::pixels) struct Span {
    /// Length of the image in this dimension.
    pub(in crate::pixels) input: u32,
    /// The box's first edge.
    pub(in crate::pixels) start: f32,
    /// The box's last edge.
    pub(in crate::pixels) end: f32,
    /// Length of the whole output.
    pub(in crate::pixels) output: u32,
    /// The part of the output that is wanted.
    pub(in crate::pixels) window: (u32, u32),
}

impl Span {
    /// How many positions of the output are wanted.
    pub(in crate::pixels) fn len(&self) -> usize {
        (self.window.1 - self.window.0) as usize
    }

    /// Pillow skips the pass where the box is the whole image and no length changes.
    fn is_identity(&self) -> bool {
        self.output == self.input && (self.start, self.end).eq(&(0.0, self.output as f32))
    }
}

/// For every wanted output position, the input positions it is made of and their weights.
#[derive(Debug, Default)]
pub(in crate::pixels) struct Axis {
    /// First input position of each output position.
    pub(in crate::pixels) first: Vec<u32>,
    /// How many input positions each output position has.
    pub(in crate::pixels) count: Vec<u32>,
    /// Weights of one output position; a multiple of [`GROUP`], the rest is 0.
    pub(in crate::pixels) stride: usize,
    /// `weight >> HALF` of every weight.
    pub(in crate::pixels) high: Vec<i16>,
    /// `weight & ((1 << HALF) - 1)` of every weight.
    pub(in crate::pixels) low: Vec<i16>,
    real: Vec<f64>,
}

/// How far from its centre a filter is not 0, in positions of the input or, where the picture gets
/// smaller, of the output.
fn support(filter: Filter) -> f64 {
    match filter {
        Filter::Box => 0.5,
        Filter::Bilinear | Filter::Hamming => 1.0,
        Filter::Bicubic => 2.0,
        Filter::Lanczos => 3.0,
    }
}

fn filter_value(filter: Filter, x: f64) -> f64 {
    match filter {
        Filter::Box => {
            if x > -0.5 && x <= 0.5 {
                1.0
            } else {
                0.0
            }
        }
        Filter::Bilinear => {
            if x.abs() < 1.0 {
                1.0 - x.abs()
            } else {
                0.0
            }
        }
        Filter::Hamming => hamming(x.abs()),
        Filter::Bicubic => bicubic(x.abs()),
        Filter::Lanczos => {
            if (-3.0..3.0).contains(&x) {
                sinc(x) * sinc(x / 3.0)
            } else {
                0.0
            }
        }
    }
}

fn hamming(x: f64) -> f64 {
    // Pillow's constants are of single precision.
    const MEAN: f64 = 0.54_f32 as f64;
    const SWING: f64 = 0.46_f32 as f64;
    if x == 0.0 {
        1.0
    } else if x < 1.0 {
        sinc(x) * (MEAN + SWING * libm::cos(x * PI))
    } else {
        0.0
    }
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Sines and cosines come from `libm`, so that they are the same on every machine. They may differ
/// in the last of 53 bits from those that Pillow was linked with; weights keep 22.
fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    libm::sin(x) / x
}

impl Axis {
    /// Computes the weights of `span`; `reversed` mirrors the output.
    pub(in crate::pixels) fn plan(&mut self, span: &Span, filter: Filter, reversed: bool) {
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
        let support = support(filter) * filter_scale;
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
    pub(in crate::pixels) fn len(&self) -> usize {
        self.first.len()
    }

    /// The input positions that some output position needs.
    pub(in crate::pixels) fn source(&self) -> Range<u32> {
        let start = self.first.iter().copied().min().unwrap_or(0);
        let ends = self
            .first
            .iter()
            .zip(&self.count)
            .map(|(first, count)| first + count);
        start..ends.max().unwrap_or(0)
    }

    /// One weight, put together again.
    pub(in crate::pixels) fn weight(&self, output: usize, tap: usize) -> i32 {
        let at = output * self.stride + tap;
        (i32::from(self.high[at]) << HALF) + i32::from(self.low[at])
    }
}
