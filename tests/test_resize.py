"""Resampled pixels equal Pillow's and torchvision's, byte for byte."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import ptarmigan as pt
from jpeg_sampling import SAMPLINGS, make_sampled
from synthetic import make_jpeg

FILTERS = {
    name: Image.Resampling[name.upper()]
    for name in ("bilinear", "bicubic", "box", "hamming", "lanczos")
}
sides = st.one_of(st.integers(1, 40), st.integers(1, 300))
outputs = st.tuples(st.integers(1, 100), st.integers(1, 100))


def resized(data: bytes, box: list[int], size: tuple[int, int], interpolation: str) -> np.ndarray:
    """What Pillow makes of a box (x, y, width, height, flip)."""
    x, y, width, height, flip = box
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image = image.resize(size[::-1], FILTERS[interpolation], box=(x, y, x + width, y + height))
    return np.asarray(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image)


@settings(max_examples=300, deadline=None)
@given(
    width=sides,
    height=sides,
    size=outputs,
    interpolation=st.sampled_from(sorted(FILTERS)),
    scale=st.sampled_from([(0.08, 1.0), (1e-4, 1e-3), (1.0, 1.0)]),
    seed=st.integers(0, 2**64 - 1),
    mode=st.sampled_from(["RGB", "RGB", "RGB", "L", "CMYK"]),
    sampling=st.sampled_from(SAMPLINGS),
    progressive=st.booleans(),
    optimize=st.booleans(),
    restart=st.sampled_from([0, 0, 1, 5]),
)
def test_a_random_crop_equals_pillow(
    width: int,
    height: int,
    size: tuple[int, int],
    interpolation: str,
    scale: tuple[float, float],
    seed: int,
    mode: str,
    sampling: str,
    progressive: bool,
    optimize: bool,
    restart: int,
) -> None:
    options = {"progressive": progressive, "optimize": optimize, "restart_marker_blocks": restart}
    if mode == "RGB":
        data, width, height = make_sampled(seed % 1000, width, height, sampling, **options)
    else:
        data = make_jpeg(seed % 1000, width, height, mode, **options)
    transform = pt.RandomResizedCrop(size, scale=scale, interpolation=interpolation)
    box = transform.boxes([width], [height], seed)[0].tolist()
    batch = pt.decode_batch([data], transform, seed=seed, threads=1)
    np.testing.assert_array_equal(batch[0], resized(data, box, size, interpolation))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_place_of_a_crop_equals_pillow(sampling: str) -> None:
    """Crops of every phase against the 16-pixel grid, of pictures with odd sides."""
    transform = pt.RandomResizedCrop((9, 11), scale=(0.01, 0.3))
    for sides in ((67, 53), (48, 49), (17, 90)):
        data, width, height = make_sampled(sides[0], *sides, sampling, quality=97)
        count = 150
        boxes = transform.boxes([width] * count, [height] * count).tolist()
        batch = pt.decode_batch([data] * count, transform)
        for box, image in zip(boxes, batch, strict=True):
            np.testing.assert_array_equal(image, resized(data, box, (9, 11), "bilinear"))


@pytest.mark.parametrize("interpolation", FILTERS)
def test_the_order_of_passes_follows_pillow(interpolation: str) -> None:
    """Pillow does rows first just where more than twice as many rows as columns are lost."""
    for width, height, lost in ((60, 60, 7), (31, 90, 3), (90, 31, 2)):
        data = make_jpeg(5, width, height, quality=100)
        for rows_lost in range(2 * lost - 2, 2 * lost + 3):
            size = (height - rows_lost, width - lost)
            transform = pt.RandomResizedCrop(size, interpolation=interpolation)
            box = transform.boxes([width], [height])[0].tolist()
            batch = pt.decode_batch([data], transform, threads=1)
            np.testing.assert_array_equal(batch[0], resized(data, box, size, interpolation))


@pytest.mark.parametrize("interpolation", FILTERS)
def test_every_pair_of_lengths_equals_pillow(interpolation: str) -> None:
    """Pictures of one pixel, of few, of none less or more than before, made larger and smaller."""
    lengths = (*range(1, 14), 31, 64, 129)
    for width in lengths:
        height = lengths[-1 - lengths.index(width)]
        data = make_jpeg(width, width, height, quality=100)
        for side in lengths:
            for size in ((side, side), (height, side), (side, width), (height, width)):
                transform = pt.RandomResizedCrop(
                    size, (1.0, 1.0), (width / height,) * 2, 0.0, interpolation
                )
                box = transform.boxes([width], [height])[0].tolist()
                batch = pt.decode_batch([data], transform, threads=1)
                expected = resized(data, box, size, interpolation)
                np.testing.assert_array_equal(batch[0], expected, f"{width} {height} {size}")


@pytest.mark.parametrize("interpolation", FILTERS)
def test_large_factors_equal_pillow(interpolation: str) -> None:
    """Thousands of different weights, up to a pixel of a thousand and a thousand of a pixel."""
    for width, height, size in (
        (3, 2, (1201, 997)),
        (997, 1201, (2, 3)),
        (640, 480, (479, 641)),
        (211, 223, (1009, 1013)),
        (2, 3000, (3, 1)),
    ):
        data = make_jpeg(9, width, height, quality=100)
        transform = pt.RandomResizedCrop(size, (0.5, 1.0), interpolation=interpolation)
        box = transform.boxes([width], [height])[0].tolist()
        batch = pt.decode_batch([data], transform, threads=1)
        np.testing.assert_array_equal(batch[0], resized(data, box, size, interpolation))


@settings(max_examples=200, deadline=None)
@given(
    width=sides,
    height=sides,
    resize=st.integers(1, 120),
    crop=outputs,
    interpolation=st.sampled_from(sorted(FILTERS)),
    sampling=st.sampled_from(SAMPLINGS),
)
@example(100, 100, 100, (90, 90), "bilinear", "4:2:0")
@example(100, 101, 100, (100, 101), "bicubic", "4:2:0")
@example(20, 30, 10, (64, 63), "bilinear", "4:4:4")
@example(100, 101, 100, (90, 90), "lanczos", "4:4:4")
@example(7, 9, 40, (41, 40), "box", "4:4:4")
def test_a_central_crop_equals_torchvision(
    width: int, height: int, resize: int, crop: tuple[int, int], interpolation: str, sampling: str
) -> None:
    pytest.importorskip("torchvision")
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize

    data, *_ = make_sampled(width, width, height, sampling)
    image = Image.open(io.BytesIO(data)).convert("RGB")
    steps = Resize(resize, InterpolationMode(interpolation)), CenterCrop(crop)
    expected = np.asarray(steps[1](steps[0](image)))
    transform = pt.ResizeCenterCrop(resize, crop, interpolation)
    batch = pt.decode_batch([data], transform, threads=1)
    np.testing.assert_array_equal(batch[0], expected)
