"""iNaturalist 2017: 5,089 categories with boxes and places, all photos in one archive."""

from __future__ import annotations

from ..release import JsonDownload, Release, Split

__all__ = ["INAT2017"]

# The last two are what torchvision.datasets.INaturalist leaves behind.
PHOTOS = (
    "train_val_images.tar.gz",
    "train_val_images.tar",
    "train_val_images/",
    "2017.tgz",
    "2017/",
)


def labelled(split: str) -> Split:
    """The files of train or val."""
    return Split(
        photos=PHOTOS,
        annotations=JsonDownload(f"{split}2017.json", "train_val2017.zip"),
        boxes=JsonDownload(f"{split}_2017_bboxes.json", f"{split}_2017_bboxes.zip"),
        locations=JsonDownload(f"{split}2017_locations.json", "inat2017_locations.zip"),
    )


INAT2017 = Release(
    version="2017",
    splits={
        "train": labelled("train"),
        "val": labelled("val"),
        # `file_name` of a test image is its base name, the archive has the folder `test2017`.
        "test": Split(
            photos=("test2017.tar.gz", "test2017.tar", "test2017/"),
            annotations=JsonDownload("test2017.json", "test2017.zip"),
            by_base_name=True,
            labelled=False,
        ),
    },
    page="https://github.com/visipedia/inat_comp/tree/master/2017",
    address="https://ml-inat-competition-datasets.s3.amazonaws.com/2017/",
    folders="named",
    fields={
        "latitude": "lat",
        "longitude": "lon",
        "date": "date",
        "user_id": "user_id",
        "location_uncertainty": "loc_uncert",
    },
)
