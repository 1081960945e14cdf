//! Turns planes of Y, Cb and Cr into RGB pixels, chroma upsampled as libjpeg-turbo does
//! ("fancy" upsampling: a triangle filter, `jdsample.c`).

use std::ops::Range;

use super::baseline::Planes;
use super::frame::Frame;

/// Converts one row of Y, Cb and Cr samples to RGB.
pub(super) type RowConverter<'a> = dyn Fn(&[u8], &[u8], &[u8], &mut [u8], usize) + 'a;

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
    pub(super) fn mcus(&self, frame: &Frame<'_>) -> (Range<usize>, Range<usize>) {
        let (across, down) = frame.mcu();
        let span = |pixels: &Range<usize>, mcu: usize, length: u32| {
            let margin = if mcu > 8 { 2 } else { 0 };
            let end = (pixels.end + margin).min(length as usize);
            pixels.start.saturating_sub(margin) / mcu..end.div_ceil(mcu)
        };
        (
            span(&self.columns, across, frame.width),
            span(&self.rows, down, frame.height),
        )
    }
}

/// Rows of chroma at full width, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Upsampler {
    sums: Vec<u16>,
    rows: [Vec<u8>; 2],
}

/// Writes the pixels of `window` to `out`, 3 bytes each, without gaps.
pub(super) fn convert(
    frame: &Frame<'_>,
    planes: &Planes,
    window: &Window,
    upsampler: &mut Upsampler,
    to_rgb: &RowConverter<'_>,
    out: &mut [u8],
) {
    let (across, down) = frame.mcu();
    let (left, top) = (planes.columns.start * across, planes.rows.start * down);
    let columns = window.columns.start - left..window.columns.end - left;
    let width = columns.len();
    for (row, out) in window.rows.clone().zip(out.chunks_exact_mut(width * 3)) {
        let start = (row - top) * planes.strides[0];
        let y = &planes.samples[0][start + columns.start..start + columns.end];
        if frame.components.len() == 1 {
            for (pixel, &grey) in out.as_chunks_mut::<3>().0.iter_mut().zip(y) {
                *pixel = [grey; 3];
            }
            continue;
        }
        if across == 8 && down == 8 {
            let chroma = |index: usize| {
                let start = (row - top) * planes.strides[index];
                &planes.samples[index][start + columns.start..start + columns.end]
            };
            to_rgb(y, chroma(1), chroma(2), out, width);
            continue;
        }
        let chroma = Chroma { frame, planes, row };
        let first = upsampler.upsample(&chroma, 0, window);
        upsampler.upsample(&chroma, 1, window);
        let [cb, cr] = &upsampler.rows;
        let columns = window.columns.start - first..window.columns.end - first;
        to_rgb(y, &cb[columns.clone()], &cr[columns], out, width);
    }
}

/// One row of pixels whose chroma is wanted.
struct Chroma<'a> {
    frame: &'a Frame<'a>,
    planes: &'a Planes,
    row: usize,
}

impl Chroma<'_> {
    /// The samples of chroma row `row` of the picture, as far as it was decoded.
    fn samples(&self, index: usize, row: usize) -> &[u8] {
        let stride = self.planes.strides[index];
        let start = (row - self.planes.rows.start * 8) * stride;
        &self.planes.samples[index][start..start + stride]
    }
}

impl Upsampler {
    /// Fills `self.rows[which]` and returns the column of the picture where it starts.
    fn upsample(&mut self, chroma: &Chroma<'_>, which: usize, window: &Window) -> usize {
        let frame = chroma.frame;
        let (across, down) = frame.mcu();
        let index = which + 1;
        // The part of the chroma row that the window needs, in samples of the picture: one more on
        // each side where the horizontal filter looks at neighbours.
        let length = (frame.width as usize).div_ceil(across / 8);
        let height = (frame.height as usize).div_ceil(down / 8);
        let margin = across / 8 - 1;
        let start = (window.columns.start / (across / 8)).saturating_sub(margin);
        let end = (window.columns.end.div_ceil(across / 8) + margin).min(length);
        let offset = planes_left(chroma.planes);
        let near = chroma.row / (down / 8);
        let near_row = &chroma.samples(index, near)[start - offset..end - offset];
        let row = &mut self.rows[which];
        row.resize((end - start) * (across / 8), 0);
        let edges = (start == 0, end == length);
        if down == 8 {
            double(near_row, edges, row);
            return start * 2;
        }
        // The nearest chroma row counts three times, the next nearest once; at the picture's edge
        // the last row stands in for the one beyond.
        let upper = chroma.row.is_multiple_of(2);
        let far = if upper {
            near.saturating_sub(1)
        } else {
            (near + 1).min(height - 1)
        };
        let far_row = &chroma.samples(index, far)[start - offset..end - offset];
        if across == 8 {
            let bias = if upper { 1 } else { 2 };
            for ((out, &near), &far) in row.iter_mut().zip(near_row).zip(far_row) {
                *out = ((u16::from(near) * 3 + u16::from(far) + bias) >> 2) as u8;
            }
            return start;
        }
        self.sums.clear();
        let sum = |(&near, &far): (&u8, &u8)| u16::from(near) * 3 + u16::from(far);
        self.sums.extend(near_row.iter().zip(far_row).map(sum));
        double_sums(&self.sums, edges, row);
        start * 2
    }
}

/// Column of the chroma planes where they start.
fn planes_left(planes: &Planes) -> usize {
    planes.columns.start * 8
}

/// `h2v1_fancy_upsample`: every sample becomes two, each three parts itself and one part its
/// neighbour; `edges` says whether the first and last sample are those of the picture.
fn double(samples: &[u8], edges: (bool, bool), out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, around) in pairs[1..].iter_mut().zip(samples.windows(3)) {
        let [before, here, after] = [0, 1, 2].map(|i| u16::from(around[i]));
        *pair = [
            ((here * 3 + before + 1) >> 2) as u8,
            ((here * 3 + after + 2) >> 2) as u8,
        ];
    }
    let last = samples.len() - 1;
    let at = |index: usize| u16::from(samples[index]);
    if edges.0 {
        pairs[0] = [samples[0], ((at(0) * 3 + at(1.min(last)) + 2) >> 2) as u8];
    }
    if edges.1 {
        let before = at(last.saturating_sub(1));
        pairs[last] = [((at(last) * 3 + before + 1) >> 2) as u8, samples[last]];
    }
}

/// The horizontal half of `h2v2_fancy_upsample`, on sums of three parts one row, one part another.
fn double_sums(sums: &[u16], edges: (bool, bool), out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, around) in pairs[1..].iter_mut().zip(sums.windows(3)) {
        let [before, here, after] = [around[0], around[1], around[2]];
        *pair = [
            ((here * 3 + before + 8) >> 4) as u8,
            ((here * 3 + after + 7) >> 4) as u8,
        ];
    }
    let last = sums.len() - 1;
    if edges.0 {
        let after = sums[1.min(last)];
        pairs[0] = [
            ((sums[0] * 4 + 8) >> 4) as u8,
            ((sums[0] * 3 + after + 7) >> 4) as u8,
        ];
    }
    if edges.1 {
        let before = sums[last.saturating_sub(1)];
        pairs[last] = [
            ((sums[last] * 3 + before + 8) >> 4) as u8,
            ((sums[last] * 4 + 7) >> 4) as u8,
        ];
    }
}
