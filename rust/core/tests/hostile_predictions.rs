//! Whatever a file holds, reading it gives rows or an error with the file's name, never a panic.

use std::fs;

use proptest::prelude::*;
use ptarmigan_core::predictions::inspection::check;
use ptarmigan_core::predictions::official::{Rows, Solution};
use ptarmigan_core::predictions::{Rules, Submission, Truth};

const HEADER: &str = "id,predicted";

fn rules(k: Option<usize>) -> Rules<'static> {
    Rules {
        header: HEADER,
        k,
        categories: None,
        images: None,
    }
}

/// Pieces that make wrong files nearly right.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("id,predicted\n".to_owned()),
        Just("id,expected,usage\n".to_owned()),
        "[0-9]{1,3}",
        "[ ,\"\r\n\t-]{1,2}",
        Just("1,2 3\n".to_owned()),
        Just("Public".to_owned()),
        "\\PC{0,3}",
    ];
    let pieces = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![
        pieces.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..60)
    ]
}

proptest! {
    #[test]
    fn a_check_finds_a_fault_where_reading_does(bytes in text(), headed in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.csv");
        let head: &[u8] = if headed { b"id,predicted\n" } else { b"" };
        fs::write(&path, [head, &bytes].concat()).unwrap();
        let report = check(&path, rules(Some(2)), usize::MAX).unwrap();
        prop_assert_eq!(report.count, report.faults.len());
        prop_assert!(report.faults.is_sorted_by_key(|fault| fault.line));
        let first = report.faults.iter().find(|fault| !fault.readable);
        let expected = first.map(|fault| format!("line {}: {}", fault.line.unwrap(), fault.message));
        let read = Submission::read(&path, rules(Some(2)));
        prop_assert_eq!(read.err().map(|error| error.message().to_owned()), expected);
    }

    #[test]
    fn any_file_is_read_or_refused_by_name(bytes in text(), headed in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.csv");
        let head: &[u8] = if headed { b"id,predicted\n" } else { b"" };
        fs::write(&path, [head, &bytes].concat()).unwrap();
        let results = [
            Truth::read(&path).err(),
            Rows::read(&path, HEADER, 2).err(),
            Solution::read(&path).err(),
            Submission::read(&path, rules(Some(2))).err(),
        ];
        for error in results.into_iter().flatten() {
            prop_assert_eq!(error.path(), Some(path.as_path()), "{}", error);
            prop_assert!(error.message().starts_with("line "), "{}", error);
        }
        if let Ok(submission) = Submission::read(&path, rules(None)) {
            let copy = folder.path().join("copy.csv");
            submission.write(&copy, HEADER).unwrap();
            let again = Submission::read(&copy, rules(Some(submission.k()))).unwrap();
            prop_assert_eq!(again.ids(), submission.ids());
            prop_assert_eq!(again.labels(), submission.labels());
        }
    }
}
