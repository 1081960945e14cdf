"""Turns a folder into which files of a release are there, in whatever form."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ptarmigan.annotations import JsonFile
from ptarmigan.published import PUBLISHED
from ptarmigan.release import Photos, find_annotations, find_extra, find_photos, release_of

__all__ = ["Sources", "find_sources", "guess_version"]

Found = TypeVar("Found")


class Sources:
    """The files of a release that are in a folder; what is absent has no entry.

    Args:
        root: The folder.
        version: The release.

    Attributes:
        root: The folder.
        version: The release.
        annotations: The annotation file of ``train``, ``val`` and ``test``.
        boxes: The box file of ``train`` and ``val``.
        locations: The locations file of ``train`` and ``val``.
        photos: The archive or folder of the splits, by the splits that share it.
    """

    def __init__(self, root: Path, version: str) -> None:
        self.root = root
        self.version = version
        self.annotations: dict[str, JsonFile] = {}
        self.boxes: dict[str, JsonFile] = {}
        self.locations: dict[str, JsonFile] = {}
        self.photos: dict[str, Photos] = {}

    def __bool__(self) -> bool:
        return any((self.annotations, self.boxes, self.locations, self.photos))


def _or_none(find: Callable[..., Found], *arguments: Any) -> Found | None:
    try:
        return find(*arguments)
    except FileNotFoundError:
        return None


def _in_its_zip(file: JsonFile) -> bool:
    """Whether the zip has the member; a zip that cannot be opened is left to its reader."""
    if file.member is None:
        return True
    try:
        with zipfile.ZipFile(file.path) as archive:
            return any(name.rpartition("/")[2] == file.member for name in archive.namelist())
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError):
        return True


def _add(place: dict[str, JsonFile], split: str, files: list[JsonFile] | None) -> None:
    if files and _in_its_zip(files[0]):
        place[split] = files[0]


def find_sources(root: Path, version: str) -> Sources:
    """The files of a release in a folder.

    Args:
        root: The folder.
        version: The release.

    Raises:
        ValueError: If there is no such release.
    """
    found = Sources(root, version)
    together: dict[tuple[str, ...], list[str]] = {}
    for split, files in release_of(version).splits.items():
        together.setdefault(files.photos, []).append(split)
        _add(found.annotations, split, _or_none(find_annotations, root, split, version))
        _add(found.boxes, split, _or_none(find_extra, root, split, "boxes", version))
        _add(found.locations, split, _or_none(find_extra, root, split, "locations", version))
    for splits in together.values():
        photos = _or_none(find_photos, root, splits[0], version)
        if photos is not None:
            found.photos["+".join(splits)] = photos
    return found


def guess_version(root: Path) -> str | None:
    """The release of which the most files are in the folder; None if two have as many, or none."""
    counts = {
        version: sum((root / file.name).exists() for file in release.files)
        for version, release in PUBLISHED.items()
    }
    best = max(counts.values())
    versions = [version for version, count in counts.items() if count == best]
    return versions[0] if best and len(versions) == 1 else None
