//! Turns a Python data set's columns into the core's loader, and its batches into arrays.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use ptarmigan_core::batch::order::labels_per_batch as count_labels;
use ptarmigan_core::batch::{Batch, Epoch, Loader, OnError, Options, Order, Photos};
use ptarmigan_core::batch::{PointStore, Share, Turn, points};
use ptarmigan_core::team::default_threads;

use crate::annotations::column;
use crate::archive::PyArchive;
use crate::errors::to_python;
use crate::pixels::{PyOutput, PyTransform, fidelity};
use crate::run::run;

/// How long a wait for a batch may put off the handling of Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// A data set and the way through it; has no threads.
#[pyclass(name = "Loader", module = "ptarmigan._core", frozen)]
pub(crate) struct PyLoader(Loader<Photos>);

/// The batches of one epoch, with the threads that make them.
#[pyclass(name = "Epoch", module = "ptarmigan._core", frozen)]
pub(crate) struct PyEpoch(Epoch<Photos>);

fn order(name: &str) -> PyResult<Order> {
    match name {
        "exact" => Ok(Order::Exact),
        "local" => Ok(Order::Local),
        "sequential" => Ok(Order::Sequential),
        "stored" => Ok(Order::Stored),
        _ => Err(PyValueError::new_err(format!("unknown order `{name}`"))),
    }
}

#[pymethods]
impl PyLoader {
    #[new]
    fn new(
        py: Python<'_>,
        archive: &PyArchive,
        members: PyReadonlyArray1<'_, i64>,
        image_ids: PyReadonlyArray1<'_, i64>,
        transform: &PyTransform,
        output: &PyOutput,
        decode: &str,
        seed: u64,
        order: &str,
        batch_size: NonZeroUsize,
        drop_last: bool,
        prefetch: usize,
        skip: bool,
        scan_points: PyScanPoints,
    ) -> PyResult<Self> {
        let order = self::order(order)?;
        let fidelity = fidelity(decode)?;
        let on_error = if skip { OnError::Skip } else { OnError::Zero };
        let (members, ids) = (members.as_slice()?, image_ids.as_slice()?);
        let (transform, output) = (transform.0.clone(), output.0);
        let archive = Arc::clone(&archive.0);
        run(py, || {
            let path = match scan_points {
                PyScanPoints::Switch(false) => None,
                PyScanPoints::Switch(true) => Some(points::default_path(archive.index().path())),
                PyScanPoints::File(path) => Some(path),
            };
            let store = path.map(|path| PointStore::open(&path, &archive));
            let store = store.transpose()?;
            let mut photos = Photos::new(archive, members, ids, transform, output, fidelity, seed)?;
            if let Some(store) = store {
                photos = photos.with_points(store);
            }
            let options = Options {
                order,
                seed,
                batch_size,
                drop_last,
                prefetch,
                on_error,
            };
            Loader::new(photos, options).map(Self)
        })
    }

    #[getter]
    fn fingerprint(&self) -> &str {
        self.0.source().fingerprint()
    }

    #[getter]
    fn scan_points_path(&self) -> Option<&Path> {
        self.0.source().points().map(PointStore::path)
    }

    /// Why scan points cannot be written any more, once.
    fn take_trouble(&self, py: Python<'_>) -> Option<PyErr> {
        let store = self.0.source().points()?;
        let trouble = py.detach(|| store.take_trouble())?;
        Some(to_python(py, &trouble))
    }

    fn batches(&self, py: Python<'_>, position: usize, share: PyShare) -> PyResult<usize> {
        run(py, || self.0.plan(position, self::share(share))).map(|plan| plan.len())
    }

    fn start(
        &self,
        py: Python<'_>,
        epoch: u64,
        position: usize,
        share: PyShare,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<PyEpoch> {
        let share = self::share(share);
        let threads = threads.unwrap_or_else(|| {
            NonZeroUsize::new(default_threads().get() / share.workers).unwrap_or(NonZeroUsize::MIN)
        });
        run(py, || {
            self.0.start(epoch, position, share, threads).map(PyEpoch)
        })
    }
}

#[pymethods]
impl PyEpoch {
    /// The next batch, or None after the last one: memory, offset of the pixels in it, samples,
    /// valid, failures, position after the batch.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<impl IntoPyObject<'py>>> {
        if self.0.is_orphaned() {
            return Err(PyRuntimeError::new_err(
                "this iterator belongs to the process that was forked; its threads are not here: \
                 call iter() on the loader again in this process",
            ));
        }
        loop {
            match run(py, || self.0.next(SIGNAL_INTERVAL))? {
                Turn::Batch(batch) => return Ok(Some(arrays(py, batch))),
                Turn::End => return Ok(None),
                Turn::NotYet => py.check_signals()?,
            }
        }
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

/// Whether scan points are kept, and where.
#[derive(FromPyObject)]
enum PyScanPoints {
    Switch(bool),
    File(PathBuf),
}

/// Rank, world size, worker, workers.
type PyShare = (usize, usize, usize, usize);

fn share((rank, world, worker, workers): PyShare) -> Share {
    Share {
        rank,
        world,
        worker,
        workers,
    }
}

fn arrays(py: Python<'_>, batch: Batch) -> impl IntoPyObject<'_> {
    let failures = batch.failures.into_iter().map(|failure| {
        let member = failure.error.member().map(str::to_owned);
        (failure.sample, member, to_python(py, &failure.error))
    });
    (
        column(py, batch.memory),
        batch.offset,
        column(py, batch.samples),
        column(py, batch.valid),
        failures.collect::<Vec<_>>(),
        batch.position,
    )
}

/// The samples of an epoch in their order, from the members that they are.
#[pyfunction]
pub(crate) fn epoch_order(
    py: Python<'_>,
    order: &str,
    members: PyReadonlyArray1<'_, i64>,
    seed: u64,
    epoch: u64,
) -> PyResult<Py<PyArray1<u32>>> {
    let order = self::order(order)?;
    let members = members.as_slice()?;
    run(py, || order.of_members(members, seed, epoch)).map(|samples| column(py, samples))
}

/// Mean number of different labels in a batch of this order.
#[pyfunction]
pub(crate) fn labels_per_batch(
    py: Python<'_>,
    order: PyReadonlyArray1<'_, u32>,
    labels: PyReadonlyArray1<'_, i64>,
    batch_size: NonZeroUsize,
) -> PyResult<f64> {
    let (order, labels) = (order.as_slice()?, labels.as_slice()?);
    run(py, || count_labels(order, labels, batch_size))
}
