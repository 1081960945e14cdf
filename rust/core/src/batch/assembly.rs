//! Turns the rows of one batch into pixels, every image written once, where it stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon_core::ThreadPool;

use super::plan::Rows;
use super::{OnError, Source};
use crate::error::{Error, Result};

/// Alignment of the first pixel, in bytes: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

/// One image that could not be made.
#[derive(Debug)]
pub struct Failure {
    /// The row that the image has in its batch, or had before it was taken out.
    pub row: usize,
    /// The sample.
    pub sample: u32,
    /// Why.
    pub error: Error,
}

/// One batch.
#[derive(Debug)]
pub struct Batch {
    /// The pixels of row 0, then those of row 1, ...; they begin at `offset`.
    pub memory: Vec<u8>,
    /// Where in `memory` the pixels begin; that address is a multiple of [`ALIGNMENT`].
    pub offset: usize,
    /// The sample of every row.
    pub samples: Vec<u32>,
    /// Whether the row counts: not padding, and its image could be made.
    pub valid: Vec<bool>,
    /// The images that could not be made, in the order of the rows.
    pub failures: Vec<Failure>,
    /// The position of the epoch once this batch has been handed out.
    pub position: usize,
}

/// The threads of one epoch and what they need to render an image.
#[derive(Debug)]
pub(super) struct Team<S: Source> {
    pool: ThreadPool,
    source: Arc<S>,
    epoch: u64,
    /// One for each thread of the pool, by its number there.
    scratch: Vec<Mutex<S::Scratch>>,
    stopped: AtomicBool,
}

impl<S: Source> Team<S> {
    pub(super) fn new(pool: ThreadPool, source: Arc<S>, epoch: u64) -> Self {
        let scratch = (0..pool.current_num_threads())
            .map(|_| Mutex::default())
            .collect();
        Self {
            pool,
            source,
            epoch,
            scratch,
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn source(&self) -> &Arc<S> {
        &self.source
    }

    /// Makes every image that has not been begun fail at once.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Makes one batch; the images of several calls are made in the order of the calls.
    pub(super) fn assemble(&self, rows: Rows, on_error: OnError, position: usize) -> Batch {
        let Rows { samples, padding } = rows;
        let image_bytes = self.source.image_bytes();
        let bytes = samples.len() * image_bytes;
        let mut memory = vec![0; bytes + ALIGNMENT - 1];
        let offset = memory.as_ptr().align_offset(ALIGNMENT);
        let pixels = &mut memory[offset..offset + bytes];

        let mut errors: Vec<Option<Error>> = samples.iter().map(|_| None).collect();
        self.pool.in_place_scope_fifo(|scope| {
            let images = pixels.chunks_exact_mut(image_bytes);
            for ((image, error), &sample) in images.zip(&mut errors).zip(&samples) {
                scope.spawn_fifo(move |_| *error = self.render(sample, image).err());
            }
        });

        let mut valid = vec![!padding; samples.len()];
        let mut failures = Vec::new();
        for (row, error) in errors.into_iter().enumerate() {
            let Some(error) = error else { continue };
            // A decoder that fails may have written the first rows of the image.
            pixels[row * image_bytes..][..image_bytes].fill(0);
            valid[row] = false;
            if !padding {
                failures.push(Failure {
                    row,
                    sample: samples[row],
                    error,
                });
            }
        }
        let mut batch = Batch {
            memory,
            offset,
            samples,
            valid,
            failures,
            position,
        };
        if on_error == OnError::Skip && !padding {
            batch.take_out_failures(image_bytes);
        }
        batch
    }

    /// Renders one image on a thread of the pool; a panic is an error of this image alone.
    fn render(&self, sample: u32, image: &mut [u8]) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::cancelled());
        }
        let number = rayon_core::current_thread_index().unwrap_or(0);
        // No panic leaves this function, so a poisoned lock cannot hide a half-made scratch.
        let mut scratch = self.scratch[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let render = || self.source.render(sample, self.epoch, &mut scratch, image);
        catch_unwind(AssertUnwindSafe(render)).unwrap_or_else(|panic| {
            *scratch = S::Scratch::default();
            Err(Error::decode(format!(
                "sample {sample}: the decoder panicked: {}; this is a bug of ptarmigan",
                panic_message(panic.as_ref())
            )))
        })
    }
}

impl Batch {
    /// Closes the gaps that failed rows leave.
    fn take_out_failures(&mut self, image_bytes: usize) {
        if self.failures.is_empty() {
            return;
        }
        let mut kept = 0;
        for row in 0..self.samples.len() {
            if !self.valid[row] {
                continue;
            }
            if kept != row {
                let from = self.offset + row * image_bytes;
                let to = self.offset + kept * image_bytes;
                self.memory.copy_within(from..from + image_bytes, to);
                self.samples[kept] = self.samples[row];
            }
            kept += 1;
        }
        self.samples.truncate(kept);
        self.valid.clear();
        self.valid.resize(kept, true);
    }
}

/// What a panic said; `panic!` carries a `&str` or a `String`.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
