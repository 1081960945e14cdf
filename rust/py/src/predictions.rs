//! Turns arrays and paths into the core's logits, submissions and truths, and back.
#![expect(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands arguments over by value"
)]

use std::num::NonZero;
use std::path::{Path, PathBuf};

use numpy::{
    PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use ptarmigan_core::predictions::official::{self, Rows, Solution};
use ptarmigan_core::predictions::score::{Score, Tally, by_group, score};
use ptarmigan_core::predictions::{Logits, Submission, Truth, top_k as rank};

use crate::run::run;

/// A matrix of logits; of 16 bits as unsigned integers.
#[derive(FromPyObject)]
pub(crate) enum Matrix<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
    Bits(PyReadonlyArray2<'py, u16>),
}

/// Writes the best classes of each row into `out`; `brain` tells bfloat16 from float16.
#[pyfunction]
#[pyo3(signature = (logits, out, *, brain, threads))]
pub(crate) fn top_k(
    py: Python<'_>,
    logits: Matrix<'_>,
    mut out: PyReadwriteArray2<'_, i32>,
    brain: bool,
    threads: Option<NonZero<usize>>,
) -> PyResult<()> {
    let k = out.shape()[1];
    let (classes, logits) = match &logits {
        Matrix::F32(array) => (array.shape()[1], Logits::F32(array.as_slice()?)),
        Matrix::F64(array) => (array.shape()[1], Logits::F64(array.as_slice()?)),
        Matrix::Bits(array) if brain => (array.shape()[1], Logits::Bf16(array.as_slice()?)),
        Matrix::Bits(array) => (array.shape()[1], Logits::F16(array.as_slice()?)),
    };
    let out = out.as_slice_mut()?;
    run(py, || rank(logits, classes, k, threads, out))
}

type Labels<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<i32>>);

/// Reads a submission: ids and labels.
#[pyfunction]
#[pyo3(signature = (path, *, k, categories))]
pub(crate) fn read_submission(
    py: Python<'_>,
    path: PathBuf,
    k: Option<usize>,
    categories: Option<usize>,
) -> PyResult<Labels<'_>> {
    let read = from_file(py, &path, k, categories)?;
    let shape = [read.ids().len(), read.k()];
    let labels = PyArray1::from_slice(py, read.labels()).reshape(shape)?;
    Ok((PyArray1::from_slice(py, read.ids()), labels))
}

/// Writes a submission.
#[pyfunction]
#[pyo3(signature = (path, ids, labels, *, categories))]
pub(crate) fn write_submission(
    py: Python<'_>,
    path: PathBuf,
    ids: PyReadonlyArray1<'_, i64>,
    labels: PyReadonlyArray2<'_, i64>,
    categories: Option<usize>,
) -> PyResult<()> {
    let submission = from_arrays(py, &ids, &labels, None, categories)?;
    run(py, || submission.write(&path))
}

fn from_file(
    py: Python<'_>,
    path: &Path,
    k: Option<usize>,
    categories: Option<usize>,
) -> PyResult<Submission> {
    run(py, || {
        let submission = Submission::read(path, k)?;
        submission.check_categories(categories)?;
        Ok(submission)
    })
}

fn from_arrays(
    py: Python<'_>,
    ids: &PyReadonlyArray1<'_, i64>,
    labels: &PyReadonlyArray2<'_, i64>,
    source: Option<&Path>,
    categories: Option<usize>,
) -> PyResult<Submission> {
    let (k, ids, labels) = (labels.shape()[1], ids.as_slice()?, labels.as_slice()?);
    run(py, || {
        let submission = Submission::new(ids.to_vec(), labels, k, source)?;
        submission.check_categories(categories)?;
        Ok(submission)
    })
}

/// Predicted labels: a file, or ids and rows of labels.
#[derive(FromPyObject)]
pub(crate) enum Predicted<'py> {
    Arrays(PyReadonlyArray1<'py, i64>, PyReadonlyArray2<'py, i64>),
    File(PathBuf),
}

/// True labels: a file, or ids and labels.
#[derive(FromPyObject)]
pub(crate) enum Expected<'py> {
    Arrays(PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>),
    File(PathBuf),
}

impl Expected<'_> {
    fn truth(&self, py: Python<'_>) -> PyResult<Truth> {
        match self {
            Self::File(path) => run(py, || Truth::read(path)),
            Self::Arrays(ids, labels) => {
                let (ids, labels) = (ids.as_slice()?, labels.as_slice()?);
                run(py, || Truth::new(ids.to_vec(), labels, None))
            }
        }
    }
}

/// Images, wrong at top-1, wrong at top-k.
type Counts = [u64; 3];

/// The counts of all images, of the public and of the private ones, and of each true label.
type Parts<Label> = (Counts, Option<Counts>, Option<Counts>, Vec<(Label, Counts)>);

fn counts(tally: &Tally) -> Counts {
    [tally.n, tally.wrong_top_1, tally.wrong_top_k]
}

fn parts<Label>(score: Score<Label>) -> Parts<Label> {
    let by_class = score
        .by_class
        .into_iter()
        .map(|(label, tally)| (label, counts(&tally)));
    let [public, private] = [score.public, score.private].map(|part| part.as_ref().map(counts));
    (counts(&score.all), public, private, by_class.collect())
}

/// Scores strictly; `source` is the file that arrays were read from.
#[pyfunction]
#[pyo3(signature = (predicted, expected, *, k, source, categories))]
pub(crate) fn score_strict(
    py: Python<'_>,
    predicted: Predicted<'_>,
    expected: Expected<'_>,
    k: usize,
    source: Option<PathBuf>,
    categories: Option<usize>,
) -> PyResult<Parts<i32>> {
    let submission = match &predicted {
        Predicted::File(path) => from_file(py, path, Some(k), categories)?,
        Predicted::Arrays(ids, labels) => {
            from_arrays(py, ids, labels, source.as_deref(), categories)?
        }
    };
    let truth = expected.truth(py)?;
    run(py, || score(&submission, &truth, k)).map(parts)
}

/// Scores as the competition's script does.
#[pyfunction]
#[pyo3(signature = (predicted, expected, *, k))]
pub(crate) fn score_official(
    py: Python<'_>,
    predicted: Predicted<'_>,
    expected: Expected<'_>,
    k: usize,
) -> PyResult<Parts<String>> {
    let rows = match &predicted {
        Predicted::File(path) => run(py, || Rows::read(path, k))?,
        Predicted::Arrays(ids, labels) => {
            let (width, ids, labels) = (labels.shape()[1], ids.as_slice()?, labels.as_slice()?);
            run(py, || Rows::from_numbers(ids, labels, width, k))?
        }
    };
    let solution = match &expected {
        Expected::File(path) => run(py, || Solution::read(path))?,
        Expected::Arrays(..) => Solution::from_truth(&expected.truth(py)?),
    };
    run(py, || official::score(&rows, &solution)).map(parts)
}

/// For each group its images' counts, its number of classes, and their mean errors.
#[pyfunction]
pub(crate) fn score_groups(
    py: Python<'_>,
    classes: Vec<Counts>,
    group_of: Vec<usize>,
    groups: usize,
) -> PyResult<Vec<(Counts, u64, [f64; 2])>> {
    let tally = |[n, wrong_top_1, wrong_top_k]: Counts| Tally {
        n,
        wrong_top_1,
        wrong_top_k,
    };
    let classes: Vec<_> = classes.into_iter().map(tally).collect();
    let groups = run(py, || by_group(&classes, &group_of, groups))?;
    let group = |group: &ptarmigan_core::predictions::score::Group| {
        (counts(&group.images), group.classes, group.class_errors)
    };
    Ok(groups.iter().map(group).collect())
}
