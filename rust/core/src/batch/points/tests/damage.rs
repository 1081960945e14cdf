//! Files of scan points that are damaged, foreign or cut off: points are right or missing.

use proptest::prelude::*;

use super::*;

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
