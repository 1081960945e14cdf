//! Turns a box file into boxes, sorted by image id.
//!
//! What it asks of a file holds for ground truth too (`detections::ground_truth`), which refuses more.

use super::file::{File, select};
use super::rows_by_id::{RowsById, rows_by_id};
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
        let file = BoxFile::read(source)?;
        let annotations = &file.lists.annotations;
        let mut order: Vec<u32> = file.boxed().map(|(row, _)| row).collect();
        order.sort_by_key(|&row| annotations.image_ids[row as usize]);
        Ok(Self {
            image_ids: select(&annotations.image_ids, &order),
            category_ids: select(&annotations.category_ids, &order),
            sides: select(file.sides(), &order),
            areas: select(&annotations.areas, &order),
            crowds: select(&annotations.crowds, &order),
        })
    }
}

/// A file with boxes, whose annotations are of images that it lists, if it lists any.
pub(crate) struct BoxFile {
    /// All that the file has.
    pub(crate) lists: File,
    /// The row of every image in `images`.
    pub(crate) images: RowsById,
}

impl BoxFile {
    pub(crate) fn read(source: &Source) -> Result<Self> {
        let lists = File::read(source)?;
        Self::new(lists).map_err(|error| source.locate(error))
    }

    fn new(lists: File) -> Result<Self> {
        let annotations = &lists.annotations;
        if annotations.boxes.is_empty() && !annotations.image_ids.is_empty() {
            return Err(Error::annotation(
                "no annotation has a `bbox`, so this is not a box file",
            ));
        }
        let images = rows_by_id(&lists.images.ids, "images")?;
        for (row, &id) in annotations.image_ids.iter().enumerate() {
            if lists.has_images && images.get(id).is_none() {
                return Err(dangling(row, "image_id", id, "in `images`"));
            }
        }
        Ok(Self { lists, images })
    }

    /// Four numbers an annotation, NaN where it has no box.
    fn sides(&self) -> &[[f64; 4]] {
        self.lists.annotations.boxes.as_chunks::<4>().0
    }

    /// The row and the sides of every annotation with a box.
    pub(crate) fn boxed(&self) -> impl Iterator<Item = (u32, [f64; 4])> {
        let rows = (0..).zip(self.sides().iter().copied());
        rows.filter(|(_, sides)| !sides[0].is_nan())
    }
}
