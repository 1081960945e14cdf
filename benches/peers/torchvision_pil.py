"""torchvision on PIL images: what ImageFolder and most training scripts do."""

import io

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

HEADER = {
    "name": "torchvision on PIL",
    "distribution": "torchvision",
    "requirements": ["torch", "torchvision", "torchcodec", "pillow", "numpy"],
    "environment": "torch",
    "python": ["3.10", None],
    "does": "resized_crop, or resize and center_crop, of PIL images.",
    "notes": {},
    "cannot": {"decode": "the same as Pillow", "entropy": "the same as Pillow"},
}

torch.set_num_threads(1)


def _open(file):
    return Image.open(io.BytesIO(file)).convert("RGB")


def random_crop(files, boxes, size=224):
    """The boxes cut out, resized, mirrored where the box says so."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = functional.resized_crop(_open(file), y, x, height, width, [size, size])
        image[:] = functional.horizontal_flip(part) if flip else part
    return batch


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = np.empty((len(files), size, size, 3), np.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = functional.resize(_open(file), [resize])
        image[:] = functional.center_crop(photo, [size, size])
    return batch


decode = None
entropy = None
