"""iNaturalist 2018: 8,142 categories, published with numbers for names, and places."""

from __future__ import annotations

from ..release import RANKS, JsonDownload, Release, Split

__all__ = ["INAT2018"]

# The last two are what torchvision.datasets.INaturalist leaves behind.
PHOTOS = (
    "train_val2018.tar.gz",
    "train_val2018.tar",
    "train_val2018/",
    "2018.tgz",
    "2018/",
)


def labelled(split: str) -> Split:
    """The files of train or val."""
    return Split(
        photos=PHOTOS,
        annotations=JsonDownload(f"{split}2018.json", f"{split}2018.json.tar.gz"),
        locations=JsonDownload(f"{split}2018_locations.json", "inat2018_locations.zip"),
    )


INAT2018 = Release(
    version="2018",
    splits={
        "train": labelled("train"),
        "val": labelled("val"),
        "test": Split(
            photos=("test2018.tar.gz", "test2018.tar", "test2018/"),
            annotations=JsonDownload("test2018.json", "test2018.json.tar.gz"),
            by_base_name=True,
            labelled=False,
        ),
    },
    page="https://github.com/visipedia/inat_comp/tree/master/2018",
    address="https://ml-inat-competition-datasets.s3.amazonaws.com/2018/",
    folders="numbered",
    # The real names, published after the competition.
    categories=JsonDownload("categories.json", "categories.json.tar.gz"),
    ranks=RANKS,
    fields={
        "latitude": "lat",
        "longitude": "lon",
        "date": "date",
        "user_id": "user_id",
        "location_uncertainty": "loc_uncert",
    },
)
