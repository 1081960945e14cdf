//! Turns seek points into the file of an index as gztool has it, format 0.
//!
//! The file is eight zeros, `gzipindx`, the number of points twice, the points, and the length of
//! the tar. A point is its position in the tar (8 bytes), that of the next whole byte in the file
//! (8), how many bits of the byte before belong to it (4), and a zlib stream of its 32 KiB of
//! history after the length of the stream (4), which is 0 for none. All numbers are big-endian.
//! (`gztool.c` of gztool 1.8, `serialize_index_to_file`.)

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tempfile::NamedTempFile;

use super::{Exported, SeekPoint};
use crate::error::{Error, Result};
use crate::index::build::folder_of;

const MAGIC: [u8; 16] = *b"\0\0\0\0\0\0\0\0gzipindx";

/// An index being written, aside until it is whole.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    points: u64,
    bytes: u64,
}

impl Writer {
    /// The index `path`, without points.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let aside = tempfile::Builder::new()
            .prefix(".ptarmigan-")
            .suffix(".part")
            .make_in(folder_of(path), |aside| {
                OpenOptions::new().write(true).create_new(true).open(aside)
            })
            .map_err(|error| Error::io(error, path))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, aside),
            points: 0,
            bytes: 0,
        };
        // The number of points is not known yet.
        writer.put(&[&MAGIC[..], &[0; 16]])?;
        Ok(writer)
    }

    /// Adds a point; they come in the order of the file.
    pub(super) fn add(&mut self, point: &SeekPoint) -> Result<()> {
        let window = compressed(&point.window).map_err(|error| Error::io(error, &self.path))?;
        let length = u32::try_from(window.len())
            .map_err(|_| Error::archive("a window does not fit its index"))?;
        let byte = point.bit.div_ceil(8);
        let bits = (byte * 8 - point.bit) as u32;
        self.points += 1;
        self.put(&[
            &point.tar_offset.to_be_bytes(),
            &byte.to_be_bytes(),
            &bits.to_be_bytes(),
            &length.to_be_bytes(),
            &window,
        ])
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self, tar_bytes: u64) -> Result<Exported> {
        self.put(&[&tar_bytes.to_be_bytes()])?;
        let (points, bytes, path) = (self.points, self.bytes, self.path);
        persist(self.file, points, &path).map_err(|error| Error::io(error, &path))?;
        Ok(Exported {
            points,
            bytes,
            tar_bytes,
        })
    }

    fn put(&mut self, pieces: &[&[u8]]) -> Result<()> {
        for piece in pieces {
            self.file
                .write_all(piece)
                .map_err(|error| Error::io(error, &self.path))?;
            self.bytes += piece.len() as u64;
        }
        Ok(())
    }
}

/// Writes the number of points, twice: such an index is complete.
fn persist(file: BufWriter<NamedTempFile>, points: u64, path: &Path) -> io::Result<()> {
    let aside = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    let count = points.to_be_bytes();
    let offset = MAGIC.len() as u64;
    aside
        .as_file()
        .write_all_at(&[count, count].concat(), offset)?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    // The rename is durable once the folder is; some file systems cannot sync a folder.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn compressed(window: &[u8]) -> io::Result<Vec<u8>> {
    if window.is_empty() {
        return Ok(Vec::new());
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(window)?;
    encoder.finish()
}
