//! Turns the sizes of many images into the boxes that a [`Transform`] takes of them.

use super::{SampleKey, Transform};
use crate::error::{Error, Result};

impl Transform {
    /// The box of each image as x, y, width, height and whether it is mirrored (1 or 0), from
    /// [`Transform::place`]; `samples` are the images' numbers in the data set.
    pub fn boxes(
        &self,
        [widths, heights]: [&[i64]; 2],
        (seed, epoch): (u64, u64),
        samples: &[u64],
    ) -> Result<Vec<[i32; 5]>> {
        let place = |(size, &sample): (Result<_>, _)| {
            let (width, height) = size?;
            let key = SampleKey {
                seed,
                epoch,
                sample,
            };
            let place = self.place(width, height, key);
            let [x, y, width, height] = [place.x, place.y, place.width, place.height];
            Ok([x, y, width, height, u32::from(place.flip)].map(|side| side as i32))
        };
        sizes(widths, heights).zip(samples).map(place).collect()
    }

    /// The box of each image as x, y, width, height and 0, from [`Transform::source_box`].
    pub fn source_boxes(&self, [widths, heights]: [&[i64]; 2]) -> Result<Vec<[f64; 5]>> {
        let place = |size: Result<_>| {
            let (width, height) = size?;
            let source = self.source_box(width, height, SampleKey::default())?;
            Ok([source.x, source.y, source.width, source.height, 0.0])
        };
        sizes(widths, heights).map(place).collect()
    }
}

/// Width and height of every image, within the limits of a JPEG.
fn sizes<'a>(
    widths: &'a [i64],
    heights: &'a [i64],
) -> impl Iterator<Item = Result<(u32, u32)>> + 'a {
    let side = |value: i64| match u16::try_from(value) {
        Ok(side) if side > 0 => Ok(u32::from(side)),
        _ => Err(Error::argument(format!(
            "an image's side must be from 1 to 65535, not {value}"
        ))),
    };
    let pairs = widths.iter().zip(heights);
    pairs.map(move |(&width, &height)| Ok((side(width)?, side(height)?)))
}
