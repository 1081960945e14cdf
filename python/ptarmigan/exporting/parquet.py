"""Turns the annotations of a split into a Parquet file, a row an image; photos are not needed."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..annotations import Strings
from ..attribution import licenses_of
from ..progress import progress_reporter
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination
from .extraction import Written
from .places import CREDITS
from .selection import Selection, part_of, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ..metadata import Extras
    from ..progress import OnProgress
    from ..release import Release

__all__ = ["write_parquet"]

# Rows of a row group, which is what is in memory at once.
_GROUP_ROWS: Final = 32_768


def write_parquet(
    path: str | os.PathLike[str],
    root: str | os.PathLike[str],
    *,
    version: str | Release = "2017",
    split: str | None = None,
    where: Mapping[str, Any] | None = None,
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
    list of boxes is an image that was not annotated with boxes. Columns that the release does not
    have, or whose file is not in ``root``, are left out. Text that repeats is stored once (a
    dictionary).

    Args:
        path: The file to write, usually ``.parquet``.
        root: The folder with the annotation files; the photos need not be there.
        version: As for `ptarmigan.INaturalist`.
        split: As for `ptarmigan.INaturalist`.
        where: As for `ptarmigan.INaturalist`.
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
    selection = select(root, version, split, where=where, licenses=licenses)
    table = part_of(selection.table, np.arange(len(selection.table))[:limit])
    columns = _Columns(pa, selection, os.fspath(root))
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

    def __init__(self, pa: Any, selection: Selection, root: str) -> None:
        self._pa = pa
        self._table = table = selection.table
        self._extras = selection.extras
        self._release = selection.release
        self._names: dict[str, list[str | None]] = {
            "category": list(selection.taxonomy.names),
            "supercategory": [above or None for above in selection.taxonomy.above],
            **table.category_columns,
        }
        self._holders = list(table.holder_names)
        self._licenses = {row.id: row for row in licenses_of(table)}
        self._parts = selection.split.split("+")
        self._part = _parts_of_rows(selection, root)
        self._fields = _fields_there(selection)
        boxed = any(split.boxes is not None for split in self._release.splits.values())
        self._boxed = boxed and _has_boxes(self._extras)
        self.schema = pa.schema(self._columns())

    def _columns(self) -> list[tuple[str, Any]]:
        pa = self._pa
        word = pa.dictionary(pa.int32(), pa.string())
        box = pa.struct([(name, pa.float64()) for name in ("x", "y", "width", "height")])
        types = {"date": pa.string(), "user_id": pa.int64()}
        columns = [
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
            *((name, types.get(name, pa.float64())) for name in self._fields),
        ]
        return [*columns, ("boxes", pa.list_(box))] if self._boxed else columns

    def batch(self, first: int, end: int) -> Any:
        """Rows from ``first`` up to ``end``."""
        table, pa = self._table, self._pa
        rows = slice(first, end)
        categories = table.category_ids[rows].tolist()
        licenses = [self._licenses.get(id_) for id_ in table.license_ids[rows].tolist()]
        holders = table.holders[rows].tolist()
        columns: dict[str, Any] = {
            "image_id": table.image_ids[rows].tolist(),
            "file_name": list(table.file_names[rows]),
            "split": [self._parts[part] for part in self._part[rows].tolist()],
            "category_id": _known(table.category_ids[rows]),
            "width": _known(table.widths[rows]),
            "height": _known(table.heights[rows]),
            "license_id": _known(table.license_ids[rows]),
            "license_name": [None if row is None else row.name for row in licenses],
            "license_url": [None if row is None else row.url for row in licenses],
            "rights_holder": [None if row < 0 else self._holders[row] for row in holders],
        }
        for name, values in self._names.items():
            columns[name] = [None if id_ < 0 else values[id_] for id_ in categories]
        for name in self._fields:
            columns[name] = self._field(name, rows)
        if self._boxed:
            columns["boxes"] = [self._boxes(id_) for id_ in columns["image_id"]]
        arrays = [
            pa.array(columns[field.name], pa.string()).dictionary_encode()
            if pa.types.is_dictionary(field.type)
            else pa.array(columns[field.name], field.type)
            for field in self.schema
        ]
        return pa.record_batch(arrays, schema=self.schema)

    def _field(self, name: str, rows: slice) -> list[Any]:
        if name == "date":
            column = self._extras.columns().get(self._release.fields[name])
            if isinstance(column, Strings):
                return [text or None for text in column[rows]]
            return [None] * len(self._table.image_ids[rows])
        values = self._extras.field(name)[rows]
        null = values == -1 if name == "user_id" else np.isnan(values)
        pairs = zip(values.tolist(), null.tolist(), strict=True)
        return [None if is_null else value for value, is_null in pairs]

    def _boxes(self, image_id: int) -> list[tuple[float, ...]] | None:
        boxes = self._extras.boxes(image_id)
        return None if boxes is None else [tuple(box) for box in boxes.tolist()]


def _known(column: NDArray[Any]) -> list[int | None]:
    return [None if value < 0 else value for value in column.tolist()]


def _fields_there(selection: Selection) -> list[str]:
    """The release's fields, unless the file that has them is not there."""
    try:
        selection.extras.columns()
    except FileNotFoundError:
        return []
    return list(selection.release.fields)


def _has_boxes(extras: Extras) -> bool:
    try:
        extras.boxes(0)
    except FileNotFoundError:
        return False
    return True


def _parts_of_rows(selection: Selection, root: str) -> NDArray[np.int64]:
    """For each row the place of its split among those that the selection joins."""
    part = np.zeros(len(selection.table), np.int64)
    for number, name in enumerate(selection.split.split("+")[1:], 1):
        other = select(root, selection.release, name).table
        part[np.isin(selection.table.image_ids, other.image_ids)] = number
    return part
