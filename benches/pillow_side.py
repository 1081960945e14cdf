"""Pillow's side of the pixel benches: the same bytes, boxes and filters.

Run as a program it times whatever Pillow the path has (pillow-simd cannot be installed beside
Pillow, so it runs in a process of its own): reads a pickle of (task, files, boxes, rounds) from
standard input, and writes the version, the median seconds and the pixels' checksum as JSON.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import time
import zlib

import numpy as np
from PIL import Image, __version__

BILINEAR = Image.Resampling.BILINEAR


def decode(files: list[bytes], boxes: list[list[int]]) -> list[np.ndarray]:
    """Whole images."""
    return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]


def random_crop(files: list[bytes], boxes: list[list[int]]) -> np.ndarray:
    """The boxes resized to 224 x 224, flipped where the box says so."""
    batch = np.empty((len(files), 224, 224, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        photo = photo.resize((224, 224), BILINEAR, box=(x, y, x + width, y + height))
        image[:] = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else photo
    return batch


def central_crop(files: list[bytes], boxes: list[list[int]]) -> np.ndarray:
    """Shorter side to 256, then the central 224 x 224."""
    batch = np.empty((len(files), 224, 224, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        shorter = min(photo.size)
        size = tuple(int(256 * side / shorter) for side in photo.size)
        photo = photo.resize(size, BILINEAR)
        left, top = (round((side - 224) / 2) for side in size)
        image[:] = photo.crop((left, top, left + 224, top + 224))
    return batch


TASKS = {"decode": decode, "random crop": random_crop, "central crop": central_crop}


def main() -> None:
    """Times one task."""
    task, files, boxes, rounds = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    work = TASKS[task]
    pixels = work(files, boxes)
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work(files, boxes)
        times.append(time.process_time() - start)
    checksum = zlib.crc32(b"".join(image.tobytes() for image in pixels))
    found = {"version": __version__, "seconds": float(np.median(times)), "crc32": checksum}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
