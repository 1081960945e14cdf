//! Turns any bytes, taken as an index file, into look-ups and reads that fail in order or are right.

use std::ops::ControlFlow;

use super::sample::Indexed;
use crate::archive::Archive;
use crate::error::{Error, ErrorKind};
use crate::index::{Index, MEMBER_ROW_BYTES};
use crate::member::{self, Reader};

/// Members of one index that are looked at.
const MOST_MEMBERS: usize = 24;

/// Members up to which all names are asked for at once.
const FEW_MEMBERS: usize = 10_000;

thread_local! {
    static INDEXED: Indexed = Indexed::new().expect("a folder for temporary files");
}

/// Checks that an index which is not what a pass wrote is refused, or is as good as right.
///
/// The first byte, modulo 4, says what the others are: 0 the file itself; 1 changes to an index
/// whose archive lies beside it, of which every member is then read; 2 such changes, but with all
/// checksums made right again, so that only the checks of the values are left, and no wrong answer,
/// only a crash, is a fault; 3 the same with the file itself. A change is four bytes: its place
/// (two, lowest first), what is done, and a value.
///
/// # Panics
/// If a read gives other bytes than the archive has, or an error is not one of the index or of the
/// archive.
pub fn index(bytes: &[u8]) {
    let Some((&form, rest)) = bytes.split_first() else {
        return;
    };
    INDEXED.with(|indexed| {
        let mut file = match form % 4 {
            0 | 3 => rest.to_vec(),
            _ => changed(&indexed.made, rest),
        };
        let sealed = form % 4 >= 2;
        if sealed {
            seal(&mut file);
        }
        let trusted = !sealed || file == indexed.made;
        try_index(indexed, &file, trusted);
    });
}

/// Writes `file` as the index and tries all that can be done with it; `trusted`: what it gives must
/// be right.
pub(super) fn try_index(indexed: &Indexed, file: &[u8], trusted: bool) {
    std::fs::write(&indexed.index, file).expect("the folder can be written to");
    match Index::open(&indexed.index) {
        Ok(index) => look_up(&index),
        Err(error) => assert!(is_expected(error.kind(), file), "{error}"),
    }
    let go_on = &mut |_| ControlFlow::Continue(());
    if let Ok(archive) = Archive::open(&indexed.archive, &indexed.options(), go_on) {
        read(indexed, &archive, trusted);
    }
}

/// An empty file cannot be mapped; that too is an error of the index.
fn is_expected(kind: ErrorKind, file: &[u8]) -> bool {
    kind == ErrorKind::Index || (file.is_empty() && kind == ErrorKind::Io)
}

/// The numbers of some members, the last one among them.
fn some_members(count: usize) -> impl Iterator<Item = usize> {
    (0..count.min(MOST_MEMBERS)).chain(count.checked_sub(1))
}

/// Asks for everything that an index knows.
fn look_up(index: &Index) {
    let whole = index.check().is_ok();
    for member in some_members(index.len()) {
        if let Ok(name) = index.name(member)
            && let Ok(found) = index.find(&name)
        {
            assert!(found.is_none_or(|found| found < index.len() || !whole));
        }
        if let Ok(place) = index.place(member) {
            let _ = index.window(&place);
        }
        let _ = index.image(member);
    }
    let _ = index.find(b"no such name");
    if index.len() <= FEW_MEMBERS {
        let _ = index.joined_names();
        let mut rows = vec![0; index.len() * MEMBER_ROW_BYTES];
        let _ = index.fill_members(&mut rows);
    }
}

/// Reads members by number, by name, and together.
fn read(indexed: &Indexed, archive: &Archive, trusted: bool) {
    let mut reader = Reader::default();
    let members = &indexed.sample.members;
    let expect = |error: &Error| {
        let kinds = [ErrorKind::Index, ErrorKind::Archive, ErrorKind::NotFound];
        assert!(kinds.contains(&error.kind()), "{error}");
    };
    let mut check = |number: usize| match archive.read_slice(number, &mut reader) {
        Ok(found) => assert!(!trusted || found == members[number].1, "member {number}"),
        Err(error) => expect(&error),
    };
    if trusted {
        assert_eq!(archive.index().len(), members.len());
    }
    let some: Vec<usize> = some_members(archive.index().len()).collect();
    some.iter().copied().for_each(&mut check);
    for (number, (name, _)) in members.iter().enumerate() {
        if let Ok(Some(found)) = archive.index().find(name.as_bytes()) {
            assert!(!trusted || found == number, "`{name}` is member {number}");
            check(found);
        }
    }
    let go_on = &mut |_| ControlFlow::Continue(());
    match member::read_many(archive, &some, Some(1), go_on) {
        Ok(found) if trusted => {
            let same = some
                .iter()
                .zip(found)
                .all(|(&at, data)| data == members[at].1);
            assert!(same, "members that are read together");
        }
        Ok(_) => {}
        Err(error) => expect(&error),
    }
}

/// The index with changes of four bytes each.
fn changed(made: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut file = made.to_vec();
    for &[low, high, what, value] in changes.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([low, high]));
        match what % 5 {
            3 => file.truncate(at),
            4 => file.extend(std::iter::repeat_n(low, value.into())),
            what => {
                let at = at % file.len().max(1);
                let Some(byte) = file.get_mut(at) else {
                    continue;
                };
                *byte = match what {
                    0 => value,
                    1 => *byte ^ value,
                    _ => byte.wrapping_add(value),
                };
            }
        }
    }
    file
}

/// Makes the checksums right, and the last section as long as the file has room for; the numbers
/// are those of `docs/index-format.md`.
pub(super) fn seal(file: &mut Vec<u8>) {
    const PAGE: usize = 32 << 10;
    let number = |file: &[u8], at: usize, width: usize| {
        let bytes = file.get(at..at + width)?;
        let number = bytes
            .iter()
            .rev()
            .fold(0, |all, &byte| all << 8 | u64::from(byte));
        usize::try_from(number).ok()
    };
    let Some(sections @ 22..=256) = number(file, 20, 4) else {
        return;
    };
    let header = 104 + 16 * sections + 4;
    let Some(rest) = file.len().checked_sub(header) else {
        return;
    };
    // The last section takes what is left of the pages.
    let pages = rest.div_ceil(PAGE + 4);
    let body = rest.saturating_sub(4 * pages);
    let mut before = Some(0usize);
    for section in 0..sections - 1 {
        let row = 104 + 16 * section;
        let width = number(file, row + 4, 4);
        let count = number(file, row + 8, 8);
        let length = match (width, count) {
            (Some(width), Some(count)) if section < 17 => count
                .checked_mul(width)
                .and_then(|own| own.checked_add(count.div_ceil(64) * 8)),
            (_, count) => count,
        };
        before = before
            .zip(length)
            .and_then(|(all, one)| all.checked_add(one));
    }
    if let Some(last) = before.and_then(|before| body.checked_sub(before)) {
        let row = 104 + 16 * (sections - 1);
        file[row + 8..row + 16].copy_from_slice(&(last as u64).to_le_bytes());
    }
    file.truncate(header + body);
    let crcs: Vec<u8> = file[header..]
        .chunks(PAGE)
        .flat_map(|page| crc32fast::hash(page).to_le_bytes())
        .collect();
    file[88..96].copy_from_slice(&(body as u64).to_le_bytes());
    file[96..100].copy_from_slice(&crc32fast::hash(&crcs).to_le_bytes());
    let crc = crc32fast::hash(&file[..header - 4]);
    file[header - 4..header].copy_from_slice(&crc.to_le_bytes());
    file.extend(crcs);
}
