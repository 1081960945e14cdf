"""Turns image ids into what else is known of a photo: boxes, place, date, credits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .annotations import Boxes, Locations, Strings, read_boxes, read_locations
from .dates import read_dates
from .errors import AnnotationError
from .nulls import null_of
from .release import find_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table
    from .release import Release

__all__ = ["Column", "Extras", "attribution"]

Column: TypeAlias = "NDArray[Any] | Strings"

# The fields that every release has, and what stands for null in those that some have.
EVERYWHERE = ("width", "height", "license_id")
NULLS: dict[str, Any] = {
    "latitude": np.float64("nan"),
    "longitude": np.float64("nan"),
    "location_uncertainty": np.float64("nan"),
    "date": np.datetime64("NaT", "s"),
    "user_id": np.int64(-1),
}
# The keys of a locations file, beside `id`, and the attributes of `Locations`.
KEYS = {
    "lat": "latitudes",
    "lon": "longitudes",
    "loc_uncert": "uncertainties",
    "date": "dates",
    "date_c": "date_numbers",
    "user_id": "user_ids",
    "valid": "valid",
}
SHORT = {"latitude": "lat", "longitude": "lon", "location_uncertainty": "loc_uncert"}


class Extras:
    """Boxes, locations and further columns of a split, read when they are first asked for.

    Args:
        root: The folder with the files.
        split: The split.
        release: The release.
        table: The annotations; its rows are those of the columns.
    """

    def __init__(self, root: str, split: str, release: Release, table: Table) -> None:
        self._root = Path(root)
        self._split = split
        self._release = release
        self._table = table
        self._boxes: list[Boxes] | None = None
        self._columns: dict[str, Column] | None = None

    def boxes(self, image_id: int) -> NDArray[np.float64] | None:
        """(B, 4) float64, or None where no box is known."""
        if self._boxes is None:
            files = find_extra(self._root, self._split, "boxes", self._release)
            self._boxes = [read_boxes(*file) for file in files]
        for boxes in self._boxes:
            first, end = np.searchsorted(boxes.image_ids, [image_id, image_id + 1])
            if first < end:
                return boxes.boxes[first:end].copy()
        return None

    def columns(self) -> dict[str, Column]:
        """What else the files say of the images, locations files included, N rows each."""
        if self._columns is None:
            files = find_extra(self._root, self._split, "locations", self._release)
            parts = [read_locations(*file) for file in files]
            asked = set(self._release.fields.values())
            located = _joined(parts, self._table.image_ids, asked)
            self._columns = {**self.own(), **located}
        return self._columns

    def own(self) -> dict[str, Column]:
        """What else the records of the images and of their annotations say, N rows each."""
        return {**self._table.annotation_meta, **self._table.meta}

    def _sources(self, name: str) -> str:
        """The files that a field comes from."""
        own = self._release.fields[name] in self._table.meta
        files = (
            self._table.files
            if own
            else find_extra(self._root, self._split, "locations", self._release)
        )
        return ", ".join(f"`{file.path}`" for file in files)

    def location(self, row: int) -> dict[str, Any] | None:
        """Place and date under the names of the locations file, None where nothing is known."""
        columns = self.columns()
        keys = {key: key for key in KEYS}
        keys.update({SHORT.get(name, name): key for name, key in self._release.fields.items()})
        known = {
            short: _value(columns[key], row) if key in columns else None
            for short, key in keys.items()
        }
        if all(value is None for value in known.values()):
            return None
        if known["valid"] is not None:
            known["valid"] = bool(known["valid"])
        return {"id": int(self._table.image_ids[row]), **known}

    def field(self, name: str) -> NDArray[Any]:
        """A column as an array, under the same name for every release."""
        table = self._table
        own: dict[str, NDArray[Any]] = {
            "width": table.widths,
            "height": table.heights,
            "license_id": table.license_ids,
        }
        if name in own:
            return own[name]
        columns, placed = self.columns(), self._release.fields
        if name not in NULLS:
            column = columns.get(name)
            if column is None or isinstance(column, Strings):
                raise self._unknown(name)
            return column.astype(np.int8) if column.dtype.kind == "b" else column
        if name in placed and placed[name] in columns:
            try:
                return _typed(name, columns[placed[name]], table.image_ids)
            except AnnotationError as error:
                raise AnnotationError(f"{self._sources(name)}: {error}") from error
        labelled = any(part.labelled for part in self._release.parts(self._split))
        if name not in placed or labelled:
            raise self._unknown(name)
        # No places of test images are published for 2017 and 2018.
        return np.full(len(table), NULLS[name])

    def _unknown(self, name: str) -> ValueError:
        columns, placed = self.columns(), self._release.fields
        numbers = [key for key, column in columns.items() if not isinstance(column, Strings)]
        further = [key for key in numbers if key not in placed.values()]
        expected = ", ".join(map(repr, (*EVERYWHERE, *placed, *further)))
        return ValueError(
            f"the field {name!r} is not known in {self._release.version}; there are {expected}"
        )

    def forget(self) -> None:
        """Has the columns read again: the table has other rows now."""
        self._columns = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_boxes": None, "_columns": None}


def _joined(
    parts: list[Locations], image_ids: NDArray[np.int64], asked: set[str]
) -> dict[str, Column]:
    """The columns of locations files, one row for every image; null where they have none.

    A key of `KEYS` that no record has is a column only if it is ``asked`` for.
    """
    ids = np.concatenate([part.image_ids for part in parts] or [np.empty(0, np.int64)])
    order = np.argsort(ids, kind="stable")
    places = np.searchsorted(ids[order], image_ids)
    # One more, for images behind all others.
    rows = np.append(order, -1)[places]
    found = (rows >= 0) & (np.append(ids, -1)[rows] == image_ids)
    lengths = [len(part.image_ids) for part in parts]
    of_parts = [
        {**{key: getattr(part, name) for key, name in KEYS.items()}, **part.meta} for part in parts
    ]
    columns: dict[str, Column] = {}
    for key in dict.fromkeys(key for part in of_parts for key in part):
        column = _concatenated(key, [part.get(key) for part in of_parts], lengths)
        if isinstance(column, Strings):
            columns[key] = _selected(column, rows, found)
            continue
        if key in KEYS and key not in asked and _is_null(column).all():
            continue
        if key not in KEYS and column.dtype.kind in "ib" and not found.all():
            # -1 stands for null only where the files cannot have it.
            column = column.astype(np.float64)
        joined = np.full(len(image_ids), null_of(column), column.dtype)
        joined[found] = column[rows[found]]
        columns[key] = joined
    return columns


def _concatenated(key: str, parts: list[Column | None], lengths: list[int]) -> Column:
    """One column of those of several files; null for a file that does not have it."""
    if any(isinstance(part, Strings) for part in parts):
        texts = []
        for part, length in zip(parts, lengths, strict=True):
            if isinstance(part, Strings):
                texts.append(part)
            elif part is None or _is_null(part).all():
                none = np.zeros(length, np.uint64)
                texts.append(Strings(np.empty(0, np.uint8), none, none))
            else:
                raise AnnotationError(
                    f"`{key}` is text in one locations file and {part.dtype} in another"
                )
        return _one_behind_the_other(texts)
    numbers: list[NDArray[Any]] = []
    for part, length in zip(parts, lengths, strict=True):
        numbers.append(np.asarray(np.full(length, np.nan) if part is None else part))
    return np.concatenate(numbers)


def _one_behind_the_other(parts: list[Strings]) -> Strings:
    pools = [part.pool() for part in parts]
    before = np.cumsum([0, *(len(data) for data, _, _ in pools[:-1])]).astype(np.uint64)
    shifted = list(zip(pools, before, strict=True))
    return Strings(
        np.concatenate([data for data, _, _ in pools]),
        np.concatenate([starts + shift for (_, starts, _), shift in shifted]),
        np.concatenate([ends + shift for (_, _, ends), shift in shifted]),
    )


def _selected(column: Strings, rows: NDArray[np.int64], found: NDArray[np.bool_]) -> Strings:
    """The strings of these rows, "" where not found."""
    data, starts, ends = column.pool()
    kept = np.zeros((2, len(rows)), np.uint64)
    kept[:, found] = starts[rows[found]], ends[rows[found]]
    return Strings(data, *kept)


def _is_null(column: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(column) if column.dtype.kind == "f" else np.asarray(column == -1)


def _typed(name: str, column: Column, image_ids: NDArray[np.int64]) -> NDArray[Any]:
    """A column of `NULLS` in the type that it has in every release."""
    if isinstance(column, Strings):
        if name == "date":
            return read_dates(column, image_ids)
        raise AnnotationError(f"expected numbers as {name}, found texts, the first {column[0]!r}")
    if name == "date":
        raise AnnotationError(f"expected texts as date, found {column.dtype}")
    if name == "user_id":
        known = column if column.dtype.kind != "f" else np.where(np.isnan(column), -1, column)
        return known.astype(np.int64)
    return column.astype(np.float64)


def _value(column: Column, row: int) -> Any:
    """A value of a column, None for null."""
    if isinstance(column, Strings):
        return column[row] or None
    value = column[row].item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if column.dtype.kind == "i" and value == -1 else value


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
