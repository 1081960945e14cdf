"""simplejpeg to decode, OpenCV's area filter to resize: the usual fast pair."""

import cv2
import numpy as np
import simplejpeg

HEADER = {
    "name": "simplejpeg + OpenCV",
    "distribution": "simplejpeg",
    "requirements": ["simplejpeg>=1.9", "opencv-python-headless>=5", "numpy"],
    "python": ["3.10", None],
    "does": "decode_jpeg, then cv2.resize with INTER_AREA, INTER_LINEAR where it enlarges.",
    "notes": {
        "random_crop": "area filter, other pixels than an antialiased bilinear one",
        "central_crop": "area filter, other pixels than an antialiased bilinear one",
    },
    "cannot": {
        "decode": "the same as simplejpeg",
        "entropy": "the same as simplejpeg",
    },
}

cv2.setNumThreads(1)


def _resized(pixels, width, height):
    shrinks = pixels.shape[1] >= width and pixels.shape[0] >= height
    filter_of = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=filter_of)


def random_crop(files, boxes, size=224):
    """The boxes cut out, resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = simplejpeg.decode_jpeg(file)[y : y + height, x : x + width]
        part = _resized(part, size, size)
        image[:] = cv2.flip(part, 1) if flip else part
    return batch


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = simplejpeg.decode_jpeg(file)
        shorter = min(photo.shape[:2])
        height, width = (int(resize * side / shorter) for side in photo.shape[:2])
        photo = _resized(photo, width, height)
        top, left = round((height - size) / 2), round((width - size) / 2)
        image[:] = photo[top : top + size, left : left + size]
    return batch


decode = None
entropy = None
