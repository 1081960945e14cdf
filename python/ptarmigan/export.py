"""Turns an archive's index into one that other programs read."""

from __future__ import annotations

import os
import time
from operator import index as as_index
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import _core
from .progress import progress_reporter

if TYPE_CHECKING:
    from .progress import OnProgress

__all__ = ["ExportResult", "export_index"]


class ExportResult(NamedTuple):
    """What `Archive.export_index` wrote.

    Attributes:
        points: Number of seek points.
        bytes: Bytes of the file.
        tar_bytes: Bytes of the archive without its compression.
        seconds: How long it took.
    """

    points: int
    bytes: int
    tar_bytes: int
    seconds: float


def export_index(
    archive: _core.Archive,
    path: str | os.PathLike[str],
    kind: str,
    spacing: int,
    progress: bool | OnProgress | None,
) -> ExportResult:
    """Writes the index of ``archive``; see `Archive.export_index`."""
    start = time.perf_counter()
    spacing = as_index(spacing)
    if not 0 < spacing < 1 << 64:
        raise ValueError(f"expected a spacing of 1 to 2**64 - 1 bytes, found spacing={spacing}")
    description = f"exporting the index of {Path(archive.path).name}"
    with progress_reporter(progress, description) as report:
        found = _core.export_index(archive, os.fspath(path), kind, spacing, report)
    return ExportResult(*found, time.perf_counter() - start)
