"""kornia-rs: libjpeg-turbo and a resize in Rust."""

import kornia_rs
import numpy as np

HEADER = {
    "name": "kornia-rs",
    "distribution": "kornia-rs",
    "requirements": ["kornia-rs>=0.2", "numpy"],
    "python": ["3.8", None],
    "does": "decode_image_jpegturbo, imgproc.crop and resize.",
    "notes": {
        "random_crop": "bicubic: its bilinear filter is not antialiased",
        "central_crop": "bicubic: its bilinear filter is not antialiased",
    },
    "cannot": {"entropy": "decodes at full size only"},
}


def _open(file):
    return kornia_rs.io.decode_image_jpegturbo(file, "rgb")


def _resized(pixels, width, height):
    return kornia_rs.imgproc.resize(pixels, (height, width), "bicubic", antialias=True)


def decode(files):
    """Whole images."""
    return [_open(file) for file in files]


def random_crop(files, boxes, size=224):
    """The boxes cut out, resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = kornia_rs.imgproc.crop(_open(file), x, y, width, height)
        part = _resized(part, size, size)
        image[:] = kornia_rs.imgproc.horizontal_flip(part) if flip else part
    return batch


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = _open(file)
        shorter = min(photo.shape[:2])
        height, width = (int(resize * side / shorter) for side in photo.shape[:2])
        photo = _resized(photo, width, height)
        top, left = round((height - size) / 2), round((width - size) / 2)
        image[:] = photo[top : top + size, left : left + size]
    return batch


entropy = None
