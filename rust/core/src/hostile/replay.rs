//! Every input that was ever of interest to a fuzz target passes its check.

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    root.join(target)
}

/// Calls `check` with every file of a corpus, which has at least `least` of them.
fn replay(target: &str, least: usize, check: fn(&[u8])) {
    let folder = corpus(target);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(
        paths.len() >= least,
        "{} has {}",
        folder.display(),
        paths.len()
    );
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        // A failed check does not say of which file.
        let found = std::panic::catch_unwind(|| check(&bytes));
        assert!(found.is_ok(), "{} fails the check", path.display());
    }
}

#[test]
fn the_corpus_of_gzip_agrees() {
    replay("gzip", 10, super::gzip);
}

#[test]
fn the_corpus_of_deflate_agrees() {
    replay("deflate", 10, super::deflate);
}

#[test]
fn the_corpus_of_tar_agrees() {
    replay("tar", 10, super::tar);
}

#[test]
fn the_corpus_of_jpeg_agrees() {
    replay("jpeg", 20, super::jpeg);
}

#[test]
fn the_corpus_of_index_agrees() {
    replay("index", 10, super::index);
}
