//! Turns members that lie near each other into their bytes: one positional read for all of them,
//! and one run of inflating where they follow one another.
//!
//! A member's window has what the bytes from its seek point to its end refer to, and nothing for
//! what comes behind. So going on into the next member is exact only by this rule:
//!
//! * A run starts at a seek point, with its window. All output from that point on is exact up to
//!   the member's end: what it refers to is in the window or is output of the run.
//! * It goes on into a member whose seek point is not behind the end of the exact output, after the
//!   window of that point was laid over the history. The bytes up to the member's end refer to
//!   bytes before its point, which the window has, or to bytes from the point on, which are output
//!   of the run. So they are exact too. The window's bytes are those of the tar: laying them over
//!   history never makes an exact byte wrong.
//! * Any other member starts a new run.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::point;
use super::read::{Reader, check_span, check_sum, fill};
use crate::archive::deflate::{Output, SLACK, WINDOW};
use crate::archive::file::ArchiveFile;
use crate::archive::{Archive, Storage};
use crate::error::{Error, Result};
use crate::index::{Index, Place, Status};
use crate::limits::{GROUP_BYTES, GROUP_OUTPUT_BYTES};

/// Members that lie this near to each other are read at once, with what is between them.
const NEAR: u64 = 64 << 10;

/// The least that a group may have, however many threads there are to share the work.
const LEAST_GROUP: u64 = 256 << 10;

/// A member to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) member: usize,
    pub(super) place: Place,
}

/// What of the archive file a member needs, if it lies there and can be read with others.
fn span(archive: &Archive, place: &Place) -> Option<Range<u64>> {
    if place.status != Status::Whole || place.size == 0 {
        return None;
    }
    match archive.storage() {
        Storage::Folder => None,
        Storage::Tar(_) => Some(place.tar_offset..place.tar_offset.checked_add(place.size)?),
        Storage::Gzip(_) => {
            check_span(place).ok()?;
            let start = place.point_bit / 8;
            Some(start..start.checked_add(place.compressed_size)?)
        }
    }
}

/// Cuts `steps`, which are in the order of the archive, into groups for `threads` threads.
pub(super) fn groups(archive: &Archive, steps: &[Step], threads: usize) -> Vec<Range<usize>> {
    let spans: Vec<_> = steps
        .iter()
        .map(|step| span(archive, &step.place))
        .collect();
    // Spans overlap: two members may need the same block.
    let (mut total, mut covered) = (0u64, 0);
    for span in spans.iter().flatten() {
        total = total.saturating_add(span.end.saturating_sub(span.start.max(covered)));
        covered = covered.max(span.end);
    }
    // A few groups a thread, so that none of them waits long for the others at the end.
    let share = (total / (threads as u64).saturating_mul(4).max(1)).clamp(LEAST_GROUP, GROUP_BYTES);
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut last: Option<(Range<u64>, u64)> = None;
    for (at, (step, span)) in steps.iter().zip(spans).enumerate() {
        let output = step.place.size.saturating_add(u64::from(step.place.gap));
        let joined = last.take().zip(span.clone()).and_then(|(last, span)| {
            let whole = last.0.start..last.0.end.max(span.end);
            let sum = last.1.saturating_add(output);
            let near = span.start >= whole.start && span.start <= last.0.end.saturating_add(NEAR);
            let small = whole.end - whole.start <= share && sum <= GROUP_OUTPUT_BYTES;
            (near && small).then_some((whole, sum))
        });
        if let (Some(joined), Some(group)) = (joined, groups.last_mut()) {
            group.end = at + 1;
            last = Some(joined);
        } else {
            groups.push(at..at + 1);
            last = span.map(|span| (span, output));
        }
    }
    groups
}

/// Reads the members of one group, checks them and returns what `take` makes of their bytes.
pub(super) fn read_group<T>(
    archive: &Archive,
    steps: &[Step],
    reader: &mut Reader,
    take: &impl Fn(&[u8]) -> T,
) -> Result<Vec<T>> {
    if steps.len() > 1
        && let Ok(found) = read_together(archive, steps, reader, take)
    {
        return Ok(found);
    }
    // Also after any error: it is then the first bad member's own, as if it had been read alone.
    let alone = |step: &Step| Ok(take(archive.read_slice(step.member, reader)?));
    steps.iter().map(alone).collect()
}

fn read_together<T>(
    archive: &Archive,
    steps: &[Step],
    reader: &mut Reader,
    take: &impl Fn(&[u8]) -> T,
) -> Result<Vec<T>> {
    let spans: Option<Vec<_>> = steps
        .iter()
        .map(|step| span(archive, &step.place))
        .collect();
    let spans = spans.ok_or_else(out_of_group)?;
    let start = spans.first().map_or(0, |span| span.start);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(start);
    let needed = end.checked_sub(start).filter(|&bytes| bytes <= GROUP_BYTES);
    let needed = needed.ok_or_else(out_of_group)? as usize;
    if reader.compressed.len() < needed {
        reader.compressed.resize(needed, 0);
    }
    match archive.storage() {
        Storage::Folder => Err(out_of_group()),
        Storage::Tar(file) => {
            let bytes = &mut reader.compressed[..needed];
            file.read_exact(bytes, start)?;
            copy(bytes, start, steps, &spans, take)
        }
        Storage::Gzip(file) => {
            file.read_exact(&mut reader.compressed[..needed], start)?;
            inflate(file, archive.index(), steps, start..end, reader, take)
        }
    }
}

/// Takes members of a tar out of `bytes`, which start at `start` of the file.
fn copy<T>(
    bytes: &[u8],
    start: u64,
    steps: &[Step],
    spans: &[Range<u64>],
    take: &impl Fn(&[u8]) -> T,
) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(steps.len());
    for (step, span) in steps.iter().zip(spans) {
        let own = within(span.start, start)?..within(span.end, start)?;
        let own = bytes.get(own).ok_or_else(out_of_group)?;
        check_sum(&step.place, own)?;
        found.push(take(own));
    }
    Ok(found)
}

/// Exact output: `reader.output[WINDOW..at]` is that from `origin` of the tar on.
struct Run {
    origin: u64,
    at: usize,
    floor: usize,
    /// How much of the compressed bytes is used.
    used: usize,
}

/// Inflates members out of `reader.compressed`, which is `bytes` of the file.
fn inflate<T>(
    file: &ArchiveFile,
    index: &Index,
    steps: &[Step],
    bytes: Range<u64>,
    reader: &mut Reader,
    take: &impl Fn(&[u8]) -> T,
) -> Result<Vec<T>> {
    let needed = within(bytes.end, bytes.start)?;
    let mut found = Vec::with_capacity(steps.len());
    let mut run: Option<Run> = None;
    for Step { place, .. } in steps {
        let first = place.tar_offset.checked_sub(u64::from(place.gap));
        let first = first.ok_or_else(out_of_group)?;
        let mut this = match run.take() {
            Some(run) if run.reaches(first) => {
                let history = &mut reader.output[within(first, run.origin)?..][..WINDOW];
                point::overlay(history, index, place)?;
                run
            }
            _ => {
                grow(&mut reader.output, WINDOW);
                let history = &mut reader.output[..WINDOW];
                point::start(&mut reader.walker, history, file, index, place)?;
                Run {
                    origin: first,
                    at: WINDOW,
                    floor: 0,
                    used: within(place.point_bit / 8, bytes.start)?,
                }
            }
        };
        let start = WINDOW + within(place.tar_offset, this.origin)?;
        let limit = start + within(place.size, 0)?;
        grow(&mut reader.output, limit);
        let mut input = reader.compressed[..needed]
            .get(this.used..)
            .ok_or_else(out_of_group)?;
        let mut output = Output {
            bytes: &mut reader.output,
            at: this.at,
            limit,
            floor: this.floor,
        };
        fill(&mut reader.walker, &mut input, &mut output)?;
        (this.at, this.floor) = (output.at, output.floor);
        this.used = needed - input.len();
        let own = &reader.output[start..limit];
        check_sum(place, own)?;
        found.push(take(own));
        run = Some(this);
    }
    Ok(found)
}

impl Run {
    /// Whether `tar_offset` lies in the exact output or at its end.
    fn reaches(&self, tar_offset: u64) -> bool {
        let end = self.origin + (self.at - WINDOW) as u64;
        (self.origin..=end).contains(&tar_offset)
    }
}

/// Makes room for output up to `limit`.
fn grow(output: &mut Vec<u8>, limit: usize) {
    if output.len() < limit + SLACK {
        output.resize(limit + SLACK, 0);
    }
}

/// How far `position` lies behind `origin`, if it can be in a group that starts there.
fn within(position: u64, origin: u64) -> Result<usize> {
    position
        .checked_sub(origin)
        .filter(|&distance| distance <= GROUP_BYTES + GROUP_OUTPUT_BYTES)
        .map(|distance| distance as usize)
        .ok_or_else(out_of_group)
}

/// Not seen by callers: the members are read one by one then.
fn out_of_group() -> Error {
    Error::index("the index is damaged: members that are read together do not fit together")
}
