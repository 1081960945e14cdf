"""Train on iNaturalist 2017 straight from the downloaded ``train_val_images.tar.gz``.

The data path is ``archive -> index -> member -> pixels -> batch``, then
``predictions: top_k -> submission -> score``; one module a stage. Importing this package starts no
thread and imports neither PyTorch nor Pillow; a stage is imported when one of its names is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptarmigan import boxes, coco
    from ptarmigan._core import __version__
    from ptarmigan.archive import Archive, build_index
    from ptarmigan.dataset import ImageArchive, INaturalist
    from ptarmigan.detections import BoxScore, score_boxes
    from ptarmigan.errors import (
        AnnotationError,
        ArchiveError,
        BoxLabelWarning,
        DecodeError,
        IndexFileError,
        MemberNotFoundError,
        PartialArchiveWarning,
        PtarmiganError,
        ScanPointsWarning,
        SubmissionError,
    )
    from ptarmigan.exporting import extract
    from ptarmigan.labels import LabelMap
    from ptarmigan.loader import Batch, Loader
    from ptarmigan.member_stream import stream
    from ptarmigan.pixels import Output, decode, decode_batch
    from ptarmigan.predictions import (
        ClassScore,
        GroupScore,
        Score,
        Submission,
        apply_prior,
        check_submission,
        read_submission,
        score,
        top_k,
        write_submission,
    )
    from ptarmigan.release import Release, register_release
    from ptarmigan.report import write_report
    from ptarmigan.transforms import RandomResizedCrop, ResizeCenterCrop

__all__ = [
    "AnnotationError",
    "Archive",
    "ArchiveError",
    "Batch",
    "BoxLabelWarning",
    "BoxScore",
    "ClassScore",
    "DecodeError",
    "GroupScore",
    "INaturalist",
    "ImageArchive",
    "IndexFileError",
    "LabelMap",
    "Loader",
    "MemberNotFoundError",
    "Output",
    "PartialArchiveWarning",
    "PtarmiganError",
    "RandomResizedCrop",
    "Release",
    "ResizeCenterCrop",
    "ScanPointsWarning",
    "Score",
    "Submission",
    "SubmissionError",
    "__version__",
    "apply_prior",
    "boxes",
    "build_index",
    "check_submission",
    "coco",
    "decode",
    "decode_batch",
    "extract",
    "read_submission",
    "register_release",
    "score",
    "score_boxes",
    "stream",
    "top_k",
    "write_report",
    "write_submission",
]

_HOMES = {
    "__version__": "_core",
    "Archive": "archive",
    "build_index": "archive",
    "BoxScore": "detections",
    "score_boxes": "detections",
    "INaturalist": "dataset",
    "ImageArchive": "dataset",
    "AnnotationError": "errors",
    "ArchiveError": "errors",
    "BoxLabelWarning": "errors",
    "DecodeError": "errors",
    "IndexFileError": "errors",
    "MemberNotFoundError": "errors",
    "PartialArchiveWarning": "errors",
    "PtarmiganError": "errors",
    "ScanPointsWarning": "errors",
    "SubmissionError": "errors",
    "LabelMap": "labels",
    "extract": "exporting",
    "Batch": "loader",
    "Loader": "loader",
    "stream": "member_stream",
    "Output": "pixels",
    "decode": "pixels",
    "decode_batch": "pixels",
    "ClassScore": "predictions",
    "GroupScore": "predictions",
    "Score": "predictions",
    "Submission": "predictions",
    "apply_prior": "predictions",
    "check_submission": "predictions",
    "read_submission": "predictions",
    "score": "predictions",
    "top_k": "predictions",
    "write_submission": "predictions",
    "Release": "release",
    "register_release": "release",
    "write_report": "report",
    "RandomResizedCrop": "transforms",
    "ResizeCenterCrop": "transforms",
}

_MODULES = ("boxes", "coco")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"ptarmigan.{name}")
    home = _HOMES.get(name)
    if home is None:
        msg = f"module `ptarmigan` has no attribute `{name}`"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"ptarmigan.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
