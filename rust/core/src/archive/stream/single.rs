//! Turns one member of an archive that is read from front to back into pieces of its bytes.

use std::io::Read;

use crate::archive::gzip::Piece;
use crate::archive::tar::{Entry, EntryKind, Members};
use crate::archive::unpack::{Sink, Unpacker};
use crate::error::{Error, Result};

/// Bytes of the file that are read at once.
const CHUNK: usize = 64 << 10;

/// Reads all of a tar or tar.gz; `take` gets the bytes of those members that `wanted` says yes to.
///
/// An archive that does not end as it should is an error, though all of the member may have come.
pub(crate) fn read_one(
    reader: &mut dyn Read,
    wanted: &mut dyn FnMut(&[u8]) -> Result<bool>,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut sink = Single {
        wanted,
        take,
        taking: false,
        failure: None,
    };
    let mut unpacker = Unpacker::default();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                size += count as u64;
                unpacker.feed(&chunk[..count], &mut sink)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(failure) = sink.failure.take() {
            return Err(failure);
        }
    }
    let (_, stopped) = unpacker.finish(&mut sink, size)?;
    match (sink.failure, stopped) {
        (Some(failure), _) => Err(failure),
        (None, Some(reason)) => Err(Error::archive(reason)),
        (None, None) => Ok(()),
    }
}

struct Single<'a> {
    wanted: &'a mut dyn FnMut(&[u8]) -> Result<bool>,
    take: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    taking: bool,
    failure: Option<Error>,
}

impl Members for Single<'_> {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        self.taking = (self.wanted)(&entry.name)?;
        if self.taking && entry.kind != EntryKind::File {
            return Err(
                Error::archive("expected a file, found a link or a sparse file")
                    .with_member(&entry.name),
            );
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        if self.taking && self.failure.is_none() {
            self.failure = (self.take)(bytes).err();
        }
    }

    fn end(&mut self) -> Result<()> {
        self.taking = false;
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Sink for Single<'_> {
    fn start_piece(&mut self, piece: &mut Piece<'_>) {
        piece.log.forget();
    }

    fn end_piece(&mut self, _piece: &Piece<'_>) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}
