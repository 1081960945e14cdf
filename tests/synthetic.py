"""Turns seeds into pictures, JPEG bytes and archives for the tests."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image


def make_pixels(seed: int, width: int = 96, height: int = 72, channels: int = 3) -> np.ndarray:
    """A (height, width, channels) uint8 picture with smooth parts, edges and noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    planes = []
    for _ in range(channels):
        a, b, c = random.uniform(0.02, 0.3, 3)
        planes.append(np.sin(a * x + c) + np.cos(b * y - c))
    smooth = np.stack(planes, axis=-1) * 50 + 128
    smooth[height // 3 : height // 2, width // 4 : width // 2] += random.uniform(-90, 90, channels)
    return np.clip(smooth + random.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)


def make_jpeg(
    seed: int,
    width: int = 96,
    height: int = 72,
    mode: str = "RGB",
    quality: int = 92,
    subsampling: int = 0,
    **options: object,
) -> bytes:
    """JPEG bytes of `make_pixels`; ``mode`` is RGB, L or CMYK; more options as Pillow's save."""
    from PIL import Image

    channels = {"RGB": 3, "L": 1, "CMYK": 4}[mode]
    pixels = make_pixels(seed, width, height, channels)
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels, mode=None)
    if image.mode != mode:
        image = Image.frombytes(mode, (width, height), pixels.tobytes())
    if mode == "RGB":
        options["subsampling"] = subsampling
    return save_jpeg(image, quality=quality, **options)


def save_jpeg(image: Image.Image, **options: object) -> bytes:
    """JPEG bytes of an image, with options as Pillow's save has them."""
    from PIL import ImageFile

    buffer = io.BytesIO()
    # Pillow writes a progressive file in one go, and takes too little memory for one with many
    # restart markers.
    block, ImageFile.MAXBLOCK = ImageFile.MAXBLOCK, 8 * image.width * image.height + 65_536
    try:
        image.save(buffer, "JPEG", **options)
    finally:
        ImageFile.MAXBLOCK = block
    return buffer.getvalue()


def write_tar(
    path: Path, members: dict[str, bytes], *, mode: str = "w:gz", **options: object
) -> Path:
    """Packs name -> bytes with the standard library's tarfile."""
    with tarfile.open(path, mode, **options) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1_490_000_000
            archive.addfile(info, io.BytesIO(data))
    return path
