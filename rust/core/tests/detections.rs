//! What holds for every score of boxes, and that no file makes the reader panic.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use ptarmigan_core::annotations::Source;
use ptarmigan_core::detections::results::Columns;
use ptarmigan_core::detections::{BoxScore, Detections, Granularity, GroundTruth, Options, score};
use tempfile::TempDir;

const NOTHING: Columns<'static> = Columns {
    image_ids: &[],
    category_ids: &[],
    boxes: &[],
    scores: &[],
};

const IMAGES: i64 = 5;
const CATEGORIES: i64 = 3;

/// A box with whom it belongs to and a score.
#[derive(Clone, Debug)]
struct Drawn {
    image: i64,
    category: i64,
    sides: [i32; 4],
    score: u32,
    crowd: bool,
}

fn boxes(most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let sides = [0..80, 0..80, 1..120, 1..120];
    let one = (0..IMAGES, 0..CATEGORIES, sides, any::<u32>(), 0..8);
    let one = one.prop_map(|(image, category, sides, score, crowd)| Drawn {
        image,
        category,
        sides,
        score,
        crowd: crowd == 0,
    });
    prop::collection::vec(one, 1..most)
}

fn write_truth(path: &Path, boxes: &[Drawn]) {
    let listed = |count: i64, fields: fn(i64) -> String| {
        let records: Vec<_> = (0..count).map(fields).collect();
        records.join(", ")
    };
    let images = listed(IMAGES, |id| {
        format!(r#"{{"id": {id}, "file_name": "{id}"}}"#)
    });
    let categories = listed(CATEGORIES, |id| {
        format!(
            r#"{{"id": {id}, "name": "{id}", "supercategory": "{}"}}"#,
            id / 2
        )
    });
    let annotations: Vec<_> = boxes
        .iter()
        .map(|one| {
            let (sides, area) = (one.sides, f64::from(one.sides[2] * one.sides[3]) / 2.0);
            format!(
                r#"{{"image_id": {}, "category_id": {}, "bbox": {sides:?}, "area": {area},
                "iscrowd": {}}}"#,
                one.image,
                one.category,
                u8::from(one.crowd)
            )
        })
        .collect();
    let text = format!(
        r#"{{"images": [{images}], "categories": [{categories}], "annotations": [{}]}}"#,
        annotations.join(", ")
    );
    fs::write(path, text).unwrap();
}

fn results(boxes: &[Drawn]) -> String {
    let mut text = String::from("[");
    for (row, one) in boxes.iter().enumerate() {
        let comma = if row == 0 { "" } else { ", " };
        let (image, category, sides, score) = (one.image, one.category, one.sides, one.score);
        write!(
            text,
            r#"{comma}{{"image_id": {image}, "category_id": {category}, "bbox": {sides:?},
            "score": {score}}}"#
        )
        .unwrap();
    }
    text + "]"
}

fn scored(
    truth: &[Drawn],
    found: &[Drawn],
    granularity: Granularity,
    max_dets: &[usize],
) -> BoxScore {
    let folder = TempDir::new().unwrap();
    let [truth_path, found_path] =
        ["truth.json", "found.json"].map(|name| folder.path().join(name));
    write_truth(&truth_path, truth);
    fs::write(&found_path, results(found)).unwrap();
    let truth = GroundTruth::read(&[Source::plain(truth_path)], None, None).unwrap();
    let found = Detections::read(&Source::plain(found_path), &truth).unwrap();
    let options = Options::new(granularity, false, max_dets).unwrap();
    score(&found, &truth, &options).unwrap()
}

fn granularity() -> impl Strategy<Value = Granularity> {
    prop::sample::select(vec![
        Granularity::Species,
        Granularity::Super,
        Granularity::Any,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn measures_are_shares_and_recall_rises_with_the_detections(
        truth in boxes(12),
        found in boxes(40),
        granularity in granularity(),
    ) {
        let score = scored(&truth, &found, granularity, &[1, 2, 50]);
        let all = score.classes.iter().map(|class| &class.measures);
        for measures in all.chain([&score.mean]) {
            let values = &measures.0;
            prop_assert_eq!(values.len(), 12);
            for &value in values {
                prop_assert!(value <= -1.0 || (0.0..=1.0).contains(&value), "{:?}", values);
            }
            prop_assert!(values[6] <= values[7] && values[7] <= values[8], "{:?}", values);
        }
        let boxes: u64 = score.classes.iter().map(|class| class.boxes).sum();
        prop_assert_eq!(boxes, truth.len() as u64);
    }

    #[test]
    fn the_order_of_the_file_matters_for_equal_scores_only(
        truth in boxes(12),
        mut found in boxes(40),
        granularity in granularity(),
    ) {
        for (row, one) in found.iter_mut().enumerate() {
            one.score = one.score / 64 * 64 + row as u32;
        }
        let first = scored(&truth, &found, granularity, &[1, 10]);
        found.reverse();
        let second = scored(&truth, &found, granularity, &[1, 10]);
        prop_assert_eq!(first.classes, second.classes);
    }

    #[test]
    fn true_boxes_as_detections_are_all_found(mut truth in boxes(12)) {
        for one in &mut truth {
            one.crowd = false;
        }
        let score = scored(&truth, &truth, Granularity::Species, &[100]);
        let values = &score.mean.0;
        prop_assert!((values[0] - 1.0).abs() < 1e-9, "{:?}", values);
        prop_assert!((values[6] - 1.0).abs() < 1e-9, "{:?}", values);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_by_name(
        found in boxes(4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let folder = TempDir::new().unwrap();
        let [truth_path, path] = ["truth.json", "found.json"].map(|name| folder.path().join(name));
        write_truth(&truth_path, &found);
        let truth = GroundTruth::read(&[Source::plain(&truth_path)], None, None).unwrap();
        let damage = |mut bytes: Vec<u8>| {
            for (index, byte) in &changes {
                let at = index.index(bytes.len());
                bytes[at] = *byte;
            }
            if cut {
                bytes.truncate(length.index(bytes.len()));
            }
            bytes
        };
        fs::write(&path, damage(results(&found).into_bytes())).unwrap();
        let source = Source::plain(&path);
        if let Err(error) = Detections::read(&source, &truth) {
            prop_assert_eq!(error.path(), Some(path.as_path()), "{}", error);
        }
        let bytes = damage(fs::read(&truth_path).unwrap());
        fs::write(&truth_path, bytes).unwrap();
        match GroundTruth::read(&[Source::plain(&truth_path)], None, None) {
            Err(error) => prop_assert_eq!(error.path(), Some(truth_path.as_path()), "{}", error),
            Ok(truth) => {
                if let Ok(found) = Detections::from_columns(NOTHING, &truth) {
                    let options = Options::new(Granularity::Super, true, &[1]).unwrap();
                    // Whatever it is, it is no panic.
                    let _ = score(&found, &truth, &options);
                }
            }
        }
    }
}
