//! Turns an archive file into a [`Stamp`]: what tells it from another file without reading all of it.
//!
//! Size, both ends, and at most [`SAMPLES`] blocks in between, at the multiples of the least power
//! of two of MiB that gives so few: so a stamp can also be taken of a pipe, whose length is not
//! known before, and of the first part of a file that is still growing.

use super::file::ArchiveFile;
use crate::error::Result;
use crate::index::{STAMP_BYTES, Stamp};

/// Most blocks sampled: opening an archive reads them all.
const SAMPLES: usize = 16;
/// Bytes of a sampled block.
const SAMPLE_BYTES: usize = 4 << 10;
/// The least distance between two samples.
const LEAST_STRIDE: u64 = 1 << 20;

/// The stamp of the first `size` bytes of a file, which has as many.
pub(super) fn of_file(file: &ArchiveFile, size: u64) -> Result<Stamp> {
    Ok(StampTaker::of_file(file, size)?.finish())
}

#[derive(Debug)]
struct Samples {
    stride: u64,
    crcs: Vec<u32>,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            stride: LEAST_STRIDE,
            crcs: Vec::new(),
        }
    }
}

impl Samples {
    /// Where the blocks of a file of `size` bytes start.
    fn positions(&self, size: u64) -> impl Iterator<Item = u64> + use<> {
        let stride = self.stride;
        let last = size.saturating_sub(SAMPLE_BYTES as u64) / stride;
        (1..=last).map(move |number| number * stride)
    }

    fn push(&mut self, crc: u32) {
        self.crcs.push(crc);
        if self.crcs.len() > SAMPLES {
            // Numbers 2, 4, 6... of the old stride are 1, 2, 3... of the new one.
            self.stride *= 2;
            self.crcs = self.crcs.iter().copied().skip(1).step_by(2).collect();
        }
    }

    fn finish(&self) -> u32 {
        let bytes: Vec<u8> = self.crcs.iter().flat_map(|crc| crc.to_le_bytes()).collect();
        crc32fast::hash(&bytes)
    }
}

/// Takes a [`Stamp`] of bytes that stream by.
#[derive(Debug, Default)]
pub(super) struct StampTaker {
    size: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    samples: Samples,
    /// The block being sampled.
    block: Vec<u8>,
}

impl StampTaker {
    /// What it would be after the first `size` bytes of a file.
    pub(super) fn of_file(file: &ArchiveFile, size: u64) -> Result<Self> {
        let read = |start: u64, length: usize| -> Result<Vec<u8>> {
            let length = usize::try_from(size - start).map_or(length, |left| left.min(length));
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes, start)?;
            Ok(bytes)
        };
        let mut samples = Samples::default();
        while samples.positions(size).count() > SAMPLES {
            samples.stride *= 2;
        }
        for position in samples.positions(size) {
            samples
                .crcs
                .push(crc32fast::hash(&read(position, SAMPLE_BYTES)?));
        }
        let next = (samples.crcs.len() as u64 + 1) * samples.stride;
        Ok(Self {
            size,
            head: read(0, STAMP_BYTES)?,
            tail: read(size.saturating_sub(STAMP_BYTES as u64), STAMP_BYTES)?,
            samples,
            block: read(next.min(size), SAMPLE_BYTES)?,
        })
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, chunk: &[u8]) {
        self.sample(chunk);
        self.size += chunk.len() as u64;
        let missing = STAMP_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        let new = &chunk[chunk.len().saturating_sub(STAMP_BYTES)..];
        let surplus = (self.tail.len() + new.len()).saturating_sub(STAMP_BYTES);
        self.tail.drain(..surplus.min(self.tail.len()));
        self.tail.extend_from_slice(new);
    }

    fn sample(&mut self, chunk: &[u8]) {
        let end = self.size + chunk.len() as u64;
        loop {
            let start = (self.samples.crcs.len() as u64 + 1) * self.samples.stride;
            let from = start + self.block.len() as u64;
            if from >= end {
                return;
            }
            let missing = SAMPLE_BYTES - self.block.len();
            let here = (from - self.size) as usize;
            let some = missing.min(chunk.len() - here);
            self.block.extend_from_slice(&chunk[here..here + some]);
            if self.block.len() < SAMPLE_BYTES {
                return;
            }
            self.samples.push(crc32fast::hash(&self.block));
            self.block.clear();
        }
    }

    /// How many bytes it has taken.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The stamp of the bytes so far.
    pub(super) fn finish(&self) -> Stamp {
        Stamp {
            size: self.size,
            head_crc: crc32fast::hash(&self.head),
            tail_crc: crc32fast::hash(&self.tail),
            samples_crc: self.samples.finish(),
        }
    }
}

/// A number that differs between archives.
pub(super) fn fingerprint(stamp: &Stamp) -> u64 {
    let mut bytes = stamp.size.to_le_bytes().to_vec();
    for crc in [stamp.head_crc, stamp.tail_crc, stamp.samples_crc] {
        bytes.extend_from_slice(&crc.to_le_bytes());
    }
    let mut md5 = super::md5::Md5::default();
    md5.update(&bytes);
    let [a, b, c, d, e, f, g, h, ..] = md5.finish();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_stream_and_a_file_have_the_same_stamp_at_every_size() {
        let bytes: Vec<u8> = (0..70u32 << 20)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let file = ArchiveFile::open(file.path()).unwrap();
        let mut taker = StampTaker::default();
        let mut at = 0;
        for size in [
            0,
            1,
            4096,
            65_535,
            65_537,
            1 << 20,
            (1 << 20) + 4095,
            (1 << 20) + 4096,
            3_000_000,
            (16 << 20) + 5000,
            (17 << 20) + 4095,
            (17 << 20) + 4096,
            33 << 20,
            (34 << 20) + 4096,
            70 << 20,
        ] {
            for piece in bytes[at..size].chunks(700_001) {
                taker.take(piece);
            }
            at = size;
            assert_eq!(
                taker.finish(),
                of_file(&file, size as u64).unwrap(),
                "{size}"
            );
            assert_eq!(taker.size(), size as u64);
        }
    }
}
