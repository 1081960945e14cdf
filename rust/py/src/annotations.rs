//! Annotation files as `NumPy` columns; file names and folders as members of an archive.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use ptarmigan_core::annotations::{Boxes, Column, Locations, Source, Table, Text};

use crate::run::run;

/// The path of a JSON file, or of an archive and the name of the file in it.
type Place = (PathBuf, Option<String>);
/// The bytes and the offsets of many strings.
type Pool = (Py<PyArray1<u8>>, Py<PyArray1<u64>>);

fn source((path, member): Place) -> Source {
    match member {
        Some(member) => Source::zipped(path, member),
        None => Source::plain(path),
    }
}

fn column<T: numpy::Element>(py: Python<'_>, column: Vec<T>) -> Py<PyArray1<T>> {
    column.into_pyarray(py).unbind()
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

fn nullable(text: &Text, nulls: &[bool]) -> Vec<Option<String>> {
    let strings = strings(text).into_iter().zip(nulls);
    strings
        .map(|(string, null)| (!null).then_some(string))
        .collect()
}

fn strings(text: &Text) -> Vec<String> {
    text.iter()
        .map(|string| String::from_utf8_lossy(string).into_owned())
        .collect()
}

#[pyclass(frozen, module = "ptarmigan._core")]
#[derive(Debug)]
pub(crate) struct AnnotationTable {
    #[pyo3(get)]
    info: Vec<(String, String)>,
    #[pyo3(get)]
    image_ids: Py<PyArray1<i64>>,
    #[pyo3(get)]
    category_ids: Py<PyArray1<i64>>,
    #[pyo3(get)]
    widths: Py<PyArray1<i32>>,
    #[pyo3(get)]
    heights: Py<PyArray1<i32>>,
    #[pyo3(get)]
    file_names: Pool,
    #[pyo3(get)]
    license_ids: Py<PyArray1<i64>>,
    #[pyo3(get)]
    holders: Py<PyArray1<i32>>,
    #[pyo3(get)]
    holder_names: Pool,
    #[pyo3(get)]
    categories: (Vec<i64>, Vec<String>, Vec<String>),
    #[pyo3(get)]
    positions: Py<PyArray1<i64>>,
    #[pyo3(get)]
    category_columns: Vec<(String, Vec<Option<String>>)>,
    #[pyo3(get)]
    meta: Vec<(String, Py<PyAny>)>,
    #[pyo3(get)]
    licenses: (Vec<i64>, Vec<String>, Vec<String>),
    #[pyo3(get)]
    folders: Vec<String>,
    #[pyo3(get)]
    folders_problem: Option<String>,
}

#[pymethods]
impl AnnotationTable {
    #[staticmethod]
    fn read(py: Python<'_>, sources: Vec<Place>, categories: Option<Place>) -> PyResult<Self> {
        let sources: Vec<Source> = sources.into_iter().map(source).collect();
        let categories = categories.map(source);
        let (table, (folders, problem)) = run(py, || {
            let table = Table::read(&sources, categories.as_ref())?;
            let folders = table.folders();
            Ok((table, folders))
        })?;
        let (images, categories, licenses) = (table.images, table.categories, table.licenses);
        Ok(Self {
            info: table.info,
            image_ids: column(py, images.ids),
            category_ids: column(py, table.categories_of_images),
            widths: column(py, images.widths),
            heights: column(py, images.heights),
            file_names: pool(py, images.file_names),
            license_ids: column(py, images.licenses),
            holders: column(py, images.holders),
            holder_names: pool(py, images.holder_names),
            categories: (
                categories.ids,
                strings(&categories.names),
                strings(&categories.supercategories),
            ),
            positions: column(py, table.positions),
            category_columns: table
                .category_columns
                .iter()
                .map(|(key, text, nulls)| (key.clone(), nullable(text, nulls)))
                .collect(),
            meta: columns(py, table.meta)?,
            licenses: (
                licenses.ids,
                strings(&licenses.names),
                strings(&licenses.urls),
            ),
            folders: strings(&folders),
            folders_problem: problem.map(|error| error.to_string()),
        })
    }
}

#[pyclass(frozen, get_all, module = "ptarmigan._core")]
#[derive(Debug)]
pub(crate) struct AnnotationBoxes {
    image_ids: Py<PyArray1<i64>>,
    category_ids: Py<PyArray1<i64>>,
    boxes: Py<PyArray2<f64>>,
    areas: Py<PyArray1<f64>>,
    crowds: Py<PyArray1<bool>>,
}

#[pymethods]
impl AnnotationBoxes {
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf, member: Option<String>) -> PyResult<Self> {
        let source = source((path, member));
        let boxes = run(py, || Boxes::read(&source))?;
        let count = boxes.sides.len();
        Ok(Self {
            image_ids: column(py, boxes.image_ids),
            category_ids: column(py, boxes.category_ids),
            boxes: boxes
                .sides
                .into_flattened()
                .into_pyarray(py)
                .reshape([count, 4])?
                .unbind(),
            areas: column(py, boxes.areas),
            crowds: column(py, boxes.crowds),
        })
    }
}

#[pyclass(frozen, get_all, module = "ptarmigan._core")]
#[derive(Debug)]
pub(crate) struct AnnotationLocations {
    image_ids: Py<PyArray1<i64>>,
    latitudes: Py<PyArray1<f64>>,
    longitudes: Py<PyArray1<f64>>,
    uncertainties: Py<PyArray1<f64>>,
    dates: Pool,
    date_numbers: Py<PyArray1<f64>>,
    user_ids: Py<PyArray1<i64>>,
    valid: Py<PyArray1<i8>>,
    meta: Vec<(String, Py<PyAny>)>,
}

#[pymethods]
impl AnnotationLocations {
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf, member: Option<String>) -> PyResult<Self> {
        let source = source((path, member));
        let locations = run(py, || Locations::read(&source))?;
        Ok(Self {
            image_ids: column(py, locations.ids),
            latitudes: column(py, locations.latitudes),
            longitudes: column(py, locations.longitudes),
            uncertainties: column(py, locations.uncertainties),
            dates: pool(py, locations.dates),
            date_numbers: column(py, locations.date_numbers),
            user_ids: column(py, locations.user_ids),
            valid: column(py, locations.valid),
            meta: columns(py, locations.meta)?,
        })
    }
}
