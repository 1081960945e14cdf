"""Train on iNaturalist 2017 straight from the downloaded ``train_val_images.tar.gz``.

The data path is ``archive -> index -> member -> pixels -> batch``, then
``predictions: top_k -> submission -> score``; one module a stage. Importing this package starts no
thread and imports neither PyTorch nor Pillow; a stage is imported when one of its names is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptarmigan._core import __version__
    from ptarmigan.archive import Archive, build_index
    from ptarmigan.dataset import ImageArchive, INaturalist
    from ptarmigan.errors import (
        AnnotationError,
        ArchiveError,
        DecodeError,
        IndexFileError,
        MemberNotFoundError,
        PartialArchiveWarning,
        PtarmiganError,
        ScanPointsWarning,
        SubmissionError,
    )
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
    from ptarmigan.report import write_report
    from ptarmigan.transforms import RandomResizedCrop, ResizeCenterCrop

__all__ = [
    "AnnotationError",
    "Archive",
    "ArchiveError",
    "Batch",
    "ClassScore",
    "DecodeError",
    "GroupScore",
    "INaturalist",
    "ImageArchive",
    "IndexFileError",
    "Loader",
    "MemberNotFoundError",
    "Output",
    "PartialArchiveWarning",
    "PtarmiganError",
    "RandomResizedCrop",
    "ResizeCenterCrop",
    "ScanPointsWarning",
    "Score",
    "Submission",
    "SubmissionError",
    "__version__",
    "apply_prior",
    "build_index",
    "check_submission",
    "decode",
    "decode_batch",
    "read_submission",
    "score",
    "stream",
    "top_k",
    "write_report",
    "write_submission",
]

_HOMES = {
    "__version__": "_core",
    "Archive": "archive",
    "build_index": "archive",
    "INaturalist": "dataset",
    "ImageArchive": "dataset",
    "AnnotationError": "errors",
    "ArchiveError": "errors",
    "DecodeError": "errors",
    "IndexFileError": "errors",
    "MemberNotFoundError": "errors",
    "PartialArchiveWarning": "errors",
    "PtarmiganError": "errors",
    "ScanPointsWarning": "errors",
    "SubmissionError": "errors",
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
    "write_report": "report",
    "RandomResizedCrop": "transforms",
    "ResizeCenterCrop": "transforms",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module `ptarmigan` has no attribute `{name}`"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"ptarmigan.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
