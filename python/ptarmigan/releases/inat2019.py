"""iNaturalist 2019: 1,010 categories, published with numbers for names."""

from __future__ import annotations

from ..release import RANKS, JsonDownload, Release, Split

__all__ = ["INAT2019"]

# The last two are what torchvision.datasets.INaturalist leaves behind.
PHOTOS = (
    "train_val2019.tar.gz",
    "train_val2019.tar",
    "train_val2019/",
    "2019.tgz",
    "2019/",
)


def labelled(split: str) -> Split:
    """The files of train or val."""
    return Split(
        photos=PHOTOS,
        annotations=JsonDownload(f"{split}2019.json", f"{split}2019.json.tar.gz"),
    )


INAT2019 = Release(
    version="2019",
    splits={
        "train": labelled("train"),
        "val": labelled("val"),
        "test": Split(
            photos=("test2019.tar.gz", "test2019.tar", "test2019/"),
            annotations=JsonDownload("test2019.json", "test2019.json.tar.gz"),
            by_base_name=True,
            labelled=False,
        ),
    },
    page="https://github.com/visipedia/inat_comp/tree/master/2019",
    address="https://ml-inat-competition-datasets.s3.amazonaws.com/2019/",
    # Categories have no `supercategory`; the folder has.
    folders="numbered",
    # The real names, published after the competition.
    categories=JsonDownload("categories.json", "categories.json.tar.gz"),
    ranks=RANKS,
)
