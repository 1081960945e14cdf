//! Turns lists of members into their bytes, with threads that share the work in archive order.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Reader;
use super::group::{self, Step};
use crate::archive::Archive;
use crate::archive::md5::Md5;
use crate::error::{Error, Result};
use crate::progress::{OnProgress, Progress, Reporter};
use crate::team;

/// The number of threads to use when the caller does not say: one a processor.
fn thread_count(asked: Option<usize>) -> NonZeroUsize {
    asked
        .and_then(NonZeroUsize::new)
        .unwrap_or_else(team::default_threads)
}

/// Reads `members` in the order of the archive and returns them in the order given; those that lie
/// near each other are read and inflated together.
///
/// `threads`: how many threads read at once, by default one a processor. On failure the error is
/// that of the first failing member in the order of the archive.
pub fn read_many(
    archive: &Archive,
    members: &[usize],
    threads: Option<usize>,
    progress: &mut OnProgress<'_>,
) -> Result<Vec<Vec<u8>>> {
    read_many_with(archive, members, threads, progress, <[u8]>::to_vec)
}

/// The same with what `take` makes of each member's bytes, on the thread that has them.
pub fn read_many_with<'a, T: Send>(
    archive: &'a Archive,
    members: &[usize],
    threads: Option<usize>,
    progress: &mut OnProgress<'_>,
    take: impl Fn(&[u8]) -> T + Sync,
) -> Result<Vec<T>> {
    let mut plan: Vec<(Step, usize)> = Vec::with_capacity(members.len());
    for (slot, &member) in members.iter().enumerate() {
        let place = archive.index().place(member)?;
        plan.push((Step { member, place }, slot));
    }
    plan.sort_unstable_by_key(|(step, slot)| (step.place.tar_offset, step.member, *slot));
    let (steps, slots): (Vec<Step>, Vec<usize>) = plan.into_iter().unzip();
    let threads = thread_count(threads);
    let groups = group::groups(archive, &steps, threads.get());
    let read = |number: usize, lent: &mut Lent<'a>| {
        let (_, reader) = lent.0.get_or_insert_with(|| (archive, archive.lend()));
        group::read_group(archive, &steps[groups[number].clone()], reader, &take)
    };
    let found = team::collect(groups.len(), threads, progress, read).map_err(|(_, error)| error)?;
    let mut results: Vec<Option<T>> = members.iter().map(|_| None).collect();
    for (slot, taken) in slots.into_iter().zip(found.into_iter().flatten()) {
        results[slot] = Some(taken);
    }
    Ok(results.into_iter().flatten().collect())
}

/// The memory of a thread's reads, which goes back to its archive: touching fresh memory costs as
/// much as reading a few members.
#[derive(Default)]
struct Lent<'a>(Option<(&'a Archive, Reader)>);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some((archive, reader)) = self.0.take() {
            archive.keep(reader);
        }
    }
}

/// What [`verify`] found.
#[derive(Debug, Default)]
pub struct Report {
    /// Members read.
    pub members: u64,
    /// Bytes of the members that are as they should be.
    pub bytes: u64,
    /// The numbers of the members that are not, and why, in order.
    pub bad: Vec<(usize, Error)>,
    /// The md5 of the file now; none for a directory.
    pub md5: Option<[u8; 16]>,
    /// Whether it is the md5 that the index has, if it has one.
    pub md5_ok: bool,
}

/// Reads every member and the file as a whole and compares all checksums with the index.
pub fn verify(
    archive: &Archive,
    threads: Option<usize>,
    progress: &mut OnProgress<'_>,
) -> Result<Report> {
    let index = archive.index();
    index.check()?;
    let mut report = Report {
        members: index.len() as u64,
        ..Report::default()
    };
    let stop = AtomicBool::new(false);
    let mut told = |done: Progress| progress(done);
    let mut reporter = Reporter::new(&mut told);
    thread::scope(|scope| {
        let md5 = scope.spawn(|| file_md5(archive, &stop));
        let outcome = team::each(
            index.len(),
            thread_count(threads),
            &mut reporter,
            |member, reader: &mut Reader| {
                archive
                    .read_slice(member, reader)
                    .map(|bytes| bytes.len() as u64)
            },
            |member, result| {
                match result {
                    Ok(bytes) => report.bytes += bytes,
                    Err(error) => report.bad.push((member, error)),
                }
                ControlFlow::Continue(())
            },
        );
        let members = report.members;
        let done = Progress {
            done: members,
            total: Some(members),
            members,
        };
        let outcome = outcome.and_then(|()| {
            // The md5 may take longer than the members.
            while !md5.is_finished() {
                thread::sleep(Duration::from_millis(2));
                reporter.tick(done)?;
            }
            reporter.finish(done)
        });
        stop.store(outcome.is_err(), Ordering::Relaxed);
        let md5 = md5
            .join()
            .map_err(|_| Error::archive("the md5 thread ended early"));
        outcome?;
        report.md5 = md5??;
        let known = index.summary().md5;
        report.md5_ok = known.is_none() || report.md5 == known;
        report.bad.sort_by_key(|bad| bad.0);
        Ok(report)
    })
}

fn file_md5(archive: &Archive, stop: &AtomicBool) -> Result<Option<[u8; 16]>> {
    use std::io::Read;
    let Some(mut file) = archive.stream()? else {
        return Ok(None);
    };
    let mut md5 = Md5::default();
    let mut piece = vec![0; 1 << 20];
    while !stop.load(Ordering::Relaxed) {
        match file
            .read(&mut piece)
            .map_err(|error| Error::io(error, archive.path()))?
        {
            0 => break,
            count => md5.update(&piece[..count]),
        }
    }
    Ok(Some(md5.finish()))
}
