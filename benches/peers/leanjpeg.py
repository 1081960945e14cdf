"""leanjpeg: a fork of simplejpeg that keeps its decoders from call to call."""

import leanjpeg_simple

HEADER = {
    "name": "leanjpeg",
    "distribution": "leanjpeg-simple",
    "requirements": ["leanjpeg-simple", "numpy"],
    "python": ["3.13", None],
    "does": "decode_jpeg; at an eighth by min_factor.",
    "notes": {},
    "cannot": {
        "random_crop": "resizes nothing",
        "central_crop": "resizes nothing",
    },
}


def decode(files):
    """Whole images."""
    return [leanjpeg_simple.decode_jpeg(file) for file in files]


def entropy(files):
    """An eighth of the size."""
    return [
        leanjpeg_simple.decode_jpeg(file, min_height=1, min_width=1, min_factor=8) for file in files
    ]


random_crop = None
central_crop = None
