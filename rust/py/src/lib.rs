//! The Python module `ptarmigan._core`: arguments, array checks, GIL release, error map.
//!
//! Not here: any loop over data (that is `ptarmigan-core`) and any default (that is the Python
//! package).
#![allow(missing_docs, reason = "the Python package documents what is public")]

mod errors;
mod predictions;
mod run;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python packages use")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use super::predictions::{
        read_submission, score_groups, score_official, score_strict, top_k, write_submission,
    };
}
