"""OpenCV alone: imdecode, and the area filter to resize."""

import cv2
import numpy as np

HEADER = {
    "name": "OpenCV",
    "distribution": "opencv-python-headless",
    "requirements": ["opencv-python-headless>=5", "numpy"],
    "python": ["3.9", None],
    "does": "imdecode to RGB without turning by EXIF, resize with INTER_AREA, INTER_LINEAR where "
    "it enlarges; at an eighth by IMREAD_REDUCED_COLOR_8.",
    "notes": {
        "random_crop": "area filter, other pixels than an antialiased bilinear one",
        "central_crop": "area filter, other pixels than an antialiased bilinear one",
    },
    "cannot": {},
}

cv2.setNumThreads(1)

COLOR = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


def _open(file, flags=COLOR):
    return cv2.imdecode(np.frombuffer(file, np.uint8), flags)


def _resized(pixels, width, height):
    shrinks = pixels.shape[1] >= width and pixels.shape[0] >= height
    filter_of = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=filter_of)


def decode(files):
    """Whole images."""
    return [_open(file) for file in files]


def random_crop(files, boxes, size=224):
    """The boxes cut out, resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = _resized(_open(file)[y : y + height, x : x + width], size, size)
        image[:] = cv2.flip(part, 1) if flip else part
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


def entropy(files):
    """An eighth of the size, in OpenCV's order of colours, which costs nothing to leave."""
    images = [
        _open(file, cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION) for file in files
    ]
    return [image[:, :, ::-1] for image in images]
