mod damage;
mod sharing;

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const ARCHIVE: u64 = 0x0123_4567_89AB_CDEF;
const MEMBERS: usize = 40;
/// Rows of MCUs of every photo.
const ROWS: u32 = 16;

const BOUNDS: Bounds = Bounds {
    file: 1 << 20,
    memory: 1 << 20,
};

fn open(path: &Path) -> PointStore {
    PointStore::with_bounds(path, ARCHIVE, MEMBERS, BOUNDS).unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ptscan");
    (folder, path)
}

fn photo(member: u32) -> Photo {
    Photo {
        member,
        crc32: member.wrapping_mul(0x9E37_79B9),
        size: 1000 + u64::from(member),
    }
}

/// Points of so many rows, other ones for every member.
fn points(member: u32, rows: u32) -> ScanPoints {
    let mut bytes = Vec::new();
    for value in [4, ROWS, 3, 50_000 + member, 2] {
        bytes.extend(value.to_le_bytes());
    }
    for number in 0..rows * 2 {
        bytes.extend((member * 1000 + number * 7).to_le_bytes());
        bytes.extend([number as u8, 0, 1, 0, 2, 0]);
    }
    let mut points = ScanPoints::default();
    points.decode(&bytes);
    assert_eq!(points.rows(), rows as usize);
    points
}

fn put(store: &PointStore, member: u32, rows: u32) {
    store.put(photo(member), 0, &points(member, rows));
}

/// The rows that a store has of a member; whatever it has must be right.
fn rows(store: &PointStore, member: u32) -> u32 {
    let mut found = points(99, 1);
    store.get(photo(member), &mut found, &mut Vec::new());
    let rows = found.rows() as u32;
    if rows > 0 {
        assert_eq!(found, points(member, rows));
    } else {
        assert_eq!(found, ScanPoints::default());
    }
    rows
}

fn all_rows(store: &PointStore) -> Vec<u32> {
    (0..MEMBERS as u32)
        .map(|member| rows(store, member))
        .collect()
}

/// A file of four records and a directory: one row of sixteen is not worth a record.
fn sample(path: &Path) -> Vec<u8> {
    let store = open(path);
    for member in 0..5 {
        put(&store, member, member + 1);
    }
    store.flush();
    drop(store);
    fs::read(path).unwrap()
}

#[test]
fn what_is_put_is_got_before_and_after_it_is_written() {
    let (_folder, path) = folder();
    let store = open(&path);
    assert!(!path.exists(), "no file before there is something to write");
    put(&store, 3, 2);
    assert_eq!(rows(&store, 3), 2);
    store.flush();
    assert_eq!(rows(&store, 3), 2);
    put(&store, 3, 16);
    assert_eq!(rows(&store, 3), 16);
    drop(store);
    let store = open(&path);
    assert_eq!(rows(&store, 3), 16);
    assert_eq!(rows(&store, 4), 0);
    assert!(store.take_trouble().is_none());
}

#[test]
fn only_enough_more_rows_make_a_record() {
    let (_folder, path) = folder();
    let store = open(&path);
    for (known, found, kept) in [(0, 1, 0), (0, 2, 2), (2, 3, 2), (2, 4, 4), (15, 16, 16)] {
        store.put(photo(1), known, &points(1, found));
        assert_eq!(rows(&store, 1), kept, "{found} rows, {known} were known");
    }
    store.put(photo(2), 16, &points(2, 16));
    assert_eq!(rows(&store, 2), 0);
}

#[test]
fn points_of_other_bytes_are_not_given() {
    let (_folder, path) = folder();
    let store = open(&path);
    put(&store, 1, 5);
    store.flush();
    let mut found = ScanPoints::default();
    let other = Photo {
        crc32: 1,
        ..photo(1)
    };
    store.get(other, &mut found, &mut Vec::new());
    assert_eq!(found.rows(), 0);
    store.put(other, 0, &points(1, 4));
    store.get(other, &mut found, &mut Vec::new());
    assert_eq!(found.rows(), 4, "the stale record makes room");
}

#[test]
fn members_that_the_archive_does_not_have_are_passed_over() {
    let (_folder, path) = folder();
    let more = PointStore::with_bounds(&path, ARCHIVE, 1000, BOUNDS).unwrap();
    put(&more, 999, 5);
    drop(more);
    let store = open(&path);
    assert_eq!(rows(&store, 999), 0);
}

#[test]
fn what_cannot_be_written_stays_in_memory_within_bounds() {
    let (folder, _) = folder();
    let path = folder.path().join("missing").join("a.ptscan");
    let bounds = Bounds {
        memory: 3000,
        ..BOUNDS
    };
    let store = PointStore::with_bounds(&path, ARCHIVE, MEMBERS, bounds).unwrap();
    assert!(store.take_trouble().is_none());
    for member in 0..MEMBERS as u32 {
        put(&store, member, 16);
        store.flush();
    }
    let trouble = store.take_trouble().unwrap();
    assert!(trouble.io_error().is_some(), "{trouble}");
    assert!(store.take_trouble().is_none());
    let kept = all_rows(&store).iter().filter(|&&rows| rows > 0).count();
    assert!((5..10).contains(&kept), "{kept} of 380 bytes each");
}

#[test]
fn dead_records_are_dropped_when_they_are_more_than_half() {
    let (_folder, path) = folder();
    let (store, other) = (open(&path), open(&path));
    let mut largest = 0;
    for rows in (2..=16).step_by(2) {
        for member in 0..MEMBERS as u32 {
            put(&store, member, rows);
        }
        store.flush();
        largest = largest.max(fs::metadata(&path).unwrap().len());
        other.refresh();
        assert_eq!(all_rows(&other), [rows; MEMBERS]);
    }
    assert_eq!(all_rows(&store), [16; MEMBERS]);
    put(&other, 1, 16);
    drop((store, other));
    assert_eq!(all_rows(&open(&path)), [16; MEMBERS]);
    let live = MEMBERS as u64 * (40 + 20 + 32 * 10);
    assert!(
        largest < 2 * live + 2000,
        "{largest} bytes, {live} of them live"
    );
}

#[test]
fn the_file_stays_within_its_bound() {
    let (_folder, path) = folder();
    let bounds = Bounds {
        file: 6000,
        ..BOUNDS
    };
    let store = PointStore::with_bounds(&path, ARCHIVE, MEMBERS, bounds).unwrap();
    for rows in [2, 4, 8, 16] {
        for member in 0..MEMBERS as u32 {
            put(&store, member, rows);
            store.flush();
        }
    }
    let directory = 20 * MEMBERS as u64 + 32;
    assert!(fs::metadata(&path).unwrap().len() <= 6000 + directory);
    assert!(store.take_trouble().is_none());
    assert!(all_rows(&store).iter().filter(|&&rows| rows > 0).count() > 10);
}

#[test]
fn the_file_lies_beside_the_index() {
    for (index, expected) in [
        ("d/a.tar.gz.ptidx", "d/a.tar.gz.ptscan"),
        ("a.index", "a.index.ptscan"),
        ("ptidx", "ptidx.ptscan"),
    ] {
        assert_eq!(default_path(Path::new(index)), Path::new(expected));
    }
}
