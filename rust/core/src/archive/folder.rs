//! Turns a directory of files, such as an untarred archive, into the members of an archive.
//!
//! Names are relative to the directory, with `/`, in the order of their bytes. Only regular files
//! count: symbolic links are never followed, so nothing outside the directory can be read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::file::ArchiveFile;
use super::md5::Md5;
use crate::error::{Error, Result};
use crate::index::build::IndexBuilder;
use crate::index::{Kind, Place, Stamp, Summary};
use crate::limits::{MEMBER_BYTES, MEMBER_NAME_BYTES};
use crate::pixels::header::HeaderScanner;
use crate::progress::{OnProgress, Progress, Reporter};

/// Indexes every file below `root` into the file `index_path`.
pub(crate) fn scan(
    root: &Path,
    index_path: &Path,
    progress: &mut OnProgress<'_>,
) -> Result<Summary> {
    let mut builder = IndexBuilder::new(index_path)?;
    let mut report = |done: Progress| progress(done);
    let mut reporter = Reporter::new(&mut report);
    let mut done = Progress::default();
    let files = walk(root, &mut |members| {
        reporter.tick(Progress {
            members,
            ..Progress::default()
        })
    })?;
    let mut fingerprint = Md5::default();
    let mut piece = vec![0; 1 << 18];
    for name in &files {
        let path = root.join(OsStr::from_bytes(name));
        let mut file = File::open(&path).map_err(|error| Error::io(error, &path))?;
        let mut crc = crc32fast::Hasher::new();
        let mut scanner = HeaderScanner::default();
        let mut size = 0;
        loop {
            let count = file
                .read(&mut piece)
                .map_err(|error| Error::io(error, &path))?;
            if count == 0 {
                break;
            }
            crc.update(&piece[..count]);
            scanner.push(&piece[..count]);
            size += count as u64;
            done.done += count as u64;
            reporter.tick(done)?;
        }
        let place = Place {
            size,
            crc32: crc.finalize(),
            ..Place::default()
        };
        fingerprint.update(&(name.len() as u64).to_le_bytes());
        fingerprint.update(name);
        fingerprint.update(&size.to_le_bytes());
        fingerprint.update(&place.crc32.to_le_bytes());
        builder.add(name, place, &scanner.finish())?;
        done.members += 1;
    }
    reporter.finish(done)?;
    let [a, b, c, d, e, f, g, h, ..] = fingerprint.finish();
    builder.finish(Summary {
        kind: Kind::Folder,
        complete: true,
        stopped: None,
        members: 0,
        bytes: 0,
        stamp: Stamp::default(),
        md5: None,
        fingerprint: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
    })
}

/// The names of all regular files below `root`, sorted; `tick` gets their number so far.
pub(super) fn walk(root: &Path, tick: &mut dyn FnMut(u64) -> Result<()>) -> Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        for entry in fs::read_dir(&path).map_err(|error| Error::io(error, &path))? {
            let entry = entry.map_err(|error| Error::io(error, &path))?;
            let kind = entry
                .file_type()
                .map_err(|error| Error::io(error, entry.path()))?;
            let name = folder.join(entry.file_name());
            if name.as_os_str().len() as u64 > MEMBER_NAME_BYTES {
                return Err(Error::archive(format!(
                    "a name of more than {MEMBER_NAME_BYTES} bytes"
                ))
                .with_path(entry.path()));
            }
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() {
                files.push(name.into_os_string().into_encoded_bytes());
                tick(files.len() as u64)?;
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads the file `name` below `root` into the first bytes of `room`, without checking it.
pub(crate) fn read<'r>(
    root: &Path,
    name: &[u8],
    place: &Place,
    room: &'r mut Vec<u8>,
) -> Result<&'r [u8]> {
    let file = open(root, name, place)?;
    if place.size > MEMBER_BYTES {
        return Err(Error::archive(format!(
            "a file of {} bytes; at most {MEMBER_BYTES} can be read at once: open it as a file \
             instead",
            place.size
        ))
        .with_path(file.path()));
    }
    let size = place.size as usize;
    if room.len() < size {
        room.resize(size, 0);
    }
    file.read_exact(&mut room[..size], 0)?;
    Ok(&room[..size])
}

/// Opens the file `name` below `root`, which must be one and have the size that the index has.
pub(crate) fn open(root: &Path, name: &[u8], place: &Place) -> Result<ArchiveFile> {
    let relative = Path::new(OsStr::from_bytes(name));
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err(Error::index("the index names a file outside of the folder"));
    }
    let path = root.join(relative);
    let metadata = fs::symlink_metadata(&path).map_err(|error| Error::io(error, &path))?;
    if !metadata.is_file() || metadata.len() != place.size {
        return Err(Error::archive(format!(
            "expected a file of {} bytes, found {} bytes{}; if the folder was changed, make its \
             index anew with build=\"rebuild\"",
            place.size,
            metadata.len(),
            if metadata.is_file() {
                ""
            } else {
                " of something else"
            },
        )));
    }
    ArchiveFile::open(&path)
}
