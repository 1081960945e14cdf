"""Turns the path of an archive, or of a data set's folder, into members and their annotations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..release import Release, find_annotations, find_photos, release_of
from ..releases import BUILT_IN
from .selection import widest_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..archive import Archive
    from ..inaturalist import INaturalist

__all__ = ["Source", "find_source", "is_official"]


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
    version: str | None,
    split: str | None,
    open_dataset: Callable[[Path, Release, str], INaturalist],
    open_archive: Callable[[Path], Archive],
) -> Source:
    """Opens what a path leads to.

    Args:
        path: A data set's folder; one of its archives, with its annotations beside it or not; or
            any other archive or folder.
        version: The release; by default the one whose archive it is, or 2017 for a folder.
        split: The split that is wanted; None for all photos of the archive.
        open_dataset: Called with folder, release and split.
        open_archive: Called with the path of an archive.

    Raises:
        FileNotFoundError: If the folder has photos of a data set and no annotations.
    """
    root = path.absolute().parent
    for release in (release_of(version),) if version else BUILT_IN:
        for candidate in _candidates(release, split):
            if (
                _has(find_photos, root, candidate, release)
                and find_photos(root, candidate, release).path.samefile(path)
                and _has(find_annotations, root, candidate, release)
            ):
                dataset = open_dataset(root, release, candidate)
                return Source(dataset.archive, dataset, split is None)
    release = release_of(version or "2017")
    wanted = split or widest_split(version or "2017")
    if path.is_dir() and wanted:
        finds = (find_annotations, find_photos)
        if any(_has(find, path, wanted, release) for find in finds):
            dataset = open_dataset(path, release, wanted)
            return Source(dataset.archive, dataset, False)  # noqa: FBT003 - a field of a tuple
    return Source(open_archive(path), None, True)  # noqa: FBT003 - a field of a tuple


def _candidates(release: Release, split: str | None) -> Iterator[str]:
    """The splits to look for, joined ones before their parts."""
    if split is None:
        yield from reversed(release.split_names)
    elif split in release.split_names:
        yield split


def _has(
    find: Callable[[Path, str, Release], object], root: Path, split: str, release: Release
) -> bool:
    try:
        find(root, split, release)
    except FileNotFoundError:
        return False
    return True


def is_official(path: Path) -> bool:
    """Whether a path has a name that only photos of iNaturalist's releases have.

    ``train.tar.gz`` and ``val.tar.gz`` of 2021 may be anyone's.
    """
    return any(
        path.name == name.rstrip("/") and path.name.partition(".")[0] not in release.splits
        for release in BUILT_IN
        for split in release.splits.values()
        for name in split.photos
    )
