//! Turns long work into a stream of [`Progress`] reports that can also stop it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How far a long operation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done: bytes of the file as stored for a pass, members for `verify`.
    pub done: u64,
    /// Units in all; `None` where the length is not known (a pipe).
    pub total: Option<u64>,
    /// Members seen so far.
    pub members: u64,
}

/// Called now and then; `Break` stops the work with [`Error::cancelled`].
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Calls an [`OnProgress`] at most every 100 ms, so that a caller may report as often as it likes.
pub struct Reporter<'a> {
    callback: &'a mut OnProgress<'a>,
    last: Instant,
}

impl std::fmt::Debug for Reporter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reporter").finish_non_exhaustive()
    }
}

impl<'a> Reporter<'a> {
    /// A reporter that makes its first call 100 ms from now.
    pub fn new(callback: &'a mut OnProgress<'a>) -> Self {
        Self {
            callback,
            last: Instant::now(),
        }
    }

    /// Reports if the last report is 100 ms old; fails if the callback asks to stop.
    pub fn tick(&mut self, progress: Progress) -> Result<()> {
        if self.last.elapsed() < Duration::from_millis(100) {
            return Ok(());
        }
        self.finish(progress)
    }

    /// Reports now, whatever the time.
    pub fn finish(&mut self, progress: Progress) -> Result<()> {
        self.last = Instant::now();
        match (self.callback)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::cancelled()),
        }
    }
}
