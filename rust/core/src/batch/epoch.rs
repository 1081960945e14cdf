//! Turns a plan into finished batches, in order, made ahead by threads that belong to the epoch.
//!
//! Two kinds of threads: `threads` workers render single images, and one foreman per batch under
//! way takes the next batch number, cuts the batch's memory into images, queues them for the
//! workers and waits. The queue is first in, first out, so the workers finish a batch before they
//! go on to the next one, and none of them is idle at the end of a batch. At most `prefetch` + 1
//! batches are under way or finished and not handed out.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use super::assembly::{ALIGNMENT, Batch, Team, panic_message};
use super::plan::Plan;
use super::{OnError, Options, Source};
use crate::error::{Error, Result};

/// What [`Epoch::next`] found.
#[derive(Debug)]
pub enum Turn {
    /// The next batch.
    Batch(Batch),
    /// No batch is left, or the epoch has been stopped.
    End,
    /// The time is up and the next batch is not finished.
    NotYet,
}

/// Where foremen and caller meet.
#[derive(Debug, Default)]
struct Progress {
    /// Number of the next batch to begin.
    begun: usize,
    /// Batches handed out.
    delivered: usize,
    /// Finished batches by number.
    finished: BTreeMap<usize, Result<Batch>>,
    stopped: bool,
}

#[derive(Debug)]
struct Shared<S: Source> {
    team: Team<S>,
    plan: Plan,
    order: Vec<u32>,
    on_error: OnError,
    /// Batches that may be under way or finished beyond those handed out.
    window: usize,
    progress: Mutex<Progress>,
    /// Told when a batch is finished.
    finished: Condvar,
    /// Told when a batch is handed out.
    room: Condvar,
}

/// Threads to join; foremen before workers, as they wait for them.
#[derive(Debug)]
struct Crew<S: Source> {
    foremen: Vec<JoinHandle<()>>,
    shared: Arc<Shared<S>>,
    workers: Vec<JoinHandle<()>>,
}

/// The batches of one epoch; its threads end with it.
#[derive(Debug)]
pub struct Epoch<S: Source> {
    plan: Plan,
    /// `None` once stopped, or where there is no batch to make.
    crew: Mutex<Option<Crew<S>>>,
    /// The process whose threads these are: after a fork the child has none of them.
    process: u32,
}

impl<S: Source> Epoch<S> {
    /// Starts to make the batches of `plan`.
    pub(super) fn start(
        source: Arc<S>,
        order: Vec<u32>,
        plan: Plan,
        epoch: u64,
        threads: NonZeroUsize,
        options: &Options,
    ) -> Result<Self> {
        let crew = if plan.is_empty() {
            None
        } else {
            check_memory(&plan, source.image_bytes())?;
            source.epoch_starts();
            Some(Crew::start(source, order, plan, epoch, threads, options)?)
        };
        Ok(Self {
            plan,
            crew: Mutex::new(crew),
            process: std::process::id(),
        })
    }

    /// Which rows each batch has.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether this process was forked from the one that started the threads; [`Epoch::next`] would
    /// wait for ever in it.
    pub fn is_orphaned(&self) -> bool {
        self.process != std::process::id()
    }

    /// Waits for the next batch, at most for `timeout`.
    pub fn next(&self, timeout: Duration) -> Result<Turn> {
        let Some(shared) = lock(&self.crew)
            .as_ref()
            .map(|crew| Arc::clone(&crew.shared))
        else {
            return Ok(Turn::End);
        };
        let mut progress = lock(&shared.progress);
        let number = progress.delivered;
        if number == shared.plan.len() {
            return Ok(Turn::End);
        }
        if !progress.stopped && !progress.finished.contains_key(&number) {
            progress = shared
                .finished
                .wait_timeout(progress, timeout)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if progress.stopped {
            return Ok(Turn::End);
        }
        match progress.finished.remove(&number) {
            // Another caller may have taken this batch meanwhile: then it is the next one's turn.
            None => Ok(Turn::NotYet),
            Some(batch) => {
                progress.delivered += 1;
                shared.room.notify_all();
                batch.map(Turn::Batch)
            }
        }
    }

    /// Stops all work and joins the threads; images under way are finished first. Does nothing the
    /// second time, and nothing in a forked process.
    pub fn stop(&self) {
        if self.is_orphaned() {
            return;
        }
        let crew = lock(&self.crew).take();
        if let Some(crew) = crew {
            crew.dismiss();
        }
    }
}

impl<S: Source> Drop for Epoch<S> {
    fn drop(&mut self) {
        if self.is_orphaned() {
            // The threads are the parent's, and so is whoever holds the locks: leave all as it is.
            let crew = self
                .crew
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            std::mem::forget(crew);
        } else {
            self.stop();
        }
    }
}

impl<S: Source> Crew<S> {
    fn start(
        source: Arc<S>,
        order: Vec<u32>,
        plan: Plan,
        epoch: u64,
        threads: NonZeroUsize,
        options: &Options,
    ) -> Result<Self> {
        let (pool, workers) = hire_workers(threads.get())?;
        let window = options.prefetch.saturating_add(1).min(plan.len());
        let shared = Arc::new(Shared {
            team: Team::new(pool, source, epoch),
            plan,
            order,
            on_error: options.on_error,
            window,
            progress: Mutex::default(),
            finished: Condvar::new(),
            room: Condvar::new(),
        });
        let mut crew = Self {
            foremen: Vec::new(),
            shared,
            workers,
        };
        for number in 0..window {
            let shared = Arc::clone(&crew.shared);
            let foreman = thread::Builder::new()
                .name(format!("pt-batch-{number}"))
                .spawn(move || shared.make_batches());
            match foreman {
                Ok(handle) => crew.foremen.push(handle),
                Err(error) => {
                    crew.dismiss();
                    return Err(no_thread(&error));
                }
            }
        }
        Ok(crew)
    }

    fn dismiss(self) {
        let Self {
            foremen,
            shared,
            workers,
        } = self;
        shared.team.stop();
        lock(&shared.progress).stopped = true;
        shared.room.notify_all();
        shared.finished.notify_all();
        for foreman in foremen {
            // A foreman catches its panics, and what it made is not wanted any more.
            let _ = foreman.join();
        }
        let source = Arc::clone(shared.team.source());
        // A caller inside `next` may hold the last reference for an instant; the pool ends with it
        // and the workers with the pool.
        drop(shared);
        for worker in workers {
            let _ = worker.join();
        }
        source.epoch_ended();
    }
}

impl<S: Source> Shared<S> {
    /// A foreman's day.
    fn make_batches(&self) {
        while let Some(number) = self.take_number() {
            let made = catch_unwind(AssertUnwindSafe(|| {
                let rows = self.plan.rows(number, &self.order);
                self.team
                    .assemble(rows, self.on_error, self.plan.position_after(number + 1))
            }));
            let batch = made.map_err(|panic| {
                Error::decode(format!(
                    "batch {number} could not be put together: {}; this is a bug of ptarmigan",
                    panic_message(panic.as_ref())
                ))
            });
            lock(&self.progress).finished.insert(number, batch);
            self.finished.notify_all();
        }
    }

    /// Waits for room, then takes the next number; `None` when there is nothing left to do.
    fn take_number(&self) -> Option<usize> {
        let mut progress = lock(&self.progress);
        loop {
            if progress.stopped || progress.begun == self.plan.len() {
                return None;
            }
            if progress.begun < progress.delivered.saturating_add(self.window) {
                progress.begun += 1;
                return Some(progress.begun - 1);
            }
            progress = self
                .room
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Starts a pool whose threads can be joined: rayon's own are detached.
fn hire_workers(threads: usize) -> Result<(ThreadPool, Vec<JoinHandle<()>>)> {
    let mut workers = Vec::with_capacity(threads);
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .spawn_handler(|worker| {
            let name = format!("pt-image-{}", worker.index());
            workers.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || worker.run())?,
            );
            Ok(())
        })
        .build();
    match pool {
        Ok(pool) => Ok((pool, workers)),
        Err(error) => {
            for worker in workers {
                let _ = worker.join();
            }
            Err(no_thread(&error))
        }
    }
}

fn no_thread(error: &dyn std::fmt::Display) -> Error {
    Error::argument(format!(
        "the operating system refused a thread, ask for fewer: {error}"
    ))
}

/// Fails where one batch alone is more than the machine gives, instead of aborting later.
fn check_memory(plan: &Plan, image_bytes: usize) -> Result<()> {
    let rows = plan.most_rows();
    let bytes = rows
        .checked_mul(image_bytes)
        .and_then(|bytes| bytes.checked_add(ALIGNMENT - 1));
    if image_bytes == 0 {
        return Err(Error::argument("an image has at least one pixel"));
    }
    bytes
        .filter(|&bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
        .map(drop)
        .ok_or_else(|| {
            Error::argument(format!(
                "there is no memory for a batch of {rows} images of {image_bytes} bytes each"
            ))
        })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
