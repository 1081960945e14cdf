//! Small files that claim to be huge are refused before memory is taken for what they claim.

use std::ops::ControlFlow;

use super::sample::Indexed;
use crate::archive::Archive;
use crate::archive::file::ArchiveFile;
use crate::error::{Error, ErrorKind};
use crate::index::build::IndexBuilder;
use crate::index::{Index, Kind, Place, Summary};
use crate::limits::{MEMBER_BYTES, MEMBERS};
use crate::pixels::header::Header;

/// The index as it was made, with `change` done to it and all checksums made right again.
fn sealed(indexed: &Indexed, change: impl FnOnce(&mut Vec<u8>)) -> Error {
    let mut file = indexed.made.clone();
    change(&mut file);
    super::index::seal(&mut file);
    std::fs::write(&indexed.index, file).unwrap();
    Index::open(&indexed.index).unwrap_err()
}

#[test]
fn an_index_that_claims_more_than_it_has_is_refused() {
    let indexed = Indexed::new().unwrap();
    let row = |section: usize| 104 + 16 * section;
    for members in [MEMBERS, 1 << 33, u64::MAX] {
        let error = sealed(&indexed, |file| {
            file[24..32].copy_from_slice(&members.to_le_bytes());
            for section in (0..12).chain([14, 15]) {
                let count = row(section) + 8;
                file[count..count + 8].copy_from_slice(&members.to_le_bytes());
            }
        });
        assert_eq!(error.kind(), ErrorKind::Index, "{error}");
    }
    // All but the last, which is made to take what the others leave.
    for section in 0..21 {
        let error = sealed(&indexed, |file| {
            let count = row(section) + 8;
            file[count..count + 8].copy_from_slice(&(1u64 << 62).to_le_bytes());
        });
        assert_eq!(error.kind(), ErrorKind::Index, "section {section}: {error}");
    }
}

/// What reading the one member of an archive gives whose index says that it is at `place`.
fn read(kind: Kind, place: Place) -> Error {
    let indexed = Indexed::new().unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    let made = Archive::open(&indexed.archive, &indexed.options(), go_on).unwrap();
    let summary = Summary {
        kind,
        ..made.index().summary().clone()
    };
    let mut builder = IndexBuilder::new(&indexed.index).unwrap();
    builder.add(b"huge", place, &Header::default()).unwrap();
    builder.finish(summary).unwrap();
    let archive = Archive::open(&indexed.archive, &indexed.options(), go_on).unwrap();
    archive.read(0).unwrap_err()
}

#[test]
fn a_place_outside_of_the_archive_takes_no_memory() {
    let huge = Place {
        size: MEMBER_BYTES,
        point_bit: 80,
        compressed_size: MEMBER_BYTES,
        ..Place::default()
    };
    let less = Place {
        compressed_size: 100,
        ..huge
    };
    let more = Place {
        compressed_size: 2 * MEMBER_BYTES,
        gap: 1 << 20,
        ..huge
    };
    let far = Place {
        point_bit: (1 << 55) - 1,
        ..huge
    };
    let larger = Place {
        size: MEMBER_BYTES + 1,
        ..huge
    };
    for (kind, place, expected) in [
        (Kind::Tar, huge, "shorter than its index says"),
        (Kind::Gzip, huge, "shorter than its index says"),
        (Kind::Gzip, less, "than there can be"),
        (Kind::Gzip, more, "shorter than its index says"),
        (Kind::Gzip, far, "shorter than its index says"),
        (Kind::Gzip, larger, "can be read at once"),
    ] {
        let error = read(kind, place);
        assert_eq!(error.kind(), ErrorKind::Archive);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn a_file_is_asked_before_memory_is_taken() {
    let indexed = Indexed::new().unwrap();
    let file = ArchiveFile::open(&indexed.archive).unwrap();
    let size = file.size().unwrap();
    file.expect_bytes(0, size).unwrap();
    file.expect_bytes(size, 0).unwrap();
    for (offset, count) in [(0, size + 1), (size, 1), (u64::MAX, 2), (1, u64::MAX)] {
        assert!(file.expect_bytes(offset, count).is_err());
    }
}

#[test]
fn a_long_directory_of_many_members_gives_no_endless_names() {
    let indexed = Indexed::new().unwrap();
    let mut builder = IndexBuilder::new(&indexed.index).unwrap();
    let long = vec![b'd'; 5000];
    for number in 0..100 {
        let name = [&long[..], format!("/{number}").as_bytes()].concat();
        let (place, image) = (Place::default(), Header::default());
        builder.add(&name, place, &image).unwrap();
    }
    let go_on = &mut |_| ControlFlow::Continue(());
    let made = Index::open(&indexed.index).unwrap();
    builder.finish(made.summary().clone()).unwrap();
    let archive = Archive::open(&indexed.archive, &indexed.options(), go_on).unwrap();
    let error = archive.index().joined_names().unwrap_err();
    assert!(error.message().contains("a name is too long"), "{error}");
}
