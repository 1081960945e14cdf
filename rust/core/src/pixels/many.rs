//! Turns a list of JPEGs into one batch of pixels, on several threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::{Decoder, Recipe};
use crate::error::{Error, Result};
use crate::progress::OnProgress;
use crate::team::{self, Failure};

/// Renders `images[i]` with the random choices of `samples[i]` into the i-th part of `out`.
///
/// Stops at the first image that fails and returns its number with the error; which of several bad
/// images is named does not depend on the number of threads, because images are taken in order: by
/// its name in `names`, as many as images, else by its place in the list.
/// What `out` holds then is unspecified. The error is [`Error::cancelled`] where `progress` asked
/// to stop.
pub fn render_many<T: AsRef<[u8]> + Sync>(
    images: &[T],
    names: Option<&[String]>,
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
    // Each slot is taken once, by whichever thread has its step.
    let slots: Vec<_> = out
        .chunks_exact_mut(size)
        .map(|slot| Mutex::new(Some(slot)))
        .collect();
    let render = |step: usize, decoder: &mut Decoder| {
        let slot = slots[step]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let slot = slot.unwrap_or_default();
        decoder.render(images[step].as_ref(), &recipe, samples[step], None, slot)
    };
    let rendered = team::collect(images.len(), threads, progress, render).map(drop);
    rendered.map_err(|(index, error)| (index, name_image(error, index, images.len(), names)))
}

/// Adds which image an error is about: its name, or its place in the list.
fn name_image(error: Error, index: Option<usize>, count: usize, names: Option<&[String]>) -> Error {
    let Some(index) = index else {
        return error;
    };
    if let Some(name) = names.and_then(|names| names.get(index)) {
        return error.with_member(name.as_bytes());
    }
    let message = format!("image {index} of {count}: {}", error.message());
    let named = Error::new(error.kind(), message);
    match error.offset() {
        Some(offset) => named.with_offset(offset),
        None => named,
    }
}
