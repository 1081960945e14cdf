//! Exported indexes for Python.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use ptarmigan_core::export;

use crate::archive::PyArchive;
use crate::run::run_with_progress;

/// Writes the archive's index as another program has it; returns the number of points, the bytes
/// of the file and those of the archive without its compression.
#[pyfunction]
pub(crate) fn export_index(
    py: Python<'_>,
    archive: &PyArchive,
    path: PathBuf,
    kind: &str,
    spacing: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<(u64, u64, u64)> {
    if kind != "gztool" {
        return Err(PyValueError::new_err(format!(
            "expected format=\"gztool\", found `{kind}`"
        )));
    }
    run_with_progress(py, progress, |report| {
        export::gztool(&archive.0, &path, spacing, report)
    })
    .map(|exported| (exported.points, exported.bytes, exported.tar_bytes))
}
