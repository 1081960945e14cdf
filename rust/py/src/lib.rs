//! The Python module `ptarmigan._core`: arguments, array checks, GIL release, error map.
//!
//! Not here: any loop over data (that is `ptarmigan-core`) and any default (that is the Python
//! package).
#![allow(missing_docs, reason = "the Python package documents what is public")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands extracted arguments over by value"
)]

mod annotations;
mod archive;
mod batch;
mod detections;
mod errors;
mod export;
mod member_file;
mod pixels;
mod predictions;
mod run;
mod samples;
mod stream;
mod synth;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::annotations::{
        annotation_columns, annotation_key, read_annotations, read_boxes, read_locations,
        store_annotations,
    };
    #[pymodule_export]
    use crate::archive::{
        IndexResult, PyArchive, VerifyReport, build_index, build_index_from, default_index_path,
    };
    #[pymodule_export]
    use crate::batch::{PyEpoch, PyLoader, epoch_order, labels_per_batch};
    #[pymodule_export]
    use crate::detections::{PyGroundTruth, json_file};
    #[pymodule_export]
    use crate::export::export_index;
    #[pymodule_export]
    use crate::member_file::PyMemberFile;
    #[pymodule_export]
    use crate::pixels::{
        PyOutput, PyTransform, decode, decode_batch, image_orientation, image_size,
    };
    #[pymodule_export]
    use crate::predictions::{
        bootstrap_interval, check_submission, read_submission, score_groups, score_official,
        score_strict, submission_formats, top_k, write_submission,
    };
    #[pymodule_export]
    use crate::samples::{decode_members, find_members, folders};
    #[pymodule_export]
    use crate::stream::{PyMember, PyStream};
    #[pymodule_export]
    use crate::synth::PyCamera;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python packages use")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
