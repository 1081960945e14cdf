"""iNaturalist 2021: 10,000 species with their taxonomy, one archive for each split."""

from __future__ import annotations

from ..release import RANKS, JsonDownload, Release, Split

__all__ = ["INAT2021"]


def labelled(split: str, torchvision: str) -> Split:
    """The files of a split; torchvision leaves the archive and the folder under another name."""
    return Split(
        photos=(
            f"{split}.tar.gz",
            f"{split}.tar",
            f"{split}/",
            f"{torchvision}.tgz",
            f"{torchvision}/",
        ),
        annotations=JsonDownload(f"{split}.json", f"{split}.json.tar.gz"),
    )


INAT2021 = Release(
    version="2021",
    splits={
        "train": labelled("train", "2021_train"),
        "mini": labelled("train_mini", "2021_train_mini"),
        "val": labelled("val", "2021_valid"),
        "test": Split(
            photos=("public_test.tar.gz", "public_test.tar", "public_test/"),
            annotations=JsonDownload("public_test.json", "public_test.json.tar.gz"),
            by_base_name=True,
            labelled=False,
        ),
    },
    page="https://github.com/visipedia/inat_comp/tree/master/2021",
    address="https://ml-inat-competition-datasets.s3.amazonaws.com/2021/",
    folders="taxonomy",
    ranks=RANKS,
    fields={
        "latitude": "latitude",
        "longitude": "longitude",
        "date": "date",
        "location_uncertainty": "location_uncertainty",
    },
    versions={"2021_train": "train", "2021_train_mini": "mini", "2021_valid": "val"},
)
