"""Turns the annotations of a split into an annotation file again, all of them or some."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..annotations import Strings
from ..json_records import write_lists
from ..whole_file import written_aside
from .extraction import Written
from .selection import part_of, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from ..annotations import Table
    from ..release import Release

__all__ = ["write_annotations"]

Columns = dict[str, "NDArray[Any] | Strings"]


def write_annotations(
    path: str | os.PathLike[str],
    root: str | os.PathLike[str],
    *,
    version: str | Release = "2017",
    split: str | None = None,
    where: Mapping[str, Any] | None = None,
    licenses: Iterable[str | int] | None = None,
    limit: int | None = None,
    overwrite: bool = False,
) -> Written:
    """Writes images of a split as an annotation file, in the format of ``train2017.json``.

    ``info``, ``images``, ``annotations``, ``categories`` and ``licenses`` have every key and value
    of the files, so what the whole split gives is equal to its file but for the order of records:
    they are sorted by the bytes of ``file_name``. A key that some records of a list have and others
    lack is null in these. Under further keys a string that is empty counts as null, and lists and
    objects come as their JSON text. All categories and licences are there, whichever images are.
    Another ``categories.json`` (2018) stands for the file's own list, as in `INaturalist`.

    Args:
        path: The file to write, usually ``.json``.
        root: The folder with the annotation files; the photos need not be there.
        version: As for `ptarmigan.INaturalist`.
        split: As for `ptarmigan.INaturalist`.
        where: As for `ptarmigan.INaturalist`.
        licenses: As for `ptarmigan.attribution.rows_licensed`.
        limit: How many images at most, from the first.
        overwrite: Whether a file that is there is replaced.

    Raises:
        AnnotationError: If an annotation file is damaged.
        FileExistsError: If the file is there already.
        FileNotFoundError: If the annotations are missing.
        OSError: If the file cannot be written.
        ValueError: If an argument can never work.

    Source: https://github.com/visipedia/inat_comp/tree/master/2017#annotation-format
    """
    start = time.perf_counter()
    target = Path(path)
    if os.path.lexists(target) and not overwrite:
        text = "this file is there already; overwriting replaces it"
        raise FileExistsError(errno.EEXIST, text, str(target))
    whole = select(root, version, split, where=where, licenses=licenses).table
    table = part_of(whole, np.arange(len(whole))[:limit])
    lists: dict[str, Iterator[dict[str, Any]]] = {"images": _images(table)}
    if (whole.category_ids >= 0).any():
        lists["annotations"] = _annotations(table)
    lists["categories"] = _records(
        *(("id", "name", "supercategory"), table.categories, table.category_columns)
    )
    lists["licenses"] = _records(("id", "name", "url"), table.licenses, table.license_columns)
    with written_aside(target) as file:
        written = write_lists(file, table.more, lists)
    seconds = time.perf_counter() - start
    size = target.stat().st_size
    return Written(str(target), written["images"], size, 0, [], None, seconds, (target.name,))


def _images(table: Table) -> Iterator[dict[str, Any]]:
    holders = list(table.holder_names)
    known: dict[str, list[Any]] = {
        "width": _known(table.widths),
        "height": _known(table.heights),
        "license": _known(table.license_ids),
        "rights_holder": [None if row < 0 else holders[row] for row in table.holders.tolist()],
    }
    columns = {name: values for name, values in known.items() if any(v is not None for v in values)}
    columns |= {name: _values(column) for name, column in table.meta.items()}
    rows = zip(table.image_ids.tolist(), table.file_names, *columns.values(), strict=True)
    for id_, name, *values in rows:
        yield {"id": id_, "file_name": name, **dict(zip(columns, values, strict=True))}


def _annotations(table: Table) -> Iterator[dict[str, Any]]:
    columns = {name: _values(column) for name, column in table.annotation_meta.items()}
    ids = (table.annotation_ids, table.image_ids, table.category_ids)
    for id_, image_id, category_id, *values in zip(
        *(column.tolist() for column in ids), *columns.values(), strict=True
    ):
        if category_id >= 0:
            own = {} if id_ < 0 else {"id": id_}
            own |= {"image_id": image_id, "category_id": category_id}
            yield own | dict(zip(columns, values, strict=True))


def _records(
    keys: tuple[str, str, str],
    columns: tuple[list[int], list[str], list[str]],
    more: Mapping[str, list[str | None]],
) -> Iterator[dict[str, Any]]:
    """The records of a short list; its third key is left out where it is empty."""
    for row, values in enumerate(zip(*columns, strict=True)):
        record: dict[str, Any] = dict(zip(keys, values, strict=True))
        if not record[keys[2]]:
            del record[keys[2]]
        yield record | {name: texts[row] for name, texts in more.items()}


def _known(column: NDArray[Any]) -> list[int | None]:
    return [None if value < 0 else value for value in column.tolist()]


def _values(column: NDArray[Any] | Strings) -> list[Any]:
    if isinstance(column, Strings):
        return [text or None for text in column]
    values: list[Any] = column.tolist()
    if column.dtype.kind != "f":
        return values
    return [None if value != value else value for value in values]
