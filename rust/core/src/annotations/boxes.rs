//! Turns a box file into boxes, sorted by image id.

use super::file::{File, select};
use super::rows_by_id::rows_by_id;
use super::source::Source;
use super::table::dangling;
use crate::error::{Error, Result};

/// Boxes, sorted by image id and within an image as in the file.
///
/// An image that is not here has no box *known*: the files leave out boxes of many images.
#[derive(Clone, Debug, Default)]
pub struct Boxes {
    /// The image of every box.
    pub image_ids: Vec<i64>,
    /// The category of every box.
    pub category_ids: Vec<i64>,
    /// Four numbers a box: x, y, width, height in pixels, from the upper left.
    pub sides: Vec<[f64; 4]>,
    /// Areas as stored: half of width times height; NaN where missing.
    pub areas: Vec<f64>,
    /// Whether a box is around many individuals.
    pub crowds: Vec<bool>,
}

impl Boxes {
    /// Reads a file in the format of `train_2017_bboxes.json`.
    pub fn read(source: &Source) -> Result<Self> {
        let file = File::read(source)?;
        Self::new(&file).map_err(|error| source.locate(error))
    }

    fn new(file: &File) -> Result<Self> {
        let annotations = &file.annotations;
        if annotations.boxes.is_empty() && !annotations.image_ids.is_empty() {
            return Err(Error::annotation(
                "no annotation has a `bbox`, so this is not a box file",
            ));
        }
        let images = rows_by_id(&file.images.ids, "images")?;
        for (row, &id) in annotations.image_ids.iter().enumerate() {
            if file.has_images && images.get(id).is_none() {
                return Err(dangling(row, "image_id", id, "images"));
            }
        }
        let (sides, _) = annotations.boxes.as_chunks::<4>();
        let boxed = |&row: &u32| !sides[row as usize][0].is_nan();
        let mut order: Vec<u32> = (0..sides.len() as u32).filter(boxed).collect();
        order.sort_by_key(|&row| annotations.image_ids[row as usize]);
        Ok(Self {
            image_ids: select(&annotations.image_ids, &order),
            category_ids: select(&annotations.category_ids, &order),
            sides: select(sides, &order),
            areas: select(&annotations.areas, &order),
            crowds: select(&annotations.crowds, &order),
        })
    }
}
