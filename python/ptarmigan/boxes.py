"""Turns box files into the boxes of each image, and into a list of what is odd about them.

Boxes were drawn for some images only, in training images by people who were asked for the super
category: what that means for their use is in ``docs/boxes.md``.

Not here: the score of detected boxes (`ptarmigan.detections`).
"""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from . import _core
from .release import find_extra, release_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BoxTable",
    "ImageBoxes",
    "check",
    "check_boxes",
    "split_with_boxes",
    "version_with_boxes",
]

SPLITS = ("train", "val", "train+val")

AREA_TOLERANCE = 1e-3
"""By how much, relative, an area may differ from half of width times height."""
PIXEL_TOLERANCE = 1e-3
"""By how many pixels a box may reach outside its picture."""

Trust = Literal["category", "supercategory"]


class ImageBoxes(NamedTuple):
    """The boxes of one image, in the order of the file.

    Attributes:
        boxes: (B, 4) float64: x, y, width, height in pixels from the upper left.
        category_ids: (B,) int64.
        areas: (B,) float64 as stored: half of width times height; NaN where missing.
        crowds: (B,) bool: whether the box is around many individuals.
        trust: What the labels say for sure: the ``"category"`` (val), or the ``"supercategory"``
            alone (train, where a second animal of the same super category was boxed too).
    """

    boxes: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    areas: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    trust: Trust


class BoxTable:
    """The boxes of a split, by image.

    Args:
        root: The folder with ``train_2017_bboxes.zip``, ``val_2017_bboxes.zip``, or the JSON files
            in them.
        split: ``"train"``, ``"val"`` or ``"train+val"``.
        version: The release.

    Attributes:
        image_ids: (I,) int64, rising: the images that the box files list, and no others.
        sizes: (I, 2) int32: widths and heights in pixels as the box files have them, -1 where not.
        starts: (I + 1,) int64: the boxes of image i are rows ``starts[i]`` to ``starts[i + 1]``.
        boxes: (B, 4) float64: x, y, width, height in pixels from the upper left.
        category_ids: (B,) int64.
        areas: (B,) float64 as stored; NaN where missing.
        crowds: (B,) bool.
        rows: (B,) int64: the place of each box in the list ``annotations`` of its file.
        categories: Ids, names and super categories, sorted by id.
        validation: (I,) bool: whether an image is of the val split.

    Raises:
        FileNotFoundError: If a box file is missing.
        AnnotationError: If one is damaged.
        ValueError: If the release or the split has no boxes.
    """

    def __init__(
        self, root: str | os.PathLike[str], split: str = "train", version: str = "2017"
    ) -> None:
        self.split = split_with_boxes(split)
        files = find_extra(Path(root), split, "boxes", version_with_boxes(version))
        truth = _core.GroundTruth.read(files, None, None)
        columns = truth.columns()
        self.image_ids, self.sizes = columns[:2]
        self.starts = columns[2].astype(np.int64)
        self.category_ids, self.boxes, self.areas, self.crowds, self.rows = columns[3:]
        self.categories = truth.categories
        self.validation = np.full(len(self.image_ids), split == "val")
        if split == "train+val":
            val = _core.GroundTruth.read(files[1:], None, None).columns()[0]
            self.validation[np.searchsorted(self.image_ids, val)] = True

    def __len__(self) -> int:
        """How many images are listed."""
        return len(self.image_ids)

    def __contains__(self, image_id: object) -> bool:
        """Whether it is known which boxes the image has."""
        return isinstance(image_id, int | np.integer) and self._row(int(image_id)) is not None

    def of(self, image_id: int) -> ImageBoxes | None:
        """The boxes of an image.

        Args:
            image_id: As in the annotations.

        Returns:
            None where the box files do not list the image: nobody was asked, and most of these
            show an animal. Arrays without a row where they list it and it has no box.
        """
        row = self._row(operator.index(image_id))
        if row is None:
            return None
        rows = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return ImageBoxes(
            self.boxes[rows].copy(),
            self.category_ids[rows].copy(),
            self.areas[rows].copy(),
            self.crowds[rows].copy(),
            "category" if self.validation[row] else "supercategory",
        )

    def _row(self, image_id: int) -> int | None:
        row = int(np.searchsorted(self.image_ids, image_id))
        return row if row < len(self) and self.image_ids[row] == image_id else None

    def __repr__(self) -> str:
        return f"BoxTable(split={self.split!r}, images={len(self)}, boxes={len(self.boxes)})"


def check(
    root: str | os.PathLike[str], split: str = "train", *, limit: int | None = 20
) -> dict[str, Any]:
    """What is odd about the boxes of a split: `check_boxes` of its `BoxTable`.

    Raises:
        FileNotFoundError: If a box file is missing.
        AnnotationError: If one is damaged.
        ValueError: If the split has no boxes.
    """
    return check_boxes(BoxTable(root, split), limit=limit)


def check_boxes(table: BoxTable, *, limit: int | None = 20) -> dict[str, Any]:
    """Holds boxes against what the competition's page says of them.

    Args:
        table: The boxes.
        limit: How many offenders to list of each kind; None lists all.

    Returns:
        ``split``; ``images`` that are listed, and ``empty_images`` of them without a box; ``boxes``
        and ``crowds`` of them. Of each kind of offender ``count`` and ``first``, a list of records:
        ``area`` (not half of width times height, by a thousandth), ``outside`` (of the picture, as
        far as its size is in the file; ``unsized_images`` have none) and ``several`` (images of the
        val split with more than one box).
    """
    image = np.repeat(np.arange(len(table)), np.diff(table.starts))
    x, y, width, height = table.boxes.T
    half = width * height / 2
    # A missing area is NaN, and no comparison with it is true.
    wrong_area = ~(np.abs(table.areas - half) <= AREA_TOLERANCE * half)
    right, bottom = (table.sizes[image] + PIXEL_TOLERANCE).T
    sized = (table.sizes[:, 0] >= 0) & (table.sizes[:, 1] >= 0)
    beyond = (x + width > right) | (y + height > bottom)
    outside = (x < -PIXEL_TOLERANCE) | (y < -PIXEL_TOLERANCE) | (beyond & sized[image])
    counts = np.diff(table.starts)
    several = table.validation & (counts > 1)

    def boxes(offends: NDArray[np.bool_]) -> dict[str, Any]:
        rows = np.flatnonzero(offends)
        first = [_record(table, int(row), int(image[row])) for row in rows[:limit]]
        return {"count": len(rows), "first": first}

    images = np.flatnonzero(several)
    return {
        "split": table.split,
        "images": len(table),
        "empty_images": int((counts == 0).sum()),
        "unsized_images": int((~sized).sum()),
        "boxes": len(table.boxes),
        "crowds": int(table.crowds.sum()),
        "area": boxes(wrong_area),
        "outside": boxes(outside),
        "several": {
            "count": len(images),
            "first": [
                {"image_id": int(table.image_ids[row]), "boxes": int(counts[row])}
                for row in images[:limit]
            ],
        },
    }


def _record(table: BoxTable, row: int, image: int) -> dict[str, Any]:
    area = float(table.areas[row])
    return {
        "image_id": int(table.image_ids[image]),
        "row": int(table.rows[row]),
        "bbox": table.boxes[row].tolist(),
        "area": None if np.isnan(area) else area,
        "size": table.sizes[image].tolist(),
    }


def split_with_boxes(split: str) -> str:
    """The split, if it has boxes.

    Raises:
        ValueError: If it has none.
    """
    if split not in SPLITS:
        known = ", ".join(map(repr, SPLITS))
        raise ValueError(f"`split` must be one of {known}, which have boxes, not {split!r}")
    return split


def version_with_boxes(version: str) -> str:
    """The version, if the release has boxes.

    Raises:
        ValueError: If it has none.
    """
    if not any(split.boxes for split in release_of(version).splits.values()):
        raise ValueError(f"the release {version!r} has no boxes; 2017 has")
    return version
