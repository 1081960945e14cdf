"""Train on iNaturalist 2017 straight from the downloaded ``train_val_images.tar.gz``.

The data path is ``archive -> index -> member -> pixels -> batch``, then
``predictions: top_k -> submission -> score``; one module a stage.
"""

from __future__ import annotations

import importlib

_HOMES = {
    "Archive": "archive",
    "build_index": "archive",
    "decode": "pixels",
    "decode_batch": "pixels",
    "Output": "pixels",
    "RandomResizedCrop": "transforms",
    "ResizeCenterCrop": "transforms",
    "INaturalist": "dataset",
    "ImageArchive": "dataset",
    "Loader": "loader",
    "Batch": "loader",
    "top_k": "predictions",
    "write_submission": "predictions",
    "read_submission": "predictions",
    "score": "predictions",
    "Score": "predictions",
    "PtarmiganError": "errors",
    "ArchiveError": "errors",
    "IndexFileError": "errors",
    "MemberNotFoundError": "errors",
    "DecodeError": "errors",
    "AnnotationError": "errors",
    "SubmissionError": "errors",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ptarmigan.{_HOMES[name]}"), name)
    raise AttributeError(name)
