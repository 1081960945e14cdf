//! Box files as ground truth, and detections as what they score against it.

use std::ffi::OsString;
use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use ptarmigan_core::annotations::file::Categories;
use ptarmigan_core::annotations::{Source, Text};
use ptarmigan_core::detections::results::Columns;
use ptarmigan_core::detections::{
    BoxScore, Detections, GroundTruth, Measures, Options, name_in_zip, score,
};

use crate::annotations::{Place, column, source};
use crate::run::run;

type Records = (Vec<i64>, Vec<String>, Vec<String>);

/// Detections: a result file, or image ids, category ids, boxes and scores.
#[derive(FromPyObject)]
pub(crate) enum Found<'py> {
    Columns(
        PyReadonlyArray1<'py, i64>,
        PyReadonlyArray1<'py, i64>,
        PyReadonlyArray2<'py, f64>,
        PyReadonlyArray1<'py, f64>,
    ),
    File(Place),
}

/// A JSON file by itself, or the only one in a zip by its name.
#[pyfunction]
pub(crate) fn json_file(py: Python<'_>, path: PathBuf) -> PyResult<(OsString, Option<String>)> {
    let source = Source::plain(&path);
    let member = run(py, || name_in_zip(&source))?;
    Ok((path.into_os_string(), member))
}

/// A class: number, boxes, detections, measures.
type Class = (u32, u64, u64, Vec<f64>);
/// Detections that count and those left out, the mean, the classes, and for each super category
/// its number, which classes it has, and their mean.
type Scored = (
    usize,
    u64,
    Vec<f64>,
    Vec<Class>,
    Vec<(u32, Vec<usize>, Vec<f64>)>,
);

type Boxes = (
    Py<PyArray1<i64>>,
    Py<PyArray2<i32>>,
    Py<PyArray1<u64>>,
    Py<PyArray1<i64>>,
    Py<PyArray2<f64>>,
    Py<PyArray1<f64>>,
    Py<PyArray1<bool>>,
    Py<PyArray1<i64>>,
);

#[pyclass(frozen, name = "GroundTruth", module = "ptarmigan._core")]
#[derive(Debug)]
pub(crate) struct PyGroundTruth {
    truth: GroundTruth,
}

#[pymethods]
impl PyGroundTruth {
    #[staticmethod]
    fn read(
        py: Python<'_>,
        sources: Vec<Place>,
        images: Option<PyReadonlyArray1<'_, i64>>,
        categories: Option<Records>,
    ) -> PyResult<Self> {
        let sources: Vec<Source> = sources.into_iter().map(source).collect();
        let images = match &images {
            Some(images) => Some(images.as_slice()?),
            None => None,
        };
        let categories = categories.map(|(ids, names, supercategories)| Categories {
            ids,
            names: names.iter().collect::<Text>(),
            supercategories: supercategories.iter().collect::<Text>(),
            ..Categories::default()
        });
        let truth = run(py, || {
            GroundTruth::read(&sources, images, categories.as_ref())
        })?;
        Ok(Self { truth })
    }

    /// Images (id, width, height), where the boxes of each begin, and the boxes: category id, sides,
    /// area, crowd, row in the file.
    fn columns(&self, py: Python<'_>) -> PyResult<Boxes> {
        let (columns, images) = (self.truth.columns(), self.truth.image_ids.clone());
        let sizes = self.truth.sizes.clone().into_flattened();
        let (image_count, box_count) = (images.len(), columns.areas.len());
        Ok((
            column(py, images),
            sizes.into_pyarray(py).reshape([image_count, 2])?.unbind(),
            column(py, columns.starts),
            column(py, columns.category_ids),
            columns
                .sides
                .into_pyarray(py)
                .reshape([box_count, 4])?
                .unbind(),
            column(py, columns.areas),
            column(py, columns.crowds),
            column(py, columns.rows),
        ))
    }

    #[getter]
    fn categories(&self) -> Records {
        let categories = &self.truth.categories;
        (
            categories.ids.clone(),
            strings(&categories.names),
            strings(&categories.supercategories),
        )
    }

    #[getter]
    fn supercategories(&self) -> Vec<String> {
        strings(&self.truth.supercategories().0)
    }

    fn __len__(&self) -> usize {
        self.truth.image_ids.len()
    }

    fn score(
        &self,
        py: Python<'_>,
        found: Found<'_>,
        granularity: &str,
        half: bool,
        max_dets: Vec<usize>,
    ) -> PyResult<Scored> {
        let truth = &self.truth;
        let options = run(py, || Options::new(granularity.parse()?, half, &max_dets))?;
        let detections = match found {
            Found::File(place) => {
                let source = source(place);
                run(py, || Detections::read(&source, truth))?
            }
            Found::Columns(image_ids, category_ids, boxes, scores) => {
                let columns = Columns {
                    image_ids: image_ids.as_slice()?,
                    category_ids: category_ids.as_slice()?,
                    boxes: boxes.as_slice()?,
                    scores: scores.as_slice()?,
                };
                run(py, || Detections::from_columns(columns, truth))?
            }
        };
        let scored = run(py, || score(&detections, truth, &options))?;
        Ok(parts(&detections, scored))
    }
}

fn strings(text: &Text) -> Vec<String> {
    text.iter()
        .map(|string| String::from_utf8_lossy(string).into_owned())
        .collect()
}

fn parts(detections: &Detections, scored: BoxScore) -> Scored {
    let BoxScore {
        classes,
        mean: Measures(mean),
        means,
    } = scored;
    let classes = classes.into_iter().map(|class| {
        (
            class.number,
            class.boxes,
            class.detections,
            class.measures.0,
        )
    });
    let means = means
        .into_iter()
        .map(|(number, rows, mean)| (number, rows, mean.0));
    (
        detections.len(),
        detections.left_out,
        mean,
        classes.collect(),
        means.collect(),
    )
}
