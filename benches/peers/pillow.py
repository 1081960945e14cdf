"""Pillow, whose pixels are what all others are compared with."""

import io

import numpy as np
from PIL import Image

HEADER = {
    "name": "Pillow",
    "distribution": "pillow",
    "requirements": ["pillow>=13", "numpy"],
    "python": ["3.10", None],
    "does": "PIL.Image.resize with a box, bilinear: always antialiased.",
    "notes": {},
    "cannot": {},
}

BILINEAR = Image.Resampling.BILINEAR


def _open(file):
    return Image.open(io.BytesIO(file)).convert("RGB")


def decode(files):
    """Whole images."""
    return [np.asarray(_open(file)) for file in files]


def random_crop(files, boxes, size=224):
    """The boxes resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        photo = _open(file).resize((size, size), BILINEAR, box=(x, y, x + width, y + height))
        image[:] = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else photo
    return batch


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = _open(file)
        shorter = min(photo.size)
        photo = photo.resize(tuple(int(resize * side / shorter) for side in photo.size), BILINEAR)
        left, top = (round((side - size) / 2) for side in photo.size)
        image[:] = photo.crop((left, top, left + size, top + size))
    return batch


def entropy(files):
    """An eighth of the size: one value of each block, after all of its codes have been read."""
    images = []
    for file in files:
        photo = Image.open(io.BytesIO(file))
        # Picks the least scale that the decoder has.
        photo.draft("RGB", (1, 1))
        images.append(np.asarray(photo.convert("RGB")))
    return images
