//! Turns detected boxes and true ones into average precision and recall, as COCO counts them.
//!
//! | step | module | main type |
//! |---|---|---|
//! | box files into the true boxes of every image | [`ground_truth`] | [`GroundTruth`] |
//! | a result file, or columns, into detections | [`results`] | [`Detections`] |
//! | the detections of one image and class onto its true boxes | `matching` | |
//! | what was matched in a class into its average precision and recall | `accumulate` | [`Measures`] |
//! | all classes, and the mean over them | [`mod@score`] | [`BoxScore`] |
//!
//! Every number is that of `pycocotools.cocoeval.COCOeval` with `iouType="bbox"`. What differs is the
//! memory: it is that of the boxes, not of images times categories.

mod accumulate;
pub mod ground_truth;
mod matching;
pub mod results;
pub mod score;

pub use accumulate::Measures;
pub use ground_truth::GroundTruth;
pub use results::Detections;
pub use score::{BoxScore, Granularity, Options, score};

use crate::annotations::Source;
use crate::annotations::source::Container;
use crate::error::Result;

/// Area ranges in square pixels, both ends included: all, small, medium, large.
const AREAS: [[f64; 2]; 4] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];

/// Thresholds on the overlap: 0.50 to 0.95.
const OVERLAPS: usize = 10;

/// Every pair of an area range and an overlap threshold has a bit of its own.
const fn bit(area: usize, overlap: usize) -> u64 {
    1 << (area * OVERLAPS + overlap)
}

/// The bits of all overlap thresholds at one area range.
const fn bits(area: usize) -> u64 {
    ((1 << OVERLAPS) - 1) << (area * OVERLAPS)
}

/// Overlap threshold `number`, with the rounding of `numpy.linspace(0.5, 0.95, 10)`.
fn overlap_threshold(number: usize) -> f64 {
    if number + 1 == OVERLAPS {
        0.95
    } else {
        number as f64 * ((0.95 - 0.5) / 9.0) + 0.5
    }
}

/// Whether an area lies outside a range.
fn outside(area: f64, range: usize) -> bool {
    area < AREAS[range][0] || area > AREAS[range][1]
}

/// The name of the only JSON file in a zip, without its folders; None where there is no zip.
///
/// A box file tells its split by its name.
pub fn name_in_zip(source: &Source) -> Result<Option<String>> {
    let mut file = source.open()?;
    if source.container(&mut file)? != Container::Zip {
        return Ok(None);
    }
    let opened = source.open_zip(file);
    let (zip, number) = opened.map_err(|error| source.locate(error))?;
    // It was found by its name, so that can be read.
    let name = zip.name_for_index(number).and_then(std::result::Result::ok);
    Ok(name.and_then(|name| name.rsplit('/').next().map(str::to_owned)))
}

/// What is wrong with a box, if anything is.
fn box_problem(sides: &[f64; 4]) -> Option<String> {
    let largest = crate::limits::BOX_PIXELS;
    if let Some(side) = sides.iter().find(|side| !side.is_finite()) {
        return Some(format!("a box of numbers, found {side} in {sides:?}"));
    }
    if sides[2] < 0.0 || sides[3] < 0.0 {
        return Some(format!(
            "`bbox` as x, y, width, height with a width and height of 0 or more, found {sides:?}"
        ));
    }
    if sides.iter().any(|side| side.abs() > largest) {
        return Some(format!("a box within {largest} pixels, found {sides:?}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.linspace(0.5, 0.95, 10)`.
    #[test]
    fn thresholds_are_those_of_linspace() {
        let found: Vec<f64> = (0..OVERLAPS).map(overlap_threshold).collect();
        let ninth = 0.899_999_999_999_999_9;
        let expected = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, ninth, 0.95];
        assert_eq!(found, expected);
    }
}
