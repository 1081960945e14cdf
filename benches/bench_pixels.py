"""Images per second on one core: decoding, random crops and central crops beside Pillow.

The photos are those of the corpus where it is, else made ones of 800 x 600 pixels at about five
bits a pixel. pillow-simd is timed too where ``make bench`` has put it into ``.bench/pillow-simd``;
its pixels differ from Pillow's by rounding, so only Pillow's are compared with ours.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pillow_side
import ptarmigan as pt
from synthetic import make_jpeg

IMAGES = 48
ROOT = Path(__file__).resolve().parents[1]
RANDOM = pt.RandomResizedCrop(224)
CENTRE = pt.ResizeCenterCrop(256, 224)


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    named = os.environ.get("PTARMIGAN_TEST_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared"
    photos = sorted((folder / "photos" / "inat-like").rglob("*.jpg"))
    if photos:
        return [path.read_bytes() for path in photos[:: max(1, len(photos) // IMAGES)]][:IMAGES]
    made = [
        make_jpeg(seed, 800, 600, quality=90 if seed % 2 else 94, subsampling=2 * (seed % 2))
        for seed in range(8)
    ]
    return made * (IMAGES // len(made))


@pytest.fixture(scope="module")
def boxes(files: list[bytes]) -> list[list[int]]:
    sizes = np.array([Image.open(io.BytesIO(file)).size for file in files])
    found: list[list[int]] = RANDOM.boxes(sizes[:, 0], sizes[:, 1], 1, 2).tolist()
    return found


def ours(task: str, files: list[bytes]) -> list[np.ndarray] | np.ndarray:
    if task == "decode":
        return [pt.decode(file) for file in files]
    transform = RANDOM if task == "random crop" else CENTRE
    return pt.decode_batch(files, transform, seed=1, epoch=2, threads=1)


@pytest.mark.parametrize("task", list(pillow_side.TASKS))
def bench_beside_pillow(
    compare: Callable[..., None], files: list[bytes], boxes: list[list[int]], task: str
) -> None:
    theirs = pillow_side.TASKS[task]
    for mine, expected in zip(ours(task, files), theirs(files, boxes), strict=True):
        np.testing.assert_array_equal(mine, expected)
    compare(
        f"{task}, one thread",
        len(files),
        "images",
        {"ptarmigan": lambda: ours(task, files), "Pillow": lambda: theirs(files, boxes)},
        time.process_time,
    )


@pytest.mark.parametrize("task", list(pillow_side.TASKS))
def bench_beside_pillow_simd(
    compare: Callable[..., None], files: list[bytes], boxes: list[list[int]], task: str
) -> None:
    folder = ROOT / ".bench" / "pillow-simd"
    if not folder.is_dir():
        pytest.skip("pillow-simd is not there; `make bench` builds it")

    def simd() -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, str(ROOT / "benches" / "pillow_side.py")],
            input=pickle.dumps((task, files, boxes, 1)),
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    assert "post" in str(simd()["version"])
    clock = SideClock(simd)
    compare(
        f"{task}, one thread",
        len(files),
        "images",
        {"ptarmigan": lambda: ours(task, files), "pillow-simd": clock.work},
        clock,
    )


class SideClock:
    """Processor time of this process, plus what the other process says that it took."""

    def __init__(self, side: Callable[[], dict[str, float]]) -> None:
        self.side = side
        self.offset = 0.0

    def work(self) -> None:
        """Lets the other process do the work, and counts its time alone."""
        before = time.process_time()
        seconds = self.side()["seconds"]
        self.offset += seconds - (time.process_time() - before)

    def __call__(self) -> float:
        return time.process_time() + self.offset
