//! Turns coefficients into samples, and the samples of each component into rows of full width
//! (`jdsample.c`).

use super::coefficients::Coefficients;
use super::idct::Idct;
use super::layout::{Component, Layout};
use super::markers::damaged;
use super::smoothing::Smoothing;
use super::upsample;
use crate::error::Result;

/// How a component's samples become as many as there are pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enlargement {
    /// They are as many.
    None,
    /// Between two neighbours in a row, a triangle filter.
    Across,
    /// Between two rows.
    Down,
    /// Both.
    Both,
    /// So many copies of each, across and down.
    Copies(usize, usize),
}

impl Enlargement {
    /// The choice of `jinit_upsampler`.
    fn new(component: &Component, layout: &Layout) -> Result<Self> {
        let (h, v) = component.sampling;
        let (across, down) = layout.sampling;
        if across % h != 0 || down % v != 0 {
            return Err(damaged(format!(
                "{h} x {v} samples for {across} x {down} pixels"
            )));
        }
        // Too narrow for the filter's ends.
        let narrow = component.samples.0 <= 2;
        Ok(match (across / h, down / v) {
            (1, 1) => Self::None,
            (1, 2) => Self::Down,
            (2, 1) if !narrow => Self::Across,
            (2, 2) if !narrow => Self::Both,
            (across, down) => Self::Copies(across, down),
        })
    }
}

/// The samples of one component.
#[derive(Debug, Default)]
struct Plane {
    samples: Vec<u8>,
    stride: usize,
}

/// The samples of a picture, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Samples {
    planes: [Plane; 4],
    /// A row of each component at full width.
    pub(super) rows: [Vec<u8>; 4],
}

/// How every component is enlarged.
#[derive(Debug)]
pub(super) struct Enlargements(Vec<Enlargement>);

impl Enlargements {
    /// For a frame, unless it has components with fractions of samples a pixel.
    pub(super) fn new(layout: &Layout) -> Result<Self> {
        let components = layout.components.iter();
        let each = components.map(|component| Enlargement::new(component, layout));
        Ok(Self(each.collect::<Result<_>>()?))
    }
}

impl Samples {
    /// Transforms all blocks.
    pub(super) fn transform(
        &mut self,
        layout: &Layout,
        coefficients: &Coefficients,
        smoothing: Option<&Smoothing<'_>>,
        idct: Idct,
    ) {
        for (number, component) in layout.components.iter().enumerate() {
            let plane = &mut self.planes[number];
            let blocks = &coefficients.planes[number];
            plane.stride = component.blocks.0 * 8;
            plane
                .samples
                .resize(plane.stride * component.blocks.1 * 8, 0);
            let Some(quantisation) = component.quantisation.as_deref() else {
                // Of a component without any scan nothing is known.
                plane.samples.fill(128);
                continue;
            };
            let stride = plane.stride;
            let rows = plane.samples.chunks_exact_mut(stride * 8);
            for (row, target) in rows.enumerate() {
                let mut put = |column: usize, block: &[i16; 64]| {
                    idct.one(block, 63, quantisation, &mut target[column * 8..], stride);
                };
                if let Some(smoothing) = smoothing {
                    smoothing.component(number, blocks).smooth(row, put);
                } else {
                    let row = &blocks.row(row)[..component.blocks.0];
                    row.iter()
                        .enumerate()
                        .for_each(|(column, block)| put(column, block));
                }
            }
        }
    }

    /// Makes `self.rows` those of a row of pixels.
    pub(super) fn enlarge(&mut self, layout: &Layout, enlargements: &Enlargements, row: usize) {
        let width = layout.width as usize;
        for (number, component) in layout.components.iter().enumerate() {
            let plane = &self.planes[number];
            let (length, height) = component.samples;
            let samples = |row: usize| &plane.samples[row * plane.stride..][..length];
            let out = &mut self.rows[number];
            out.resize(length * 4, 0);
            // The nearer row counts three times, the next nearest once; at the picture's edge the
            // last row stands in for the one beyond.
            let near = row / 2;
            let far = if row.is_multiple_of(2) {
                near.saturating_sub(1)
            } else {
                (near + 1).min(height - 1)
            };
            match enlargements.0[number] {
                Enlargement::None => out[..width].copy_from_slice(samples(row)),
                Enlargement::Across => upsample::h2v1(samples(row), (true, true), out),
                Enlargement::Down => {
                    upsample::h1v2(samples(near), samples(far), row.is_multiple_of(2), out);
                }
                Enlargement::Both => {
                    upsample::h2v2(samples(near), samples(far), (true, true), out);
                }
                Enlargement::Copies(across, down) => {
                    for (out, &sample) in out.chunks_exact_mut(across).zip(samples(row / down)) {
                        out.fill(sample);
                    }
                }
            }
            out.truncate(width);
        }
    }
}
