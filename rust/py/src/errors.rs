//! Turns a core [`Error`] into the Python exception of the same meaning.
//!
//! The classes live in `ptarmigan/errors.py`, because some have two bases.

use std::path::Path;

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyValueError};
use pyo3::prelude::*;

use ptarmigan_core::{Error, ErrorKind};

/// The exception for `error`; never fails: what goes wrong on the way is the exception then.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|problem| problem)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let path = error.path().map(Path::as_os_str);
    let class = match error.kind() {
        ErrorKind::Io => return Ok(of_the_system(error)),
        ErrorKind::Archive => "ArchiveError",
        ErrorKind::Index => "IndexFileError",
        ErrorKind::NotFound => "MemberNotFoundError",
        ErrorKind::Decode => "DecodeError",
        ErrorKind::Annotation => "AnnotationError",
        ErrorKind::Submission => "SubmissionError",
        ErrorKind::Cancelled => return Ok(PyKeyboardInterrupt::new_err(error.to_string())),
        _ => return Ok(PyValueError::new_err(error.to_string())),
    };
    let class = py.import("ptarmigan.errors")?.getattr(class)?;
    let value = class.call1((error.to_string(),))?;
    value.setattr("path", path)?;
    value.setattr("member", error.member())?;
    value.setattr("offset", error.offset())?;
    Ok(PyErr::from_value(value))
}

/// With the number of the error, from which Python tells the subclass, if there is one.
fn of_the_system(error: &Error) -> PyErr {
    let source = error.io_error();
    match source.and_then(|source| Some((source.to_string(), source.raw_os_error()?))) {
        Some((text, code)) => {
            let text = text.split(" (os error").next().unwrap_or_default();
            let path = error.path().map(|path| path.as_os_str().to_owned());
            PyOSError::new_err((code, text.to_owned(), path))
        }
        None => PyOSError::new_err(error.to_string()),
    }
}
