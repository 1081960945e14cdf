//! The Python module `ptarmigan._core`: arguments, array checks, GIL release, error map.
//!
//! Not here: any loop over data (that is `ptarmigan-core`) and any default (that is the Python
//! package).
#![allow(missing_docs, reason = "the Python package documents what is public")]

mod errors;
mod pixels;
mod run;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::pixels::{PyOutput, PyTransform, decode, decode_batch, image_size};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python packages use")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
