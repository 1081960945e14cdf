//! Turns the members of an archive into images for the batches.

use std::fmt;
use std::sync::Arc;

use super::points::Photo;
use super::{PointStore, Source, order};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::member::Reader;
use crate::pixels::{Decoder, Fidelity, Output, Recipe, ScanPoints, Transform};

/// The samples of a data set: members of an archive, rendered alike.
#[derive(Debug)]
pub struct Photos {
    archive: Arc<Archive>,
    members: Vec<u32>,
    ids: Vec<i64>,
    transform: Transform,
    output: Output,
    fidelity: Fidelity,
    seed: u64,
    fingerprint: String,
    points: Option<PointStore>,
}

/// The memory of one thread.
#[derive(Default)]
pub struct Scratch {
    reader: Reader,
    decoder: Decoder,
    points: ScanPoints,
    /// Points as they are stored.
    stored: Vec<u8>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Photos {
    /// Sample `i` is the member `members[i]`; its random choices are those of image `ids[i]`, so
    /// that they depend neither on the order nor on which subset the data set is.
    pub fn new(
        archive: Arc<Archive>,
        members: &[i64],
        ids: &[i64],
        transform: Transform,
        output: Output,
        fidelity: Fidelity,
        seed: u64,
    ) -> Result<Self> {
        if members.len() != ids.len() {
            return Err(Error::argument(format!(
                "a data set has one image id for each member, found {} ids for {} members",
                ids.len(),
                members.len()
            )));
        }
        let count = archive.index().len();
        let members = order::places(members)?;
        if let Some(member) = members.iter().find(|&&member| member as usize >= count) {
            let message = format!("a sample is member {member}, the archive has {count} members");
            return Err(Error::argument(message).with_path(archive.path()));
        }
        Ok(Self {
            fingerprint: fingerprint(&archive, &members, ids),
            archive,
            members,
            ids: ids.to_vec(),
            transform,
            output,
            fidelity,
            seed,
            points: None,
        })
    }

    /// Decoding starts at the points that the store has, and adds to them; the pixels are the same.
    #[must_use]
    pub fn with_points(mut self, points: PointStore) -> Self {
        self.points = Some(points);
        self
    }

    /// Where scan points are kept, if they are.
    pub fn points(&self) -> Option<&PointStore> {
        self.points.as_ref()
    }

    /// The member of a sample.
    pub fn member(&self, sample: u32) -> usize {
        self.members[sample as usize] as usize
    }

    /// Tells this data set from any other: the archive's content, the number of samples, and a
    /// checksum of which members they are under which ids.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl Photos {
    fn render_member(
        &self,
        member: usize,
        id: u64,
        recipe: &Recipe<'_>,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> Result<()> {
        let Scratch {
            reader,
            decoder,
            points,
            stored,
        } = scratch;
        let data = self.archive.read_slice(member, reader)?;
        let Some(store) = &self.points else {
            return decoder.render(data, recipe, id, None, out);
        };
        let photo = Photo::new(member as u32, &self.archive.index().place(member)?);
        store.get(photo, points, stored);
        let known = points.rows();
        decoder.render(data, recipe, id, Some(points), out)?;
        store.put(photo, known, points);
        Ok(())
    }
}

fn fingerprint(archive: &Archive, members: &[u32], ids: &[i64]) -> String {
    let mut checksum = crc32fast::Hasher::new();
    for (member, id) in members.iter().zip(ids) {
        checksum.update(&member.to_le_bytes());
        checksum.update(&id.to_le_bytes());
    }
    let archive = archive.index().fingerprint();
    format!(
        "{archive:016x}-{}-{:08x}",
        members.len(),
        checksum.finalize()
    )
}

impl Source for Photos {
    type Scratch = Scratch;

    fn places(&self) -> &[u32] {
        &self.members
    }

    fn image_bytes(&self) -> usize {
        let (height, width) = self.transform.size();
        let values = (height as usize)
            .saturating_mul(width as usize)
            .saturating_mul(3);
        values.saturating_mul(self.output.dtype.size())
    }

    fn render(&self, sample: u32, epoch: u64, scratch: &mut Scratch, out: &mut [u8]) -> Result<()> {
        let member = self.member(sample);
        let recipe = Recipe {
            transform: &self.transform,
            output: &self.output,
            fidelity: self.fidelity,
            seed: self.seed,
            epoch,
        };
        let id = self.ids[sample as usize] as u64;
        self.render_member(member, id, &recipe, scratch, out)
            .map_err(|error| {
                error
                    .with_member(&self.archive.index().name(member).unwrap_or_default())
                    .with_path(self.archive.path())
            })
    }

    fn epoch_starts(&self) {
        if let Some(store) = &self.points {
            store.refresh();
        }
    }

    fn epoch_ended(&self) {
        if let Some(store) = &self.points {
            store.flush();
        }
    }
}
