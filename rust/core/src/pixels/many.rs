//! Turns a list of JPEGs into one batch of pixels, on several threads.

use std::iter::Enumerate;
use std::num::NonZeroUsize;
use std::slice::ChunksExactMut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Decoder, Output, SampleKey, Transform};
use crate::error::{Error, Result};
use crate::progress::{OnProgress, Progress, Reporter};

/// How often the waiting thread looks whether it should stop.
const POLL: Duration = Duration::from_millis(50);

/// What [`render_many`] does to every image.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// Crop, resize, flip.
    pub transform: &'a Transform,
    /// Type, layout, normalisation.
    pub output: &'a Output,
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
}

/// The number of threads that `None` means: as many as the process may run at once.
pub fn default_threads() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Which image failed, where one did, and how.
pub type Failure = (Option<usize>, Error);

/// Images with their places in the output, taken in order.
type Slots<'o> = Mutex<Enumerate<ChunksExactMut<'o, u8>>>;

struct Job<'a, T> {
    images: &'a [T],
    samples: &'a [u64],
    recipe: Recipe<'a>,
    slots: Slots<'a>,
    done: AtomicUsize,
    stop: AtomicBool,
    /// The failure of the image with the lowest number.
    failure: Mutex<Option<(usize, Error)>>,
}

impl<T: AsRef<[u8]> + Sync> Job<'_, T> {
    /// Renders the next image; false where none is left.
    fn step(&self, decoder: &mut Decoder) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        let slot = self
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next();
        let Some((at, out)) = slot else { return false };
        let Recipe {
            transform,
            output,
            seed,
            epoch,
        } = self.recipe;
        let key = SampleKey {
            seed,
            epoch,
            sample: self.samples[at],
        };
        if let Err(error) = decoder.render(self.images[at].as_ref(), transform, key, output, out) {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            if failure.as_ref().is_none_or(|(first, _)| at < *first) {
                *failure = Some((at, error));
            }
            self.stop.store(true, Ordering::Relaxed);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn progress(&self) -> Progress {
        let done = self.done.load(Ordering::Relaxed) as u64;
        Progress {
            done,
            total: Some(self.images.len() as u64),
            members: done,
        }
    }

    /// Does everything in this thread.
    fn run_here(&self, reporter: &mut Reporter<'_>) -> Result<()> {
        let mut decoder = Decoder::default();
        while self.step(&mut decoder) {
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
                    let mut decoder = Decoder::default();
                    while self.step(&mut decoder) {}
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
}

/// Renders `images[i]` with the random choices of `samples[i]` into the i-th part of `out`.
///
/// Stops at the first image that fails and returns its number with the error; which of several bad
/// images is named does not depend on the number of threads, because images are taken in order.
/// What `out` holds then is unspecified. The error is [`Error::cancelled`] where `progress` asked
/// to stop.
pub fn render_many<T: AsRef<[u8]> + Sync>(
    images: &[T],
    samples: &[u64],
    recipe: Recipe<'_>,
    threads: NonZeroUsize,
    out: &mut [u8],
    progress: &mut OnProgress<'_>,
) -> Result<(), Failure> {
    let checked = recipe
        .transform
        .check()
        .and_then(|()| recipe.output.check());
    checked.map_err(|error| (None, error))?;
    let size = recipe
        .output
        .bytes(recipe.transform.size())
        .map_err(|error| (None, error))?;
    if samples.len() != images.len() || Some(out.len()) != size.checked_mul(images.len()) {
        let message = format!(
            "{} images need as many sample numbers and {size} bytes of output each, not {} and {}",
            images.len(),
            samples.len(),
            out.len()
        );
        return Err((None, Error::argument(message)));
    }
    let job = Job {
        images,
        samples,
        recipe,
        slots: Mutex::new(out.chunks_exact_mut(size).enumerate()),
        done: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    let mut reporter = Reporter::new(progress);
    let ended = match threads.get().min(images.len()) {
        0 | 1 => job.run_here(&mut reporter),
        threads => job.run_in(threads, &mut reporter),
    };
    let failure = job
        .failure
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match failure {
        Some((at, error)) => Err((Some(at), error)),
        None => ended.map_err(|error| (None, error)),
    }
}
