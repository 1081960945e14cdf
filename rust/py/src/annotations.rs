//! Annotation files as `NumPy` columns; file names and folders as members of an archive.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use ptarmigan_core::annotations::{Boxes, Locations, Source, Table, Text};

use crate::run::run;

/// The path of a JSON file, or of a zip and the name of the file in it.
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

fn pool(py: Python<'_>, text: Text) -> Pool {
    let (bytes, offsets) = text.into_parts();
    (column(py, bytes), column(py, offsets))
}

pub(crate) fn strings(text: &Text) -> Vec<String> {
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
    licenses: (Vec<i64>, Vec<String>, Vec<String>),
    #[pyo3(get)]
    folders: Vec<String>,
    #[pyo3(get)]
    folders_problem: Option<String>,
}

#[pymethods]
impl AnnotationTable {
    #[staticmethod]
    fn read(py: Python<'_>, sources: Vec<Place>) -> PyResult<Self> {
        let sources: Vec<Source> = sources.into_iter().map(source).collect();
        let (table, (folders, problem)) = run(py, || {
            let table = Table::read(&sources)?;
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
        })
    }
}
