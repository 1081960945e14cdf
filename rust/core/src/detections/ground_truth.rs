//! Turns box files into the true boxes of every image, and a class for every box.

use std::collections::{HashMap, HashSet};

use crate::annotations::boxes::BoxFile;
use crate::annotations::file::{Categories, MISSING, select};
use crate::annotations::rows_by_id::{RowsById, rows_by_id};
use crate::annotations::{Source, Text};
use crate::error::{Error, Result};

use super::box_problem;

/// A true box.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueBox {
    /// Its image, a row of [`GroundTruth::image_ids`].
    pub image: u32,
    /// Its category, a row of [`GroundTruth::categories`].
    pub category: u32,
    /// x, y, width, height in pixels from the upper left.
    pub sides: [f64; 4],
    /// The area as stored (2017: half of width times height), NaN where missing.
    pub area: f64,
    /// Whether it is around many individuals.
    pub crowd: bool,
    /// Its row in the file's `annotations`.
    pub row: u32,
    /// Which of the files it is from.
    pub file: u32,
}

/// True boxes as columns, sorted by image.
#[derive(Clone, Debug)]
pub struct BoxColumns {
    /// Where the boxes of every image begin: one more than there are images.
    pub starts: Vec<u64>,
    /// The category id of every box.
    pub category_ids: Vec<i64>,
    /// x, y, width, height.
    pub sides: Vec<[f64; 4]>,
    /// Areas as stored, NaN where missing.
    pub areas: Vec<f64>,
    /// Whether a box is around many individuals.
    pub crowds: Vec<bool>,
    /// The row of every box in its file's `annotations`.
    pub rows: Vec<i64>,
}

/// The true boxes of some images.
///
/// An image that is not here has no box *known*; one without boxes was looked at and is empty.
#[derive(Clone, Debug, Default)]
pub struct GroundTruth {
    /// The images that are scored, by rising id.
    pub image_ids: Vec<i64>,
    /// Their widths and heights in pixels, [`MISSING`] where the
    /// box file does not say.
    pub sizes: Vec<[i32; 2]>,
    /// Images of the data set whose boxes are not known: detections in them do not count.
    pub unknown: HashSet<i64>,
    /// The boxes, sorted by image and within an image as in the file.
    pub boxes: Vec<TrueBox>,
    /// The categories, by rising id.
    pub categories: Categories,
    pub(super) files: Vec<Source>,
}

impl GroundTruth {
    /// Reads `files` in the format of `val_2017_bboxes.json`, which share no image.
    ///
    /// Images are those of the files' `images`. With `images`, the ids of a data set, they are those
    /// of the data set that have a box, and the others are [`unknown`](Self::unknown).
    /// `categories` stand in for those of the files.
    pub fn read(
        files: &[Source],
        images: Option<&[i64]>,
        categories: Option<&Categories>,
    ) -> Result<Self> {
        let mut truth = Self {
            files: files.to_vec(),
            ..Self::default()
        };
        let known: Option<HashSet<i64>> = images.map(|ids| ids.iter().copied().collect());
        if let Some(categories) = categories {
            truth.categories = sorted(categories)?;
        }
        for (number, source) in files.iter().enumerate() {
            let file = BoxFile::read(source)?;
            truth
                .add(&file, number as u32, known.as_ref(), categories.is_some())
                .map_err(|error| source.locate(error))?;
        }
        truth.finish();
        if let Some(mut known) = known {
            truth.image_ids.iter().for_each(|id| {
                known.remove(id);
            });
            truth.unknown = known;
        }
        Ok(truth)
    }

    /// Adds the images and boxes of one file; for now a box's image is its row in `image_ids`.
    fn add(
        &mut self,
        file: &BoxFile,
        number: u32,
        known: Option<&HashSet<i64>>,
        has_categories: bool,
    ) -> Result<()> {
        let lists = &file.lists;
        if !has_categories {
            let categories = sorted(&lists.categories)?;
            if number > 0 && !same(&categories, &self.categories) {
                return Err(Error::annotation(
                    "its categories are not those of the first box file",
                ));
            }
            self.categories = categories;
        }
        let mut images = Images::new(file, &self.image_ids)?;
        if known.is_none() {
            lists.images.ids.iter().for_each(|&id| {
                images.place(id, self);
            });
        }
        let categories = rows_by_id(&self.categories.ids, "categories")?;
        let annotations = &lists.annotations;
        for (row, sides) in file.boxed() {
            let at = row as usize;
            let id = annotations.image_ids[at];
            if known.is_some_and(|known| !known.contains(&id)) {
                continue;
            }
            let category = category_of(annotations.category_ids[at], row, &categories)?;
            if let Some(problem) = box_problem(&sides) {
                return Err(Error::annotation(format!(
                    "`annotations[{row}]`: expected {problem}"
                )));
            }
            let found = TrueBox {
                image: images.place(id, self),
                category,
                sides,
                area: annotations.areas[at],
                crowd: annotations.crowds[at],
                row,
                file: number,
            };
            self.boxes.push(found);
        }
        Ok(())
    }

    /// Sorts images by id and boxes by image.
    fn finish(&mut self) {
        let mut order: Vec<u32> = (0..self.image_ids.len() as u32).collect();
        order.sort_unstable_by_key(|&row| self.image_ids[row as usize]);
        let mut places = vec![0; order.len()];
        for (place, &row) in order.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        self.image_ids = select(&self.image_ids, &order);
        self.sizes = select(&self.sizes, &order);
        for found in &mut self.boxes {
            found.image = places[found.image as usize];
        }
        self.boxes.sort_by_key(|found| found.image);
    }

    /// The boxes as columns.
    pub fn columns(&self) -> BoxColumns {
        let mut starts = vec![0; self.image_ids.len() + 1];
        for found in &self.boxes {
            starts[found.image as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let ids = &self.categories.ids;
        let boxes = || self.boxes.iter();
        BoxColumns {
            starts,
            category_ids: boxes().map(|one| ids[one.category as usize]).collect(),
            sides: boxes().map(|one| one.sides).collect(),
            areas: boxes().map(|one| one.area).collect(),
            crowds: boxes().map(|one| one.crowd).collect(),
            rows: boxes().map(|one| i64::from(one.row)).collect(),
        }
    }

    /// The names of the super categories, sorted, and the number of each category's.
    pub fn supercategories(&self) -> (Text, Vec<u32>) {
        let names = &self.categories.supercategories;
        let mut unique: Vec<&[u8]> = names.iter().collect();
        unique.sort_unstable();
        unique.dedup();
        let numbers: HashMap<&[u8], u32> = unique.iter().copied().zip(0..).collect();
        let of_category = names.iter().map(|name| numbers[name]).collect();
        (unique.into_iter().collect(), of_category)
    }

    /// Says where a box is that cannot be scored.
    pub(super) fn error(&self, found: &TrueBox, message: &str) -> Error {
        let error = Error::annotation(format!("`annotations[{}]` {message}", found.row));
        match self.files.get(found.file as usize) {
            Some(source) => source.locate(error),
            None => error,
        }
    }
}

/// The images of the file at hand.
struct Images<'a> {
    file: &'a BoxFile,
    /// Rows of [`GroundTruth::image_ids`].
    places: HashMap<i64, u32>,
}

impl<'a> Images<'a> {
    fn new(file: &'a BoxFile, before: &[i64]) -> Result<Self> {
        let before: HashSet<&i64> = before.iter().collect();
        let lists = &file.lists;
        let mut ids = lists.annotations.image_ids.iter().chain(&lists.images.ids);
        match ids.find(|id| before.contains(id)) {
            Some(id) => Err(Error::annotation(format!(
                "image {id} is in another of the box files too"
            ))),
            None => Ok(Self {
                file,
                places: HashMap::new(),
            }),
        }
    }

    /// The place of an image, the next free one where it is new.
    fn place(&mut self, id: i64, truth: &mut GroundTruth) -> u32 {
        *self.places.entry(id).or_insert_with(|| {
            let images = &self.file.lists.images;
            let row = self.file.images.get(id).map(|row| row as usize);
            let size = row.map(|row| [images.widths[row], images.heights[row]]);
            truth.image_ids.push(id);
            truth.sizes.push(size.unwrap_or([MISSING as i32; 2]));
            truth.image_ids.len() as u32 - 1
        })
    }
}

/// Whether ids and names are the same, whatever else is known.
fn same(one: &Categories, other: &Categories) -> bool {
    let parts = |all: &Categories| {
        (
            all.ids.clone(),
            all.names.clone(),
            all.supercategories.clone(),
        )
    };
    parts(one) == parts(other)
}

fn sorted(categories: &Categories) -> Result<Categories> {
    rows_by_id(&categories.ids, "categories")?;
    let mut order: Vec<u32> = (0..categories.ids.len() as u32).collect();
    order.sort_by_key(|&row| categories.ids[row as usize]);
    Ok(categories.select(&order))
}

fn category_of(id: i64, row: u32, categories: &RowsById) -> Result<u32> {
    categories.get(id).ok_or_else(|| {
        Error::annotation(format!(
            "`annotations[{row}]` has category_id {id}, which is not among the {} `categories`",
            categories.len()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, images: Option<&[i64]>) -> Result<GroundTruth> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boxes.json");
        std::fs::write(&path, json).unwrap();
        GroundTruth::read(&[Source::plain(path)], images, None)
    }

    const CATEGORIES: &str = r#""categories": [
        {"id": 5, "name": "b", "supercategory": "Y"}, {"id": 2, "name": "a", "supercategory": "X"},
        {"id": 9, "name": "c", "supercategory": "X"}]"#;

    fn file(images: &str, annotations: &str) -> String {
        format!("{{{CATEGORIES}, \"images\": [{images}], \"annotations\": [{annotations}]}}")
    }

    const IMAGES: &str =
        r#"{"id": 8, "file_name": "8", "width": 9, "height": 7}, {"id": 3, "file_name": "3"}"#;
    const BOXES: &str = r#"{"image_id": 8, "category_id": 9, "bbox": [0, 0, 4, 2], "area": 4},
        {"image_id": 3, "category_id": 2, "bbox": [1, 1, 2, 2], "area": 2, "iscrowd": 1},
        {"image_id": 8, "category_id": 5, "bbox": [0, 0, 1, 1]}"#;

    #[test]
    fn boxes_are_sorted_by_image_and_within_one_as_in_the_file() {
        let truth = read(&file(IMAGES, BOXES), None).unwrap();
        assert_eq!(truth.image_ids, [3, 8]);
        assert_eq!(truth.categories.ids, [2, 5, 9]);
        let found: Vec<_> = truth
            .boxes
            .iter()
            .map(|found| (found.image, found.category, found.row, found.crowd))
            .collect();
        assert_eq!(found, [(0, 0, 1, true), (1, 2, 0, false), (1, 1, 2, false)]);
        assert_eq!(truth.columns().starts, [0, 1, 3]);
        assert_eq!(truth.columns().category_ids, [2, 9, 5]);
        assert_eq!(truth.sizes, [[-1, -1], [9, 7]]);
        assert!(truth.boxes[2].area.is_nan());
        let (names, of_category) = truth.supercategories();
        assert_eq!(names.iter().collect::<Vec<_>>(), [b"X", b"Y"]);
        assert_eq!(of_category, [0, 1, 0]);
    }

    #[test]
    fn a_data_set_tells_missing_from_empty() {
        let listed = format!(r#"{IMAGES}, {{"id": 1, "file_name": "1"}}"#);
        let truth = read(&file(&listed, BOXES), None).unwrap();
        assert_eq!(truth.image_ids, [1, 3, 8]);
        assert_eq!(truth.columns().starts, [0, 0, 1, 3]);
        let truth = read(&file(&listed, BOXES), Some(&[8, 1, 77])).unwrap();
        assert_eq!(truth.image_ids, [8]);
        assert_eq!(truth.unknown, HashSet::from([1, 77]));
        assert_eq!(truth.boxes.len(), 2);
    }

    #[test]
    fn what_is_wrong_names_the_row() {
        let boxed = |fields: &str| file(IMAGES, &format!("{{{fields}}}"));
        for (json, expected) in [
            (
                boxed(r#""image_id": 4, "category_id": 2, "bbox": [0, 0, 1, 1]"#),
                "`annotations[0]` has image_id 4",
            ),
            (
                boxed(r#""image_id": 3, "category_id": 1, "bbox": [0, 0, 1, 1]"#),
                "`annotations[0]` has category_id 1",
            ),
            (
                boxed(r#""image_id": 3, "category_id": 2, "bbox": [0, 0, -1, 1]"#),
                "`annotations[0]`: expected `bbox` as x, y, width, height",
            ),
            (
                boxed(r#""image_id": 3, "category_id": 2, "bbox": [0, 0, 1e10, 1]"#),
                "`annotations[0]`: expected a box within",
            ),
            (
                boxed(r#""image_id": 3, "category_id": 2"#),
                "not a box file",
            ),
        ] {
            let error = read(&json, None).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
            assert!(error.path().is_some());
        }
    }
}
