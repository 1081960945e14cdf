//! Archives written here, indexed and read back through the public interface.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ptarmigan_core::archive::{Archive, Build, OpenOptions, build_index_from};
use ptarmigan_core::error::{ErrorKind, Result};
use ptarmigan_core::member::{self, Reader};
use ptarmigan_core::random::{Purpose, Stream};

fn header(name: &str, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn members(count: usize) -> Vec<(String, Vec<u8>)> {
    let mut stream = Stream::new(7, 0, 0, Purpose::Crop);
    let mut last: Vec<u8> = Vec::new();
    (0..count)
        .map(|number| {
            let size = stream.below(60_000);
            let mut data: Vec<u8> = (0..size).map(|_| stream.below(256) as u8).collect();
            // Something that the member before ends with, so that windows are needed.
            let shared = last.len().min(300);
            let at = data.len().min(1000);
            data.splice(at..at, last[last.len() - shared..].iter().copied());
            last.clone_from(&data);
            (format!("folder/{number}.jpg"), data)
        })
        .collect()
}

fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in members {
        out.extend(header(name, data.len()));
        out.extend(data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

fn gzip(data: &[u8], level: u8) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    out.extend(miniz_oxide::deflate::compress_to_vec(data, level));
    out.extend(crc32fast::hash(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn write(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("a.tar.gz");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn open(path: &Path, build: Build) -> Result<Archive> {
    let options = OpenOptions {
        build,
        ..OpenOptions::default()
    };
    Archive::open(path, &options, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn every_member_is_read_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let members = members(30);
    for level in [0, 1, 6, 9] {
        let path = write(folder.path(), &gzip(&tar(&members), level));
        let archive = open(&path, Build::Rebuild).unwrap();
        let mut reader = Reader::default();
        for (number, (name, data)) in members.iter().enumerate().rev() {
            assert_eq!(archive.index().find(name.as_bytes()).unwrap(), Some(number));
            assert_eq!(archive.index().name(number).unwrap(), name.as_bytes());
            let found = archive.read_slice(number, &mut reader).unwrap();
            assert!(found == *data, "level {level}, {name}");
        }
        let order: Vec<usize> = (0..members.len()).rev().collect();
        let go_on = &mut |_| ControlFlow::Continue(());
        let found = member::read_many(&archive, &order, Some(3), go_on).unwrap();
        for (data, number) in found.iter().zip(order) {
            assert!(*data == members[number].1);
        }
    }
}

#[test]
fn a_reader_survives_damage_and_hands_out_nothing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let members = members(10);
    let path = write(folder.path(), &gzip(&tar(&members), 6));
    let archive = open(&path, Build::Auto).unwrap();
    let mut damaged = std::fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 50].fill(0xaa);
    std::fs::write(&path, damaged).unwrap();
    let mut reader = Reader::default();
    let mut bad = 0;
    for (number, (name, data)) in members.iter().enumerate() {
        match archive.read_slice(number, &mut reader) {
            Ok(found) => assert!(found == *data, "{name}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Archive);
                assert_eq!(error.member(), Some(name.as_str()));
                bad += 1;
            }
        }
    }
    assert!((1..=3).contains(&bad), "{bad} members are bad");
    let error = archive.read_slice(10, &mut reader).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_stopped_pass_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    // Never ends; only the caller can stop it.
    let endless = Box::new(std::io::repeat(0));
    let stop = &mut |_| ControlFlow::Break(());
    let error =
        build_index_from(endless, Path::new("endless"), &index, None, false, stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_index_is_never_made_where_that_is_forbidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &gzip(&tar(&members(2)), 6));
    assert_eq!(
        open(&path, Build::Never).unwrap_err().kind(),
        ErrorKind::Index
    );
    let fingerprint = open(&path, Build::Auto).unwrap().index().fingerprint();
    assert_eq!(
        open(&path, Build::Never).unwrap().index().fingerprint(),
        fingerprint
    );
}
