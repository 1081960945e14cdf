//! A member as a file for Python; where it stands is Python's business.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::PyReadwriteArray1;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use ptarmigan_core::archive::Archive;
use ptarmigan_core::member::MemberFile;

use crate::run::{run, run_with_progress};

#[pyclass(name = "MemberFile", module = "ptarmigan._core", frozen)]
pub(crate) struct PyMemberFile {
    file: Mutex<MemberFile>,
    size: u64,
}

impl PyMemberFile {
    pub(crate) fn open(py: Python<'_>, archive: Arc<Archive>, member: usize) -> PyResult<Self> {
        let file = run(py, || MemberFile::open(archive, member))?;
        let size = file.size();
        Ok(Self {
            file: Mutex::new(file),
            size,
        })
    }

    fn lock(&self) -> MutexGuard<'_, MemberFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyMemberFile {
    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// Fills `out` with the bytes from `offset` on; returns how many there were.
    fn read_at(
        &self,
        py: Python<'_>,
        offset: u64,
        mut out: PyReadwriteArray1<'_, u8>,
    ) -> PyResult<usize> {
        let out = out.as_slice_mut()?;
        run_with_progress(py, None, |report| self.lock().read_at(offset, out, report))
    }

    /// All bytes from `offset` on.
    fn read_rest<'py>(&self, py: Python<'py>, offset: u64) -> PyResult<Bound<'py, PyBytes>> {
        let left = self.size.saturating_sub(offset);
        let left = usize::try_from(left)
            .map_err(|_| PyOverflowError::new_err("the member is larger than any memory"))?;
        PyBytes::new_with(py, left, |out| {
            run_with_progress(py, None, |report| self.lock().read_at(offset, out, report)).map(drop)
        })
    }
}
