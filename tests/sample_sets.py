"""Turns a handful of made pictures into a data set for the loader's tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ptarmigan as pt
from synthetic import make_jpeg, write_tar

CLASSES = 6


@dataclass(eq=False)
class SampleSet:
    """The least that a loader asks of a data set."""

    archive: pt.Archive
    members: np.ndarray
    targets: np.ndarray
    image_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.members)


def write_pictures(path: Path, count: int, *, broken: tuple[int, ...] = ()) -> Path:
    """An archive of ``count`` pictures sorted by class; the ``broken`` ones end early."""
    members = {}
    for number in range(count):
        data = make_jpeg(number, 40 + number % 7, 34 + number % 5, quality=85)
        if number in broken:
            data = data[:40]
        members[f"c{number * CLASSES // count}/{number:04}.jpg"] = data
    return write_tar(path, members)


def open_samples(path: Path, *, seed: int = 1) -> SampleSet:
    """All members, in an order that is not the archive's, with ids that are no positions."""
    archive = pt.Archive(path)
    count = len(archive)
    members = np.random.default_rng(seed).permutation(count).astype(np.int64)
    return SampleSet(archive, members, members * CLASSES // count, 1000 + 3 * members)
