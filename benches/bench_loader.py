"""Shuffled batches from one tar.gz beside PyTorch's DataLoader over the same files unpacked.

Prints images per second, the ratio, and CPU time per image of both, measured in turn in one run.
"""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from sample_sets import SampleSet, open_samples
from synthetic import make_jpeg, write_tar

COUNT = 240
BATCH = 32
WORKERS = 2
SIDE = 224


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of the size and density of iNaturalist's: 800 pixels, 4.9 bits per pixel."""
    distinct = [make_jpeg(seed, 800, 600, quality=96, subsampling=2) for seed in range(40)]
    members = {f"c{i * 10 // COUNT}/{i:04}.jpg": distinct[i % 40] for i in range(COUNT)}
    return write_tar(tmp_path_factory.mktemp("loader") / "photos.tar.gz", members)


@pytest.fixture(scope="module")
def samples(packed: Path) -> SampleSet:
    return open_samples(packed)


@pytest.fixture(scope="module")
def unpacked(packed: Path) -> Path:
    folder = packed.parent / "photos"
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Folder:
    """The usual map-style data set: Pillow, RandomResizedCrop, horizontal flip, a uint8 array."""

    def __init__(self, root: Path) -> None:
        self.paths = sorted(root.rglob("*.jpg"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        with Image.open(self.paths[index]) as file:
            image = file.convert("RGB")
        crop = pt.RandomResizedCrop(SIDE)
        ((x, y, width, height, flip),) = crop.boxes([image.width], [image.height], 0, 0, [index])
        box = (x, y, x + width, y + height)
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        if flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.array(image), int(self.paths[index].parent.name[1:])


def measured(work: Callable[[], int]) -> tuple[float, float]:
    """Images per second and CPU milliseconds per image, child processes included."""
    before, start = os.times(), time.perf_counter()
    images = work()
    seconds, after = time.perf_counter() - start, os.times()
    assert images == COUNT
    cpu = sum(after[:4]) - sum(before[:4])
    return images / seconds, 1000 * cpu / images


def one_epoch(loader: Any, images: Callable[[Any], Any]) -> int:
    rows = 0
    for batch in loader:
        assert images(batch).shape[1:] == (SIDE, SIDE, 3)
        rows += len(images(batch))
    return rows


def test_shuffled_batches_beside_a_data_loader(
    benchmark: Any, samples: SampleSet, unpacked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    loader = pt.Loader(samples, BATCH, pt.RandomResizedCrop(SIDE), threads=WORKERS)
    peer = torch_data.DataLoader(
        Folder(unpacked), BATCH, shuffle=True, num_workers=WORKERS, multiprocessing_context="fork"
    )
    rounds = 1 if benchmark.disabled else 3
    pairs = [
        (
            measured(lambda: one_epoch(loader, lambda batch: batch.images)),
            measured(lambda: one_epoch(peer, lambda batch: batch[0])),
        )
        for _ in range(rounds)
    ]
    ours, theirs = (np.median(side, axis=0) for side in zip(*pairs, strict=True))
    benchmark.extra_info.update(
        images_per_second=ours[0], data_loader=theirs[0], ratio=ours[0] / theirs[0]
    )
    with capsys.disabled():
        print(
            f"\nLoader {ours[0]:.0f} images/s, {ours[1]:.2f} ms CPU each; "
            f"DataLoader with {WORKERS} workers and Pillow {theirs[0]:.0f} images/s, "
            f"{theirs[1]:.2f} ms CPU each; ratio {ours[0] / theirs[0]:.2f}"
        )
    benchmark(one_epoch, loader, lambda batch: batch.images)


def test_two_threads_beside_one(
    benchmark: Any, samples: SampleSet, capsys: pytest.CaptureFixture[str]
) -> None:
    def loader(threads: int) -> pt.Loader:
        return pt.Loader(samples, BATCH, pt.RandomResizedCrop(SIDE), threads=threads)

    rounds = 1 if benchmark.disabled else 3
    speeds = [
        [
            measured(lambda threads=threads: one_epoch(loader(threads), lambda b: b.images))[0]
            for threads in (1, 2)
        ]
        for _ in range(rounds)
    ]
    one, two = np.median(speeds, axis=0)
    benchmark.extra_info.update(one_thread=one, two_threads=two, ratio=two / one)
    with capsys.disabled():
        print(f"\nLoader with 1 thread {one:.0f} images/s, 2 threads {two:.0f}: {two / one:.2f}")
    benchmark(one_epoch, loader(2), lambda batch: batch.images)
