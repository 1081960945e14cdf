//! Turns Python's transforms and bytes into the core's, and the core's pixels into arrays.

use std::num::NonZeroUsize;

use numpy::{PyArray2, PyReadonlyArray1, PyReadwriteArray1};
use ptarmigan_core::team::default_threads;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use ptarmigan_core::Error;
use ptarmigan_core::pixels::{
    Decoder, Dtype, Fidelity, Filter, Layout, Output, Recipe, SampleKey, Transform, render_many,
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

/// Width and height of every image, as 32-bit numbers within the limits of a JPEG.
fn sizes(widths: &[i64], heights: &[i64]) -> Result<Vec<(u32, u32)>, Error> {
    let side = |value: i64| match u16::try_from(value) {
        Ok(side) if side > 0 => Ok(u32::from(side)),
        _ => Err(Error::argument(format!(
            "an image's side must be from 1 to 65535, not {value}"
        ))),
    };
    let pairs = widths.iter().zip(heights);
    pairs
        .map(|(width, height)| Ok((side(*width)?, side(*height)?)))
        .collect()
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
        let (widths, heights) = (widths.as_slice()?, heights.as_slice()?);
        let samples = samples.as_slice()?;
        let boxes = run(py, || {
            let sizes = sizes(widths, heights)?;
            let place = |((width, height), &sample)| {
                let key = SampleKey {
                    seed,
                    epoch,
                    sample,
                };
                let place = self.0.place(width, height, key);
                let [x, y, width, height] = [place.x, place.y, place.width, place.height];
                [x, y, width, height, u32::from(place.flip)].map(|side| side as i32)
            };
            Ok(sizes.into_iter().zip(samples).map(place).collect())
        })?;
        matrix(py, boxes)
    }

    fn source_boxes(
        &self,
        py: Python<'_>,
        widths: PyReadonlyArray1<'_, i64>,
        heights: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Py<PyArray2<f64>>> {
        let (widths, heights) = (widths.as_slice()?, heights.as_slice()?);
        let boxes = run(py, || {
            let place = |(width, height)| {
                let source = self.0.source_box(width, height, SampleKey::default())?;
                Ok([source.x, source.y, source.width, source.height, 0.0])
            };
            sizes(widths, heights)?.into_iter().map(place).collect()
        })?;
        matrix(py, boxes)
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
        render_many(&images, samples, recipe, threads, out, progress).map_err(|(index, error)| {
            failed = index;
            name_image(error, index, images.len(), names.as_deref())
        })
    });
    if let (Err(error), Some(index)) = (&rendered, failed) {
        error.value(py).setattr("index", index)?;
    }
    rendered
}

/// Adds which image an error is about: its name, or its place in the list.
fn name_image(error: Error, index: Option<usize>, count: usize, names: Option<&[String]>) -> Error {
    match (index, names) {
        (Some(index), Some(names)) => error.with_member(names[index].as_bytes()),
        (Some(index), None) => {
            let message = format!("image {index} of {count}: {}", error.message());
            let named = Error::new(error.kind(), message);
            match error.offset() {
                Some(offset) => named.with_offset(offset),
                None => named,
            }
        }
        (None, _) => error,
    }
}
