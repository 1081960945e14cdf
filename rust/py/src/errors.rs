//! Turns a core [`Error`] into the Python exception of the same meaning.
//!
//! The classes live in `ptarmigan/errors.py`, because some have two bases.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

use ptarmigan_core::{Error, ErrorKind};

static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// The exception for `error`; never fails: what goes wrong on the way is the exception then.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|problem| problem)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let path = error.path().map(std::path::Path::as_os_str);
    let class = match error.kind() {
        ErrorKind::Io => {
            if let Some((source, code)) = error
                .io_error()
                .and_then(|source| Some((source, source.raw_os_error()?)))
            {
                let text = source.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                let class = py.get_type::<pyo3::exceptions::PyOSError>();
                return Ok(PyErr::from_value(class.call1((code, text, path))?));
            }
            let class = py.get_type::<pyo3::exceptions::PyOSError>();
            return Ok(PyErr::from_value(class.call1((error.to_string(),))?));
        }
        ErrorKind::Archive => "ArchiveError",
        ErrorKind::Index => "IndexFileError",
        ErrorKind::NotFound => "MemberNotFoundError",
        ErrorKind::Decode => "DecodeError",
        ErrorKind::Annotation => "AnnotationError",
        ErrorKind::Submission => "SubmissionError",
        ErrorKind::Cancelled => {
            let class = py.get_type::<pyo3::exceptions::PyKeyboardInterrupt>();
            return Ok(PyErr::from_value(class.call1((error.to_string(),))?));
        }
        _ => {
            let class = py.get_type::<pyo3::exceptions::PyValueError>();
            return Ok(PyErr::from_value(class.call1((error.to_string(),))?));
        }
    };
    let errors = ERRORS
        .get_or_try_init(py, || py.import("ptarmigan.errors").map(Bound::unbind))?
        .bind(py);
    let value = errors.getattr(class)?.call1((error.to_string(),))?;
    value.setattr("path", path)?;
    value.setattr("member", error.member())?;
    value.setattr("offset", error.offset())?;
    Ok(PyErr::from_value(value))
}
