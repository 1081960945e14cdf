//! Turns Python's transforms and bytes into the core's, and the core's pixels into arrays.

use std::num::NonZeroUsize;

use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1, ToPyArray};
use ptarmigan_core::team::default_threads;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use ptarmigan_core::Error;
use ptarmigan_core::pixels::{
    Decoder, Dtype, Fidelity, Filter, Layout, Output, Recipe, SampleKey, Transform, render_many,
};

use crate::errors::to_python;
use crate::run::{run, run_with_progress};

/// A transform with its parameters checked.
#[pyclass(name = "Transform", module = "ptarmigan._core", frozen)]
pub(crate) struct PyTransform(Transform);

/// The type, layout and normalisation of a batch, checked.
#[pyclass(name = "Output", module = "ptarmigan._core", frozen)]
pub(crate) struct PyOutput(Output);

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
    let side = |value: i64| {
        u16::try_from(value)
            .ok()
            .filter(|side| *side > 0)
            .map(u32::from)
            .ok_or_else(|| {
                Error::argument(format!(
                    "an image's side must be from 1 to 65535, not {value}"
                ))
            })
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
        transform.check().map_err(|error| to_python(py, &error))?;
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
        transform.check().map_err(|error| to_python(py, &error))?;
        Ok(Self(transform))
    }

    fn boxes<'py>(
        &self,
        py: Python<'py>,
        widths: PyReadonlyArray1<'py, i64>,
        heights: PyReadonlyArray1<'py, i64>,
        seed: u64,
        epoch: u64,
        samples: PyReadonlyArray1<'py, u64>,
    ) -> PyResult<Bound<'py, PyArray2<i32>>> {
        let (widths, heights) = (widths.as_slice()?, heights.as_slice()?);
        let samples = samples.as_slice()?;
        let boxes = run(py, || {
            let sizes = sizes(widths, heights)?;
            let places = sizes
                .iter()
                .zip(samples)
                .flat_map(|(&(width, height), &sample)| {
                    let key = SampleKey {
                        seed,
                        epoch,
                        sample,
                    };
                    let place = self.0.place(width, height, key);
                    let sides = [
                        place.x,
                        place.y,
                        place.width,
                        place.height,
                        u32::from(place.flip),
                    ];
                    sides.map(|side| side as i32)
                });
            Ok(places.collect::<Vec<i32>>())
        })?;
        boxes.to_pyarray(py).reshape([boxes.len() / 5, 5])
    }

    fn source_boxes<'py>(
        &self,
        py: Python<'py>,
        widths: PyReadonlyArray1<'py, i64>,
        heights: PyReadonlyArray1<'py, i64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (widths, heights) = (widths.as_slice()?, heights.as_slice()?);
        let boxes = run(py, || {
            let mut boxes = Vec::with_capacity(widths.len() * 5);
            for (width, height) in sizes(widths, heights)? {
                let source = self.0.source_box(width, height, SampleKey::default())?;
                boxes.extend([source.x, source.y, source.width, source.height, 0.0]);
            }
            Ok(boxes)
        })?;
        boxes.to_pyarray(py).reshape([boxes.len() / 5, 5])
    }
}

impl PyTransform {
    /// The core's transform.
    pub(crate) fn core(&self) -> &Transform {
        &self.0
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
        output.check().map_err(|error| to_python(py, &error))?;
        Ok(Self(output))
    }
}

impl PyOutput {
    /// The core's output.
    pub(crate) fn core(&self) -> &Output {
        &self.0
    }
}

/// Width and height of an image, from its header.
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
#[expect(clippy::too_many_arguments, reason = "one crossing for a whole batch")]
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
        transform: transform.core(),
        output: output.core(),
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
