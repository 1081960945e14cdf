"""Shuffled batches from one tar.gz beside PyTorch's DataLoader over the same files unpacked."""

from __future__ import annotations

import tarfile
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
CROP = pt.RandomResizedCrop(SIDE)


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
        ((x, y, width, height, flip),) = CROP.boxes([image.width], [image.height], 0, 0, [index])
        box = (x, y, x + width, y + height)
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        if flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.array(image), int(self.paths[index].parent.name[1:])


def one_epoch(loader: Any, images: Callable[[Any], Any]) -> None:
    rows = 0
    for batch in loader:
        assert images(batch).shape[1:] == (SIDE, SIDE, 3)
        rows += len(images(batch))
    assert rows == COUNT


def bench_beside_a_data_loader(
    compare: Callable[..., None], samples: SampleSet, unpacked: Path
) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    loader = pt.Loader(samples, BATCH, CROP, threads=WORKERS, scan_points=False)
    peer = torch_data.DataLoader(
        Folder(unpacked), BATCH, shuffle=True, num_workers=WORKERS, multiprocessing_context="fork"
    )
    compare(
        f"tar.gz to shuffled batches, {WORKERS} threads or workers",
        COUNT,
        "images",
        {
            "ptarmigan": lambda: one_epoch(loader, lambda batch: batch.images),
            "untarred + Pillow + DataLoader": lambda: one_epoch(peer, lambda batch: batch[0]),
        },
    )


def bench_two_threads_beside_one(compare: Callable[..., None], samples: SampleSet) -> None:
    def epoch(threads: int) -> None:
        loader = pt.Loader(samples, BATCH, CROP, threads=threads, scan_points=False)
        one_epoch(loader, lambda batch: batch.images)

    compare(
        "tar.gz to shuffled batches, two threads",
        COUNT,
        "images",
        {"ptarmigan": lambda: epoch(2), "itself with one thread": lambda: epoch(1)},
    )
