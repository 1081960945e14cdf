//! The Python module `ptarmigan._core`: arguments, array checks, GIL release, error map.
//!
//! Not here: any loop over data (that is `ptarmigan-core`) and any default (that is the Python
//! package).
#![allow(missing_docs, reason = "the Python package documents what is public")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands extracted arguments over by value"
)]
#![allow(
    clippy::too_many_arguments,
    reason = "Python gives each of them a name"
)]

mod annotations;
mod archive;
mod batch;
mod detections;
mod errors;
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
    use crate::{
        annotations::{
            annotation_columns, annotation_key, read_annotations, read_boxes, read_locations,
            store_annotations,
        },
        archive::{
            IndexResult, PyArchive, VerifyReport, build_index, build_index_from,
            default_index_path, export_index,
        },
        batch::{PyEpoch, PyLoader, epoch_order, labels_per_batch},
        detections::{PyGroundTruth, json_file},
        member_file::PyMemberFile,
        pixels::{PyOutput, PyTransform, decode, decode_batch, image_orientation, image_size},
        predictions::{
            bootstrap_interval, check_submission, read_submission, score_groups, score_official,
            score_strict, submission_formats, top_k, write_submission,
        },
        samples::{decode_members, find_members, folders},
        stream::{PyMember, PyStream},
        synth::PyCamera,
    };

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python packages use")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
