"""Turns image ids into what else is known of a photo: boxes, place, date, credits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .annotations import Boxes, Locations, read_boxes, read_locations
from .release import find_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table

__all__ = ["Extras", "attribution"]


class Extras:
    """Boxes and locations of a split, read when they are first asked for.

    Args:
        root: The folder with the files.
        split: The split.
    """

    def __init__(self, root: str, split: str) -> None:
        self._root = Path(root)
        self._split = split
        self._boxes: list[Boxes] | None = None
        self._locations: list[Locations] | None = None

    def boxes(self, image_id: int) -> NDArray[np.float64] | None:
        """(B, 4) float64, or None where no box is known."""
        if self._boxes is None:
            files = find_extra(self._root, self._split, "boxes")
            self._boxes = [read_boxes(*file) for file in files]
        for boxes in self._boxes:
            rows = _rows(boxes.image_ids, image_id)
            if rows.start < rows.stop:
                return boxes.boxes[rows].copy()
        return None

    def location(self, image_id: int) -> dict[str, Any] | None:
        """The record under the names of the file, or None where there is none."""
        if self._locations is None:
            files = find_extra(self._root, self._split, "locations")
            self._locations = [read_locations(*file) for file in files]
        for locations in self._locations:
            rows = _rows(locations.image_ids, image_id)
            if rows.start < rows.stop:
                return _record(locations, rows.start)
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_boxes": None, "_locations": None}


def _rows(image_ids: NDArray[np.int64], image_id: int) -> slice:
    first, end = np.searchsorted(image_ids, [image_id, image_id + 1])
    return slice(int(first), int(end))


def _record(locations: Locations, row: int) -> dict[str, Any]:
    def number(column: NDArray[np.float64]) -> float | None:
        value = float(column[row])
        return None if math.isnan(value) else value

    user, valid = int(locations.user_ids[row]), int(locations.valid[row])
    return {
        "id": int(locations.image_ids[row]),
        "lat": number(locations.latitudes),
        "lon": number(locations.longitudes),
        "loc_uncert": number(locations.uncertainties),
        "date": locations.dates[row] or None,
        "date_c": number(locations.date_numbers),
        "user_id": None if user < 0 else user,
        "valid": None if valid < 0 else bool(valid),
    }


def attribution(table: Table, row: int) -> dict[str, Any]:
    """Who holds the rights of a photo, and under which licence it may be used."""
    license_id, holder = int(table.license_ids[row]), int(table.holders[row])
    ids, names, urls = table.licenses
    known = ids.index(license_id) if license_id in ids else None
    return {
        "rights_holder": None if holder < 0 else table.holder_names[holder],
        "license_id": None if license_id < 0 else license_id,
        "license_name": None if known is None else names[known],
        "license_url": None if known is None else urls[known],
        "file_name": table.file_names[row],
    }
