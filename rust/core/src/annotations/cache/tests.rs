use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::{Source, Table};
use super::{Directory, Key, decode, encode, store};

const TEXT: &str = r#"{"info": {"year": 2021}, "images": [
    {"id": 3, "file_name": "t/b/1.jpg", "latitude": 0.0, "date": null, "ok": true, "n": 1},
    {"id": 1, "file_name": "t/a/0.jpg", "latitude": null, "date": "2010-07-14", "ok": false, "n": 2}],
    "categories": [{"id": 4, "name": "\u00d7", "genus": null}, {"id": 2, "name": "b", "genus": "B"}],
    "annotations": [{"image_id": 1, "category_id": 2}, {"image_id": 3, "category_id": 4}],
    "licenses": [{"id": 1, "name": "CC", "url": "https://x"}]}"#;

fn made(folder: &Path) -> (Source, Key, Vec<u8>) {
    let path = folder.join("val.json");
    fs::write(&path, TEXT).unwrap();
    let source = Source::plain(&path);
    let key = Key::of(std::slice::from_ref(&source), None).unwrap();
    let (table, order) = Table::join(std::slice::from_ref(&source), None).unwrap();
    let bytes = encode(table, &order, key.clone());
    (source, key, bytes)
}

fn names(directory: &Directory) -> Vec<(&str, &str, &str)> {
    let columns = directory.columns.iter();
    columns
        .map(|one| (&*one.list, &*one.name, one.kind.name()))
        .collect()
}

#[test]
fn the_directory_says_what_there_is() {
    let folder = TempDir::new().unwrap();
    let (_, key, bytes) = made(folder.path());
    let directory = decode(&bytes, Some(&key)).unwrap();
    assert_eq!(directory, decode(&bytes, None).unwrap());
    assert_eq!(directory.info, [("year".to_owned(), "2021".to_owned())]);
    let names = names(&directory);
    for wanted in [
        ("images", "file_names", "text"),
        ("images", "widths", "i32"),
        ("meta", "latitude", "f64"),
        ("meta", "date", "text"),
        ("meta", "ok", "bool"),
        ("meta", "n", "i64"),
        ("category_columns", "genus", "text"),
    ] {
        assert!(names.contains(&wanted), "{wanted:?}");
    }
    assert!(directory.columns.iter().all(|one| one.at % 64 == 0));
    let ids = directory.columns.iter().find(|one| one.name == "image_ids");
    let at = ids.unwrap().at as usize;
    let expected: Vec<u8> = [1_i64, 3].iter().flat_map(|id| id.to_le_bytes()).collect();
    assert_eq!(bytes[at..at + 16], expected);
}

#[test]
fn every_changed_byte_and_every_cut_is_found() {
    let folder = TempDir::new().unwrap();
    let (_, key, bytes) = made(folder.path());
    let mut copy = bytes.clone();
    for at in 0..bytes.len() {
        for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            copy[at] ^= change;
            assert_eq!(decode(&copy, Some(&key)), None, "byte {at}, bits {change}");
            copy[at] ^= change;
        }
        assert_eq!(decode(&bytes[..at], Some(&key)), None, "cut at {at}");
    }
    copy.push(0);
    assert_eq!(decode(&copy, Some(&key)), None);
    assert!(decode(&bytes, Some(&key)).is_some());
}

#[test]
fn a_key_of_other_files_does_not_fit() {
    let folder = TempDir::new().unwrap();
    let (source, key, bytes) = made(folder.path());
    let again = Key::of(std::slice::from_ref(&source), None).unwrap();
    assert!(decode(&bytes, Some(&again)).is_some());
    assert_eq!(Key::from_text(&key.to_text()).unwrap(), key);
    let with_categories = Key::of(std::slice::from_ref(&source), Some(&source)).unwrap();
    assert_eq!(decode(&bytes, Some(&with_categories)), None);
    let sources = [source];
    assert_ne!(with_categories.path(&sources), key.path(&sources));
    fs::write(sources[0].path(), TEXT.replace("2021", "2019")).unwrap();
    let changed = Key::of(&sources, None).unwrap();
    assert_eq!(decode(&bytes, Some(&changed)), None);
    assert_eq!(changed.path(&sources), key.path(&sources));
}

#[test]
fn a_file_that_may_change_unseen_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let (source, key, bytes) = made(folder.path());
    let path = key.path(std::slice::from_ref(&source)).unwrap();
    assert!(!store(&path, &bytes).unwrap());
    assert!(!path.exists());
    let file = fs::File::options().write(true).open(source.path()).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let key = Key::of(std::slice::from_ref(&source), None).unwrap();
    let (table, order) = Table::join(std::slice::from_ref(&source), None).unwrap();
    let bytes = encode(table, &order, key);
    assert!(store(&path, &bytes).unwrap());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert!(!store(&folder.path().join("missing/x.ptcols"), &bytes).unwrap());
    assert!(store(&path, b"something").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What is not summed is checked all the same: any bytes are a directory that fits, or none.
    #[test]
    fn forged_bytes_do_not_lead_outside(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let folder = TempDir::new().unwrap();
        let (_, _, mut bytes) = made(folder.path());
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(directory) = decode(&bytes, None) {
            for one in directory.columns {
                prop_assert!(one.at <= bytes.len() as u64);
                prop_assert!(one.count <= bytes.len() as u64);
            }
        }
    }
}
