//! `_core.Camera`: made-up photographs from arrays of properties.

use numpy::{PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;

use ptarmigan_core::synth::{Camera, Pictures};

use crate::run::run;

type Column<'py> = PyReadonlyArray1<'py, i64>;

/// Takes pictures of a wanted file density.
#[pyclass(frozen, name = "Camera", module = "ptarmigan._core")]
pub(crate) struct PyCamera(Camera);

#[pymethods]
impl PyCamera {
    #[new]
    fn new(py: Python<'_>, seed: u64, bits_per_pixel: f32) -> PyResult<Self> {
        run(py, || Camera::new(seed, bits_per_pixel)).map(Self)
    }

    /// The JPEG files of the pictures that the columns describe.
    fn photograph(
        &self,
        py: Python<'_>,
        classes: Column<'_>,
        groups: Column<'_>,
        keys: Column<'_>,
        widths: Column<'_>,
        heights: Column<'_>,
        components: PyReadonlyArray1<'_, u8>,
        threads: usize,
    ) -> PyResult<Vec<Vec<u8>>> {
        let pictures = Pictures {
            classes: classes.as_slice()?,
            groups: groups.as_slice()?,
            keys: keys.as_slice()?,
            widths: widths.as_slice()?,
            heights: heights.as_slice()?,
            components: components.as_slice()?,
        };
        run(py, || self.0.photograph(&pictures, threads))
    }

    /// The box of every picture's subject: x, y, width, height.
    fn subject_boxes(
        &self,
        py: Python<'_>,
        classes: Column<'_>,
        groups: Column<'_>,
        keys: Column<'_>,
        widths: Column<'_>,
        heights: Column<'_>,
    ) -> PyResult<Vec<[f32; 4]>> {
        let pictures = Pictures {
            classes: classes.as_slice()?,
            groups: groups.as_slice()?,
            keys: keys.as_slice()?,
            widths: widths.as_slice()?,
            heights: heights.as_slice()?,
            components: &vec![3; classes.len()],
        };
        run(py, || self.0.subject_boxes(&pictures))
    }
}
