//! Samples of an archive: which members they are, and their images.

use std::num::NonZeroUsize;

use numpy::{IntoPyArray, PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use ptarmigan_core::annotations::join::{Match, find_members as find};
use ptarmigan_core::annotations::{Folders, Slices};
use ptarmigan_core::images;
use ptarmigan_core::team::default_threads;

use crate::annotations::column;
use crate::archive::PyArchive;
use crate::run::{run, run_with_progress};

#[pyfunction]
pub(crate) fn find_members(
    py: Python<'_>,
    archive: &PyArchive,
    data: PyReadonlyArray1<'_, u8>,
    starts: PyReadonlyArray1<'_, u64>,
    ends: PyReadonlyArray1<'_, u64>,
    how: &str,
) -> PyResult<Py<PyArray1<i64>>> {
    let (data, starts, ends) = (data.as_slice()?, starts.as_slice()?, ends.as_slice()?);
    let members = run(py, || {
        let how: Match = how.parse()?;
        find(Slices::new(data, starts, ends)?, archive.0.index(), how)
    })?;
    Ok(column(py, members))
}

/// Members, the class of each, and the classes' names.
#[pyfunction]
pub(crate) fn folders<'py>(
    py: Python<'py>,
    archive: &PyArchive,
) -> PyResult<impl IntoPyObject<'py>> {
    let folders = run(py, || Folders::of_archive(archive.0.index()))?;
    let classes: Vec<_> = folders.classes.iter().map(<[u8]>::to_vec).collect();
    Ok((
        column(py, folders.members),
        column(py, folders.targets),
        classes,
    ))
}

#[pyfunction]
pub(crate) fn decode_members<'py>(
    py: Python<'py>,
    archive: &PyArchive,
    members: Vec<usize>,
    threads: Option<NonZeroUsize>,
) -> PyResult<Vec<Bound<'py, PyArray3<u8>>>> {
    let threads = threads.unwrap_or_else(default_threads);
    let images = run_with_progress(py, None, |progress| {
        images::decode_members(&archive.0, &members, threads, progress)
    })?;
    let array = |image: ptarmigan_core::pixels::RgbImage| {
        let shape = [image.height as usize, image.width as usize, 3];
        image.data.into_pyarray(py).reshape(shape)
    };
    images.into_iter().map(array).collect()
}
