"""datago: a loader in Rust, which decodes the files of a folder."""

import json

from datago import DatagoClient

HEADER = {
    "name": "datago",
    "distribution": "datago",
    "requirements": ["datago>=2026.2", "pillow", "numpy"],
    "python": ["3.9", None],
    "does": "a pass of DatagoClient over the folder, reading the files included.",
    "notes": {"decode": "reads the files too"},
    "cannot": {
        "random_crop": "crops to aspect-ratio buckets only",
        "central_crop": "crops to aspect-ratio buckets only",
        "entropy": "decodes at full size only",
    },
}

FOLDER = []


def prepare(folder):
    """Remembers where the photos are: it takes no bytes."""
    FOLDER[:] = [str(folder)]


def decode(files):
    """Whole images, in the order of their names; they come in one of chance."""
    source = {"root_path": FOLDER[0], "random_sampling": False, "rank": 0, "world_size": 1}
    client = DatagoClient(
        json.dumps(
            {
                "source_type": "file",
                "source_config": source,
                "limit": len(files),
                "samples_buffer_size": 8,
            }
        )
    )
    images = {}
    while (sample := client.get_sample()) is not None:
        images[sample.id] = sample.image.to_numpy_array()
    client.stop()
    return [images[name] for name in sorted(images)]


random_crop = None
central_crop = None
entropy = None
