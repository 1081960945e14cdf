//! Turns nothing into a small archive with every kind of deflate block, and its index.

use std::ops::ControlFlow;
use std::path::PathBuf;

use flate2::{Compress, Compression, FlushCompress};
use tempfile::TempDir;

use crate::archive::{OpenOptions, build_index};
use crate::random::{Purpose, Stream};

/// A small archive and what is in it.
#[derive(Debug)]
pub(super) struct Sample {
    /// (name, bytes), hard links with their target's bytes.
    pub(super) members: Vec<(String, Vec<u8>)>,
    /// The tar in one gzip member.
    pub(super) one: Vec<u8>,
    /// The tar in two, cut inside a tar member.
    #[cfg(test)]
    pub(super) two: Vec<u8>,
    #[cfg(test)]
    pub(super) tar: Vec<u8>,
}

/// Where a deflate stream is flushed, so that a block ends there: tars of noise, of text and of a
/// few bytes become stored, dynamic and fixed blocks.
const FLUSHES: [usize; 6] = [512, 1536, 2048, 2560, 3072, 3584];

impl Sample {
    pub(super) fn new() -> Self {
        let (noise, text) = (noise(400), text(900));
        let members = vec![
            ("d/noise".to_owned(), noise.clone()),
            ("d/text".to_owned(), text.clone()),
            ("d/few".to_owned(), b"ptarmigan".to_vec()),
            // What the members before hold, so that it is written as far matches.
            (
                "d/again".to_owned(),
                [&text[100..300], &noise[50..150]].concat(),
            ),
            ("d/empty".to_owned(), Vec::new()),
            ("d/link".to_owned(), noise.clone()),
            // Symbols of many lengths up to the end: a decoder that is out of step reaches it.
            ("d/last".to_owned(), letters(700)),
        ];
        let tar = tar(&members);
        Self {
            one: gzip(&tar),
            #[cfg(test)]
            two: [gzip(&tar[..1700]), gzip(&tar[1700..])].concat(),
            members,
            #[cfg(test)]
            tar,
        }
    }
}

fn noise(length: usize) -> Vec<u8> {
    let mut stream = Stream::new(11, 0, 0, Purpose::Crop);
    (0..length).map(|_| stream.below(256) as u8).collect()
}

fn letters(length: usize) -> Vec<u8> {
    let mut stream = Stream::new(13, 0, 0, Purpose::Crop);
    (0..length).map(|_| b'a' + stream.below(20) as u8).collect()
}

fn text(length: usize) -> Vec<u8> {
    let words = [
        "white ",
        "grouse ",
        "of the ",
        "snow",
        ", ",
        "feathers ",
        "willow ",
        "in ",
    ];
    let mut stream = Stream::new(12, 0, 0, Purpose::Crop);
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(words[stream.below(8) as usize].as_bytes());
        text.push(b'a' + stream.below(26) as u8);
    }
    text.truncate(length);
    text
}

pub(super) fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = ::tar::Header::new_ustar();
        header.set_mode(0o644);
        let done = if name == "d/link" {
            header.set_entry_type(::tar::EntryType::Link);
            header.set_size(0);
            builder.append_link(&mut header, name, "d/noise")
        } else {
            header.set_size(data.len() as u64);
            builder.append_data(&mut header, name, &data[..])
        };
        assert!(done.is_ok(), "a tar in memory: {done:?}");
    }
    builder.into_inner().unwrap_or_default()
}

/// One gzip member, flushed where [`FLUSHES`] says.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    let mut engine = Compress::new(Compression::new(6), false);
    let mut start = 0;
    for end in FLUSHES.into_iter().filter(|&end| end < data.len()) {
        compress(
            &mut engine,
            &data[start..end],
            FlushCompress::Sync,
            &mut out,
        );
        start = end;
    }
    compress(&mut engine, &data[start..], FlushCompress::Finish, &mut out);
    out.extend(crc32fast::hash(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn compress(engine: &mut Compress, data: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    out.reserve(2 * data.len() + 1024);
    let done = engine.compress_vec(data, out, flush);
    assert!(done.is_ok(), "there is room: {done:?}");
}

/// A new folder, in memory where the system has that: files are written anew tens of thousands of
/// times.
fn scratch() -> std::io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// A sample archive in a folder of its own, with its index.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) sample: Sample,
    pub(super) archive: PathBuf,
    pub(super) index: PathBuf,
    /// The index as it was made.
    pub(super) made: Vec<u8>,
    /// Removed with its files when this is dropped.
    _folder: TempDir,
}

impl Indexed {
    /// The sample in one gzip member.
    pub(super) fn new() -> std::io::Result<Self> {
        Self::of(&Sample::new().one)
    }

    /// The sample, packed in some way.
    pub(super) fn of(packed: &[u8]) -> std::io::Result<Self> {
        let sample = Sample::new();
        let folder = scratch()?;
        let archive = folder.path().join("a.tar.gz");
        let index = folder.path().join("a.ptidx");
        std::fs::write(&archive, packed)?;
        let go_on = &mut |_| ControlFlow::Continue(());
        build_index(&archive, &index, None, false, go_on).map_err(std::io::Error::other)?;
        let made = std::fs::read(&index)?;
        Ok(Self {
            sample,
            archive,
            index,
            made,
            _folder: folder,
        })
    }

    /// How the archive is opened: with the index that is there.
    pub(super) fn options(&self) -> OpenOptions {
        OpenOptions {
            index_path: Some(self.index.clone()),
            build: crate::archive::Build::Never,
            ..OpenOptions::default()
        }
    }
}
