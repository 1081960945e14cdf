//! Turns members, as a pass finds them, into an index file.
//!
//! What grows with the archive goes to unnamed temporary files at once; 8 bytes a member stay in
//! memory. The index is written aside and renamed, so that a name is either absent, or the old
//! index, or the whole new one.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::format::{self, Extent, HEADER_BYTES, SECTIONS, Section, Summary};
use super::members::{IMAGE_BYTES, PLACE_BYTES, Place, Status, encode_image};
use crate::archive::points::NO_WINDOW;
use crate::error::{Error, Result};
use crate::limits::MEMBERS;
use crate::pixels::header::Header;

/// Collects an index.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    path: PathBuf,
    places: Spool,
    images: Spool,
    names: Spool,
    windows: Spool,
    /// (CRC32 of the name, member), sorted when all are there.
    lookup: Vec<(u32, u32)>,
    links: Vec<(u32, Vec<u8>)>,
    bytes: u64,
    row: Vec<u8>,
}

/// What is written is read again only when the index is put together.
#[derive(Debug)]
struct Spool {
    file: BufWriter<File>,
    length: u64,
}

impl Spool {
    fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 16, file),
            length: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = self.length;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(start)
    }
}

impl IndexBuilder {
    /// A builder of the index `path`; its folder must allow writing.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let folder = folder_of(path);
        let spool = || Spool::new(&folder).map_err(|error| Error::io(error, path));
        let mut builder = Self {
            path: path.to_owned(),
            places: spool()?,
            images: spool()?,
            names: spool()?,
            windows: spool()?,
            lookup: Vec::new(),
            links: Vec::new(),
            bytes: 0,
            row: Vec::new(),
        };
        // Position 0 is the window of those that need none.
        builder.add_window(&NO_WINDOW)?;
        Ok(builder)
    }

    /// Number of members so far.
    pub(crate) fn members(&self) -> u64 {
        self.lookup.len() as u64
    }

    /// Adds an encoded window; returns its position.
    pub(crate) fn add_window(&mut self, encoded: &[u8]) -> Result<u64> {
        self.windows
            .write(encoded)
            .map_err(|error| Error::io(error, &self.path))
    }

    /// Adds a member; `place.name` is set here.
    pub(crate) fn add(&mut self, name: &[u8], mut place: Place, image: &Header) -> Result<()> {
        if self.members() >= MEMBERS {
            return Err(Error::archive(format!("more than {MEMBERS} members")));
        }
        let io = |error| Error::io(error, &self.path);
        place.name = self.names.write(name).map_err(io)?;
        self.row.clear();
        place.encode(&mut self.row);
        self.places.write(&self.row).map_err(io)?;
        self.row.clear();
        encode_image(image, &mut self.row);
        self.images.write(&self.row).map_err(io)?;
        self.lookup
            .push((crc32fast::hash(name), self.lookup.len() as u32));
        self.bytes += place.size;
        Ok(())
    }

    /// Adds a member that is another name of `target`.
    pub(crate) fn add_link(&mut self, name: &[u8], target: Vec<u8>) -> Result<()> {
        let member = self.lookup.len() as u32;
        let place = Place {
            status: Status::Dangling,
            ..Place::default()
        };
        self.add(name, place, &Header::default())?;
        self.links.push((member, target));
        Ok(())
    }

    /// Writes the index under its name; returns `summary` with the two counts.
    pub(crate) fn finish(mut self, mut summary: Summary) -> Result<Summary> {
        let path = self.path.clone();
        self.write(&mut summary)
            .map_err(|error| Error::io(error, &path))?;
        Ok(summary)
    }

    fn write(&mut self, summary: &mut Summary) -> io::Result<()> {
        self.lookup.sort_unstable();
        for spool in [
            &mut self.places,
            &mut self.images,
            &mut self.names,
            &mut self.windows,
        ] {
            spool.file.flush()?;
        }
        self.resolve_links()?;
        summary.members = self.members();
        summary.bytes = self.bytes;

        let mut aside = tempfile::Builder::new()
            .prefix(".ptarmigan-")
            .suffix(".part")
            // Less the umask: an index may be read by whoever may read other new files.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder_of(&self.path))?;
        let mut out = Sections {
            file: BufWriter::with_capacity(1 << 16, aside.as_file_mut()),
            extents: [Extent::default(); SECTIONS],
            end: HEADER_BYTES as u64,
        };
        out.file.write_all(&[0; HEADER_BYTES])?;
        out.copy(Section::Places, &mut self.places)?;
        out.copy(Section::Images, &mut self.images)?;
        out.copy(Section::Names, &mut self.names)?;
        let hashes = self.lookup.iter().map(|entry| entry.0);
        out.numbers(
            Section::Lookup,
            hashes.chain(self.lookup.iter().map(|entry| entry.1)),
        )?;
        out.copy(Section::Windows, &mut self.windows)?;
        let header = format::encode(summary, &out.extents);
        out.file.flush()?;
        drop(out);

        aside.as_file().write_all_at(&header, 0)?;
        aside.as_file().sync_all()?;
        aside.persist(&self.path).map_err(|error| error.error)?;
        // The rename is durable once the folder is; some file systems cannot sync a folder.
        if let Ok(folder) = File::open(folder_of(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Gives every hard link the place of the last member before it with the target's name.
    fn resolve_links(&mut self) -> io::Result<()> {
        let (places, images) = (self.places.file.get_ref(), self.images.file.get_ref());
        let mut place = [0; PLACE_BYTES];
        let mut image = [0; IMAGE_BYTES];
        for (member, target) in &self.links {
            let Some(found) = self.find_before(*member, target)? else {
                continue;
            };
            let row = |number: u32, width: usize| u64::from(number) * width as u64;
            let mut own = [0; PLACE_BYTES];
            places.read_exact_at(&mut own, row(*member, PLACE_BYTES))?;
            places.read_exact_at(&mut place, row(found, PLACE_BYTES))?;
            let linked = Place {
                name: Place::decode(&own).name,
                ..Place::decode(&place)
            };
            self.bytes += linked.size;
            self.row.clear();
            linked.encode(&mut self.row);
            places.write_all_at(&self.row, row(*member, PLACE_BYTES))?;
            images.read_exact_at(&mut image, row(found, IMAGE_BYTES))?;
            images.write_all_at(&image, row(*member, IMAGE_BYTES))?;
        }
        Ok(())
    }

    fn find_before(&self, member: u32, name: &[u8]) -> io::Result<Option<u32>> {
        let hash = crc32fast::hash(name);
        let end = self.lookup.partition_point(|&entry| entry < (hash, member));
        for &(_, candidate) in self.lookup[..end]
            .iter()
            .rev()
            .take_while(|entry| entry.0 == hash)
        {
            if self.has_name(candidate, name)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    fn has_name(&self, member: u32, name: &[u8]) -> io::Result<bool> {
        let start = |number: u32| -> io::Result<u64> {
            if u64::from(number) == self.members() {
                return Ok(self.names.length);
            }
            let mut row = [0; PLACE_BYTES];
            let at = u64::from(number) * PLACE_BYTES as u64;
            self.places.file.get_ref().read_exact_at(&mut row, at)?;
            Ok(Place::decode(&row).name)
        };
        let (start, end) = (start(member)?, start(member + 1)?);
        if end - start != name.len() as u64 {
            return Ok(false);
        }
        let mut found = vec![0; name.len()];
        self.names.file.get_ref().read_exact_at(&mut found, start)?;
        Ok(found == name)
    }
}

struct Sections<'a> {
    file: BufWriter<&'a mut File>,
    extents: [Extent; SECTIONS],
    end: u64,
}

impl Sections<'_> {
    fn copy(&mut self, section: Section, spool: &mut Spool) -> io::Result<()> {
        let source = spool.file.get_mut();
        source.rewind()?;
        let mut piece = vec![0; 1 << 16];
        let mut crc = crc32fast::Hasher::new();
        let mut length = 0;
        loop {
            let count = source.read(&mut piece)?;
            if count == 0 {
                break;
            }
            crc.update(&piece[..count]);
            self.file.write_all(&piece[..count])?;
            length += count as u64;
        }
        if length != spool.length {
            return Err(io::Error::other("a temporary file changed its length"));
        }
        self.close(section, crc.finalize(), length);
        Ok(())
    }

    fn numbers(&mut self, section: Section, numbers: impl Iterator<Item = u32>) -> io::Result<()> {
        let mut crc = crc32fast::Hasher::new();
        let mut length = 0;
        for number in numbers {
            let bytes = number.to_le_bytes();
            crc.update(&bytes);
            self.file.write_all(&bytes)?;
            length += 4;
        }
        self.close(section, crc.finalize(), length);
        Ok(())
    }

    fn close(&mut self, section: Section, crc: u32, length: u64) {
        self.extents[section as usize] = Extent {
            crc,
            start: self.end,
            length,
        };
        self.end += length;
    }
}

/// The folder that holds `path`.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
