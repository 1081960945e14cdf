"""Ptarmigan in its later epochs: a loader that knows scan points of the photos."""

import tempfile
from pathlib import Path

import ptarmigan as pt
from ptarmigan.peers import EPOCH, SEED

HEADER = {
    "name": "Ptarmigan, later epochs",
    "distribution": "ptarmigan",
    "requirements": None,
    "python": [None, None],
    "does": "Loader on one thread, in an epoch whose photos it decoded before; reads files.",
    "notes": {"random_crop": "with scan points"},
    "cannot": {
        "decode": "scan points are for crops",
        "central_crop": "the same crop in every epoch, so the first one's time is the rule",
        "entropy": "no function of the package; `cargo bench` times it",
    },
}

scratch = tempfile.TemporaryDirectory(prefix="ptarmigan-later-")
loader = None


def prepare(folder):
    """Opens the photos; the epoch that compares pixels is the first one."""
    global loader
    kept = Path(scratch.name)
    photos = pt.ImageArchive(folder, index_path=kept / "photos.ptidx")
    loader = pt.Loader(
        photos,
        batch_size=len(photos),
        transform=pt.RandomResizedCrop(224),
        shuffle=False,
        seed=SEED,
        threads=1,
        scan_points=kept / "photos.ptscan",
    )


def random_crop(files, boxes, size=224):
    """Draws the very boxes that all others are given: they belong to the seed and the epoch."""
    loader.set_epoch(EPOCH)
    return [image for batch in loader for image in batch.images]


decode = None
central_crop = None
entropy = None
