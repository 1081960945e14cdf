//! Turns an archive's index into one that other programs read, a few seek points from which they
//! decode on for as long as they like.
//!
//! A window of ours holds what one member needs, so the windows of an exported index are found by
//! decoding, from a member's seek point some way before the exported point to 32 KiB behind it:
//! what lies between two points is not read. Where that leaves something unknown, or no member
//! begins for long, the stretch from the point before is decoded, which always does.

mod gztool;
mod source;
mod starts;
mod stretch;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::archive::Archive;
use crate::archive::file::ArchiveFile;
use crate::error::{Error, Result};
use crate::progress::{OnProgress, Progress, Reporter};
use source::Source;
use starts::{Candidate, Starts};
use stretch::{Found, Goal, Stretch};

/// What an exported index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Number of seek points.
    pub points: u64,
    /// Bytes of the file that was written.
    pub bytes: u64,
    /// Bytes of the archive without its compression.
    pub tar_bytes: u64,
}

/// A place where decoding can start and go on without end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SeekPoint {
    /// Position in the file, in bits; a deflate block begins there.
    bit: u64,
    /// Position in the tar of the first byte that comes out.
    tar_offset: u64,
    /// The 32 KiB before, where they are referred to, else zeros; empty if nothing is.
    window: Vec<u8>,
}

/// Writes the index of `archive`, a tar.gz, as gztool has it (format 0) to `path`, with a seek
/// point about every `spacing` bytes of the tar.
///
/// Progress counts bytes of the archive file.
pub fn gztool(
    archive: &Archive,
    path: &Path,
    spacing: u64,
    progress: &mut OnProgress<'_>,
) -> Result<Exported> {
    if spacing == 0 {
        return Err(Error::argument(
            "expected a spacing of at least one byte, found 0",
        ));
    }
    let file = whole_file(archive)?;
    refuse_own_files(archive, path)?;
    let mut report = |done: Progress| progress(done);
    let mut export = Export {
        starts: Starts::new(archive.index()),
        stretch: Stretch::new(file),
        spacing,
        size: file.size()?,
        reporter: Reporter::new(&mut report),
    };
    let mut out = gztool::Writer::create(path)?;
    let named = |error: Error| error.with_path(archive.path());
    let mut last = first_point(file).map_err(named)?;
    loop {
        out.add(&last)?;
        match export.next(&last).map_err(named)? {
            Next::Point(point) => last = point,
            Next::End(tar_bytes) => {
                export.tell_end()?;
                return out.finish(tar_bytes);
            }
        }
    }
}

/// The archive's file, if it is compressed and the index covers all of it.
fn whole_file(archive: &Archive) -> Result<&ArchiveFile> {
    let Some(file) = archive.gzip_file() else {
        return Err(Error::argument(
            "only the index of a tar.gz can be exported: what is not compressed can be read at any \
             place without an index",
        )
        .with_path(archive.path()));
    };
    match &archive.index().summary().stopped {
        None => Ok(file),
        Some(reason) => Err(Error::archive(format!(
            "{reason}; other programs read only indexes of whole files: export it when the archive \
             is whole"
        ))
        .with_path(archive.path())),
    }
}

/// Fails if `path` is the archive or its index: writing there would destroy it.
fn refuse_own_files(archive: &Archive, path: &Path) -> Result<()> {
    let Ok(target) = fs::metadata(path) else {
        return Ok(());
    };
    for own in [archive.path(), archive.index().path()] {
        let own_file = fs::metadata(own).map_err(|error| Error::io(error, own))?;
        if (own_file.dev(), own_file.ino()) == (target.dev(), target.ino()) {
            return Err(Error::argument(format!(
                "expected a new file for the exported index, found `{}` itself",
                own.display()
            ))
            .with_path(path));
        }
    }
    Ok(())
}

/// The first block of the file, before which there is nothing.
fn first_point(file: &ArchiveFile) -> Result<SeekPoint> {
    Ok(SeekPoint {
        bit: Source::new(file).behind_header(0)? * 8,
        ..SeekPoint::default()
    })
}

/// What comes behind a point.
enum Next {
    Point(SeekPoint),
    /// The tar ends before another point is due; its length.
    End(u64),
}

/// An export under way.
struct Export<'a> {
    starts: Starts<'a>,
    stretch: Stretch<'a>,
    spacing: u64,
    /// Bytes of the archive file.
    size: u64,
    reporter: Reporter<'a>,
}

impl Export<'_> {
    /// The point to have after `last`.
    fn next(&mut self, last: &SeekPoint) -> Result<Next> {
        let due = last.tar_offset.saturating_add(self.spacing);
        let Some(Candidate { start, before }) = self.starts.between(last.tar_offset, due)? else {
            return self.decode_on(last, Goal::Behind(due));
        };
        let goal = Goal::Block {
            bit: start.bit,
            tar_offset: start.tar_offset,
        };
        // From a start before `last` there would be more to decode, and less known.
        if let Some(before) = before.filter(|before| before.tar_offset > last.tar_offset) {
            let window = self.starts.window(&before)?;
            self.stretch.start(before.bit, before.tar_offset, window)?;
            if let Found::Point(point) = self.run(goal)? {
                return Ok(Next::Point(point));
            }
        }
        self.decode_on(last, goal)
    }

    /// Decodes all from `last` on, where everything is known.
    fn decode_on(&mut self, last: &SeekPoint, goal: Goal) -> Result<Next> {
        self.stretch.start_at_point(last);
        match self.run(goal)? {
            Found::Point(point) => Ok(Next::Point(point)),
            Found::End(tar_bytes) => Ok(Next::End(tar_bytes)),
            Found::Unknown => Err(Error::archive("a seek point's history is not known")),
        }
    }

    fn run(&mut self, goal: Goal) -> Result<Found> {
        let (size, members) = (self.size, self.starts.members());
        self.stretch.run(goal, |done| {
            self.reporter.tick(Progress {
                done,
                total: Some(size),
                members,
            })
        })
    }

    fn tell_end(&mut self) -> Result<()> {
        self.reporter.finish(Progress {
            done: self.size,
            total: Some(self.size),
            members: self.starts.members(),
        })
    }
}
