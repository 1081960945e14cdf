//! Turns (class, key) into a made-up photograph, as JPEG bytes.
//!
//! The pictures stand in for photos that may not be distributed: smooth colour fields, a subject,
//! texture and grain, at the file density of a real collection, so that decoders and loaders meet
//! the work they will meet in earnest. A class decides palette and texture, so a classifier can
//! learn; everything else of a picture is decided by its key.
//!
//! Not here: names, annotations and archives (`python/ptarmigan/synth.py`).

mod camera;
mod look;
mod noise;
mod scene;

pub use camera::{Camera, Mode, Pictures};
