"""TurboLoader: a loader in C++ over a tar, whose crops decode a region at a reduced scale."""

import tarfile

import turboloader

HEADER = {
    "name": "TurboLoader",
    "distribution": "turboloader",
    "requirements": ["turboloader>=2.39", "numpy"],
    "python": ["3.10", None],
    "does": "decode_jpeg; a pass of DataLoader over a tar with train_aug and antialias for the "
    "crops.",
    "notes": {
        "decode": "libjpeg-turbo's fast DCT, which is less exact",
        "random_crop": "boxes of its own, reduced scale, float32, reads the tar too",
    },
    "cannot": {
        "central_crop": "its loader resizes without keeping the ratio",
        "entropy": "chooses the scale itself",
    },
    "not_compared": ["random_crop"],
}

TAR = []


def prepare(folder):
    """Packs the photos: it takes no bytes."""
    TAR[:] = [str(folder / "turboloader.tar")]
    with tarfile.open(TAR[0], "w") as tar:
        for file in sorted(folder.glob("*.jpg")):
            tar.add(file, arcname=file.name)


def decode(files):
    """Whole images."""
    return [turboloader.decode_jpeg(file) for file in files]


def random_crop(files, boxes, size=224):
    """Crops at boxes of its own."""
    # A new loader each time, so that nothing has been decoded ahead of the call.
    loader = turboloader.DataLoader(
        TAR[0],
        batch_size=len(files),
        num_workers=1,
        image_size=size,
        output_format="numpy",
        train_aug=True,
        antialias=True,
        shuffle=False,
    )
    return [image for images, _ in loader for image in images]


central_crop = None
entropy = None
