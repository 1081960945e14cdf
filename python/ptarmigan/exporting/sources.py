"""Turns the path of an archive, or of a data set's folder, into members and their annotations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..release import find_annotations, find_photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..archive import Archive
    from ..inaturalist import INaturalist

__all__ = ["Source", "find_source"]

_WHOLE = ("train+val", "test")


class Source(NamedTuple):
    """What there is to extract from.

    Attributes:
        archive: The archive.
        dataset: The photos in it that annotations know; None without annotations.
        whole: Whether the members that they do not know are meant too.
    """

    archive: Archive
    dataset: INaturalist | None
    whole: bool


def find_source(
    path: Path,
    split: str | None,
    open_dataset: Callable[[Path, str], INaturalist],
    open_archive: Callable[[Path], Archive],
) -> Source:
    """Opens what a path leads to.

    Args:
        path: A data set's folder; one of its archives, with its annotations beside it or not; or
            any other archive or folder.
        split: The split that is wanted; None for all photos of the archive.
        open_dataset: Called with folder and split.
        open_archive: Called with the path of an archive.

    Raises:
        FileNotFoundError: If the folder has photos of a data set and no annotations.
    """
    root = path.absolute().parent
    for candidate in (split,) if split else _WHOLE:
        if _has(find_photos, root, candidate) and find_photos(root, candidate).path.samefile(path):
            if not _has(find_annotations, root, candidate):
                break
            dataset = open_dataset(root, candidate)
            return Source(dataset.archive, dataset, split is None)
    wanted = split or _WHOLE[0]
    if path.is_dir() and (_has(find_annotations, path, wanted) or _has(find_photos, path, wanted)):
        dataset = open_dataset(path, wanted)
        return Source(dataset.archive, dataset, False)  # noqa: FBT003 - a field of a tuple
    return Source(open_archive(path), None, True)  # noqa: FBT003 - a field of a tuple


def _has(find: Callable[[Path, str], object], root: Path, split: str) -> bool:
    try:
        find(root, split)
    except FileNotFoundError:
        return False
    return True
