//! Turns numbered steps into threads that share them, while the caller's thread reports progress.
//!
//! The threads live as long as the call. Not here: the threads of an epoch, which outlive a call
//! ([`crate::batch`]).

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::progress::{OnProgress, Progress, Reporter};

/// How often the waiting thread looks whether it should stop.
const POLL: Duration = Duration::from_millis(50);

/// The number of threads that `None` means: as many as the process may run at once.
pub fn default_threads() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Which step failed, where one did, and how.
pub type Failure = (Option<usize>, Error);

/// Runs `work` for every step of `0..steps` and returns the results in the order of the steps.
///
/// Stops at the first failure. Steps are taken in order and a step that was taken is finished, so
/// the failure returned is that of the first step that fails, for any number of threads. It is
/// [`Error::cancelled`] without a step where `progress` asked to stop.
pub(crate) fn collect<S: Default, T: Send>(
    steps: usize,
    threads: NonZeroUsize,
    progress: &mut OnProgress<'_>,
    work: impl Fn(usize, &mut S) -> Result<T> + Sync,
) -> Result<Vec<T>, Failure> {
    let mut results = Vec::with_capacity(steps);
    results.resize_with(steps, || None);
    let mut failed: Option<(usize, Error)> = None;
    let mut told = |done: Progress| progress(done);
    let mut reporter = Reporter::new(&mut told);
    each(steps, threads, &mut reporter, work, |step, result| {
        match result {
            Ok(value) => results[step] = Some(value),
            Err(error) if failed.as_ref().is_none_or(|first| step < first.0) => {
                failed = Some((step, error));
            }
            Err(_) => {}
        }
        if failed.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .map_err(|error| (None, error))?;
    match failed {
        Some((step, error)) => Err((Some(step), error)),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// Runs `work` for every step of `0..steps`, and `collect` on this thread in the order in which
/// results come; `collect` may stop the rest. Fails only if the reporter stops it.
pub(crate) fn each<S: Default, T: Send>(
    steps: usize,
    threads: NonZeroUsize,
    reporter: &mut Reporter<'_>,
    work: impl Fn(usize, &mut S) -> T + Sync,
    mut collect: impl FnMut(usize, T) -> ControlFlow<()>,
) -> Result<()> {
    let threads = threads.get().min(steps);
    if threads <= 1 {
        let mut scratch = S::default();
        for step in 0..steps {
            if collect(step, work(step, &mut scratch)).is_break() {
                break;
            }
            reporter.tick(progress(step + 1, steps))?;
        }
        return Ok(());
    }
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(2 * threads);
        for _ in 0..threads {
            let send = send.clone();
            let (next, stop, work) = (&next, &stop, &work);
            scope.spawn(move || {
                let mut scratch = S::default();
                while !stop.load(Ordering::Relaxed) {
                    let step = next.fetch_add(1, Ordering::Relaxed);
                    if step >= steps || send.send((step, work(step, &mut scratch))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut done = 0;
        let mut outcome = Ok(());
        loop {
            match receive.recv_timeout(POLL) {
                Ok((step, result)) => {
                    done += 1;
                    if collect(step, result).is_break() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return outcome,
            }
            if outcome.is_ok() {
                outcome = reporter.tick(progress(done, steps));
                if outcome.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    })
}

fn progress(done: usize, steps: usize) -> Progress {
    Progress {
        done: done as u64,
        total: Some(steps as u64),
        members: done as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_steps() {
        for count in [1, 2, 7] {
            let squares = collect(
                100,
                threads(count),
                &mut |_| ControlFlow::Continue(()),
                |step, (): &mut ()| Ok(step * step),
            )
            .unwrap();
            assert_eq!(
                squares,
                (0..100).map(|step| step * step).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn the_first_failing_step_is_named_for_any_number_of_threads() {
        for count in [1, 2, 7] {
            let failure = collect(
                100,
                threads(count),
                &mut |_| ControlFlow::Continue(()),
                |step, (): &mut ()| {
                    if step == 40 {
                        thread::sleep(Duration::from_millis(5));
                    }
                    if step >= 40 {
                        Err(Error::decode(step.to_string()))
                    } else {
                        Ok(())
                    }
                },
            )
            .unwrap_err();
            assert_eq!(failure.0, Some(40));
            assert_eq!(failure.1.message(), "40");
        }
    }
}
