//! Turns a COCO result file, or columns, into detections in the images of a ground truth.
//!
//! The format is that of <https://cocodataset.org/#format-results>: a list of objects with
//! `image_id`, `category_id`, `bbox` and `score`.

use std::collections::HashMap;

use serde::Deserialize;

use crate::annotations::file::take;
use crate::annotations::{Source, parse};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

use super::box_problem;
use super::ground_truth::GroundTruth;

/// Detections, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Detections {
    /// The image of every detection, a row of [`GroundTruth::image_ids`].
    pub images: Vec<u32>,
    /// The category of every detection, a row of [`GroundTruth::categories`].
    pub categories: Vec<u32>,
    /// x, y, width, height in pixels from the upper left.
    pub sides: Vec<[f64; 4]>,
    /// Scores: the higher, the surer.
    pub scores: Vec<f64>,
    /// Detections that were left out because the boxes of their image are not known.
    pub left_out: u64,
}

/// Columns of detections, all of one length.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The id of every detection's image.
    pub image_ids: &'a [i64],
    /// The id of every detection's category.
    pub category_ids: &'a [i64],
    /// Four numbers a detection: x, y, width, height.
    pub boxes: &'a [f64],
    /// Scores.
    pub scores: &'a [f64],
}

#[derive(Deserialize)]
struct Row {
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    score: f64,
}

/// What ids mean.
struct Ids<'a> {
    truth: &'a GroundTruth,
    images: HashMap<i64, u32>,
    categories: HashMap<i64, u32>,
}

impl<'a> Ids<'a> {
    fn new(truth: &'a GroundTruth) -> Self {
        Self {
            truth,
            images: truth.image_ids.iter().copied().zip(0..).collect(),
            categories: truth.categories.ids.iter().copied().zip(0..).collect(),
        }
    }
}

impl Detections {
    /// Reads a result file.
    pub fn read(source: &Source, truth: &GroundTruth) -> Result<Self> {
        let ids = Ids::new(truth);
        source.read(limits::DETECTION_BYTES, |json| {
            let mut found = Self::default();
            parse::bare_list(json, "detections", |text| {
                take(text, |detection: Row| found.push(&ids, &detection))
            })
            .map_err(of_a_submission)?;
            Ok(found)
        })
    }

    /// Takes columns.
    pub fn from_columns(columns: Columns<'_>, truth: &GroundTruth) -> Result<Self> {
        let ids = Ids::new(truth);
        let count = columns.image_ids.len();
        let (boxes, rest) = columns.boxes.as_chunks::<4>();
        let lengths = [
            columns.category_ids.len(),
            boxes.len(),
            columns.scores.len(),
        ];
        if lengths != [count; 3] || !rest.is_empty() {
            return Err(Error::argument(format!(
                "expected a category, a box and a score for each of {count} detections, found \
                 {lengths:?}"
            )));
        }
        let mut found = Self::default();
        for (row, &bbox) in boxes.iter().enumerate() {
            let detection = Row {
                image_id: columns.image_ids[row],
                category_id: columns.category_ids[row],
                bbox,
                score: columns.scores[row],
            };
            let pushed = found.push(&ids, &detection);
            pushed.map_err(|error| {
                Error::submission(format!("`detections[{row}]`: {}", error.message()))
            })?;
        }
        Ok(found)
    }

    /// Number of detections that count.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether none counts.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    fn push(&mut self, ids: &Ids<'_>, detection: &Row) -> Result<()> {
        let error = |message: String| Err(Error::submission(message));
        if let Some(problem) = box_problem(&detection.bbox) {
            return error(format!("expected {problem}"));
        }
        if !detection.score.is_finite() {
            return error(format!(
                "expected a score that is a number, found {}",
                detection.score
            ));
        }
        let Some(&category) = ids.categories.get(&detection.category_id) else {
            return error(format!(
                "category_id {} is not among the {} categories of the ground truth",
                detection.category_id,
                ids.categories.len()
            ));
        };
        let Some(&image) = ids.images.get(&detection.image_id) else {
            if ids.truth.unknown.contains(&detection.image_id) {
                self.left_out += 1;
                return Ok(());
            }
            return error(format!(
                "image_id {} is not among the {} images of the ground truth",
                detection.image_id,
                ids.images.len() + ids.truth.unknown.len()
            ));
        };
        if self.scores.len() >= u32::MAX as usize {
            return error("more detections than can be scored at once".to_owned());
        }
        self.images.push(image);
        self.categories.push(category);
        self.sides.push(detection.bbox);
        self.scores.push(detection.score);
        Ok(())
    }
}

/// Detections are predictions, not annotations, in whatever way they are damaged.
fn of_a_submission(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Annotation => Error::submission(error.message()),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotations::file::Categories;

    fn truth() -> GroundTruth {
        GroundTruth {
            image_ids: vec![3, 8],
            unknown: [4].into(),
            categories: Categories {
                ids: vec![0, 7],
                ..Categories::default()
            },
            ..GroundTruth::default()
        }
    }

    fn read(json: &str) -> Result<Detections> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("detections.json");
        std::fs::write(&path, json).unwrap();
        Detections::read(&Source::plain(path), &truth())
    }

    #[test]
    fn a_file_becomes_rows_of_the_ground_truth() {
        let found = read(
            r#"[{"image_id": 8, "category_id": 7, "bbox": [1, 2, 3, 0.1], "score": 1, "id": 5},
                {"image_id": 4, "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5},
                {"image_id": 3, "category_id": 0, "bbox": [0, 0, 0, 0], "score": -2e-3}]"#,
        )
        .unwrap();
        assert_eq!((found.images, found.categories), (vec![1, 0], vec![1, 0]));
        assert_eq!(found.sides, [[1.0, 2.0, 3.0, 0.1], [0.0; 4]]);
        assert_eq!(found.scores, [1.0, -0.002]);
        assert_eq!(found.left_out, 1);
        assert!(read("[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_names_the_row() {
        let row = |image: &str, category: &str, bbox: &str, score: &str| {
            format!(
                r#"[{{"image_id": 3, "category_id": 0, "bbox": [0, 0, 1, 1], "score": 1}},
                {{"image_id": {image}, "category_id": {category}, "bbox": {bbox}, "score": {score}}}]"#
            )
        };
        for (json, expected) in [
            (
                row("5", "0", "[0,0,1,1]", "1"),
                "image_id 5 is not among the 3 images",
            ),
            (
                row("3", "5", "[0,0,1,1]", "1"),
                "category_id 5 is not among the 2",
            ),
            (
                row("3", "0", "[0,0,-1,1]", "1"),
                "width and height of 0 or more",
            ),
            (
                row("3", "0", "[0,0,1,-1]", "1"),
                "width and height of 0 or more",
            ),
            (row("3", "0", "[0,2e9,1,1]", "1"), "a box within"),
            (row("3", "0", "[0,0,1]", "1"), "array of length 4"),
            (row("3", "0", "[0,0,1,null]", "1"), "expected f64"),
            (row("3", "0", "[0,0,1,NaN]", "1"), "value"),
            (row("3", "0", "[0,0,1,1e999]", "1"), "number out of range"),
            (row("3", "0", "[0,0,1,1]", "\"1\""), "expected f64"),
            (row("3.5", "0", "[0,0,1,1]", "1"), "expected i64"),
        ] {
            let error = read(&json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Submission, "{error}");
            assert!(error.message().contains(expected), "{error}");
            assert!(error.message().contains("`detections[1]`"), "{error}");
            assert!(error.path().is_some());
        }
        let cut = read(r#"[{"image_id": 3, "category_id": 0"#).unwrap_err();
        assert!(cut.message().contains("cut short"), "{cut}");
        let object = read(r#"{"images": []}"#).unwrap_err();
        assert!(
            object.message().contains("the list `detections`"),
            "{object}"
        );
    }

    #[test]
    fn columns_are_checked_too() {
        let columns = Columns {
            image_ids: &[3],
            category_ids: &[0],
            boxes: &[0.0, 0.0, 1.0, f64::NAN],
            scores: &[0.5],
        };
        let error = Detections::from_columns(columns, &truth()).unwrap_err();
        assert!(
            error
                .message()
                .contains("`detections[0]`: expected a box of numbers"),
            "{error}"
        );
        let infinite = Columns {
            boxes: &[0.0; 4],
            scores: &[f64::INFINITY],
            ..columns
        };
        assert!(Detections::from_columns(infinite, &truth()).is_err());
        let short = Columns {
            scores: &[],
            ..columns
        };
        assert_eq!(
            Detections::from_columns(short, &truth())
                .unwrap_err()
                .kind(),
            ErrorKind::Argument
        );
    }
}
