use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use proptest::prelude::*;

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
fn without_a_directory_the_records_are_found() {
    let (_folder, path) = folder();
    let bytes = sample(&path);
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let store = open(&path);
    assert_eq!(all_rows(&store)[..6], [0, 2, 3, 4, 5, 0]);
    put(&store, 5, 6);
    drop(store);
    assert_eq!(all_rows(&open(&path))[..6], [0, 2, 3, 4, 5, 6]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_used_up_to_there() {
    let (_folder, path) = folder();
    let bytes = sample(&path);
    let mut least = vec![0; MEMBERS];
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let store = open(&path);
        let found = all_rows(&store);
        assert!(
            found
                .iter()
                .zip(&least)
                .all(|(found, least)| found >= least)
        );
        least = found;
        put(&store, 7, 8);
        store.flush();
        assert!(store.take_trouble().is_none(), "cut at {length}");
        drop(store);
        let again = open(&path);
        assert_eq!(rows(&again, 7), 8);
        assert!((0..7).all(|member| rows(&again, member) == least[member as usize]));
    }
    assert_eq!(least[..6], [0, 2, 3, 4, 5, 0]);
}

#[test]
fn a_flipped_byte_anywhere_costs_points_at_most() {
    let (_folder, path) = folder();
    let bytes = sample(&path);
    for at in 0..bytes.len() {
        for change in [1, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            fs::write(&path, &changed).unwrap();
            let store = open(&path);
            let found = all_rows(&store);
            for member in 0..9 {
                put(&store, member, 16);
            }
            drop(store);
            if at < 8 {
                assert_eq!(found, [0; MEMBERS]);
                assert_eq!(
                    fs::read(&path).unwrap(),
                    changed,
                    "it may be another's file"
                );
            } else {
                assert_eq!(
                    all_rows(&open(&path))[..10],
                    [16, 16, 16, 16, 16, 16, 16, 16, 16, 0]
                );
            }
        }
    }
}

#[test]
fn another_archives_file_is_started_anew() {
    let (_folder, path) = folder();
    sample(&path);
    let other = PointStore::with_bounds(&path, ARCHIVE + 1, MEMBERS, BOUNDS).unwrap();
    assert_eq!(all_rows(&other), [0; MEMBERS]);
    put(&other, 1, 3);
    other.flush();
    assert!(other.take_trouble().is_none());
    drop(other);
    assert_eq!(all_rows(&open(&path)), [0; MEMBERS]);
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let (_folder, path) = folder();
    fs::write(&path, "the only copy of my thesis").unwrap();
    let store = open(&path);
    let trouble = store.take_trouble().unwrap().to_string();
    assert!(trouble.contains("a.ptscan`: expected scan points, found a file that is none"));
    assert!(store.take_trouble().is_none(), "told once");
    put(&store, 1, 3);
    store.flush();
    assert_eq!(rows(&store, 1), 3);
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), b"the only copy of my thesis");
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
fn two_stores_add_to_one_file_and_find_what_the_other_added() {
    let (_folder, path) = folder();
    let (one, other) = (open(&path), open(&path));
    put(&one, 1, 4);
    put(&other, 2, 4);
    one.flush();
    other.flush();
    assert_eq!((rows(&one, 2), rows(&other, 1)), (0, 4));
    one.refresh();
    assert_eq!((rows(&one, 2), rows(&other, 1)), (4, 4));
    put(&other, 1, 8);
    put(&one, 1, 6);
    other.flush();
    one.flush();
    assert_eq!(rows(&one, 1), 8, "the better record stays");
    assert_eq!(all_rows(&open(&path))[..4], [0, 8, 4, 0]);
}

#[test]
fn nothing_is_written_while_another_has_the_lock() {
    let (_folder, path) = folder();
    let bytes = sample(&path);
    let holder = fs::File::open(&path).unwrap();
    holder.lock().unwrap();
    let store = open(&path);
    put(&store, 9, 16);
    store.flush();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!((rows(&store, 9), rows(&store, 4)), (16, 5));
    assert!(store.take_trouble().is_none());
    drop(holder);
    store.flush();
    assert_eq!(rows(&open(&path), 9), 16);
}

#[test]
fn a_file_that_was_removed_or_replaced_is_made_anew() {
    let (_folder, path) = folder();
    sample(&path);
    let store = open(&path);
    fs::remove_file(&path).unwrap();
    assert_eq!(rows(&store, 4), 5, "the open file is still there");
    put(&store, 9, 16);
    store.flush();
    assert!(store.take_trouble().is_none());
    assert_eq!(
        all_rows(&open(&path))[..10],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 16]
    );
}

#[test]
fn a_file_that_loses_its_header_while_it_is_open_is_made_anew() {
    let (_folder, path) = folder();
    sample(&path);
    for length in [0, 7, 39] {
        let store = open(&path);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        assert_eq!(all_rows(&store), [0; MEMBERS]);
        put(&store, 9, 16);
        store.flush();
        assert!(store.take_trouble().is_none());
        assert_eq!(rows(&open(&path), 9), 16);
    }
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
fn threads_share_a_store() {
    let (_folder, path) = folder();
    let stores = [open(&path), open(&path)];
    thread::scope(|scope| {
        for thread in 0..6 {
            let store = &stores[thread % 2];
            scope.spawn(move || {
                for round in 0..120_u32 {
                    let member = (round * 7 + thread as u32 * 11) % MEMBERS as u32;
                    let known = rows(store, member);
                    if known < 16 {
                        store.put(photo(member), known as usize, &points(member, known + 2));
                    }
                    match round % 9 {
                        0 => store.flush(),
                        4 => store.refresh(),
                        _ => {}
                    }
                }
            });
        }
    });
    assert!(stores.iter().all(|store| store.take_trouble().is_none()));
    drop(stores);
    assert!(all_rows(&open(&path)).iter().all(|&rows| rows > 0));
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

#[derive(Clone, Debug)]
enum Step {
    Put(u32, u32),
    Flush,
    Refresh,
    /// The process ends at once, the next one opens the file.
    Kill,
    /// The end of the file is lost.
    Cut(usize),
    Flip(usize, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..MEMBERS as u32, 1..=ROWS).prop_map(|(member, rows)| Step::Put(member, rows)),
        2 => Just(Step::Flush),
        1 => Just(Step::Refresh),
        1 => Just(Step::Kill),
        1 => (1_usize..500).prop_map(Step::Cut),
        1 => (0_usize..9000, 1_u8..).prop_map(|(at, change)| Step::Flip(at, change)),
    ]
}

proptest! {
    /// Two stores of one file, and all that can happen to it: points are right or missing.
    #[test]
    fn points_are_right_or_missing(
        steps in proptest::collection::vec((any::<bool>(), step()), 1..80)
    ) {
        let (_folder, path) = folder();
        let mut stores = [open(&path), open(&path)];
        for (second, step) in steps {
            let store = &mut stores[usize::from(second)];
            match step {
                Step::Put(member, more) => {
                    let known = rows(store, member);
                    let found = points(member, (known + more).min(ROWS));
                    store.put(photo(member), known as usize, &found);
                }
                Step::Flush => store.flush(),
                Step::Refresh => store.refresh(),
                Step::Kill => {
                    store.process = 0;
                    *store = open(&path);
                }
                Step::Cut(bytes) => if let Ok(file) = fs::File::options().write(true).open(&path) {
                    let length = file.metadata().unwrap().len();
                    file.set_len(length.saturating_sub(bytes as u64)).unwrap();
                },
                Step::Flip(at, change) => if let Ok(mut bytes) = fs::read(&path) {
                    let length = bytes.len();
                    if length > 8 {
                        bytes[8 + at % (length - 8)] ^= change;
                        let file = fs::File::options().write(true).open(&path).unwrap();
                        file.write_all_at(&bytes, 0).unwrap();
                    }
                },
            }
            for store in &stores {
                all_rows(store);
            }
        }
        for store in &stores {
            prop_assert!(store.take_trouble().is_none());
        }
    }
}
