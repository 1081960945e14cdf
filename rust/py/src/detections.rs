//! Box files as ground truth, and detections as what they score against it.

use std::ffi::OsString;
use std::path::PathBuf;

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use ptarmigan_core::annotations::file::Categories;
use ptarmigan_core::annotations::{Source, Text};
use ptarmigan_core::detections::results::Columns;
use ptarmigan_core::detections::{Detections, GroundTruth, Options, name_in_zip, score};

use crate::annotations::{Place, column, matrix, source};
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

#[pyclass(frozen, name = "GroundTruth", module = "ptarmigan._core")]
#[derive(Debug)]
pub(crate) struct PyGroundTruth(GroundTruth);

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
        let images = images.as_ref().map(|images| images.as_slice());
        let images = images.transpose()?;
        let categories = categories.map(|(ids, names, supercategories)| Categories {
            ids,
            names: names.iter().collect::<Text>(),
            supercategories: supercategories.iter().collect::<Text>(),
            ..Categories::default()
        });
        let truth = run(py, || {
            GroundTruth::read(&sources, images, categories.as_ref())
        })?;
        Ok(Self(truth))
    }

    /// Images (id, width, height), where the boxes of each begin, and the boxes: category id, sides,
    /// area, crowd, row in the file.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<impl IntoPyObject<'py>> {
        let columns = self.0.columns();
        Ok((
            column(py, self.0.image_ids.clone()),
            matrix(py, self.0.sizes.clone())?,
            column(py, columns.starts),
            column(py, columns.category_ids),
            matrix(py, columns.sides)?,
            column(py, columns.areas),
            column(py, columns.crowds),
            column(py, columns.rows),
        ))
    }

    #[getter]
    fn categories(&self) -> Records {
        let categories = &self.0.categories;
        (
            categories.ids.clone(),
            strings(&categories.names),
            strings(&categories.supercategories),
        )
    }

    #[getter]
    fn supercategories(&self) -> Vec<String> {
        strings(&self.0.supercategories().0)
    }

    fn __len__(&self) -> usize {
        self.0.image_ids.len()
    }

    /// Detections that count and those left out; the mean; the classes (number, boxes, detections,
    /// measures); for each super category its number, which classes it has, and their mean.
    fn score<'py>(
        &self,
        py: Python<'py>,
        found: Found<'py>,
        granularity: &str,
        half: bool,
        max_dets: Vec<usize>,
    ) -> PyResult<impl IntoPyObject<'py>> {
        let truth = &self.0;
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
        let classes = scored.classes.into_iter();
        let classes = classes.map(|one| (one.number, one.boxes, one.detections, one.measures.0));
        let means = scored.means.into_iter();
        let means = means.map(|(number, rows, mean)| (number, rows, mean.0));
        Ok((
            detections.len(),
            detections.left_out,
            scored.mean.0,
            classes.collect::<Vec<_>>(),
            means.collect::<Vec<_>>(),
        ))
    }
}

fn strings(text: &Text) -> Vec<String> {
    text.iter()
        .map(|string| String::from_utf8_lossy(string).into_owned())
        .collect()
}
