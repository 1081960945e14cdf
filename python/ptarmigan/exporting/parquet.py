"""Turns the annotations of a split into a Parquet file, a row an image; photos are not needed."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..attribution import annotations_of, licenses_of
from ..metadata import Extras
from ..progress import progress_reporter
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination
from .extraction import Written
from .places import CREDITS
from .selection import category_names, part_of, rows_selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ..annotations import Table
    from ..progress import OnProgress

__all__ = ["write_parquet"]

# Rows of a row group, which is what is in memory at once.
_GROUP_ROWS: Final = 32_768


def write_parquet(
    path: str | os.PathLike[str],
    root: str | os.PathLike[str],
    *,
    split: str = "train",
    where: Mapping[str, Iterable[str]] | None = None,
    licenses: Iterable[str | int] | None = None,
    limit: int | None = None,
    overwrite: bool = False,
    progress: bool | OnProgress | None = None,
) -> Written:
    """Writes all that the annotations say of the images of a split, and ``CREDITS.csv`` beside it.

    Rows are sorted by the bytes of ``file_name``. Columns: ``image_id``, ``file_name``, ``split``,
    ``category_id`` (as in the annotations), ``category``, ``supercategory`` and what else the
    categories have, ``width`` and ``height`` in pixels, ``license_id``, ``license_name``,
    ``license_url``, ``rights_holder``; ``latitude`` and ``longitude`` in degrees,
    ``location_uncertainty`` in metres, ``date`` (text, as stored) and ``user_id``; ``boxes``, a
    list of (x, y, width, height) in pixels from the upper left. Null is what is not known; a null
    list of boxes is an image that was not annotated with boxes. Columns whose file is not in
    ``root`` are left out. Text that repeats is stored once (a dictionary).

    Args:
        path: The file to write, usually ``.parquet``.
        root: The folder with the annotation files; the photos need not be there.
        split: ``"train"``, ``"val"``, ``"test"`` or ``"train+val"``.
        where: As for `ptarmigan.exporting.rows_selected`.
        licenses: As for `ptarmigan.attribution.rows_licensed`.
        limit: How many rows at most, from the first.
        overwrite: Whether a file that is there is replaced.
        progress: As for `ptarmigan.Archive`; called with rows instead of bytes.

    Raises:
        AnnotationError: If an annotation file is damaged.
        FileExistsError: If the file is there already.
        FileNotFoundError: If the annotations are missing.
        ImportError: If pyarrow is missing.
        OSError: If the file cannot be written.
        ValueError: If an argument can never work.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("pyarrow writes the file: pip install 'ptarmigan[parquet]'") from error
    start = time.perf_counter()
    target = Path(path)
    if target.name in ("", CREDITS):
        raise ValueError(f"expected the name of a file to write, found `{os.fspath(path)}`")
    if os.path.lexists(target) and not overwrite:
        text = "this file is there already; overwriting replaces it"
        raise FileExistsError(errno.EEXIST, text, str(target))
    table = annotations_of(root, split)
    chosen = np.flatnonzero(rows_selected(table, where=where, licenses=licenses))[:limit]
    table = part_of(table, chosen)
    columns = _Columns(pa, table, os.fspath(root), split)
    check_credits(target.parent)
    show_once()
    with Destination(target.parent) as destination:
        credits_ = add_credits(destination, table)
        with (
            progress_reporter(progress, f"writing {target.name}", unit="members") as report,
            destination.file(target.name) as file,
            pq.ParquetWriter(file, columns.schema, compression="zstd") as writer,
        ):
            for first in range(0, len(table), _GROUP_ROWS):
                end = min(first + _GROUP_ROWS, len(table))
                writer.write_batch(columns.batch(first, end))
                if report is not None:
                    report(end, len(table), end)
    seconds = time.perf_counter() - start
    size = target.stat().st_size
    return Written(str(target), len(table), size, 0, [], credits_, seconds, (target.name,))


class _Columns:
    """The columns of a table of annotations, a batch of rows at a time."""

    def __init__(self, pa: Any, table: Table, root: str, split: str) -> None:
        self._pa = pa
        self._table = table
        self._extras = Extras(root, split)
        self._places = {id_: place for place, id_ in enumerate(table.categories[0])}
        self._names = category_names(table)
        self._holders = list(table.holder_names)
        self._licenses = {row.id: row for row in licenses_of(table)}
        self._parts = split.split("+")
        self._part = _part_of_split(table, root, self._parts)
        self._boxed = _is_there(self._extras.boxes)
        self._located = _is_there(self._extras.location)
        self.schema = pa.schema(self._fields())

    def _fields(self) -> list[tuple[str, Any]]:
        pa = self._pa
        word = pa.dictionary(pa.int32(), pa.string())
        box = pa.struct([(name, pa.float64()) for name in ("x", "y", "width", "height")])
        fields = [
            ("image_id", pa.int64()),
            ("file_name", pa.string()),
            ("split", word),
            ("category_id", pa.int64()),
            *((name, word) for name in self._names),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("license_id", pa.int64()),
            ("license_name", word),
            ("license_url", word),
            ("rights_holder", word),
        ]
        if self._located:
            numbers = ("latitude", "longitude", "location_uncertainty")
            fields += [(name, pa.float64()) for name in numbers]
            fields += [("date", pa.string()), ("user_id", pa.int64())]
        if self._boxed:
            fields.append(("boxes", pa.list_(box)))
        return fields

    def batch(self, first: int, end: int) -> Any:
        """Rows from ``first`` up to ``end``."""
        table, pa = self._table, self._pa
        rows = slice(first, end)
        ids = table.image_ids[rows].tolist()
        categories = [self._places.get(id_) for id_ in table.category_ids[rows].tolist()]
        licenses = [self._licenses.get(id_) for id_ in table.license_ids[rows].tolist()]
        holders = table.holders[rows].tolist()
        columns: dict[str, Any] = {
            "image_id": ids,
            "file_name": list(table.file_names[rows]),
            "split": [self._parts[part] for part in self._part[rows].tolist()],
            "category_id": _known(table.category_ids[rows]),
        }
        for name, values in self._names.items():
            columns[name] = [None if place is None else values[place] for place in categories]
        columns |= {
            "width": _known(table.widths[rows]),
            "height": _known(table.heights[rows]),
            "license_id": _known(table.license_ids[rows]),
            "license_name": [None if row is None else row.name for row in licenses],
            "license_url": [None if row is None else row.url for row in licenses],
            "rights_holder": [None if row < 0 else self._holders[row] for row in holders],
        }
        if self._located:
            columns |= self._locations(ids)
        if self._boxed:
            columns["boxes"] = [self._boxes(id_) for id_ in ids]
        arrays = [
            pa.array(columns[field.name], pa.string()).dictionary_encode()
            if pa.types.is_dictionary(field.type)
            else pa.array(columns[field.name], field.type)
            for field in self.schema
        ]
        return pa.record_batch(arrays, schema=self.schema)

    def _locations(self, ids: list[int]) -> dict[str, list[Any]]:
        found = [self._extras.location(id_) or {} for id_ in ids]
        names = {
            "latitude": "lat",
            "longitude": "lon",
            "location_uncertainty": "loc_uncert",
            "date": "date",
            "user_id": "user_id",
        }
        return {name: [row.get(key) for row in found] for name, key in names.items()}

    def _boxes(self, image_id: int) -> list[tuple[float, ...]] | None:
        boxes = self._extras.boxes(image_id)
        return None if boxes is None else [tuple(box) for box in boxes.tolist()]


def _known(column: NDArray[Any]) -> list[int | None]:
    return [None if value < 0 else value for value in column.tolist()]


def _is_there(look_up: Any) -> bool:
    try:
        look_up(0)
    except FileNotFoundError:
        return False
    return True


def _part_of_split(table: Table, root: str, parts: list[str]) -> NDArray[np.int64]:
    """For each row the place in ``parts`` of the split that it is from."""
    part = np.zeros(len(table), np.int64)
    for number, name in enumerate(parts[1:], 1):
        part[np.isin(table.image_ids, annotations_of(root, name).image_ids)] = number
    return part
