//! Every change of one byte of a small archive: the right bytes or an error, and soon.

use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::sample::{Indexed, Sample};
use crate::archive::{Archive, build_index};
use crate::index::Summary;
use crate::member::{self, Reader};

/// How long whatever is done with one damaged file may take.
const SOON: Duration = Duration::from_secs(5);

/// Each value that damage may give to a byte: every bit flipped, all of them flipped, zero, all
/// ones.
fn damaged(byte: u8) -> impl Iterator<Item = u8> {
    let bits = (0..8).map(move |bit| byte ^ 1 << bit);
    bits.chain([!byte, 0, 0xff])
        .filter(move |&other| other != byte)
}

/// Calls `check` with every change of one byte of `bytes`.
fn every_change(bytes: &[u8], mut check: impl FnMut(&[u8], usize)) {
    let mut copy = bytes.to_vec();
    for at in 0..bytes.len() {
        for value in damaged(bytes[at]) {
            copy[at] = value;
            let start = Instant::now();
            check(&copy, at);
            assert!(start.elapsed() < SOON, "byte {at}, {value:#04x}");
        }
        copy[at] = bytes[at];
    }
}

/// Reads every member below an index that was made before the damage.
fn keep_the_index(packed: &[u8]) {
    let indexed = Indexed::of(packed).unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    // Opened before the damage: an index made of a whole small archive notices any at once.
    let archive = Archive::open(&indexed.archive, &indexed.options(), go_on).unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(&indexed.archive)
        .unwrap();
    let mut reader = Reader::default();
    let all: Vec<usize> = (0..archive.index().len()).collect();
    let (mut good, mut bad) = (0, 0);
    every_change(packed, |copy, at| {
        file.write_all_at(&copy[at..=at], at as u64).unwrap();
        for (number, (name, data)) in indexed.sample.members.iter().enumerate() {
            match archive.read_slice(number, &mut reader) {
                Ok(found) => {
                    assert!(found == *data, "byte {at}, `{name}`");
                    good += 1;
                }
                Err(_) => bad += 1,
            }
        }
        if let Ok(found) = member::read_many(&archive, &all, Some(1), go_on) {
            let expected = indexed.sample.members.iter().map(|member| &member.1);
            assert!(found.iter().eq(expected), "byte {at}, all together");
        }
        file.write_all_at(&packed[at..=at], at as u64).unwrap();
    });
    assert!(
        good > 10_000 && bad > 1000,
        "{good} good reads, {bad} bad ones"
    );
}

/// What became of an archive that was damaged before its index was made.
#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    part: u64,
    whole: u64,
}

/// Makes an index of every damaged file, and reads what it gives.
fn make_the_index_anew(packed: &[u8]) -> Tally {
    let indexed = Indexed::of(packed).unwrap();
    let mut tally = Tally::default();
    every_change(packed, |copy, at| match index(&indexed, copy) {
        None => tally.refused += 1,
        Some(summary) => {
            check_reads(&indexed, &summary, at);
            match summary.stopped {
                None => tally.whole += 1,
                Some(_) => tally.part += 1,
            }
        }
    });
    tally
}

/// Indexes `bytes` as a user does.
fn index(indexed: &Indexed, bytes: &[u8]) -> Option<Summary> {
    std::fs::write(&indexed.archive, bytes).unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    build_index(&indexed.archive, &indexed.index, None, false, go_on).ok()
}

/// An index may hold fewer members than there were, the first ones; but each with its bytes.
fn check_reads(indexed: &Indexed, summary: &Summary, at: usize) {
    let go_on = &mut |_| ControlFlow::Continue(());
    let archive = Archive::open(&indexed.archive, &indexed.options(), go_on).unwrap();
    let members = &indexed.sample.members;
    let count = archive.index().len();
    assert_eq!(count as u64, summary.members);
    assert!(
        summary.stopped.is_some() || count == members.len(),
        "byte {at}"
    );
    for (number, (name, data)) in members[..count].iter().enumerate() {
        assert_eq!(
            archive.index().name(number).unwrap(),
            name.as_bytes(),
            "byte {at}"
        );
        assert!(
            archive.read(number).unwrap() == *data,
            "byte {at}, `{name}`"
        );
    }
}

#[test]
fn reads_of_one_damaged_gzip_member_are_right_or_fail() {
    keep_the_index(&Sample::new().one);
}

#[test]
fn reads_of_two_damaged_gzip_members_are_right_or_fail() {
    keep_the_index(&Sample::new().two);
}

#[test]
fn an_index_of_one_damaged_gzip_member_is_right_or_not_made() {
    let tally = make_the_index_anew(&Sample::new().one);
    assert!(tally.refused > 10_000 && tally.part > 20, "{tally:?}");
    // The time and the system in the header and the bits before a stored block say nothing.
    assert!((50..300).contains(&tally.whole), "{tally:?}");
}

#[test]
fn an_index_of_two_damaged_gzip_members_is_right_or_not_made() {
    let tally = make_the_index_anew(&Sample::new().two);
    assert!(tally.refused > 10_000 && tally.part > 20, "{tally:?}");
    assert!((50..300).contains(&tally.whole), "{tally:?}");
}

#[test]
fn an_archive_cut_at_any_byte_has_its_first_members() {
    let sample = Sample::new();
    for packed in [&sample.one, &sample.two, &sample.tar] {
        let indexed = Indexed::of(packed).unwrap();
        let mut most = 0;
        for cut in 0..packed.len() {
            if let Some(summary) = index(&indexed, &packed[..cut]) {
                check_reads(&indexed, &summary, cut);
                assert!(
                    summary.members >= most,
                    "more of the file has no fewer members"
                );
                most = summary.members;
            }
        }
        assert_eq!(most, sample.members.len() as u64);
    }
}

#[test]
fn every_change_of_one_byte_of_an_index_is_noticed() {
    let indexed = Indexed::new().unwrap();
    every_change(&indexed.made, |copy, _| {
        super::index::try_index(&indexed, copy, true);
    });
    for cut in 0..indexed.made.len() {
        super::index::try_index(&indexed, &indexed.made[..cut], true);
    }
    for more in [1, 4, 16, 100, 40_000] {
        let longer = [&indexed.made[..], &vec![0; more]].concat();
        super::index::try_index(&indexed, &longer, true);
    }
}
