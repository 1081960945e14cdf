"""pyvips: lazy pipelines over libjpeg-turbo, which decode no more rows than they need."""

import numpy as np
import pyvips

HEADER = {
    "name": "pyvips",
    "distribution": "pyvips",
    "requirements": ["pyvips[binary]>=3", "numpy"],
    "python": ["3.9", None],
    "does": "crop and resize with the linear kernel; thumbnail_buffer, which decodes at a reduced "
    "scale, for the central crop; jpegload_buffer with shrink=8.",
    "notes": {
        "central_crop": "decodes at a reduced scale",
        "entropy": "leaves out the last row or column of some photos",
    },
    "not_compared": ["entropy"],
    "cannot": {},
}

# Operations on other photos are of no use later.
pyvips.cache_set_max(0)


def _open(file):
    return pyvips.Image.new_from_buffer(file, "", access="sequential")


def decode(files):
    """Whole images."""
    return [_open(file).numpy() for file in files]


def random_crop(files, boxes, size=224):
    """The boxes cut out, resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = _open(file).crop(x, y, width, height)
        part = part.resize(size / width, vscale=size / height, kernel="linear")
        image[:] = (part.fliphor() if flip else part).numpy()
    return batch


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = _open(file)
        shorter = min(photo.width, photo.height)
        width, height = (int(resize * side / shorter) for side in (photo.width, photo.height))
        photo = pyvips.Image.thumbnail_buffer(
            file, width, height=height, size="force", no_rotate=True
        )
        left, top = round((width - size) / 2), round((height - size) / 2)
        image[:] = photo.crop(left, top, size, size).numpy()
    return batch


def entropy(files):
    """An eighth of the size."""
    return [pyvips.Image.jpegload_buffer(file, shrink=8).numpy() for file in files]
