//! Annotation files, good and bad, plain and zipped.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use ptarmigan_core::ErrorKind;
use ptarmigan_core::annotations::{Boxes, File, Locations, Source, Table};
use tempfile::TempDir;

const GOOD: &str = r#"{"info": {"year": 2017, "version": "1", "description": null},
  "images": [
    {"id": 7, "width": 800, "height": 600, "file_name": "t/Aves/b/1.jpg", "license": 3,
     "rights_holder": "Zo\u00eb", "more": {"a": [1]}},
    {"id": 3, "width": null, "height": 533, "file_name": "t/Aves/a/0.jpg", "license": null,
     "rights_holder": null},
    {"id": 5, "file_name": "t/Aves/b/0.jpg", "rights_holder": "Zo\u00eb"}],
  "categories": [{"id": 1, "name": "a \u00d7 b", "supercategory": "Aves"},
                 {"id": 0, "name": "a", "supercategory": "Aves", "common_name": 5}],
  "annotations": [{"id": 0, "image_id": 7, "category_id": 1}, {"image_id": 3, "category_id": 0},
                  {"id": 2, "image_id": 5, "category_id": 1}],
  "licenses": [{"id": 3, "name": "CC BY", "url": "https://x"}], "unknown": [{}]}"#;

fn plain(folder: &TempDir, text: &str) -> Source {
    let path = folder.path().join("train2017.json");
    fs::write(&path, text).unwrap();
    Source::plain(path)
}

fn zipped(folder: &TempDir, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.path().join("train_val2017.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(text).unwrap();
    zip.finish().unwrap();
    path
}

/// The message about the good text with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    message(&GOOD.replace(from, to))
}

fn message(text: &str) -> String {
    let folder = TempDir::new().unwrap();
    let error = Table::read(&[plain(&folder, text)], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Annotation);
    assert!(error.path().unwrap().ends_with("train2017.json"));
    error.message().to_owned()
}

#[test]
fn a_table_is_sorted_by_file_name() {
    let folder = TempDir::new().unwrap();
    let table = Table::read(&[plain(&folder, GOOD)], None).unwrap();
    assert_eq!(table.images.ids, [3, 5, 7]);
    assert_eq!(table.categories_of_images, [0, 1, 1]);
    assert_eq!(table.images.widths, [-1, -1, 800]);
    assert_eq!(table.images.heights, [533, -1, 600]);
    assert_eq!(table.images.licenses, [-1, -1, 3]);
    assert_eq!(table.images.holders, [-1, 0, 0]);
    assert_eq!(table.images.holder_names.get(0), "Zoë".as_bytes());
    assert_eq!(table.categories.ids, [0, 1]);
    assert_eq!(table.categories.names.get(1), "a × b".as_bytes());
    assert_eq!(table.licenses.urls.get(0), b"https://x");
    assert_eq!(
        table.info,
        [
            ("year".into(), "2017".into()),
            ("version".into(), "1".into())
        ]
    );
    let folders = table.folders().0;
    assert_eq!(
        folders.iter().collect::<Vec<_>>(),
        [b"Aves/a".as_slice(), b"Aves/b"]
    );
}

#[test]
fn a_zip_gives_what_the_plain_file_gives() {
    let folder = TempDir::new().unwrap();
    let plain = File::read(&plain(&folder, GOOD)).unwrap();
    for name in ["train2017.json", "train_val2017/train2017.json"] {
        let zip = Source::zipped(zipped(&folder, name, GOOD.as_bytes()), "train2017.json");
        assert_eq!(
            format!("{:?}", File::read(&zip).unwrap()),
            format!("{plain:?}")
        );
    }
}

#[test]
fn a_test_file_has_no_labels() {
    let folder = TempDir::new().unwrap();
    let text = r#"{"images": [{"id": 1, "file_name": "x.jpg"}], "categories": null}"#;
    let table = Table::read(&[plain(&folder, text)], None).unwrap();
    assert_eq!(table.categories_of_images, [-1]);
    assert!(table.categories.ids.is_empty());
}

#[test]
fn two_splits_become_one_table() {
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let mut other = GOOD.replacen("Zo\\u00eb", "Al", 1);
    for (from, to) in [
        ("/b/1.jpg", "/b/2.jpg"),
        ("/a/0.jpg", "/a/1.jpg"),
        ("/b/0.jpg", "/b/3.jpg"),
    ] {
        other = other.replace(from, to);
    }
    for id in [7, 3, 5] {
        other = other
            .replace(&format!("image_id\": {id}"), &format!("image_id\": {id}0"))
            .replace(
                &format!("{{\"id\": {id}, \"width"),
                &format!("{{\"id\": {id}0, \"width"),
            )
            .replace(
                &format!("{{\"id\": {id}, \"file"),
                &format!("{{\"id\": {id}0, \"file"),
            );
    }
    let sources = [plain(&folders[0], GOOD), plain(&folders[1], &other)];
    let table = Table::read(&sources, None).unwrap();
    assert_eq!(table.images.ids, [3, 30, 5, 7, 70, 50]);
    assert_eq!(table.categories_of_images, [0, 0, 1, 1, 1, 1]);
    assert_eq!(table.images.holders, [-1, -1, 0, 0, 1, 0]);
    assert_eq!(table.images.holder_names.get(1), b"Al");

    let same = Table::read(&[sources[0].clone(), sources[0].clone()], None).unwrap_err();
    assert_eq!(
        same.message(),
        "`images[0]` and `images[3]` have the same id 7; download the file again"
    );
    let renamed = plain(
        &folders[1],
        &other.replace("\"name\": \"a\"", "\"name\": \"z\""),
    );
    let error = Table::read(&[sources[0].clone(), renamed], None).unwrap_err();
    assert!(
        error.message().contains("its 2 categories are not the 2"),
        "{error}"
    );
}

#[test]
fn lists_that_contradict_each_other_are_refused() {
    assert_eq!(
        changed("\"image_id\": 3", "\"image_id\": 99"),
        "`annotations[1]` has image_id 99, which is not in `images`; download the file again"
    );
    assert!(
        changed("\"category_id\": 0}", "\"category_id\": 2}")
            .contains("category_id 2, which is not in `categories`")
    );
    assert_eq!(
        changed("\"id\": 3, \"width\"", "\"id\": 7, \"width\""),
        "`images[0]` and `images[1]` have the same id 7; download the file again"
    );
    assert_eq!(
        changed(", {\"image_id\": 3, \"category_id\": 0}", ""),
        "image 3 (`t/Aves/a/0.jpg`) has no annotation, expected one; download the file again"
    );
    assert_eq!(
        changed(
            "{\"image_id\": 3, \"category_id\": 0}",
            "{\"image_id\": 7, \"category_id\": 0}"
        ),
        "`annotations[0]` (category 1) and `annotations[1]` (category 0) are both of image 7, \
         expected one; keep one of them"
    );
    assert_eq!(
        changed("\"id\": 0, \"name\"", "\"id\": 1, \"name\""),
        "`categories[0]` and `categories[1]` have the same id 1; download the file again"
    );
}

#[test]
fn two_images_of_one_file_name_are_refused() {
    let folder = TempDir::new().unwrap();
    let source = plain(&folder, &GOOD.replace("/b/1.jpg", "/a/0.jpg"));
    let error = Table::read(&[source], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Annotation);
    assert_eq!(
        error.message(),
        "images 7 and 3 have the same file name `t/Aves/a/0.jpg`; download the file again"
    );
}

#[test]
fn a_category_in_two_folders_is_told() {
    let folder = TempDir::new().unwrap();
    let source = plain(&folder, &GOOD.replace("/b/1.jpg", "/c/1.jpg"));
    let (folders, problem) = Table::read(&[source], None).unwrap().folders();
    assert_eq!(folders.get(1), b"Aves/b");
    assert_eq!(
        problem.unwrap().message(),
        "category 1 has images in two folders, `Aves/b` and `Aves/c`"
    );
}

#[test]
fn text_that_is_not_an_annotation_file_is_refused_with_its_place() {
    let cut = message(&GOOD[..300]);
    assert!(cut.starts_with("`images[1]`: EOF while parsing"), "{cut}");
    assert!(
        cut.contains("byte 300 of the JSON text; the text is cut short"),
        "{cut}"
    );
    let missing = message(r#"{"images": [{"id": 1, "file_name": "x"}, {"file_name": "y"}]}"#);
    assert_eq!(
        missing,
        "`images[1]`: missing field `id`, at `\"file_name\": \"y\"}`, byte 58 of the JSON text; \
         correct it, or download the file again"
    );
    let wrong = message(r#"{"images": [{"id": "1", "file_name": "x"}]}"#);
    assert_eq!(
        wrong,
        "`images[0]`: invalid type: string \"1\", expected i64, at `\"id\": \"1\"`, byte 21 of the \
         JSON text; correct it, or download the file again"
    );
    assert!(message("[]").contains("expected an object with lists"));
    assert!(message("{}").contains("no list `images`"));
    assert!(message(r#"{"images": []} x"#).contains("expected the end of the text, at `x`"));
    assert!(message(r#"{"images": [], "images": []}"#).contains("the key `images` comes twice"));
    assert!(message(r#"{"images": 5}"#).contains("expected the list `images`"));
    assert!(message("").contains("cut short"));
}

#[test]
fn a_bad_zip_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = zipped(&folder, "val2017.json", b"{}");
    let error = File::read(&Source::zipped(&path, "train2017.json")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Annotation);
    assert!(error.message().contains("it has `val2017.json`"), "{error}");
    assert_eq!(error.member(), Some("train2017.json"));

    fs::write(&path, b"<html>not found</html>").unwrap();
    let error = File::read(&Source::zipped(&path, "train2017.json")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Annotation);
    assert!(error.message().contains("not a zip"), "{error}");

    fs::remove_file(&path).unwrap();
    let error = File::read(&Source::zipped(&path, "train2017.json")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.path(), Some(path.as_path()));
}

#[test]
fn a_zip_with_a_flipped_bit_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = zipped(&folder, "train2017.json", GOOD.as_bytes());
    let good = fs::read(&path).unwrap();
    for at in (60..good.len() - 120).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        fs::write(&path, &bad).unwrap();
        let error = File::read(&Source::zipped(&path, "train2017.json")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Annotation, "{error}");
    }
}

#[test]
fn boxes_stand_beside_their_annotations() {
    let folder = TempDir::new().unwrap();
    let text = r#"{"images": [{"id": 1, "file_name": "x"}, {"id": 2, "file_name": "y"}],
        "annotations": [{"image_id": 1, "category_id": 4},
        {"image_id": 2, "category_id": 4, "bbox": [1, 2.5, 30, 40], "area": 600, "iscrowd": 0},
        {"image_id": 1, "category_id": 4, "bbox": [5, 6, 7, 8], "area": null, "iscrowd": 1},
        {"image_id": 1, "category_id": 4, "bbox": [9, 9, 9, 9]}]}"#;
    let file = File::read(&plain(&folder, text)).unwrap();
    assert!(file.annotations.boxes[..4].iter().all(|side| side.is_nan()));
    assert_eq!(file.annotations.boxes[4..8], [1.0, 2.5, 30.0, 40.0]);

    let boxes = Boxes::read(&plain(&folder, text)).unwrap();
    assert_eq!(boxes.image_ids, [1, 1, 2]);
    assert_eq!(
        boxes.sides,
        [[5.0, 6.0, 7.0, 8.0], [9.0; 4], [1.0, 2.5, 30.0, 40.0]]
    );
    assert!(boxes.areas[0].is_nan());
    assert_eq!(boxes.areas[2].to_string(), "600");
    assert_eq!(boxes.crowds, [true, false, false]);

    let error = Boxes::read(&plain(
        &folder,
        &text.replace("image_id\": 2", "image_id\": 3"),
    ));
    let error = error.unwrap_err();
    assert_eq!(
        error.message(),
        "`annotations[1]` has image_id 3, which is not in `images`; download the file again"
    );
    let error = Boxes::read(&plain(&folder, GOOD)).unwrap_err();
    assert!(error.message().contains("not a box file"), "{error}");
}

#[test]
fn locations_keep_null_apart_from_zero() {
    let folder = TempDir::new().unwrap();
    let text = r#"[{"id": 4, "lat": 0, "lon": -0.5, "loc_uncert": 30, "date": "2016-05-01",
        "date_c": 0.25, "user_id": 17, "valid": true},
        {"id": 5, "lat": null, "lon": null, "loc_uncert": null, "date": null, "date_c": null,
         "user_id": null, "valid": 0}, {"id": 6}]"#;
    let locations = Locations::read(&plain(&folder, text)).unwrap();
    assert_eq!(locations.ids, [4, 5, 6]);
    assert_eq!(locations.latitudes[0].to_string(), "0");
    assert!(locations.latitudes[1].is_nan() && locations.longitudes[2].is_nan());
    assert_eq!(locations.user_ids, [17, -1, -1]);
    assert_eq!(locations.valid, [1, 0, -1]);
    assert_eq!(
        locations.dates.iter().collect::<Vec<_>>(),
        [b"2016-05-01".as_slice(), b"", b""]
    );
    let error = Locations::read(&plain(&folder, "{\"a\": 1}")).unwrap_err();
    assert!(error.message().contains("the list `locations`"), "{error}");
}
