"""Turns the folder of a downloaded release into the files of one split."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from .annotations import JsonFile

__all__ = [
    "SPLITS",
    "VERSIONS",
    "Photos",
    "find_annotations",
    "find_extra",
    "find_photos",
    "published_md5",
]

VERSIONS = ("2017",)
SPLITS = ("train", "val", "test", "train+val")
ADDRESS = "https://ml-inat-competition-datasets.s3.amazonaws.com/2017/"
PAGE = "https://github.com/visipedia/inat_comp/tree/master/2017"

# The last two are what torchvision.datasets.INaturalist leaves behind.
TRAIN_VAL_PHOTOS = (
    "train_val_images.tar.gz",
    "train_val_images.tar",
    "train_val_images/",
    "2017.tgz",
    "2017/",
)
TEST_PHOTOS = ("test2017.tar.gz", "test2017.tar", "test2017/")


class Photos(NamedTuple):
    """The photos of a split.

    Attributes:
        path: The archive, or the folder it was untarred to.
        match: How a ``file_name`` becomes the name of a member.
    """

    path: Path
    match: str


def published_md5(path: str | os.PathLike[str]) -> str | None:
    """The md5 that the competition page gives for this file, known by its name and size."""
    from .published import PUBLISHED_MD5

    file = Path(path)
    try:
        return PUBLISHED_MD5.get((file.name, file.stat().st_size))
    except OSError:
        return None


def find_photos(root: Path, split: str) -> Photos:
    """The archive of a split in ``root``.

    Raises:
        FileNotFoundError: If there is none.
    """
    names = TEST_PHOTOS if split == "test" else TRAIN_VAL_PHOTOS
    for name in names:
        path = root / name
        if not name.endswith("/"):
            if path.is_file():
                return Photos(path, "base_name" if split == "test" else "name")
        elif path.is_dir():
            return Photos(path, "base_name" if split == "test" else "below_first_folder")
    raise missing(root, f"the photos of the split `{split}`", names)


def find_annotations(root: Path, split: str) -> list[JsonFile]:
    """The annotation file of each part of a split.

    Raises:
        FileNotFoundError: If one is missing.
    """
    files = []
    for part in split.split("+"):
        archive = "test2017.zip" if part == "test" else "train_val2017.zip"
        files.append(_find_json(root, archive, f"{part}2017.json", "the annotations"))
    return files


def find_extra(root: Path, split: str, what: str) -> list[JsonFile]:
    """The box files (``what`` is ``"boxes"``) or locations files of a split; none for test.

    Raises:
        FileNotFoundError: If one is missing.
    """
    files = []
    for part in split.split("+"):
        if part == "test":
            continue
        if what == "boxes":
            archive, name = f"{part}_2017_bboxes.zip", f"{part}_2017_bboxes.json"
        else:
            archive, name = "inat2017_locations.zip", f"{part}2017_locations.json"
        files.append(_find_json(root, archive, name, f"the {what}"))
    return files


def _find_json(root: Path, archive: str, name: str, what: str) -> JsonFile:
    if (root / archive).is_file():
        return JsonFile(str(root / archive), name)
    folder = archive.removesuffix(".zip")
    for plain in (name, f"{folder}/{name}"):
        if (root / plain).is_file():
            return JsonFile(str(root / plain))
    raise missing(root, what, (archive, name, f"{folder}/{name}"))


def missing(root: Path, what: str, names: tuple[str, ...]) -> FileNotFoundError:
    """The error that says which files were looked for and where to get them."""
    if not root.is_dir():
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root))
    text = (
        f"{what} not found: none of {', '.join(f'`{name}`' for name in names)} is in `{root}`; "
        f"download {ADDRESS}{names[0]} (all files: {PAGE})"
    )
    return FileNotFoundError(errno.ENOENT, text, str(root / names[0]))
