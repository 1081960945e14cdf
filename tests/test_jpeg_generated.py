"""20,000 made JPEGs of every kind that an encoder writes, whole and in parts, beside Pillow."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from jpeg_sampling import SAMPLINGS, make_sampled
from synthetic import save_jpeg

IMAGES = 20_000
CHUNKS = 40


def make_content(seed: int, width: int, height: int, kind: str) -> np.ndarray:
    """Pixels that are hard in different ways."""
    chance = np.random.default_rng(seed)
    if kind == "noise":
        return chance.integers(0, 256, (height, width, 3), np.uint8)
    if kind == "extremes":
        return chance.choice(np.array([0, 255], np.uint8), (height, width, 3))
    if kind == "flat":
        return np.full((height, width, 3), chance.integers(0, 256, 3), np.uint8)
    coarse = chance.integers(0, 256, (4, 5, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = chance.normal(0, 6, smooth.shape)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def make_side(chance: random.Random) -> int:
    """Mostly tiny, where edges are everything; sometimes as large as a photo."""
    draw = chance.random()
    if draw < 0.9:
        return chance.randint(1, 70)
    if draw < 0.995:
        return chance.randint(71, 300)
    return chance.randint(301, 2000)


def make_image(seed: int) -> tuple[bytes, str]:
    """A JPEG, and a description of how it was made."""
    chance = random.Random(seed)
    width, height = make_side(chance), make_side(chance)
    options: dict[str, object] = {
        "quality": chance.randint(1, 100),
        "optimize": chance.random() < 0.5,
        "progressive": chance.random() < 0.3,
    }
    if chance.random() < 0.3:
        markers = chance.choice(["restart_marker_blocks", "restart_marker_rows"])
        options[markers] = chance.choice([1, 2, 3, 7, 20])
    sampling = chance.choice(SAMPLINGS)
    kind = chance.choice(["noise", "extremes", "flat", "photo", "photo"])
    mode = chance.choice(["RGB", "RGB", "RGB", "RGB", "L", "CMYK", "keep_rgb"])
    made = f"seed {seed}: {width} x {height}, {mode}, {sampling}, {kind}, {options}"
    if mode == "RGB" and sampling in ("4:4:0", "4:1:1"):
        return make_sampled(seed, width, height, sampling, **options)[0], made
    image = Image.fromarray(make_content(seed, width, height, kind))
    if mode == "keep_rgb":
        options["keep_rgb"] = True
    elif mode == "RGB":
        options["subsampling"] = sampling
    else:
        image = image.convert(mode)
    return save_jpeg(image, **options), made


def check_image(seed: int) -> None:
    data, made = make_image(seed)
    image = Image.open(io.BytesIO(data)).convert("RGB")
    expected = np.asarray(image)
    assert np.array_equal(pt.decode(data), expected), made
    # Parts of any size, down to one pixel and up to the edges.
    chance = random.Random(seed + 1)
    size = (chance.randint(1, 40), chance.randint(1, 40))
    least = chance.choice([1e-9, 1e-3, 0.1, 0.5])
    crop = pt.RandomResizedCrop(size, scale=(least, 1.0), ratio=(0.1, 10.0))
    box = crop.boxes([image.width], [image.height], seed, 0, [0])[0].tolist()
    x, y, width, height, flip = box
    ours = pt.decode_batch([data], crop, seed=seed, sample_ids=[0], threads=1)[0]
    theirs = image.resize(
        (size[1], size[0]), Image.Resampling.BILINEAR, box=(x, y, x + width, y + height)
    )
    if flip:
        theirs = theirs.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.array_equal(ours, np.asarray(theirs)), f"{made}, box {box} to {size}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_made_images_equal_pillow_whole_and_in_part(chunk: int) -> None:
    for seed in range(chunk, IMAGES, CHUNKS):
        check_image(seed)
