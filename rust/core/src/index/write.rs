//! Turns what a pass has collected into an index file: columns, names, pages with checksums.
//!
//! One column at a time is in memory, 8 bytes a member.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use super::build::{IndexBuilder, Spool, folder_of};
use super::columns;
use super::format::{self, Row, SECTIONS, Section, Summary, header_bytes, uint};
use super::members::{IMAGE_BYTES, KIND_BYTES, PLACE_BYTES, Place};
use super::names;
use super::pages::PAGE;

/// Writes the index `path`: aside first, then renamed.
pub(super) fn write(builder: &mut IndexBuilder, summary: &Summary, path: &Path) -> io::Result<()> {
    let mut aside = tempfile::Builder::new()
        .prefix(".ptarmigan-")
        .suffix(".part")
        // Less the umask: an index may be read by whoever may read other new files.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))?;
    let mut body = Body::new(aside.as_file_mut());
    body.file.write_all(&[0; header_bytes(SECTIONS)])?;
    sections(builder, summary, &mut body)?;
    let header = body.finish(summary)?;
    aside.as_file().write_all_at(&header, 0)?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    // The rename is durable once the folder is; some file systems cannot sync a folder.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Writes all sections, in order.
fn sections(builder: &mut IndexBuilder, summary: &Summary, body: &mut Body<'_>) -> io::Result<()> {
    let places = &mut builder.places;
    body.column(Section::TarOffset, &each(places, |place| place.tar_offset)?)?;
    body.column(Section::Size, &each(places, |place| place.size)?)?;
    body.column(Section::Crc32, &each(places, |place| place.crc32.into())?)?;
    body.column(Section::Status, &each(places, |place| place.status as u64)?)?;
    let (numbers, bits, windows) = points(places)?;
    body.column(Section::Point, &numbers)?;
    body.column(Section::Gap, &each(places, |place| place.gap.into())?)?;
    body.column(
        Section::CompressedSize,
        &each(places, |place| place.compressed_size)?,
    )?;
    for (section, at) in [(Section::Width, 0), (Section::Height, 4)] {
        let mut numbers = Vec::new();
        rows::<IMAGE_BYTES>(&mut builder.images, |row| {
            numbers.push(uint(&row[at..at + 4]));
        })?;
        body.column(section, &numbers)?;
    }
    let (numbers, kinds) = kinds(&mut builder.images)?;
    body.column(Section::Kind, &numbers)?;
    let names = Names::split(builder)?;
    body.column(Section::Directory, &names.directory)?;
    body.column(Section::FileNameEnd, &names.ends)?;
    body.column(Section::PointBit, &bits)?;
    body.column(Section::Window, &windows)?;
    let lookup = &builder.lookup;
    let hashes: Vec<u64> = lookup.iter().map(|entry| entry.0.into()).collect();
    body.column(Section::NameHash, &hashes)?;
    let members: Vec<u64> = lookup.iter().map(|entry| entry.1.into()).collect();
    body.column(Section::NameMember, &members)?;
    body.column(Section::DirectoryEnd, &names.directory_ends)?;
    body.bytes(Section::Directories, &names.directories)?;
    body.bytes(Section::FileNames, &names.files)?;
    body.copy(Section::Windows, &mut builder.windows)?;
    body.bytes(Section::Kinds, &kinds)?;
    let stopped = summary.stopped.as_deref().unwrap_or_default();
    body.bytes(Section::Stopped, stopped.as_bytes())
}

/// Calls `take` with every row of a temporary file.
fn rows<const WIDTH: usize>(
    spool: &mut Spool,
    mut take: impl FnMut(&[u8; WIDTH]),
) -> io::Result<()> {
    let count = spool.length / WIDTH as u64;
    let mut file = spool.read()?;
    let mut row = [0; WIDTH];
    for _ in 0..count {
        file.read_exact(&mut row)?;
        take(&row);
    }
    Ok(())
}

/// One number of every place.
fn each(places: &mut Spool, number: impl Fn(&Place) -> u64) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    rows::<PLACE_BYTES>(places, |row| numbers.push(number(&Place::decode(row))))?;
    Ok(numbers)
}

/// The column of points' numbers, and the points' bits and windows: neighbours share a point.
fn points(places: &mut Spool) -> io::Result<(Vec<u64>, Vec<u64>, Vec<u64>)> {
    let (mut numbers, mut bits, mut windows) = (Vec::new(), Vec::new(), Vec::new());
    rows::<PLACE_BYTES>(places, |row| {
        let place = Place::decode(row);
        if place.point_bit == 0 {
            // Every gzip file starts with a header: bit 0 means that there is no point.
            numbers.push(0);
            return;
        }
        if bits.last() != Some(&place.point_bit) || windows.last() != Some(&place.window) {
            bits.push(place.point_bit);
            windows.push(place.window);
        }
        numbers.push(bits.len() as u64);
    })?;
    Ok((numbers, bits, windows))
}

/// The column of kinds' numbers, and the different kinds.
fn kinds(images: &mut Spool) -> io::Result<(Vec<u64>, Vec<u8>)> {
    let mut known: HashMap<[u8; KIND_BYTES], u64> = HashMap::new();
    let (mut numbers, mut kinds) = (Vec::new(), Vec::new());
    rows::<IMAGE_BYTES>(images, |row| {
        let Some(kind) = row.last_chunk::<KIND_BYTES>() else {
            return;
        };
        let next = known.len() as u64;
        numbers.push(*known.entry(*kind).or_insert_with(|| {
            kinds.extend_from_slice(kind);
            next
        }));
    })?;
    Ok((numbers, kinds))
}

/// All names, taken apart.
#[derive(Default)]
struct Names {
    directory: Vec<u64>,
    ends: Vec<u64>,
    directory_ends: Vec<u64>,
    directories: Vec<u8>,
    files: Vec<u8>,
}

impl Names {
    fn split(builder: &mut IndexBuilder) -> io::Result<Self> {
        let mut starts = each(&mut builder.places, |place| place.name)?;
        starts.push(builder.names.length);
        let mut names = Self::default();
        let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut file = builder.names.read()?;
        let mut name = Vec::new();
        for pair in starts.windows(2) {
            name.resize((pair[1] - pair[0]) as usize, 0);
            file.read_exact(&mut name)?;
            let (directory, rest) = names::split(&name);
            // Neighbours mostly share their directory, which then costs no allocation.
            let next = known.len() as u64;
            let number = known.get(directory).copied().unwrap_or(next);
            if number == next {
                known.insert(directory.to_vec(), number);
                names.directories.extend_from_slice(directory);
                names.directory_ends.push(names.directories.len() as u64);
            }
            names.directory.push(number);
            names::encode(rest, &mut names.files);
            names.ends.push(names.files.len() as u64);
        }
        Ok(names)
    }
}

/// The body while it is written.
struct Body<'a> {
    file: BufWriter<&'a mut File>,
    rows: [Row; SECTIONS],
    length: u64,
    /// Checksums of the pages that are full.
    page_crcs: Vec<u8>,
    page: crc32fast::Hasher,
}

impl<'a> Body<'a> {
    fn new(file: &'a mut File) -> Self {
        Self {
            file: BufWriter::with_capacity(1 << 16, file),
            rows: [Row::default(); SECTIONS],
            length: 0,
            page_crcs: Vec::new(),
            page: crc32fast::Hasher::new(),
        }
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        while !bytes.is_empty() {
            let room = PAGE - (self.length % PAGE as u64) as usize;
            let (some, rest) = bytes.split_at(bytes.len().min(room));
            self.page.update(some);
            self.length += some.len() as u64;
            bytes = rest;
            if some.len() == room {
                self.end_page();
            }
        }
        Ok(())
    }

    fn end_page(&mut self) {
        let crc = std::mem::take(&mut self.page).finalize();
        self.page_crcs.extend_from_slice(&crc.to_le_bytes());
    }

    fn column(&mut self, section: Section, numbers: &[u64]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let width = columns::encode(numbers, &mut bytes);
        self.rows[section as usize] = Row {
            width,
            count: numbers.len(),
        };
        self.put(&bytes)
    }

    fn bytes(&mut self, section: Section, bytes: &[u8]) -> io::Result<()> {
        self.rows[section as usize].count = bytes.len();
        self.put(bytes)
    }

    fn copy(&mut self, section: Section, spool: &mut Spool) -> io::Result<()> {
        let length = spool.length;
        self.rows[section as usize].count = usize::try_from(length).map_err(io::Error::other)?;
        let mut file = spool.read()?;
        let mut piece = vec![0; PAGE];
        let mut left = length;
        while left > 0 {
            let some = left.min(PAGE as u64) as usize;
            file.read_exact(&mut piece[..some])?;
            self.put(&piece[..some])?;
            left -= some as u64;
        }
        Ok(())
    }

    /// Writes the checksums behind the body; returns the header that goes before it.
    fn finish(mut self, summary: &Summary) -> io::Result<Vec<u8>> {
        if !self.length.is_multiple_of(PAGE as u64) {
            self.end_page();
        }
        self.file.write_all(&self.page_crcs)?;
        self.file.flush()?;
        Ok(format::encode(
            summary,
            &self.rows,
            self.length,
            &self.page_crcs,
        ))
    }
}
