"""Turns a plan into a tar.gz of pictures, a few at a time."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ptarmigan._core import Camera
from ptarmigan.synth.plan import Pictures
from ptarmigan.whole_file import written_aside

__all__ = ["pack"]

# 2017-04-05 00:00:00 UTC: the same bytes whenever the archive is written.
MODIFIED: Final = 1_491_350_400
# Pixels of the pictures that are in memory at a time, for each of two batches.
_BATCH_PIXELS: Final = 16_000_000


def _batches(pictures: Pictures) -> Iterator[NDArray[np.int64]]:
    sizes = (pictures.width * pictures.height)[pictures.order]
    batch = np.cumsum(sizes) // _BATCH_PIXELS
    yield from np.split(pictures.order, np.flatnonzero(np.diff(batch)) + 1)


def _files(
    camera: Camera, pictures: Pictures, groups: NDArray[np.int64], threads: int
) -> Iterator[tuple[int, bytes]]:
    """Yields (row, JPEG bytes) in archive order; the next batch is made meanwhile."""

    def make(rows: NDArray[np.int64]) -> list[bytes]:
        return camera.photograph(
            pictures.category[rows],
            groups[pictures.category[rows]],
            pictures.key[rows],
            pictures.width[rows],
            pictures.height[rows],
            pictures.components[rows],
            threads,
        )

    with ThreadPoolExecutor(1) as ahead:
        waiting: list[tuple[NDArray[np.int64], Future[list[bytes]]]] = []
        for rows in _batches(pictures):
            waiting.append((rows, ahead.submit(make, rows)))
            if len(waiting) > 1:
                done, future = waiting.pop(0)
                yield from zip(done.tolist(), future.result(), strict=True)
        for done, future in waiting:
            yield from zip(done.tolist(), future.result(), strict=True)


def _parents(name: str) -> list[str]:
    folders = []
    while name := posixpath.dirname(name):
        folders.append(name)
    return folders[::-1]


def _header(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mtime = MODIFIED
    info.mode = 0o644
    return info


def pack(
    path: Path,
    camera: Camera,
    pictures: Pictures,
    groups: NDArray[np.int64],
    *,
    threads: int,
    progress: Callable[[int], None],
) -> None:
    """Writes the archive as GNU tar would: folders first, long names in records of their own.

    Args:
        path: Where it goes, once complete.
        camera: What makes the pictures.
        pictures: The plan.
        groups: The super category of each category.
        threads: Threads that make pictures.
        progress: Called with 1 after each picture; may raise to stop.
    """
    known: set[str] = set()
    with (
        written_aside(path) as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for row, data in _files(camera, pictures, groups, threads):
            name = pictures.names[row]
            for folder in _parents(name):
                if folder not in known:
                    known.add(folder)
                    info = _header(folder, 0)
                    info.type, info.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(info)
            if pictures.truncated[row]:
                data = data[: len(data) * 3 // 5]
            archive.addfile(_header(name, len(data)), io.BytesIO(data))
            # tarfile keeps every header for reading back; 675,170 of them are a gigabyte.
            archive.members.clear()  # type: ignore[attr-defined]
            progress(1)
        # An index of the file that is replaced would be refused from now on.
        path.with_name(path.name + ".ptidx").unlink(missing_ok=True)
