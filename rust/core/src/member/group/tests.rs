//! Runs of inflating against the bytes that went into the archive.

use std::ops::ControlFlow;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use super::*;
use crate::archive::OpenOptions;
use crate::random::{Purpose, Stream};

/// A header, the data, and padding.
fn member(name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 512];
    out[..name.len()].copy_from_slice(name.as_bytes());
    out[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    out[156] = b'0';
    out[257..265].copy_from_slice(b"ustar\x0000");
    out[148..156].fill(b' ');
    let sum: u32 = out.iter().map(|&byte| u32::from(byte)).sum();
    out[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Members of which every one repeats pieces of the 32 KiB before it, near and far; with
/// `period`, nothing but repeats, so that a block is far longer than a member.
fn members(stream: &mut Stream, count: usize, period: bool) -> Vec<Vec<u8>> {
    let mut all: Vec<u8> = (0..30_000).map(|_| stream.below(256) as u8).collect();
    let mut found = Vec::new();
    for _ in 0..count {
        let start = all.len();
        let size = stream.below(if period { 200_000 } else { 20_000 }) as usize;
        while all.len() < start + size {
            if period || stream.below(3) == 0 {
                let distance = if period {
                    29_999
                } else {
                    1 + stream.below(30_000) as usize
                };
                let length = if period {
                    258
                } else {
                    4 + stream.below(300) as usize
                };
                let from = all.len() - distance;
                let piece: Vec<u8> = all[from..].iter().copied().take(length).collect();
                all.extend(piece);
            } else {
                all.extend((0..stream.below(2000)).map(|_| stream.below(256) as u8));
            }
        }
        all.truncate(start + size);
        found.push(all[start..].to_vec());
    }
    found
}

/// A gzip member with a new block every `block` bytes, which may refer to what is before it.
fn gzip(data: &[u8], level: i32, block: usize) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    let flags = create_comp_flags_from_zip_params(level, -15, 0);
    let mut compressor = CompressorOxide::new(flags);
    let mut left = data;
    while !left.is_empty() {
        let (now, rest) = left.split_at(left.len().min(block));
        let flush = match rest {
            [] => TDEFLFlush::Finish,
            _ => TDEFLFlush::Sync,
        };
        let (_, used) = compress_to_output(&mut compressor, now, flush, |bytes| {
            out.extend(bytes);
            true
        });
        assert_eq!(used, now.len());
        left = rest;
    }
    out.extend(crc32fast::hash(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn open(folder: &std::path::Path, packed: &[u8]) -> Archive {
    let path = folder.join("a.tar.gz");
    std::fs::write(&path, packed).unwrap();
    let options = OpenOptions {
        build: crate::archive::Build::Rebuild,
        ..OpenOptions::default()
    };
    Archive::open(&path, &options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn steps(archive: &Archive, members: impl IntoIterator<Item = usize>) -> Vec<Step> {
    let step = |member| Step {
        member,
        place: archive.index().place(member).unwrap(),
    };
    members.into_iter().map(step).collect()
}

#[test]
fn a_run_of_inflating_is_exact_across_members() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(3, 0, 0, Purpose::Crop);
    let mut together = 0;
    for (period, level, pieces, block) in [
        (false, 1, 1, 900),
        (false, 6, 1, 5000),
        (false, 6, 1, 1 << 30),
        (false, 9, 3, 9000),
        (false, 0, 2, 1 << 30),
        (true, 6, 1, 1 << 30),
        (true, 9, 4, 40_000),
    ] {
        let data = members(&mut stream, 40, period);
        let mut tar: Vec<u8> = data
            .iter()
            .enumerate()
            .flat_map(|(number, data)| member(&number.to_string(), data))
            .collect();
        tar.extend([0; 1024]);
        let piece = tar.len() / pieces + 1;
        let packed: Vec<u8> = tar
            .chunks(piece)
            .flat_map(|tar| gzip(tar, level, block))
            .collect();
        let archive = open(folder.path(), &packed);
        let mut reader = Reader::default();
        for skip in [1, 2, 3, 7] {
            let picked = (0..data.len()).filter(|member| {
                !data[*member].is_empty() && (skip == 1 || stream.below(skip) > 0)
            });
            let steps = steps(&archive, picked);
            for group in groups(&archive, &steps, 1) {
                let steps = &steps[group];
                // Also of one: no reading one by one may hide an error here.
                let found = read_together(&archive, steps, &mut reader, &<[u8]>::to_vec).unwrap();
                for (step, found) in steps.iter().zip(found) {
                    assert!(
                        found == data[step.member],
                        "level {level}, block {block}: {}",
                        step.member
                    );
                }
                together += usize::from(steps.len() > 1);
            }
        }
    }
    assert!(together > 20, "only {together} groups had several members");
}

#[test]
fn groups_are_of_near_members_and_small_enough() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(4, 0, 0, Purpose::Crop);
    let data: Vec<Vec<u8>> = (0..60)
        .map(|_| (0..40_000).map(|_| stream.below(256) as u8).collect())
        .collect();
    let tar: Vec<u8> = data.iter().flat_map(|data| member("x", data)).collect();
    let archive = open(
        folder.path(),
        &gzip(&[tar, vec![0; 1024]].concat(), 6, 1 << 30),
    );
    let every = steps(&archive, 0..60);
    let few = groups(&archive, &every, 1).len();
    let many = groups(&archive, &every, 64).len();
    // A quarter of 2.4 MB each, and the least that there is.
    assert!((4..=6).contains(&few), "{few}");
    assert!((9..=20).contains(&many), "{many}");
    assert_eq!(groups(&archive, &every, usize::MAX).len(), many);
    assert_eq!(groups(&archive, &every, 1 << 62).len(), many);
    let far = steps(&archive, (0..60).step_by(5));
    assert_eq!(groups(&archive, &far, 1).len(), 12);
    let twice = steps(&archive, [3, 3, 3, 4]);
    let cut = groups(&archive, &twice, 1);
    assert_eq!((cut.len(), &cut[0]), (1, &(0..4)));
    let found = read_group(&archive, &twice, &mut Reader::default(), &<[u8]>::to_vec).unwrap();
    assert!(found == [3, 3, 3, 4].map(|member| data[member].clone()));
}
