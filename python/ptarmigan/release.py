"""Turns the folder of a downloaded release into the files of one split.

A release is data (`Release`); those that are built in are in ``ptarmigan/releases``, one file each.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .annotations import JsonFile

__all__ = [
    "RANKS",
    "JsonDownload",
    "Photos",
    "Release",
    "Split",
    "find_annotations",
    "find_categories",
    "find_extra",
    "find_photos",
    "register_release",
    "release_and_split",
    "release_of",
]

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")
"""The ranks that category records have since 2018, from the widest to the narrowest."""

FOLDERS = ("named", "numbered", "taxonomy")
CONTAINERS = (".zip", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class JsonDownload:
    """A JSON file of a release.

    Attributes:
        name: The file's own name, such as ``"train2017.json"``.
        container: The zip, tar.gz or tgz that it is downloaded in, or None.
    """

    name: str
    container: str | None = None

    def places(self) -> list[tuple[str, str | None]]:
        """(Path below the root, member) of everything that is looked for, in this order."""
        places: list[tuple[str, str | None]] = [(self.name, None)]
        if self.container is None:
            return places
        places.insert(0, (self.container, self.name))
        folder = self.container
        for ending in CONTAINERS:
            folder = folder.removesuffix(ending)
        if folder != self.name:
            places.append((f"{folder}/{self.name}", None))
        return places


@dataclass(frozen=True)
class Split:
    """The files of one split of a release.

    Attributes:
        photos: What may hold the photos, the first one that is there: archives, and folders,
            whose names end in ``/``.
        annotations: The file with ``images`` and ``categories``.
        boxes: The box file, or None.
        locations: The file of places and dates, or None; 2021 has them in ``images``.
        by_base_name: Whether a photo is known by its base name alone. Otherwise ``file_name`` is
            the member's name in an archive, and in a folder the name without its first part.
        labelled: Whether the annotations say the category of each image.
    """

    photos: tuple[str, ...]
    annotations: JsonDownload
    boxes: JsonDownload | None = None
    locations: JsonDownload | None = None
    by_base_name: bool = False
    labelled: bool = True


@dataclass(frozen=True)
class Release:
    """A release of the data set: which files it has and how they are to be understood.

    Attributes:
        version: What it is called, such as ``"2017"``.
        splits: The splits by name.
        page: Where it is described.
        address: Where its files are, up to their names; empty where they cannot be downloaded.
        folders: What the folders of the photos say, which decides how torchvision numbers the
            classes. ``"named"``: ``Aves/Ardea alba``, by their place in the sorted list;
            ``"numbered"``: ``Aves/4815``, by this number; ``"taxonomy"``:
            ``04815_Animalia_Chordata_Aves_Pelecaniformes_Ardeidae_Ardea_alba``, likewise.
        categories: A list of categories that replaces the one of the annotations where it is
            there (2018 was published with numbers for names), or None.
        ranks: Further keys of the categories, each of them a ``target_type``.
        fields: ``latitude``, ``longitude``, ``date``, ``user_id`` and ``location_uncertainty``, as
            far as the release has them, and under which key.
        versions: Other names for the version and one of its splits: torchvision's.

    Raises:
        ValueError: If it contradicts itself.
    """

    version: str
    splits: Mapping[str, Split]
    page: str = ""
    address: str = ""
    folders: str = "named"
    categories: JsonDownload | None = None
    ranks: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folders not in FOLDERS:
            expected = ", ".join(map(repr, FOLDERS))
            raise ValueError(f"`folders` must be one of {expected}, not {self.folders!r}")
        wrong = [name for name in self.splits if not name or "+" in name]
        if wrong or not self.splits:
            found = f"`{wrong[0]}`" if wrong else "none"
            raise ValueError(f"a release has splits, without `+` in their names; found {found}")
        strangers = set(self.versions.values()) - set(self.splits)
        if strangers:
            raise ValueError(f"`versions` names the split `{min(strangers)}`, which is not there")

    @property
    def split_names(self) -> tuple[str, ...]:
        """Every split, and those that are in one archive joined: ``"train+val"``."""
        joint = [
            f"{first}+{second}"
            for first, one in self.splits.items()
            for second, other in list(self.splits.items())[list(self.splits).index(first) + 1 :]
            if one.labelled and other.labelled and one.photos == other.photos
        ]
        return (*self.splits, *joint)

    def parts(self, split: str) -> list[Split]:
        """The splits that ``split`` joins.

        Raises:
            ValueError: If the release has no such split; the message has those it has.
        """
        if split not in self.split_names:
            known = ", ".join(map(repr, self.split_names))
            raise ValueError(f"`split` must be one of {known} in {self.version}, not {split!r}")
        return [self.splits[part] for part in split.split("+")]


class Photos(NamedTuple):
    """The photos of a split.

    Attributes:
        path: The archive, or the folder it was untarred to.
        match: How a ``file_name`` becomes the name of a member.
    """

    path: Path
    match: str


_registered: dict[str, Release] = {}


def register_release(release: Release) -> None:
    """Makes a release known to `INaturalist` under its version.

    Args:
        release: The release. To register it again is fine, as long as it is the same.

    Raises:
        ValueError: If another release has its version or one of its other names.
        TypeError: If it is no `Release`.
    """
    if not isinstance(release, Release):
        raise TypeError(f"expected a Release, found {release!r}")
    for name in (release.version, *release.versions):
        known = _by_name().get(name)
        if known is not None and known[0] != release:
            raise ValueError(f"there is another release `{name}`; choose another version")
    _registered[release.version] = release


def release_of(version: str | Release) -> Release:
    """The release of this version, by its own name or one of torchvision's.

    Raises:
        ValueError: If none is known; the message has those that are.
    """
    return release_and_split(version)[0]


def release_and_split(version: str | Release, split: str | None = None) -> tuple[Release, str]:
    """The release of a version, and the split that is meant.

    Args:
        version: Such as ``"2021"``, or ``"2021_valid"``, which names a split too.
        split: The split, or None for the one that ``version`` names, else ``"train"``, else the
            first.

    Raises:
        ValueError: If there is no such version or split, or ``version`` names another split.
    """
    if isinstance(version, Release):
        release, named = version, None
    else:
        names = _by_name()
        if version not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(
                f"version {version!r} is not known; there are {known}, and "
                "`ptarmigan.register_release` adds one"
            )
        release, named = names[version]
    if split is None:
        default = "train" if "train" in release.splits else next(iter(release.splits))
        return release, named or default
    if named is not None and split != named:
        raise ValueError(
            f"version {version!r} is the split {named!r} of {release.version}, not {split!r}: give "
            f"version={release.version!r}"
        )
    release.parts(split)
    return release, split


def _by_name() -> dict[str, tuple[Release, str | None]]:
    from .releases import BUILT_IN

    names: dict[str, tuple[Release, str | None]] = {}
    for release in (*BUILT_IN, *_registered.values()):
        names[release.version] = release, None
        names.update({name: (release, split) for name, split in release.versions.items()})
    return names


def find_photos(root: Path, split: str, version: str | Release = "2017") -> Photos:
    """The archive or folder of a split in ``root``.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If there is no such version or split.
    """
    release = release_of(version)
    files = release.parts(split)[0]
    for name in files.photos:
        path = root / name
        if path.is_dir() if name.endswith("/") else path.is_file():
            match = "below_first_folder" if name.endswith("/") else "name"
            return Photos(path, "base_name" if files.by_base_name else match)
    raise missing(release, root, f"the photos of the split `{split}`", files.photos)


def find_annotations(root: Path, split: str, version: str | Release = "2017") -> list[JsonFile]:
    """The annotation file of each part of a split.

    Raises:
        FileNotFoundError: If one is missing.
        ValueError: If there is no such version or split.
    """
    release = release_of(version)
    return [_find(release, root, p.annotations, "the annotations") for p in release.parts(split)]


def find_extra(
    root: Path, split: str, what: str, version: str | Release = "2017"
) -> list[JsonFile]:
    """The box files (``what`` is ``"boxes"``) or locations files of a split, where it has any.

    Raises:
        FileNotFoundError: If one is missing.
        ValueError: If there is no such version or split.
    """
    release = release_of(version)
    parts = release.parts(split)
    files = [part.boxes if what == "boxes" else part.locations for part in parts]
    return [_find(release, root, file, f"the {what}") for file in files if file is not None]


def find_categories(root: Path, version: str | Release = "2017") -> JsonFile | None:
    """The list of categories that replaces the one of the annotations; None if it is not there."""
    download = release_of(version).categories
    return None if download is None else _first(root, download)


def _first(root: Path, download: JsonDownload) -> JsonFile | None:
    for place, member in download.places():
        if (root / place).is_file():
            return JsonFile(str(root / place), member)
    return None


def _find(release: Release, root: Path, download: JsonDownload, what: str) -> JsonFile:
    found = _first(root, download)
    if found is None:
        names = tuple(place for place, _ in download.places())
        raise missing(release, root, what, names)
    return found


def missing(release: Release, root: Path, what: str, names: tuple[str, ...]) -> FileNotFoundError:
    """The error that says which files were looked for and where to get them."""
    if not root.is_dir():
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root))
    text = f"{what} not found: none of {', '.join(f'`{name}`' for name in names)} is in `{root}`"
    if release.address:
        text += f"; download {release.address}{names[0]} (all files: {release.page})"
    return FileNotFoundError(errno.ENOENT, text, str(root / names[0]))
