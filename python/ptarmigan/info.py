"""Turns a data set or an archive into its figures: the competition page's tables and a census."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ptarmigan.annotations import Table
    from ptarmigan.archive import Archive

__all__ = ["census", "describe", "describe_annotations"]

Figures = dict[str, Any]

# T.81 table B.1: start-of-frame markers of progressive files.
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
# Ratio of the first component's sampling factors to the second's.
_SAMPLINGS: Final = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
}


def _counts(names: list[str], values: NDArray[Any]) -> dict[str, int]:
    numbers = np.bincount(np.minimum(values, len(names) - 1), minlength=len(names))
    return {name: int(n) for name, n in zip(names, numbers, strict=True) if n}


def _sampling_name(factors: int) -> str:
    first, second = factors & 0xFF, (factors >> 8) & 0xFF
    across, down = (first >> 4, second >> 4), (first & 15, second & 15)
    if not all((*across, *down)) or across[0] % across[1] or down[0] % down[1]:
        return "other"
    return _SAMPLINGS.get((across[0] // across[1], down[0] // down[1]), "other")


def census(archive: Archive) -> Figures:
    """What the images of an archive are like, from the index alone: no image is read.

    Args:
        archive: Any archive.

    Returns:
        ``members``, ``bytes`` (of all members), ``md5``, ``formats`` (name to number) and, of the
        JPEG members whose header could be read: ``modes``, ``samplings``, ``progressive``,
        ``rotated`` (EXIF orientation other than 1), ``max_side``, ``megapixels`` (5th, 50th and
        95th percentile) and ``bits_per_pixel``; ``unreadable`` are the other JPEG members.
    """
    from ptarmigan.archive import FORMATS

    members = archive.members
    jpeg = members[members["format"] == FORMATS.index("jpeg")]
    read = jpeg[(jpeg["width"] > 0) & (jpeg["height"] > 0)]
    pixels = read["width"].astype(np.int64) * read["height"]
    samplings: Counter[str] = Counter()
    colour = read[read["components"] == 3]
    for factors, number in zip(*np.unique(colour["sampling"], return_counts=True), strict=True):
        samplings[_sampling_name(int(factors))] += int(number)
    figures: Figures = {
        "archive": archive.path,
        "members": len(archive),
        "bytes": int(members["size"].sum()),
        "md5": archive.md5,
        "formats": _counts(list(FORMATS), members["format"]),
        "unreadable": len(jpeg) - len(read),
        "modes": _counts(["none", "grey", "two", "colour", "CMYK", "more"], read["components"]),
        "samplings": dict(samplings.most_common()),
        "progressive": int(np.isin(read["sof"], _PROGRESSIVE).sum()),
        "rotated": int((read["orientation"] > 1).sum()),
        "max_side": None,
        "megapixels": None,
        "bits_per_pixel": None,
    }
    if len(read):
        shares = np.percentile(pixels, (5, 50, 95)) / 1e6
        figures["max_side"] = int(max(read["width"].max(), read["height"].max()))
        figures["megapixels"] = [round(float(share), 3) for share in shares]
        figures["bits_per_pixel"] = round(float(read["size"].sum() * 8 / pixels.sum()), 3)
    return figures


def _spread(per_category: NDArray[np.int64]) -> Figures:
    """How images are spread over the categories that have any."""
    some = per_category[per_category > 0]
    if not len(some):
        return {"empty": len(per_category)}
    return {
        "min": int(some.min()),
        "median": float(np.median(some)),
        "max": int(some.max()),
        "imbalance": round(float(some.max() / some.min()), 2),
        "empty": len(per_category) - len(some),
    }


class _Taxonomy:
    """Counts by super category for arrays of category ids."""

    def __init__(self, table: Table) -> None:
        self.ids, _, groups = table.categories
        self.names, group_of = np.unique(np.array(groups), return_inverse=True)
        self._group_of = group_of
        sizes = np.bincount(group_of, minlength=len(self.names))
        # The page sorts by the number of categories.
        self.order = np.lexsort((self.names, -sizes))
        self.sizes = sizes

    def per_category(self, category_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        rows = np.searchsorted(np.asarray(self.ids), category_ids)
        return np.bincount(rows, minlength=len(self.ids))

    def per_group(self, category_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        counts = np.bincount(
            self._group_of, self.per_category(category_ids), minlength=len(self.names)
        )
        return counts.astype(np.int64)


def _licences(tables: list[Table]) -> list[Figures]:
    ids, names, addresses = tables[0].licenses
    known = {
        number: {"id": number, "name": name, "url": url}
        for number, name, url in zip(ids, names, addresses, strict=True)
    }
    found = Counter(np.concatenate([table.license_ids for table in tables]).tolist())
    unknown: Figures = {"name": "(not in the list)", "url": ""}
    return [
        known.get(number, {"id": number} | unknown) | {"images": images}
        for number, images in found.most_common()
    ]


def describe_annotations(root: str | os.PathLike[str]) -> Figures:
    """The competition page's two tables, counted in the files of ``root``.

    Args:
        root: A folder with ``train_val2017.zip`` and, for the second table, the two box files.

    Returns:
        ``supercategories`` and ``total`` (``categories``, ``train`` and ``val`` images), ``boxes``
        and ``boxes_total`` (boxes of ``train`` and ``val``; None without box files),
        ``distribution`` (images a category of both splits) and ``licenses``.

    Raises:
        AnnotationError: If a file is damaged or contradicts another.
        FileNotFoundError: If the annotations are not there.
    """
    from ptarmigan.annotations import Table, read_boxes
    from ptarmigan.release import find_annotations, find_extra

    folder = Path(root)
    tables = [Table(find_annotations(folder, split)) for split in ("train", "val")]
    taxonomy = _Taxonomy(tables[0])
    train, val = (taxonomy.per_group(table.category_ids) for table in tables)
    rows = [
        {
            "name": str(taxonomy.names[group]),
            "categories": int(taxonomy.sizes[group]),
            "train": int(train[group]),
            "val": int(val[group]),
        }
        for group in taxonomy.order
    ]
    figures: Figures = {
        "supercategories": rows,
        "total": {key: sum(row[key] for row in rows) for key in ("categories", "train", "val")},
        "boxes": None,
        "boxes_total": None,
        "distribution": {
            split: _spread(taxonomy.per_category(table.category_ids))
            for split, table in zip(("train", "val"), tables, strict=True)
        },
        "licenses": _licences(tables),
    }
    try:
        files = [find_extra(folder, split, "boxes")[0] for split in ("train", "val")]
    except FileNotFoundError:
        return figures
    train, val = (taxonomy.per_group(read_boxes(*file).category_ids) for file in files)
    boxes = [
        {"name": str(taxonomy.names[group]), "train": int(train[group]), "val": int(val[group])}
        for group in taxonomy.order
        if train[group] + val[group]
    ]
    figures["boxes"] = boxes
    figures["boxes_total"] = {key: sum(row[key] for row in boxes) for key in ("train", "val")}
    return figures


def describe(
    path: str | os.PathLike[str],
    *,
    index_path: str | os.PathLike[str] | None = None,
    progress: Callable[..., None] | None = None,
) -> Figures:
    """The figures of a data set's folder, or of one archive.

    Args:
        path: A folder with the competition's files, or an archive (a tar, a tar.gz, or a folder
            of photos).
        index_path: The index of the archive; by default beside it.
        progress: As for `ptarmigan.Archive`, while an index is made.

    Returns:
        ``annotations`` (see `describe_annotations`; None for an archive) and ``images`` (see
        `census`; None where the folder has no archive).

    Raises:
        PtarmiganError: If a file is damaged.
        OSError: If a file cannot be read.
    """
    from ptarmigan.archive import Archive
    from ptarmigan.release import find_annotations, find_photos

    folder = Path(path)
    annotations = None
    photos: Path | None = folder
    if folder.is_dir():
        try:
            find_annotations(folder, "train")
        except FileNotFoundError:
            pass  # A folder of photos, not a data set.
        else:
            annotations = describe_annotations(folder)
            try:
                photos = find_photos(folder, "train").path
            except FileNotFoundError:
                photos = None  # Annotations alone have tables too.
    images = None
    if photos is not None:
        images = census(Archive(photos, index_path=index_path, progress=progress))
    return {"annotations": annotations, "images": images}
