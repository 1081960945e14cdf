//! Turns any bytes, taken as a tar, into the files that our parser and the `tar` crate find in them.

use crate::archive::tar::{BLOCK, End, Entry, EntryKind, Fault, Members, TarParser};
use crate::error::Result;

/// A regular file: name, position of its data, bytes.
type Found = (Vec<u8>, u64, u64);

/// Checks that both readers find the same regular files, or one refuses.
///
/// Where the `tar` crate differs, a tar is not compared; see [`differs`] for the reasons.
///
/// The first byte, modulo 2, says what the others are: 0 a tar; 1 a tar of which every block gets
/// the checksum of a header, so that only the other fields can be wrong.
///
/// # Panics
/// If both accept the tar and find other files in it.
pub fn tar(bytes: &[u8]) {
    let Some((&form, rest)) = bytes.split_first() else {
        return;
    };
    let mut bytes = rest.to_vec();
    if form % 2 == 1 {
        bytes.as_chunks_mut::<BLOCK>().0.iter_mut().for_each(seal);
    }
    let bytes = &bytes[..];
    let whole = by_us(bytes, bytes.len().max(1));
    let pieces = by_us(bytes, 1 + usize::from(form));
    assert_eq!(whole, pieces, "pieces do not matter");
    if let (Some(ours), Some(mut theirs)) = (whole, by_tar(bytes)) {
        theirs.retain(|found| !ours.sparse.contains(&found.1));
        assert_eq!(ours.files, theirs);
    }
}

/// Gives a block the checksum of a header, unless it is one of zeros.
fn seal(block: &mut [u8; BLOCK]) {
    if block.iter().any(|&byte| byte != 0) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
}

/// What our parser finds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ours {
    files: Vec<Found>,
    /// Where the data of sparse files is.
    sparse: Vec<u64>,
}

/// The [`Members`] that only lists what there is, and sees to it that every member gets its bytes.
#[derive(Debug, Default)]
struct List {
    found: Ours,
    current: Option<Entry>,
    left: u64,
}

impl Members for List {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        assert!(self.current.is_none(), "one member at a time");
        self.left = match entry.kind {
            EntryKind::File => entry.size,
            EntryKind::HardLink { .. } | EntryKind::Sparse => 0,
        };
        self.current = Some(entry);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(self.current.is_some(), "data belongs to a member");
        assert!(!bytes.is_empty(), "some data");
        self.left -= bytes.len() as u64;
    }

    fn end(&mut self) -> Result<()> {
        assert_eq!(self.left, 0, "a member has all its data");
        if let Some(entry) = self.current.take() {
            let place = entry.data_offset;
            match entry.kind {
                EntryKind::File => self.found.files.push((entry.name, place, entry.size)),
                EntryKind::Sparse => self.found.sparse.push(place),
                EntryKind::HardLink { .. } => {}
            }
        }
        Ok(())
    }
}

/// What our parser finds in `bytes` that come in pieces of `step`; `None` if it refuses.
fn by_us(bytes: &[u8], step: usize) -> Option<Ours> {
    let mut parser = TarParser::default();
    let mut list = List::default();
    let pushed = bytes
        .chunks(step)
        .try_for_each(|piece| parser.push(piece, &mut list));
    match pushed.and_then(|()| parser.finish()) {
        Ok(End::Marked | End::Unmarked) => Some(list.found),
        Ok(End::Truncated(_)) => None,
        Err(Fault::Tar { tar_offset, .. }) => {
            assert!(tar_offset <= bytes.len() as u64, "a place in the file");
            None
        }
        Err(Fault::Sink(error)) => panic!("the list never fails: {error}"),
    }
}

/// What the `tar` crate finds; `None` if it refuses, or is known to differ.
fn by_tar(bytes: &[u8]) -> Option<Vec<Found>> {
    let mut archive = ::tar::Archive::new(bytes);
    // As ours: tars that follow one another are one archive.
    archive.set_ignore_zeros(true);
    let mut found = Vec::new();
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        if differs(&mut entry) {
            return None;
        }
        let kind = entry.header().entry_type();
        let name = entry.path_bytes().into_owned();
        if (kind.is_file() || kind.is_contiguous()) && !is_old_directory(&entry) {
            found.push((name, entry.raw_file_position(), entry.size()));
        }
    }
    Some(found)
}

type TheirEntry<'a> = ::tar::Entry<'a, &'a [u8]>;

/// A v7 tar has no type for directories, whose names end in a slash.
fn is_old_directory(entry: &TheirEntry<'_>) -> bool {
    entry.header().as_bytes()[156] == 0 && entry.path_bytes().ends_with(b"/")
}

/// Whether the `tar` crate reads an entry, or what comes behind it, otherwise than Python, GNU tar and
/// we do:
///
/// * It passes over global pax headers, Solaris' `X` headers, and extended headers whose own magic
///   is neither that of ustar nor that of GNU.
/// * Of a header with another version of ustar's magic it takes no prefix.
/// * It passes over data behind links, devices and directories that say they have some.
/// * A name from a GNU header goes before that of a pax header, whichever came last, and may have
///   zero bytes in it.
/// * Pax records are lines: a value with a line feed is none, a wrong one ends the list, the first
///   of two counts, and an empty value counts.
fn differs(entry: &mut TheirEntry<'_>) -> bool {
    let block = entry.header().as_bytes();
    let kind = block[156];
    let extension = matches!(kind, b'g' | b'X' | b'x' | b'L' | b'K');
    let known = matches!(&block[257..265], b"ustar\x0000" | b"ustar  \0");
    let odd_magic = block[257..].starts_with(b"ustar") && !known;
    // star keeps times at the prefix' end and says so.
    let star = &block[508..] == b"tar\0";
    let no_data = matches!(kind, b'1'..=b'6') || is_old_directory(entry);
    let name = entry.path_bytes().into_owned();
    extension
        || odd_magic
        || star
        || (no_data && entry.size() > 0)
        || name.contains(&0)
        || has_odd_records(entry, &name)
}

fn has_odd_records(entry: &mut TheirEntry<'_>, name: &[u8]) -> bool {
    let Ok(Some(records)) = entry.pax_extensions() else {
        return false;
    };
    let mut known = Vec::new();
    for record in records {
        let Ok(record) = record else { return true };
        let (key, value) = (record.key_bytes(), record.value_bytes());
        let is_path = key == b"path";
        if value.is_empty() || known.contains(&key) || (is_path && value != name) {
            return true;
        }
        known.push(key);
    }
    false
}
