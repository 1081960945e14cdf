"""Turns a data set or an archive into its figures: the competition page's tables and a census."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ptarmigan.boxes import check_boxes
from ptarmigan.info.census import census
from ptarmigan.info.expectations import verdict
from ptarmigan.info.files import describe_files
from ptarmigan.info.joins import join
from ptarmigan.info.sources import Sources, find_sources, guess_version
from ptarmigan.info.tables import (
    CategoryCounts,
    box_table,
    fields,
    image_table,
    licences,
    places,
    spread,
)
from ptarmigan.published import PUBLISHED

if TYPE_CHECKING:
    from ptarmigan.annotations import Table

__all__ = ["TABLES", "census", "describe", "describe_annotations", "verdict"]

Figures = dict[str, Any]
Progress = bool | Callable[..., object] | None

_PHOTOS: Final = (".jpg", ".jpeg", ".png")

TABLES: Final = ("supercategory", "boxes", "distribution", "fields", "files", "census")
"""What `describe` can be asked for."""


def _read_tables(sources: Sources) -> dict[str, Table]:
    from ptarmigan.annotations import Table

    return {split: Table([file]) for split, file in sources.annotations.items()}


def _categories(sources: Sources, tables: dict[str, Table]) -> CategoryCounts | None:
    """The categories of the first file that lists them; box files do, too."""
    from ptarmigan.annotations import Table

    for table in tables.values():
        return CategoryCounts(table)
    for file in sources.boxes.values():
        return CategoryCounts(Table([file]))
    return None


def _each_once(tables: dict[str, Table]) -> list[Table]:
    """The tables without the small training split of 2021, whose images the large one has too."""
    return [table for split, table in tables.items() if split != "mini" or "train" not in tables]


def _count(sources: Sources, tables: dict[str, Table], wanted: tuple[str, ...]) -> Figures:
    """What the annotation, box and location files say."""
    from ptarmigan.annotations import read_boxes, read_locations

    rows = PUBLISHED[sources.version].images
    splits = tuple(rows[0].images) if rows else ("train", "val")
    labelled = {split: table for split, table in tables.items() if split in splits}
    categories = _categories(sources, tables)
    figures: Figures = {
        "supercategories": [],
        "total": {},
        "test": len(tables["test"]) if "test" in tables else None,
        "boxes": None,
        "boxes_total": None,
        "boxed_categories": None,
        "box_checks": {},
        "distribution": {},
        "licenses": licences(_each_once(labelled or tables)) if tables else [],
        "fields": {split: fields(table) for split, table in tables.items()},
        "locations": {
            split: places(read_locations(*file), tables.get(split))
            for split, file in sources.locations.items()
            if "fields" in wanted
        },
    }
    if categories is None:
        return figures
    figures["supercategories"], figures["total"] = image_table(categories, labelled, splits)
    counts = {
        split: categories.per_category(table.category_ids) for split, table in labelled.items()
    }
    figures["distribution"] = {split: spread(images) for split, images in counts.items()}
    if sources.boxes and "boxes" in wanted:
        boxes = {split: read_boxes(*file) for split, file in sources.boxes.items()}
        figures["boxes"], figures["boxes_total"] = box_table(categories, boxes)
        boxed = [categories.per_category(found.category_ids) > 0 for found in boxes.values()]
        figures["boxed_categories"] = int(np.any(boxed, axis=0).sum())
        figures["box_checks"] = {
            split: check_boxes(found, tables.get(split)) for split, found in boxes.items()
        }
    return figures


def describe_annotations(root: str | os.PathLike[str], version: str = "2017") -> Figures:
    """The competition page's two tables and more, counted in the files of ``root``.

    Args:
        root: A folder with any of the annotation, box and location files.
        version: The release.

    Returns:
        Every figure of a file that is absent is None, or has no entry:

        * ``supercategories`` and ``total``: ``categories``, and images of ``train`` and ``val``;
          ``test``: the number of test images.
        * ``boxes`` and ``boxes_total``: boxes of ``train`` and ``val``; ``boxed_categories``;
          ``box_checks``: for each split what `ptarmigan.boxes.check_boxes` gives.
        * ``distribution``: images a category of each split: ``min``, ``median``, ``max``,
          ``imbalance`` (max / min), ``top_share`` (of the commonest 1 % of the categories),
          ``empty`` (categories without images) and ``curve`` (images at up to 60 ranks evenly
          from the commonest category to the rarest).
        * ``licenses``: training and validation images of each.
        * ``fields``: for each split how many images lack a rights holder, a licence, a size.
        * ``locations``: for each split how many records lack what.

    Raises:
        AnnotationError: If a file is damaged or contradicts another.
    """
    sources = find_sources(Path(root), version)
    return _count(sources, _read_tables(sources), TABLES)


def _describe_archives(
    sources: Sources,
    tables: dict[str, Table],
    index_path: str | os.PathLike[str] | None,
    build: Literal["auto", "never"],
    progress: Progress,
) -> list[Figures]:
    from ptarmigan.archive import Archive, default_index_path

    found: list[Figures] = []
    for number, (splits, photos) in enumerate(sources.photos.items()):
        place = index_path if number == 0 else None
        if build == "never" and not Path(place or default_index_path(photos.path)).exists():
            found.append({"splits": splits, "archive": str(photos.path), "members": None})
            continue
        try:
            archive = Archive(photos.path, index_path=place, build=build, progress=progress)
        except PermissionError as error:
            # A folder that is read-only has all other figures still.
            here = {"splits": splits, "archive": str(photos.path), "members": None}
            found.append(here | {"problem": f"`{error.filename}`: {error.strerror}"})
            continue
        parts = splits.split("+")
        known = [tables[split] for split in parts if split in tables]
        joined = None
        if known:
            joined = join(archive, photos.match, known, whole=len(known) == len(parts))
        found.append({"splits": splits, **census(archive), "join": joined})
    return found


def describe(
    path: str | os.PathLike[str],
    *,
    version: str | None = None,
    tables: tuple[str, ...] = TABLES,
    index_path: str | os.PathLike[str] | None = None,
    build: Literal["auto", "never"] = "auto",
    progress: Progress = None,
) -> Figures:
    """The figures of a data set's folder, or of one archive.

    Args:
        path: A folder with any of a competition's files, or an archive (a tar, a tar.gz, or a
            folder of photos).
        version: The release; by default the one of which the most files are there.
        tables: Which of `TABLES` are wanted; what no wanted one needs is not read.
        index_path: The index of the archive (of a folder: of its first archive); by default beside
            it.
        build: ``"auto"`` makes an index where there is none, ``"never"`` leaves such an archive
            out.
        progress: As for `ptarmigan.Archive`, while an index is made or an md5 computed.

    Returns:
        ``version`` (None for an archive), ``annotations`` (see `describe_annotations`; None for an
        archive), ``archives`` (for each `census`, ``splits``, and ``join``, see
        `ptarmigan.info.joins.join`; only ``splits``, ``archive`` and ``members`` = None without an
        index, and ``problem`` where none may be written) and ``files`` (see
        `ptarmigan.info.files.describe_files`).

    Raises:
        PtarmiganError: If a file is damaged.
        FileNotFoundError: If there is neither a file of a release nor a photo in the folder.
        OSError: If a file cannot be read.
        ValueError: If there is no such release.
    """
    folder = Path(path)
    if version is not None and version not in PUBLISHED:
        raise ValueError(f"`version` must be one of {', '.join(PUBLISHED)}, not {version!r}")
    sources = None
    if folder.is_dir():
        guess = version or guess_version(folder)
        sources = find_sources(folder, guess or "2017")
        if guess is None and not sources:
            sources = None  # A folder of photos, not a data set.
            _expect_photos(folder)
    if sources is None:
        return _describe_archive(folder, index_path, build, progress)
    read = _read_tables(sources) if {*tables} - {"files"} else {}
    counted = {*tables} - {"files", "census"}
    return {
        "version": sources.version,
        "annotations": _count(sources, read, tables) if counted else None,
        "archives": _describe_archives(sources, read, index_path, build, progress)
        if "census" in tables
        else [],
        "files": describe_files(sources, PUBLISHED[sources.version].files, progress)
        if "files" in tables
        else [],
    }


def _expect_photos(folder: Path) -> None:
    """Sees that a folder has a photo, so that any other one gets no index.

    Raises:
        FileNotFoundError: If it has none.
    """
    if not any(path.suffix.lower() in _PHOTOS for path in folder.rglob("*")):
        names = ", ".join(file.name for file in PUBLISHED["2017"].files[:3])
        text = (
            f"neither photos nor the files of one release ({names}, ...) are in this folder; "
            "where releases share names, give the release"
        )
        raise FileNotFoundError(errno.ENOENT, text, str(folder))


def _describe_archive(
    path: Path,
    index_path: str | os.PathLike[str] | None,
    build: Literal["auto", "never"],
    progress: Progress,
) -> Figures:
    from ptarmigan.archive import Archive

    archive = Archive(path, index_path=index_path, build=build, progress=progress)
    found = {"splits": None, **census(archive), "join": None}
    return {"version": None, "annotations": None, "archives": [found], "files": []}
