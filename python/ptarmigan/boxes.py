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

    from .annotations import Boxes, Table

__all__ = [
    "BoxTable",
    "ImageBoxes",
    "check_boxes",
    "split_with_boxes",
    "version_with_boxes",
]

SPLITS = ("train", "val", "train+val")

# The page takes half of the box for its area; files round.
_TOLERANCE = 1e-3
# So many images of each kind are named.
_NAMED = 5

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


def check_boxes(found: Boxes, table: Table | None) -> dict[str, Any]:
    """What is true of boxes that the competition page says, counted.

    Args:
        found: The boxes of one split.
        table: The split's images, or None: then what needs them is None.

    Returns:
        ``boxes``, ``images`` and ``categories`` that have any, ``images_with_several``,
        ``wrong_area`` (not half of width times height, to 1 in 1,000), ``crowds``, ``empty`` (no
        width or height), ``outside`` (of the picture), ``unknown_images`` and ``other_category``
        (than the image's), and ``first``: the first image ids of each kind that has any.
    """
    images, numbers = np.unique(found.image_ids, return_counts=True)
    width, height = found.boxes[:, 2], found.boxes[:, 3]
    # Sides that no picture has may be too large to multiply.
    with np.errstate(over="ignore", invalid="ignore"):
        half = width * height / 2
        near = np.abs(found.areas - half) <= _TOLERANCE * np.abs(half)
    kinds: dict[str, NDArray[np.bool_] | None] = {
        # A missing area is NaN, which is not close to anything.
        "wrong_area": ~(near & np.isfinite(half)),
        "crowds": found.crowds,
        "empty": ~((width > 0) & (height > 0)),
        "outside": None,
        "unknown_images": None,
        "other_category": None,
    }
    if table is not None:
        kinds |= _against_images(found, table)
    figures: dict[str, Any] = {
        "boxes": len(found.image_ids),
        "images": len(images),
        "categories": len(np.unique(found.category_ids)),
        "images_with_several": int((numbers > 1).sum()),
    }
    first = {"images_with_several": images[numbers > 1][:_NAMED].tolist()}
    for name, wrong in kinds.items():
        figures[name] = None if wrong is None else int(wrong.sum())
        if wrong is not None:
            first[name] = found.image_ids[wrong][:_NAMED].tolist()
    return figures | {"first": {name: ids for name, ids in first.items() if ids}}


def _against_images(found: Boxes, table: Table) -> dict[str, NDArray[np.bool_] | None]:
    order = np.argsort(table.image_ids, kind="stable")
    sorted_ids = table.image_ids[order]
    places = np.searchsorted(sorted_ids, found.image_ids)
    known = places < len(sorted_ids)
    known[known] = sorted_ids[places[known]] == found.image_ids[known]
    rows = order[places[known]]
    x, y, width, height = found.boxes[known].T
    # Where the file does not say how large the picture is, no box is outside.
    across, down = (
        np.where(sizes[rows] > 0, sizes[rows], np.inf) for sizes in (table.widths, table.heights)
    )
    outside = np.zeros(len(found.image_ids), np.bool_)
    outside[known] = (x < 0) | (y < 0) | (x + width > across) | (y + height > down)
    other = np.zeros(len(found.image_ids), np.bool_)
    other[known] = table.category_ids[rows] != found.category_ids[known]
    return {"outside": outside, "unknown_images": ~known, "other_category": other}


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
