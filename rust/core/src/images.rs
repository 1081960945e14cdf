//! Turns member numbers into whole images, on several threads.
//!
//! Not here: batches of one shape ([`crate::batch`]).

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::member::Reader;
use crate::pixels::{Decoder, RgbImage};
use crate::progress::{OnProgress, Progress, Reporter};

/// How often the waiting thread looks whether it should stop.
const POLL: Duration = Duration::from_millis(50);

struct Job<'a> {
    archive: &'a Archive,
    members: &'a [usize],
    next: AtomicUsize,
    stop: AtomicBool,
    /// What came of every member that was taken, in no order.
    done: Mutex<Vec<(usize, Result<RgbImage>)>>,
}

impl Job<'_> {
    fn read(&self, member: usize, scratch: &mut Scratch) -> Result<RgbImage> {
        self.archive
            .read_into(member, &mut scratch.reader, &mut scratch.bytes)?;
        scratch.decoder.decode(&scratch.bytes).map_err(|error| {
            error
                .with_member(self.archive.index().name(member))
                .with_path(self.archive.path())
        })
    }

    /// Reads the next member; false where none is left. Members are taken in order, so the first
    /// bad one is always read, whatever the number of threads.
    fn step(&self, scratch: &mut Scratch) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(&member) = self.members.get(at) else {
            return false;
        };
        let image = self.read(member, scratch);
        if image.is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((at, image));
        true
    }

    /// Does everything in this thread.
    fn run_here(&self, reporter: &mut Reporter<'_>) -> Result<()> {
        let mut scratch = Scratch::default();
        while self.step(&mut scratch) {
            reporter.tick(self.progress())?;
        }
        Ok(())
    }

    /// Does everything in other threads, while this one reports progress.
    fn run_in(&self, threads: usize, reporter: &mut Reporter<'_>) -> Result<()> {
        thread::scope(|scope| {
            let (alive, ended) = mpsc::channel::<()>();
            for _ in 0..threads {
                let alive = alive.clone();
                scope.spawn(move || {
                    let _alive = alive;
                    let mut scratch = Scratch::default();
                    while self.step(&mut scratch) {}
                });
            }
            drop(alive);
            // Nothing is ever sent: the channel closes when the last thread ends.
            while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                if let Err(stopped) = reporter.tick(self.progress()) {
                    self.stop.store(true, Ordering::Relaxed);
                    return Err(stopped);
                }
            }
            Ok(())
        })
    }

    fn progress(&self) -> Progress {
        let total = self.members.len() as u64;
        let done = total.min(self.next.load(Ordering::Relaxed) as u64);
        Progress {
            done,
            total: Some(total),
            members: done,
        }
    }

    fn into_images(self) -> Result<Vec<RgbImage>> {
        let mut done = self
            .done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|&(at, _)| at);
        done.into_iter().map(|(_, image)| image).collect()
    }
}

/// The memory that one thread reuses.
#[derive(Default)]
struct Scratch {
    reader: Reader,
    decoder: Decoder,
    bytes: Vec<u8>,
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
    let job = Job {
        archive,
        members,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        done: Mutex::default(),
    };
    let mut reporter = Reporter::new(progress);
    match threads.get().min(members.len()) {
        0 | 1 => job.run_here(&mut reporter),
        threads => job.run_in(threads, &mut reporter),
    }?;
    job.into_images()
}
