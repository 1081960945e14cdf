//! Turns an image's size and a [`Transform`] into the part of the image that the output is made of.

use super::resample::Span;
use super::{SampleKey, Transform};
use crate::error::{Error, Result};
use crate::random::{Purpose, Stream};

/// How often a random box is drawn before the central one is taken (torchvision's number).
const TRIES: usize = 10;

/// The part of an image that a crop takes, in pixels, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width, at least 1.
    pub width: u32,
    /// Height, at least 1.
    pub height: u32,
    /// Whether the output is mirrored left to right.
    pub flip: bool,
}

/// A part of an image with edges between pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceBox {
    /// Left edge; negative where the output is padded.
    pub x: f64,
    /// Top edge; negative where the output is padded.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Where every output pixel of a transform comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    /// Columns.
    pub(super) horizontal: Span,
    /// Rows.
    pub(super) vertical: Span,
    /// Whether the output is mirrored left to right.
    pub(super) flip: bool,
    /// Black columns left of and rows above the picture.
    pub(super) padding: (usize, usize),
}

impl Transform {
    /// Whether every parameter is in its range.
    pub fn check(&self) -> Result<()> {
        let wrong = match self {
            Self::RandomResizedCrop {
                size,
                scale,
                ratio,
                hflip,
                ..
            } => {
                if size.0 == 0 || size.1 == 0 {
                    Some(format!(
                        "`size` must be at least 1 x 1, not {} x {}",
                        size.0, size.1
                    ))
                } else if !(0.0 < scale.0 && scale.0 <= scale.1 && scale.1.is_finite()) {
                    Some(format!(
                        "`scale` must be (least, greatest) with 0 < least <= greatest, not {scale:?}"
                    ))
                } else if !(0.0 < ratio.0 && ratio.0 <= ratio.1 && ratio.1.is_finite()) {
                    Some(format!(
                        "`ratio` must be (least, greatest) with 0 < least <= greatest, not {ratio:?}"
                    ))
                } else if !(0.0..=1.0).contains(hflip) {
                    Some(format!(
                        "`hflip` must be a probability from 0 to 1, not {hflip}"
                    ))
                } else {
                    None
                }
            }
            Self::ResizeCenterCrop { resize, crop, .. } => {
                if *resize == 0 {
                    Some("`resize` must be at least 1, not 0".to_owned())
                } else if crop.0 == 0 || crop.1 == 0 {
                    Some(format!(
                        "`crop` must be at least 1 x 1, not {} x {}",
                        crop.0, crop.1
                    ))
                } else {
                    None
                }
            }
        };
        wrong.map_or(Ok(()), |message| Err(Error::argument(message)))
    }

    /// The box that `key` draws from an image of this size.
    ///
    /// The distribution is that of torchvision's `RandomResizedCrop.get_params`: up to ten times an
    /// area uniform in `scale`, a ratio uniform in logarithm, and a uniform place; then the central
    /// box with the nearest allowed ratio. [`Transform::ResizeCenterCrop`] has no whole-pixel box
    /// and gives the whole image.
    pub fn place(&self, width: u32, height: u32, key: SampleKey) -> CropBox {
        let Self::RandomResizedCrop {
            scale,
            ratio,
            hflip,
            ..
        } = self
        else {
            return CropBox {
                x: 0,
                y: 0,
                width,
                height,
                flip: false,
            };
        };
        let mut stream = Stream::new(key.seed, key.epoch, key.sample, Purpose::Crop);
        let area = f64::from(width) * f64::from(height);
        let logarithm = (libm::log(ratio.0), libm::log(ratio.1));
        let uniform = |stream: &mut Stream, range: (f64, f64)| {
            range.0 + (range.1 - range.0) * stream.next_f64()
        };
        let mut chosen = None;
        for _ in 0..TRIES {
            let target = area * uniform(&mut stream, *scale);
            let aspect = libm::exp(uniform(&mut stream, logarithm));
            let w = (target * aspect).sqrt().round_ties_even();
            let h = (target / aspect).sqrt().round_ties_even();
            if (1.0..=f64::from(width)).contains(&w) && (1.0..=f64::from(height)).contains(&h) {
                let (w, h) = (w as u32, h as u32);
                let y = stream.below(u64::from(height - h) + 1) as u32;
                let x = stream.below(u64::from(width - w) + 1) as u32;
                chosen = Some((x, y, w, h));
                break;
            }
        }
        let (x, y, w, h) = chosen.unwrap_or_else(|| central_box(width, height, *ratio));
        CropBox {
            x,
            y,
            width: w,
            height: h,
            flip: stream.next_f64() < *hflip,
        }
    }

    /// The part of an image that the output of [`Transform::ResizeCenterCrop`] shows, in the
    /// image's own pixels; for the other transform, the box of [`Transform::place`].
    pub fn source_box(&self, width: u32, height: u32, key: SampleKey) -> Result<SourceBox> {
        let (columns, rows) = self.size_as_columns_and_rows();
        let placement = self.placement(width, height, key)?;
        let edges = |span: &Span, padding: usize, length: u32| {
            let scale = f64::from(span.end - span.start) / f64::from(span.output);
            let first = f64::from(span.window.0) - padding as f64;
            (
                f64::from(span.start) + first * scale,
                f64::from(length) * scale,
            )
        };
        let (x, box_width) = edges(&placement.horizontal, placement.padding.0, columns);
        let (y, box_height) = edges(&placement.vertical, placement.padding.1, rows);
        Ok(SourceBox {
            x,
            y,
            width: box_width,
            height: box_height,
        })
    }

    fn size_as_columns_and_rows(&self) -> (u32, u32) {
        let (height, width) = self.size();
        (width, height)
    }

    pub(super) fn placement(&self, width: u32, height: u32, key: SampleKey) -> Result<Placement> {
        let (columns, rows) = self.size_as_columns_and_rows();
        match self {
            Self::RandomResizedCrop { .. } => {
                let chosen = self.place(width, height, key);
                let span = |input, start: u32, length: u32, output| Span {
                    input,
                    start: start as f32,
                    end: (start + length) as f32,
                    output,
                    window: (0, output),
                };
                Ok(Placement {
                    horizontal: span(width, chosen.x, chosen.width, columns),
                    vertical: span(height, chosen.y, chosen.height, rows),
                    flip: chosen.flip,
                    padding: (0, 0),
                })
            }
            Self::ResizeCenterCrop { resize, .. } => {
                let (resized_width, resized_height) = resized_size(width, height, *resize)?;
                let (horizontal, left) = central_span(width, resized_width, columns);
                let (vertical, top) = central_span(height, resized_height, rows);
                Ok(Placement {
                    horizontal,
                    vertical,
                    flip: false,
                    padding: (left, top),
                })
            }
        }
    }
}

/// torchvision's fallback, with sides of at least one pixel.
fn central_box(width: u32, height: u32, ratio: (f64, f64)) -> (u32, u32, u32, u32) {
    let shape = f64::from(width) / f64::from(height);
    let (w, h) = if shape < ratio.0 {
        (width, (f64::from(width) / ratio.0).round_ties_even() as u32)
    } else if shape > ratio.1 {
        (
            (f64::from(height) * ratio.1).round_ties_even() as u32,
            height,
        )
    } else {
        (width, height)
    };
    let (w, h) = (w.clamp(1, width), h.clamp(1, height));
    ((width - w) / 2, (height - h) / 2, w, h)
}

/// torchvision's size after `Resize(resize)`: the shorter side becomes `resize`, the longer one
/// `int(resize * longer / shorter)`.
fn resized_size(width: u32, height: u32, resize: u32) -> Result<(u32, u32)> {
    let (short, long) = (width.min(height), width.max(height));
    let new_long = (f64::from(resize) * f64::from(long) / f64::from(short)) as u64;
    let new_long = u32::try_from(new_long)
        .ok()
        .filter(|side| i32::try_from(*side).is_ok());
    let new_long = new_long.ok_or_else(|| {
        Error::argument(format!(
            "resizing an image of {width} x {height} pixels to a shorter side of {resize} makes \
             the longer one exceed 2^31"
        ))
    })?;
    Ok(if width <= height {
        (resize, new_long)
    } else {
        (new_long, resize)
    })
}

/// torchvision's `CenterCrop(crop)` in one dimension: the wanted part of the resized image, and
/// how many black pixels come before it.
fn central_span(input: u32, resized: u32, crop: u32) -> (Span, usize) {
    let padding = (crop.saturating_sub(resized) / 2) as usize;
    let first = (f64::from(resized.saturating_sub(crop)) / 2.0).round_ties_even() as u32;
    let window = (first, first + crop.min(resized));
    let span = Span {
        input,
        start: 0.0,
        end: input as f32,
        output: resized,
        window,
    };
    (span, padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Filter;

    fn random_crop(scale: (f64, f64), ratio: (f64, f64)) -> Transform {
        let filter = Filter::Bilinear;
        Transform::RandomResizedCrop {
            size: (8, 8),
            scale,
            ratio,
            hflip: 0.5,
            filter,
        }
    }

    #[test]
    fn every_box_lies_in_its_image() {
        let transform = random_crop((0.08, 1.0), (0.75, 4.0 / 3.0));
        for (sample, (width, height)) in [(1, 1), (1, 900), (900, 1), (17, 23), (800, 600)]
            .into_iter()
            .enumerate()
        {
            for epoch in 0..500 {
                let key = SampleKey {
                    seed: 3,
                    epoch,
                    sample: sample as u64,
                };
                let chosen = transform.place(width, height, key);
                assert!(chosen.width >= 1 && chosen.height >= 1);
                assert!(chosen.x + chosen.width <= width && chosen.y + chosen.height <= height);
            }
        }
    }

    #[test]
    fn area_and_ratio_stay_in_range_and_cover_it() {
        let transform = random_crop((0.2, 0.4), (0.5, 2.0));
        let mut areas = Vec::new();
        let mut flips = 0;
        for epoch in 0..4000 {
            let chosen = transform.place(
                1000,
                1000,
                SampleKey {
                    seed: 1,
                    epoch,
                    sample: 9,
                },
            );
            let ratio = f64::from(chosen.width) / f64::from(chosen.height);
            assert!((0.49..2.02).contains(&ratio), "{chosen:?}");
            areas.push(f64::from(chosen.width) * f64::from(chosen.height) / 1e6);
            flips += u32::from(chosen.flip);
        }
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!(areas.iter().all(|area| (0.198..0.402).contains(area)));
        assert!((mean - 0.3).abs() < 0.005, "{mean}");
        assert!((1850..2150).contains(&flips), "{flips}");
    }

    #[test]
    fn an_impossible_ratio_gives_the_central_box() {
        let transform = random_crop((1.0, 1.0), (1.0, 1.0));
        let chosen = transform.place(200, 100, SampleKey::default());
        assert_eq!(
            (chosen.x, chosen.y, chosen.width, chosen.height),
            (50, 0, 100, 100)
        );
    }
}
