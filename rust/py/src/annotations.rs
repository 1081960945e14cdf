//! Annotation files as `NumPy` columns; file names and folders as members of an archive.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use ptarmigan_core::annotations::cache::{self, Key};
use ptarmigan_core::annotations::{Boxes, Column, Locations, Source, Table, Text};

use crate::run::run;

/// The path of a JSON file, or of an archive and the name of the file in it.
pub(crate) type Place = (PathBuf, Option<String>);
/// The bytes and the offsets of many strings.
type Pool = (Py<PyArray1<u8>>, Py<PyArray1<u64>>);

pub(crate) fn source((path, member): Place) -> Source {
    match member {
        Some(member) => Source::zipped(path, member),
        None => Source::plain(path),
    }
}

pub(crate) fn column<T: numpy::Element>(py: Python<'_>, column: Vec<T>) -> Py<PyArray1<T>> {
    column.into_pyarray(py).unbind()
}

pub(crate) fn matrix<T: numpy::Element, const WIDTH: usize>(
    py: Python<'_>,
    rows: Vec<[T; WIDTH]>,
) -> PyResult<Py<PyArray2<T>>> {
    let shape = [rows.len(), WIDTH];
    let numbers = rows.into_flattened().into_pyarray(py);
    Ok(numbers.reshape(shape)?.unbind())
}

fn pool(py: Python<'_>, text: Text) -> Pool {
    let (bytes, offsets) = text.into_parts();
    (column(py, bytes), column(py, offsets))
}

fn columns(py: Python<'_>, columns: Vec<(String, Column)>) -> PyResult<Vec<(String, Py<PyAny>)>> {
    let columns = columns.into_iter().map(|(key, values)| {
        let values = match values {
            Column::Numbers(values) => column(py, values).into_any(),
            Column::Integers(values) => column(py, values).into_any(),
            Column::Booleans(values) => column(py, values).into_any(),
            Column::Text(text) => pool(py, text).into_py_any(py)?,
        };
        Ok((key, values))
    });
    columns.collect()
}

fn places(sources: Vec<Place>, categories: Option<Place>) -> (Vec<Source>, Option<Source>) {
    let sources = sources.into_iter().map(source).collect();
    (sources, categories.map(source))
}

/// Where the table of these files is kept, if that is known, and what tells them from others.
#[pyfunction]
pub(crate) fn annotation_key(
    py: Python<'_>,
    sources: Vec<Place>,
    categories: Option<Place>,
) -> PyResult<(Option<PathBuf>, String)> {
    let (sources, categories) = places(sources, categories);
    run(py, || {
        let key = Key::of(&sources, categories.as_ref())?;
        Ok((key.path(&sources), key.to_text()))
    })
}

/// The bytes of the table of these files.
#[pyfunction]
pub(crate) fn read_annotations(
    py: Python<'_>,
    sources: Vec<Place>,
    categories: Option<Place>,
    key: &str,
) -> PyResult<Py<PyArray1<u8>>> {
    let (sources, categories) = places(sources, categories);
    let bytes = run(py, || {
        let key = Key::from_text(key)?;
        let (table, order) = Table::join(&sources, categories.as_ref())?;
        Ok(cache::encode(table, &order, key))
    })?;
    Ok(column(py, bytes))
}

/// What the bytes of a table hold: info, further keys, the problem with its folders, columns. None if they are
/// damaged or of other files than the key's; without a key nothing is compared and summed.
///
/// A column: list, name, type, position, number of values, and of strings the positions of their
/// offsets and of the flags for null.
#[pyfunction]
pub(crate) fn annotation_columns<'py>(
    py: Python<'py>,
    memory: PyReadonlyArray1<'py, u8>,
    key: Option<&str>,
) -> PyResult<Option<impl IntoPyObject<'py>>> {
    let bytes = memory.as_slice()?;
    let directory = run(py, || {
        let key = key.map(Key::from_text).transpose()?;
        Ok(cache::decode(bytes, key.as_ref()))
    })?;
    Ok(directory.map(|directory| {
        let columns = directory.columns.into_iter().map(|one| {
            (
                one.list,
                one.name,
                one.kind.name(),
                one.at,
                one.count,
                one.offsets,
                one.nulls,
            )
        });
        let columns: Vec<_> = columns.collect();
        (
            directory.info,
            directory.more,
            directory.folders_problem,
            columns,
        )
    }))
}

/// Writes the bytes of a table to a file; says whether that could be done.
#[pyfunction]
pub(crate) fn store_annotations(
    py: Python<'_>,
    path: PathBuf,
    memory: PyReadonlyArray1<'_, u8>,
) -> PyResult<bool> {
    let bytes = memory.as_slice()?;
    run(py, || cache::store(&path, bytes))
}

/// Boxes: image ids, category ids, sides, areas, crowds.
#[pyfunction]
pub(crate) fn read_boxes(py: Python<'_>, place: Place) -> PyResult<impl IntoPyObject<'_>> {
    let source = source(place);
    let boxes = run(py, || Boxes::read(&source))?;
    Ok((
        column(py, boxes.image_ids),
        column(py, boxes.category_ids),
        matrix(py, boxes.sides)?,
        column(py, boxes.areas),
        column(py, boxes.crowds),
    ))
}

/// Locations: image ids, latitudes, longitudes, uncertainties, dates, date numbers, user ids, which
/// are valid, further keys.
#[pyfunction]
pub(crate) fn read_locations(py: Python<'_>, place: Place) -> PyResult<impl IntoPyObject<'_>> {
    let source = source(place);
    let found = run(py, || Locations::read(&source))?;
    Ok((
        column(py, found.ids),
        column(py, found.latitudes),
        column(py, found.longitudes),
        column(py, found.uncertainties),
        pool(py, found.dates),
        column(py, found.date_numbers),
        column(py, found.user_ids),
        column(py, found.valid),
        columns(py, found.meta)?,
    ))
}
