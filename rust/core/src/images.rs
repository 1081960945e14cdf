//! Turns member numbers into whole images, on several threads.
//!
//! Not here: batches of one shape ([`crate::batch`]).

use std::num::NonZeroUsize;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::member::Reader;
use crate::pixels::{Decoder, RgbImage};
use crate::progress::OnProgress;
use crate::team;

/// The memory that one thread reuses.
#[derive(Default)]
struct Scratch {
    reader: Reader,
    decoder: Decoder,
}

/// Reads and decodes `members` of `archive`, in this order.
///
/// The error is that of the first member that cannot be read or decoded, or
/// [`Error::cancelled`] where `progress` asked to stop.
pub fn decode_members(
    archive: &Archive,
    members: &[usize],
    threads: NonZeroUsize,
    progress: &mut OnProgress<'_>,
) -> Result<Vec<RgbImage>> {
    let count = archive.index().len();
    if let Some(member) = members.iter().find(|&&member| member >= count) {
        let message = format!("there is no member {member}: the archive has {count}");
        return Err(Error::new(crate::ErrorKind::NotFound, message).with_path(archive.path()));
    }
    let read = |step: usize, scratch: &mut Scratch| {
        let member = members[step];
        let bytes = archive.read_slice(member, &mut scratch.reader)?;
        scratch.decoder.decode(bytes).map_err(|error| {
            error
                .with_member(&archive.index().name(member).unwrap_or_default())
                .with_path(archive.path())
        })
    };
    team::collect(members.len(), threads, progress, read).map_err(|(_, error)| error)
}
