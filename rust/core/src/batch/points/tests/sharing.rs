//! A file of scan points that other stores, threads and processes use at the same time.

use std::thread;

use super::*;

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
