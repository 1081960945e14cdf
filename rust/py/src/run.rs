//! The one doorway from Python into the core: releases the GIL, maps errors, polls Ctrl-C.

use std::ops::ControlFlow;

use pyo3::prelude::*;

use ptarmigan_core::progress::{OnProgress, Progress};
use ptarmigan_core::{Error, ErrorKind};

use crate::errors;

pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    py.detach(work)
        .map_err(|error| errors::to_python(py, &error))
}

/// Runs `work` without the GIL; its progress reports poll Ctrl-C and reach `callback`, which is
/// called with (done, total or None, members) and may raise to stop the work.
pub(crate) fn run_with_progress<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&mut OnProgress<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        work(&mut |progress: Progress| {
            Python::attach(|py| {
                let told = py.check_signals().and_then(|()| match &callback {
                    Some(callback) => callback
                        .call1(py, (progress.done, progress.total, progress.members))
                        .map(drop),
                    None => Ok(()),
                });
                match told {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        raised = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })
        })
    });
    result.map_err(|error| match raised {
        Some(raised) if error.kind() == ErrorKind::Cancelled => raised,
        _ => errors::to_python(py, &error),
    })
}
