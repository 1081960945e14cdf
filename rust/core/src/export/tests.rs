//! Points from a short stretch against points from decoding everything.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::SeekPoint;
use super::source::Source;
use super::stretch::{Found, Goal, Stretch};
use crate::archive::file::ArchiveFile;
use crate::error::{Error, ErrorKind};

/// Words of a small language, or noise with repeated pieces, near and far.
fn data(noise: bool) -> Vec<u8> {
    let mut state = 1u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut data = Vec::new();
    while data.len() < 1_500_000 {
        if noise {
            data.extend((0..random(1500)).map(|_| random(256) as u8));
            let from = data.len() - (random(32_000) as usize).min(data.len());
            let end = data.len().min(from + 4 + random(60) as usize);
            data.extend_from_within(from..end);
        } else {
            write!(data, "{} ", random(5000) * 7919).unwrap();
        }
    }
    data
}

/// Two gzip members with the halves of `data`.
fn compressed(data: &[u8], level: u32) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for half in data.chunks(data.len() / 2) {
        let mut encoder = GzEncoder::new(&mut file, Compression::new(level));
        encoder.write_all(half).unwrap();
        encoder.finish().unwrap();
    }
    file
}

/// The points of every block, each decoded from the one before; the last is the tar's length.
fn all_points(file: &ArchiveFile, stretch: &mut Stretch<'_>) -> (Vec<SeekPoint>, u64) {
    let mut points = vec![SeekPoint {
        bit: Source::new(file).behind_header(0).unwrap() * 8,
        ..SeekPoint::default()
    }];
    loop {
        let last = points.last().unwrap();
        stretch.start_at_point(last);
        match stretch
            .run(Goal::Behind(last.tar_offset + 1), |_| Ok(()))
            .unwrap()
        {
            Found::Point(point) => points.push(point),
            Found::End(length) => return (points, length),
            Found::Unknown => panic!("all is known"),
        }
    }
}

#[test]
fn a_history_is_right_or_not_known() {
    for (noise, level) in [(true, 6), (true, 9), (false, 6), (false, 9)] {
        let data = data(noise);
        let file = compressed(&data, level);
        let file = ArchiveFile::open(file.path()).unwrap();
        let mut stretch = Stretch::new(&file);
        let (points, length) = all_points(&file, &mut stretch);
        assert_eq!(length, data.len() as u64);
        let (mut known, mut unknown) = (0, 0);
        for (number, point) in points.iter().enumerate().skip(1) {
            let goal = Goal::Block {
                bit: point.bit,
                tar_offset: point.tar_offset,
            };
            for back in [1, 2, 3, 5, 8] {
                let Some(from) = number.checked_sub(back) else {
                    continue;
                };
                let from = &points[from];
                stretch.start(from.bit, from.tar_offset, &[0]).unwrap();
                match stretch.run(goal, |_| Ok(())).unwrap() {
                    Found::Point(found) => assert_eq!(&found, point),
                    Found::Unknown => unknown += 1,
                    Found::End(_) => panic!("there is a point"),
                }
                known += 1;
            }
        }
        known -= unknown;
        assert!(
            known > 0 && unknown > 0,
            "{noise} {level}: {known} {unknown}"
        );
        // Of noise little is copied on, of words nearly all.
        assert_eq!(noise, known > unknown, "{level}: {known} {unknown}");
    }
}

#[test]
fn a_goal_that_is_no_block_is_an_error() {
    let data = data(true);
    let file = compressed(&data, 6);
    let file = ArchiveFile::open(file.path()).unwrap();
    let mut stretch = Stretch::new(&file);
    let (points, length) = all_points(&file, &mut stretch);
    let (first, third) = (&points[0], &points[2]);
    for (bit, tar_offset) in [
        (third.bit + 1, third.tar_offset),
        (third.bit, third.tar_offset - 1),
        (u64::MAX, length),
    ] {
        stretch.start_at_point(first);
        let error = stretch
            .run(Goal::Block { bit, tar_offset }, |_| Ok(()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
    }
    stretch.start_at_point(first);
    let stop = |_| Err(Error::cancelled());
    let error = stretch.run(Goal::Behind(length), stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(stretch.start(first.bit, 0, &[1]).is_err());
}
