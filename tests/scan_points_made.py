"""Makes archives whose scan points are worth keeping, and rewrites the file of the points."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

import ptarmigan as pt
from sample_sets import SampleSet
from synthetic import make_jpeg, write_tar

COUNT = 24
CROP = pt.RandomResizedCrop(24, scale=(0.02, 0.3))
EPOCHS = 4


def write_photos(path: Path, *, first: int = 0, count: int = COUNT) -> Path:
    """An archive of pictures with ten and more rows of MCUs, so that points are of use."""
    members = {
        f"c/{number:04}.jpg": make_jpeg(
            first + number, 150 + 7 * number, 260 - 5 * number, quality=92
        )
        for number in range(count)
    }
    return write_tar(path, members)


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".ptscan")


def epochs(
    samples: SampleSet,
    *,
    transform: pt.RandomResizedCrop | pt.ResizeCenterCrop = CROP,
    count: int = EPOCHS,
    output: pt.Output | None = None,
    threads: int = 1,
    scan_points: bool | str | Path = True,
) -> list[np.ndarray]:
    """The images of a new loader's first epochs."""
    loader = pt.Loader(
        samples, 5, transform, output, threads=threads, seed=3, scan_points=scan_points
    )
    return [np.concatenate([batch.images for batch in loader]) for _ in range(count)]


def assert_equal(found: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    for epoch, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert np.array_equal(one, other), f"epoch {epoch}"


# The rules of docs/scan-points.md, once more.

HEADER, HEAD = 40, 40


def forge(data: bytearray, fingerprint: int) -> None:
    """Moves the points of every record by some bits and makes its checksums right."""
    start = int.from_bytes(data[-24:-16], "little")
    place = HEADER
    while place < start:
        length = int.from_bytes(data[place : place + 4], "little")
        points = bytearray(data[place + HEAD : place + HEAD + length])
        for at in range(20, length, 10):
            points[at + 4] ^= 16
        data[place + HEAD : place + HEAD + length] = points
        head = bytes(data[place : place + 24])
        data[place + 28 : place + 32] = crc(fingerprint, head, points).to_bytes(4, "little")
        data[place + 32 : place + 40] = mix(fingerprint, head, points).to_bytes(8, "little")
        place += HEAD + length
    assert place == start


def crc(fingerprint: int, *parts: bytes | bytearray) -> int:
    value = zlib.crc32((1).to_bytes(4, "little") + fingerprint.to_bytes(8, "little"))
    for part in parts:
        value = zlib.crc32(part, value)
    return value


def mix(fingerprint: int, *parts: bytes | bytearray) -> int:
    def step(value: int, word: int) -> int:
        value = (value ^ word) * 0x9E3779B97F4A7C15 % 2**64
        return value ^ value >> 29

    value = step(1, fingerprint)
    for part in parts:
        whole = len(part) - len(part) % 8
        for at in range(0, whole, 8):
            value = step(value, int.from_bytes(part[at : at + 8], "little"))
        value = step(step(value, int.from_bytes(part[whole:], "little")), len(part))
    return step(value, 0)
