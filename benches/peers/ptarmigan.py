"""Ptarmigan itself, in its first epoch: nothing is known of the photos but their bytes."""

import ptarmigan as pt
from ptarmigan.peers import EPOCH, SEED

HEADER = {
    "name": "Ptarmigan",
    "distribution": "ptarmigan",
    # It runs where it is installed already.
    "requirements": None,
    "python": [None, None],
    "does": "decode and decode_batch on one thread.",
    "notes": {},
    "cannot": {"entropy": "no function of the package; `cargo bench` times it"},
}


def decode(files):
    """Whole images."""
    return [pt.decode(file) for file in files]


def random_crop(files, boxes, size=224):
    """Draws the very boxes that all others are given, which is a part of its work."""
    return pt.decode_batch(files, pt.RandomResizedCrop(size), seed=SEED, epoch=EPOCH, threads=1)


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    return pt.decode_batch(files, pt.ResizeCenterCrop(resize, size), threads=1)


entropy = None
