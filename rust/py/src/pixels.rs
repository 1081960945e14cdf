//! Turns Python's transforms and bytes into the core's, and the core's pixels into arrays.

use std::num::NonZeroUsize;

use numpy::{PyArray2, PyReadonlyArray1, PyReadwriteArray1};
use ptarmigan_core::team::default_threads;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use ptarmigan_core::pixels::{
    Decoder, Dtype, Fidelity, Filter, Layout, Output, Recipe, Transform, render_many,
};

use crate::annotations::matrix;
use crate::run::{run, run_with_progress};

/// A transform with its parameters checked.
#[pyclass(name = "Transform", module = "ptarmigan._core", frozen)]
pub(crate) struct PyTransform(pub(crate) Transform);

/// The type, layout and normalisation of a batch, checked.
#[pyclass(name = "Output", module = "ptarmigan._core", frozen)]
pub(crate) struct PyOutput(pub(crate) Output);

fn filter(name: &str) -> PyResult<Filter> {
    match name {
        "bilinear" => Ok(Filter::Bilinear),
        "bicubic" => Ok(Filter::Bicubic),
        "box" => Ok(Filter::Box),
        "hamming" => Ok(Filter::Hamming),
        "lanczos" => Ok(Filter::Lanczos),
        _ => Err(PyValueError::new_err(format!(
            "unknown interpolation `{name}`"
        ))),
    }
}

/// How closely the pixels are Pillow's, by its name in Python.
pub(crate) fn fidelity(decode: &str) -> PyResult<Fidelity> {
    match decode {
        "exact" => Ok(Fidelity::Exact),
        "fast" => Ok(Fidelity::Fast),
        _ => Err(PyValueError::new_err(format!("unknown decode `{decode}`"))),
    }
}

#[pymethods]
impl PyTransform {
    #[staticmethod]
    fn random_resized_crop(
        py: Python<'_>,
        size: (u32, u32),
        scale: (f64, f64),
        ratio: (f64, f64),
        hflip: f64,
        interpolation: &str,
    ) -> PyResult<Self> {
        let filter = filter(interpolation)?;
        let transform = Transform::RandomResizedCrop {
            size,
            scale,
            ratio,
            hflip,
            filter,
        };
        run(py, || transform.check())?;
        Ok(Self(transform))
    }

    #[staticmethod]
    fn resize_center_crop(
        py: Python<'_>,
        resize: u32,
        crop: (u32, u32),
        interpolation: &str,
    ) -> PyResult<Self> {
        let transform = Transform::ResizeCenterCrop {
            resize,
            crop,
            filter: filter(interpolation)?,
        };
        run(py, || transform.check())?;
        Ok(Self(transform))
    }

    fn boxes(
        &self,
        py: Python<'_>,
        widths: PyReadonlyArray1<'_, i64>,
        heights: PyReadonlyArray1<'_, i64>,
        seed: u64,
        epoch: u64,
        samples: PyReadonlyArray1<'_, u64>,
    ) -> PyResult<Py<PyArray2<i32>>> {
        let (sizes, samples) = (
            [widths.as_slice()?, heights.as_slice()?],
            samples.as_slice()?,
        );
        matrix(py, run(py, || self.0.boxes(sizes, (seed, epoch), samples))?)
    }

    fn source_boxes(
        &self,
        py: Python<'_>,
        widths: PyReadonlyArray1<'_, i64>,
        heights: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Py<PyArray2<f64>>> {
        let sizes = [widths.as_slice()?, heights.as_slice()?];
        matrix(py, run(py, || self.0.source_boxes(sizes))?)
    }
}

#[pymethods]
impl PyOutput {
    #[new]
    fn new(
        py: Python<'_>,
        dtype: &str,
        layout: &str,
        mean: [f32; 3],
        std: [f32; 3],
    ) -> PyResult<Self> {
        let unknown = |what| PyValueError::new_err(format!("unknown {what}"));
        let dtype = match dtype {
            "uint8" => Dtype::Uint8,
            "float16" => Dtype::Float16,
            "float32" => Dtype::Float32,
            _ => return Err(unknown("dtype")),
        };
        let layout = match layout {
            "NHWC" => Layout::Nhwc,
            "NCHW" => Layout::Nchw,
            _ => return Err(unknown("layout")),
        };
        let output = Output {
            dtype,
            layout,
            mean,
            std,
        };
        run(py, || output.check())?;
        Ok(Self(output))
    }
}

#[pyfunction]
pub(crate) fn image_size(py: Python<'_>, data: PyBackedBytes) -> PyResult<(u32, u32)> {
    run(py, || Decoder::size(&data))
}

/// How an image is to be turned, 1 to 8.
#[pyfunction]
pub(crate) fn image_orientation(py: Python<'_>, data: PyBackedBytes) -> PyResult<u8> {
    run(py, || Decoder::orientation(&data))
}

/// Decodes a whole image into `out`, which must have 3 bytes a pixel.
#[pyfunction]
pub(crate) fn decode(
    py: Python<'_>,
    data: PyBackedBytes,
    mut out: PyReadwriteArray1<'_, u8>,
) -> PyResult<()> {
    let out = out.as_slice_mut()?;
    run(py, || Decoder::default().decode_into(&data, out))
}

/// Renders every image into its part of `out`.
#[pyfunction]
pub(crate) fn decode_batch(
    py: Python<'_>,
    images: Vec<PyBackedBytes>,
    transform: &PyTransform,
    output: &PyOutput,
    decode: &str,
    seed: u64,
    epoch: u64,
    samples: PyReadonlyArray1<'_, u64>,
    threads: Option<NonZeroUsize>,
    mut out: PyReadwriteArray1<'_, u8>,
    names: Option<Vec<String>>,
) -> PyResult<()> {
    let (samples, out) = (samples.as_slice()?, out.as_slice_mut()?);
    let recipe = Recipe {
        transform: &transform.0,
        output: &output.0,
        fidelity: fidelity(decode)?,
        seed,
        epoch,
    };
    let threads = threads.unwrap_or_else(default_threads);
    let mut failed = None;
    let rendered = run_with_progress(py, None, |progress| {
        let names = names.as_deref();
        render_many(&images, names, samples, recipe, threads, out, progress).map_err(
            |(index, error)| {
                failed = index;
                error
            },
        )
    });
    if let (Err(error), Some(index)) = (&rendered, failed) {
        error.value(py).setattr("index", index)?;
    }
    rendered
}
