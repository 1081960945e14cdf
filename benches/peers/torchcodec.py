"""torchcodec, the decoder that succeeds torchvision's, with torchvision's transforms."""

import torch
from torchcodec.decoders import decode_jpeg
from torchvision.transforms.v2 import functional

HEADER = {
    "name": "torchcodec",
    "distribution": "torchcodec",
    "requirements": ["torch", "torchvision", "torchcodec", "pillow", "numpy"],
    "environment": "torch",
    "python": ["3.10", None],
    "does": "decode_jpeg, then torchvision's transforms of version 2 with antialias=True.",
    "notes": {},
    "cannot": {"entropy": "decodes at full size only"},
}

torch.set_num_threads(1)


def _open(file):
    return decode_jpeg(file, mode="RGB")


def _rows_first(image):
    return image.permute(1, 2, 0).numpy()


def decode(files):
    """Whole images."""
    return [_rows_first(_open(file)) for file in files]


def random_crop(files, boxes, size=224):
    """The boxes resized, mirrored where the box says so."""
    batch = torch.empty((len(files), size, size, 3), dtype=torch.uint8)
    for image, file, (x, y, width, height, flip) in zip(batch, files, boxes, strict=True):
        part = functional.resized_crop(
            _open(file), y, x, height, width, [size, size], antialias=True
        )
        part = functional.horizontal_flip(part) if flip else part
        image.copy_(part.permute(1, 2, 0))
    return batch.numpy()


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    batch = torch.empty((len(files), size, size, 3), dtype=torch.uint8)
    for image, file in zip(batch, files, strict=True):
        photo = functional.resize(_open(file), [resize], antialias=True)
        image.copy_(functional.center_crop(photo, [size, size]).permute(1, 2, 0))
    return batch.numpy()


entropy = None
