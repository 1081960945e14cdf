"""imagecodecs: libjpeg-turbo among a hundred codecs."""

import imagecodecs

HEADER = {
    "name": "imagecodecs",
    "distribution": "imagecodecs",
    "requirements": ["imagecodecs>=2025.3", "numpy"],
    "python": ["3.11", None],
    "does": "jpeg8_decode to RGB.",
    "notes": {},
    "cannot": {
        "random_crop": "resizes nothing",
        "central_crop": "resizes nothing",
        "entropy": "decodes at full size only",
    },
}


def decode(files):
    """Whole images."""
    return [imagecodecs.jpeg8_decode(file, outcolorspace="RGB") for file in files]


random_crop = None
central_crop = None
entropy = None
