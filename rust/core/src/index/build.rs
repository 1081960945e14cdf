//! Turns members, as a pass finds them, into an index file.
//!
//! What grows with the archive goes to unnamed temporary files at once; 8 bytes a member stay in
//! memory. The index is written aside and renamed, so that a name is either absent, or the old
//! index, or the whole new one.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::format::Summary;
use super::journal::Journal;
use super::members::{IMAGE_BYTES, PLACE_BYTES, Place, Status, encode_image};
use super::write;
use crate::archive::points::NO_WINDOW;
use crate::error::{Error, Result};
use crate::limits::MEMBERS;
use crate::pixels::header::Header;

/// Collects an index.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    path: PathBuf,
    pub(super) places: Spool,
    pub(super) images: Spool,
    pub(super) names: Spool,
    pub(super) windows: Spool,
    /// (CRC32 of the name, member), sorted when all are there.
    pub(super) lookup: Vec<(u32, u32)>,
    links: Vec<(u32, Vec<u8>)>,
    bytes: u64,
    row: Vec<u8>,
    journal: Option<Journal>,
}

/// What is written is read again only when the index is put together.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    pub(super) length: u64,
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

    /// Takes back what was written from `length` on.
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(length))?;
        self.length = length;
        Ok(())
    }

    /// All that was written, from the start.
    pub(super) fn read(&mut self) -> io::Result<BufReader<&File>> {
        self.file.flush()?;
        self.file.rewind()?;
        Ok(BufReader::with_capacity(1 << 16, self.file.get_ref()))
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
            journal: None,
        };
        // Position 0 is the window of those that need none.
        builder.add_window(&NO_WINDOW)?;
        Ok(builder)
    }

    /// Logs from now on whatever is added.
    pub(super) fn set_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Whether what is added is logged.
    pub(crate) fn has_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// Takes the journal away.
    pub(crate) fn take_journal(&mut self) -> Option<Journal> {
        self.journal.take()
    }

    /// Logs a place from which a later pass can go on.
    pub(crate) fn commit(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        match &mut self.journal {
            Some(journal) => journal.commit(checkpoint),
            None => Ok(()),
        }
    }

    /// Bytes of all windows so far.
    pub(crate) fn window_bytes(&self) -> u64 {
        self.windows.length
    }

    /// Number of members so far.
    pub(crate) fn members(&self) -> u64 {
        self.lookup.len() as u64
    }

    /// Adds an encoded window; returns its position.
    pub(crate) fn add_window(&mut self, encoded: &[u8]) -> Result<u64> {
        self.put_window(encoded)
            .map_err(|error| Error::io(error, &self.path))
    }

    pub(super) fn put_window(&mut self, encoded: &[u8]) -> io::Result<u64> {
        if let Some(journal) = &mut self.journal {
            journal.window(encoded)?;
        }
        self.windows.write(encoded)
    }

    /// Adds a member; `place.name` is set here.
    pub(crate) fn add(&mut self, name: &[u8], place: Place, image: &Header) -> Result<()> {
        if self.members() >= MEMBERS {
            return Err(Error::archive(format!("more than {MEMBERS} members")));
        }
        self.put(name, place, image)
            .map_err(|error| Error::io(error, &self.path))
    }

    pub(super) fn put(&mut self, name: &[u8], place: Place, image: &Header) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.member(name, &place, image)?;
        }
        self.put_row(name, place, image)
    }

    fn put_row(&mut self, name: &[u8], mut place: Place, image: &Header) -> io::Result<()> {
        place.name = self.names.write(name)?;
        self.row.clear();
        place.encode(&mut self.row);
        self.places.write(&self.row)?;
        self.row.clear();
        self.row.resize(IMAGE_BYTES, 0);
        encode_image(image, &mut self.row);
        self.images.write(&self.row)?;
        self.lookup
            .push((crc32fast::hash(name), self.lookup.len() as u32));
        self.bytes += place.size;
        Ok(())
    }

    /// Takes back the member that was added last; its window, which others may share, stays.
    pub(crate) fn forget_last(&mut self) -> Result<()> {
        self.cut_row().map_err(|error| Error::io(error, &self.path))
    }

    fn cut_row(&mut self) -> io::Result<()> {
        let Some((_, member)) = self.lookup.pop() else {
            return Ok(());
        };
        let start = u64::from(member) * PLACE_BYTES as u64;
        self.places.file.flush()?;
        let mut row = [0; PLACE_BYTES];
        self.places.file.get_ref().read_exact_at(&mut row, start)?;
        let place = Place::decode(&row);
        self.bytes -= place.size;
        self.links.retain(|link| link.0 != member);
        self.places.cut(start)?;
        self.images.cut(u64::from(member) * IMAGE_BYTES as u64)?;
        self.names.cut(place.name)
    }

    /// Adds a member that is another name of `target`.
    pub(crate) fn add_link(&mut self, name: &[u8], target: Vec<u8>) -> Result<()> {
        if self.members() >= MEMBERS {
            return Err(Error::archive(format!("more than {MEMBERS} members")));
        }
        self.put_link(name, target)
            .map_err(|error| Error::io(error, &self.path))
    }

    pub(super) fn put_link(&mut self, name: &[u8], target: Vec<u8>) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.link(name, &target)?;
        }
        let member = self.lookup.len() as u32;
        let place = Place {
            status: Status::Dangling,
            ..Place::default()
        };
        self.put_row(name, place, &Header::default())?;
        self.links.push((member, target));
        Ok(())
    }

    /// Writes the index under its name; returns `summary` with the two counts.
    pub(crate) fn finish(mut self, mut summary: Summary) -> Result<Summary> {
        let path = self.path.clone();
        self.put_in_order()
            .and_then(|()| {
                summary.members = self.members();
                summary.bytes = self.bytes;
                write::write(&mut self, &summary, &path)
            })
            .map_err(|error| Error::io(error, &path))?;
        Ok(summary)
    }

    fn put_in_order(&mut self) -> io::Result<()> {
        self.lookup.sort_unstable();
        for spool in [&mut self.places, &mut self.images, &mut self.names] {
            spool.file.flush()?;
        }
        self.resolve_links()
    }

    /// Gives every hard link the place of the last member before it with the target's name.
    fn resolve_links(&mut self) -> io::Result<()> {
        let (places, images) = (self.places.file.get_ref(), self.images.file.get_ref());
        let mut place = [0; PLACE_BYTES];
        let mut image = [0; IMAGE_BYTES];
        for (member, target) in &self.links {
            let Some(found) = self.find_target(*member, target)? else {
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

    /// The last member before `member` that `target` leads to: it may be named with or without `./`,
    /// which is the same file to whoever unpacks the tar.
    fn find_target(&self, member: u32, target: &[u8]) -> io::Result<Option<u32>> {
        let exact = self.find_before(member, target)?;
        if exact.is_some() {
            return Ok(exact);
        }
        match target.strip_prefix(b"./") {
            Some(bare) => self.find_before(member, bare),
            None => self.find_before(member, &[b"./", target].concat()),
        }
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

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
