"""simplejpeg: libjpeg-turbo to NumPy, and nothing else."""

import simplejpeg

HEADER = {
    "name": "simplejpeg",
    "distribution": "simplejpeg",
    "requirements": ["simplejpeg>=1.9", "numpy"],
    "python": ["3.10", None],
    "does": "decode_jpeg; at an eighth by min_factor.",
    "notes": {},
    "cannot": {
        "random_crop": "resizes nothing; see simplejpeg + OpenCV",
        "central_crop": "resizes nothing; see simplejpeg + OpenCV",
    },
}


def decode(files):
    """Whole images."""
    return [simplejpeg.decode_jpeg(file) for file in files]


def entropy(files):
    """An eighth of the size."""
    return [simplejpeg.decode_jpeg(file, min_height=1, min_width=1, min_factor=8) for file in files]


random_crop = None
central_crop = None
