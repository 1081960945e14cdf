//! A pass that goes on from any checkpoint ends with the same index as one from the start.

use std::ops::ControlFlow;
use std::path::Path;

use super::*;
use crate::index::checkpoint::Checkpoint;
use crate::index::journal;
use crate::random::{Purpose, Stream};

/// Mostly literals, with a match now and then that may reach far back.
fn photo(seed: u64, length: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed, 3, 0, Purpose::Crop);
    let mut data = Vec::new();
    while data.len() < length {
        if stream.below(900) == 0 && data.len() > 300 {
            let start = data.len() - 1 - stream.below(data.len().min(32768) as u64 - 1) as usize;
            data.extend_from_within(start..data.len().min(start + 9));
        }
        data.push(u64::midpoint(stream.below(256), stream.below(256)) as u8);
    }
    data.truncate(length);
    data
}

fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn put(tar: &mut Vec<u8>, name: &str, kind: u8, data: &[u8]) {
    tar.extend(header(name, kind, data.len()));
    tar.extend_from_slice(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn tar(global: bool) -> Vec<u8> {
    let mut tar = Vec::new();
    put(&mut tar, "first", b'0', b"0123456789");
    if global {
        put(&mut tar, "pax", b'g', b"18 linkpath=first\n");
    }
    put(&mut tar, "second", b'0', &photo(1, 100));
    put(&mut tar, "long", b'0', &photo(2, 1_500_000));
    put(&mut tar, "empty", b'0', b"");
    for number in 0..9 {
        put(&mut tar, &number.to_string(), b'0', &photo(number, 20_000));
    }
    // Without a target of its own, unless a global header gives one.
    put(&mut tar, "link", b'1', b"");
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn gzip(data: &[u8], deflated: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    out.extend_from_slice(deflated);
    out.extend(crc32fast::hash(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn packed(data: &[u8], level: u8) -> Vec<u8> {
    gzip(data, &miniz_oxide::deflate::compress_to_vec(data, level))
}

/// One block with fixed codes (RFC 1951 3.2.6), however long.
fn one_block(data: &[u8]) -> Vec<u8> {
    let (mut out, mut buffer, mut count) = (Vec::new(), 0b011u64, 3);
    let mut code = |code: u32, width: u32| {
        buffer |= u64::from(code.reverse_bits() >> (32 - width)) << count;
        count += width;
        while count >= 8 {
            out.push(buffer as u8);
            buffer >>= 8;
            count -= 8;
        }
    };
    for &byte in data {
        match u32::from(byte) {
            low @ 0..144 => code(0x30 + low, 8),
            high => code(0x190 + high - 144, 9),
        }
    }
    code(0, 7);
    code(0, 8);
    gzip(data, &out)
}

fn pass(path: &Path, index: &Path) -> Summary {
    build_index(path, index, None, false, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The last checkpoint of the journal that a pass has left.
fn checkpoint(index: &Path) -> Option<Checkpoint> {
    journal::last_checkpoint(index).unwrap()
}

#[test]
fn a_pass_that_goes_on_ends_with_the_same_index() {
    let tar = tar(false);
    let (one, two) = tar.split_at(tar.len() / 2);
    let archives = [
        ("tar", tar.clone()),
        ("global header", self::tar(true)),
        ("stored", packed(&tar, 0)),
        ("level 1", packed(&tar, 1)),
        ("level 6", packed(&tar, 6)),
        ("two members", [packed(one, 6), packed(two, 6)].concat()),
        ("one block", one_block(&tar)),
    ];
    for (what, bytes) in archives {
        let folder = tempfile::tempdir().unwrap();
        let (path, index) = (folder.path().join("a"), folder.path().join("index"));
        std::fs::write(&path, &bytes).unwrap();
        let whole = pass(&path, &index);
        let expected = std::fs::read(&index).unwrap();
        assert_eq!((whole.members, whole.stopped), (14, None), "{what}");
        let (mut resumed, mut inside) = (0, 0);
        for part in 1..24 {
            let cut = bytes.len() * part / 24;
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let part = pass(&path, &index);
            assert!(part.stopped.is_some(), "{what}, {cut}");
            if let Some(left) = checkpoint(&index) {
                assert!(left.read.size as usize <= cut, "{what}, {cut}");
                resumed += 1;
                inside += usize::from(left.inside.is_some());
            }
            std::fs::write(&path, &bytes).unwrap();
            pass(&path, &index);
            assert!(std::fs::read(&index).unwrap() == expected, "{what}, {cut}");
            assert!(!journal::journal_path(&index).exists());
            std::fs::remove_file(&index).unwrap();
        }
        let counts = format!("{what}: {resumed} resumed, {inside} inside of a member");
        assert!(resumed > 15 && inside > 5, "{counts}");
    }
}
