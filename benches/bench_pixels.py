"""Images per second on one core: decoding, random crops and central crops beside Pillow.

``pytest benches/bench_pixels.py -c benches/pytest.ini`` prints the table; the last bench prints the
ratios of one run, interleaved, the only figures that mean anything on another machine. The photos
are those of the corpus where it is, else made ones of 800 x 600 pixels and about 5 bits a pixel.
"""

from __future__ import annotations

import io
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from synthetic import make_jpeg

IMAGES = 48
RANDOM = pt.RandomResizedCrop(224)
CENTRE = pt.ResizeCenterCrop(256, 224)
BILINEAR = Image.Resampling.BILINEAR


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    named = os.environ.get("PTARMIGAN_TEST_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
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


def pillow_decode(files: list[bytes]) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]


def ptarmigan_decode(files: list[bytes]) -> list[np.ndarray]:
    return [pt.decode(file) for file in files]


def pillow_random(files: list[bytes], boxes: list[list[int]]) -> np.ndarray:
    batch = np.empty((len(files), 224, 224, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        photo = photo.resize((224, 224), BILINEAR, box=(x, y, x + width, y + height))
        image[:] = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else photo
    return batch


def ptarmigan_random(files: list[bytes]) -> np.ndarray:
    return pt.decode_batch(files, RANDOM, seed=1, epoch=2, threads=1)


def pillow_centre(files: list[bytes]) -> np.ndarray:
    batch = np.empty((len(files), 224, 224, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        shorter = min(photo.size)
        size = tuple(int(256 * side / shorter) for side in photo.size)
        photo = photo.resize(size, BILINEAR)
        left, top = (round((side - 224) / 2) for side in size)
        image[:] = photo.crop((left, top, left + 224, top + 224))
    return batch


def ptarmigan_centre(files: list[bytes]) -> np.ndarray:
    return pt.decode_batch(files, CENTRE, threads=1)


def note_rate(benchmark: Any, files: list[bytes]) -> None:
    if benchmark.stats is not None:
        benchmark.extra_info["images_per_second"] = len(files) / benchmark.stats.stats.min


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("decode", [pillow_decode, ptarmigan_decode])
def bench_decode(
    benchmark: Any, files: list[bytes], decode: Callable[[list[bytes]], list[np.ndarray]]
) -> None:
    decoded = benchmark(decode, files)
    np.testing.assert_array_equal(decoded[0], pillow_decode(files[:1])[0])
    note_rate(benchmark, files)


@pytest.mark.benchmark(group="random crop to 224")
def bench_pillow_random(benchmark: Any, files: list[bytes], boxes: list[list[int]]) -> None:
    benchmark(pillow_random, files, boxes)
    note_rate(benchmark, files)


@pytest.mark.benchmark(group="random crop to 224")
def bench_ptarmigan_random(benchmark: Any, files: list[bytes], boxes: list[list[int]]) -> None:
    batch = benchmark(ptarmigan_random, files)
    np.testing.assert_array_equal(batch, pillow_random(files, boxes))
    note_rate(benchmark, files)


@pytest.mark.benchmark(group="central crop to 224")
def bench_pillow_centre(benchmark: Any, files: list[bytes]) -> None:
    benchmark(pillow_centre, files)
    note_rate(benchmark, files)


@pytest.mark.benchmark(group="central crop to 224")
def bench_ptarmigan_centre(benchmark: Any, files: list[bytes]) -> None:
    batch = benchmark(ptarmigan_centre, files)
    np.testing.assert_array_equal(batch, pillow_centre(files))
    note_rate(benchmark, files)


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.name == "posix" else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.benchmark(group="ratios")
def bench_ratios(
    benchmark: Any,
    files: list[bytes],
    boxes: list[list[int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Processor time of Pillow over ours, the least of interleaved rounds."""
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "decode": (lambda: pillow_decode(files), lambda: ptarmigan_decode(files)),
        "random crop": (lambda: pillow_random(files, boxes), lambda: ptarmigan_random(files)),
        "central crop": (lambda: pillow_centre(files), lambda: ptarmigan_centre(files)),
    }
    rounds = 5 if benchmark.enabled else 1
    least = {name: [float("inf")] * 2 for name in pairs}
    for _ in range(rounds):
        for name, pair in pairs.items():
            for which, work in enumerate(pair):
                least[name][which] = min(least[name][which], seconds(work))
    benchmark.pedantic(lambda: None)
    with capsys.disabled():
        print(f"\n{processor()}, one thread, {len(files)} photos")
        for name, (theirs, ours) in least.items():
            rates = f"Pillow {len(files) / theirs:.0f}/s, ptarmigan {len(files) / ours:.0f}/s"
            print(f"  {name:13} {rates}, {theirs / ours:.2f}x")
            benchmark.extra_info[name] = theirs / ours
