"""Turns the boxes of a split into what the page says of them, and which are not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ptarmigan.annotations import Boxes, Table

__all__ = ["check_boxes"]

# The page takes half of the box for its area; files round.
_TOLERANCE: Final = 1e-3
# So many images of each kind are named.
_NAMED: Final = 5


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
    half = width * height / 2
    kinds: dict[str, NDArray[np.bool_] | None] = {
        # A missing area is NaN, which is not close to anything.
        "wrong_area": ~(np.abs(found.areas - half) <= _TOLERANCE * np.abs(half)),
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
