//! Turns arrays and paths into the core's logits, submissions and truths, and back.

use std::num::NonZero;
use std::path::PathBuf;

use numpy::{
    PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use ptarmigan_core::Error;
use ptarmigan_core::predictions::bootstrap;
use ptarmigan_core::predictions::format::FORMATS;
use ptarmigan_core::predictions::inspection;
use ptarmigan_core::predictions::official::{self, Rows, Solution};
use ptarmigan_core::predictions::score::{by_group, score};
use ptarmigan_core::predictions::{
    Groups, Images, Logits, Rules, Score, Submission, Tally, Truth, top_k as rank,
};

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

/// The form of each release's submissions: year, header, labels in a row.
#[pyfunction]
pub(crate) fn submission_formats() -> Vec<(&'static str, &'static str, usize)> {
    let format = FORMATS.iter();
    format
        .map(|form| (form.release, form.header, form.k))
        .collect()
}

/// What a submission must be: header, labels in a row, categories, image ids.
#[derive(FromPyObject)]
pub(crate) struct Form<'py>(
    String,
    Option<usize>,
    Option<usize>,
    Option<PyReadonlyArray1<'py, i64>>,
);

impl Form<'_> {
    /// Calls `work` with the rules, without the GIL.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(Rules<'_>) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let Self(header, k, categories, ids) = self;
        let ids = ids.as_ref().map(|ids| ids.as_slice()).transpose()?;
        run(py, || {
            let images = ids.map(|ids| Images::new(ids.to_vec()));
            work(Rules {
                header,
                k: *k,
                categories: *categories,
                images: images.as_ref(),
            })
        })
    }
}

#[pyfunction]
pub(crate) fn read_submission<'py>(
    py: Python<'py>,
    path: PathBuf,
    form: Form<'py>,
) -> PyResult<impl IntoPyObject<'py>> {
    let read = form.run(py, |rules| Submission::read(&path, rules))?;
    let shape = [read.ids().len(), read.k()];
    let labels = PyArray1::from_slice(py, read.labels()).reshape(shape)?;
    Ok((PyArray1::from_slice(py, read.ids()), labels))
}

/// Lists what is wrong with a submission: the number of rows, the number of faults, and the first of
/// these, line and message.
#[pyfunction]
pub(crate) fn check_submission<'py>(
    py: Python<'py>,
    path: PathBuf,
    form: Form<'py>,
    limit: usize,
) -> PyResult<impl IntoPyObject<'py>> {
    let report = form.run(py, |rules| inspection::check(&path, rules, limit))?;
    let faults = report.faults.into_iter();
    let faults: Vec<_> = faults.map(|fault| (fault.line, fault.message)).collect();
    Ok((report.rows, report.count, faults))
}

#[pyfunction]
pub(crate) fn write_submission(
    py: Python<'_>,
    path: PathBuf,
    ids: PyReadonlyArray1<'_, i64>,
    labels: PyReadonlyArray2<'_, i64>,
    form: Form<'_>,
) -> PyResult<()> {
    let (k, ids, labels) = (labels.shape()[1], ids.as_slice()?, labels.as_slice()?);
    form.run(py, |rules| {
        let submission = Submission::new(ids.to_vec(), labels, k, rules.categories, None)?;
        if let Some(images) = rules.images {
            submission.check_images(images)?;
        }
        submission.write(&path, rules.header)
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

/// Labels, the group of each, and how many groups there are.
#[derive(FromPyObject)]
pub(crate) struct Grouping<'py>(
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, usize>,
    usize,
);

impl Grouping<'_> {
    fn groups(&self, py: Python<'_>) -> PyResult<Groups> {
        let (labels, groups, n) = (self.0.as_slice()?, self.1.as_slice()?, self.2);
        run(py, || Groups::new(labels, groups, n))
    }
}

/// Images, wrong at top-1, wrong at top-k.
type Counts = [u64; 3];

fn counts(tally: &Tally) -> Counts {
    [tally.n, tally.wrong_top_1, tally.wrong_top_k]
}

/// The counts of all images, of the public and of the private ones, and of each true label; the
/// images with the true label at each place; the table of groups.
fn parts<'py, Label: IntoPyObject<'py>>(score: Score<Label>) -> impl IntoPyObject<'py> {
    let by_class = score.by_class.into_iter();
    let by_class = by_class.map(|(label, tally)| (label, counts(&tally)));
    let [public, private] = [score.public, score.private].map(|part| part.as_ref().map(counts));
    (
        counts(&score.all),
        public,
        private,
        by_class.collect::<Vec<_>>(),
        score.places,
        score.confusion,
    )
}

/// Scores strictly; `source` is the file that arrays were read from.
#[pyfunction]
#[pyo3(signature = (predicted, expected, form, *, k, source, grouping))]
pub(crate) fn score_strict<'py>(
    py: Python<'py>,
    predicted: Predicted<'py>,
    expected: Expected<'py>,
    form: Form<'py>,
    k: usize,
    source: Option<PathBuf>,
    grouping: Option<Grouping<'py>>,
) -> PyResult<impl IntoPyObject<'py>> {
    let submission = match &predicted {
        Predicted::File(path) => form.run(py, |rules| Submission::read(path, rules))?,
        Predicted::Arrays(ids, labels) => {
            let (k, ids, labels) = (labels.shape()[1], ids.as_slice()?, labels.as_slice()?);
            let (categories, source) = (form.2, source.as_deref());
            run(py, || {
                Submission::new(ids.to_vec(), labels, k, categories, source)
            })?
        }
    };
    let truth = expected.truth(py)?;
    let groups = grouping.map(|groups| groups.groups(py)).transpose()?;
    run(py, || score(&submission, &truth, k, groups.as_ref())).map(parts)
}

/// Scores as the competition's script does.
#[pyfunction]
#[pyo3(signature = (predicted, expected, form, *, k, grouping))]
pub(crate) fn score_official<'py>(
    py: Python<'py>,
    predicted: Predicted<'py>,
    expected: Expected<'py>,
    form: Form<'py>,
    k: usize,
    grouping: Option<Grouping<'py>>,
) -> PyResult<impl IntoPyObject<'py>> {
    let rows = match &predicted {
        Predicted::File(path) => run(py, || Rows::read(path, &form.0, k))?,
        Predicted::Arrays(ids, labels) => {
            let (width, ids, labels) = (labels.shape()[1], ids.as_slice()?, labels.as_slice()?);
            run(py, || Rows::from_numbers(ids, labels, width, k))?
        }
    };
    let solution = match &expected {
        Expected::File(path) => run(py, || Solution::read(path))?,
        Expected::Arrays(..) => Solution::from_truth(&expected.truth(py)?),
    };
    let groups = grouping.map(|groups| groups.groups(py)).transpose()?;
    run(py, || official::score(&rows, &solution, groups.as_ref())).map(parts)
}

/// The interval of the share `wrong / n` from images drawn again.
#[pyfunction]
#[pyo3(signature = (n, wrong, *, resamples, confidence, seed, which))]
pub(crate) fn bootstrap_interval(
    py: Python<'_>,
    n: u64,
    wrong: u64,
    resamples: usize,
    confidence: f64,
    seed: u64,
    which: u64,
) -> PyResult<[f64; 2]> {
    run(py, || {
        bootstrap::interval(n, wrong, resamples, confidence, seed, which)
    })
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
    let groups = groups.iter();
    let parts = groups.map(|group| (counts(&group.images), group.classes, group.class_errors));
    Ok(parts.collect())
}
