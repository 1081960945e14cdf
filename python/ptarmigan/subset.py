"""Turns image ids, names or conditions into rows of an annotation table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .annotations import Strings
from .errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table
    from .metadata import Extras
    from .taxonomy import Taxonomy

__all__ = ["rows_of_subset", "rows_where"]


def rows_of_subset(table: Table, subset: Iterable[int] | Iterable[str]) -> NDArray[np.bool_]:
    """Which rows of ``table`` are in ``subset``.

    Args:
        table: The annotations.
        subset: Image ids, or ``file_name`` strings, base names or stems; each may come twice.

    Returns:
        (N,) bool.

    Raises:
        AnnotationError: If an element is not in the table.
        TypeError: If ``subset`` is one string, or mixes numbers and strings.
    """
    if isinstance(subset, str | bytes):
        msg = f"`subset` must be a list of image ids or file names, not {subset!r}"
        raise TypeError(msg)
    wanted = list(subset)
    if all(isinstance(element, str) for element in wanted):
        return _by_name(table, {str(element) for element in wanted})
    ids = np.asarray(wanted)
    if ids.dtype.kind not in "iu" or ids.ndim != 1:
        msg = "`subset` must be all image ids (integers) or all file names (strings)"
        raise TypeError(msg)
    unknown = ids[~np.isin(ids, table.image_ids)]
    if len(unknown):
        _refuse(len(unknown), str(unknown[0]))
    return np.isin(table.image_ids, ids)


def _by_name(table: Table, wanted: set[str]) -> NDArray[np.bool_]:
    keep = np.zeros(len(table), np.bool_)
    found: set[str] = set()
    for row, name in enumerate(table.file_names):
        base = name.rpartition("/")[2]
        names = {name, base, base.rpartition(".")[0]} & wanted
        keep[row] = bool(names)
        found |= names
    if found != wanted:
        unknown = sorted(wanted - found)
        _refuse(len(unknown), unknown[0])
    return keep


def _refuse(count: int, first: str) -> None:
    msg = f"{count} elements of `subset` are not images of this split, the first is `{first}`"
    raise AnnotationError(msg)


def rows_where(
    table: Table, taxonomy: Taxonomy, extras: Extras, where: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Which rows of ``table`` fulfil every condition of ``where``.

    Args:
        table: The annotations.
        taxonomy: Their categories.
        extras: Their further columns.
        where: Key -> the value, or the values one of which it must have. Keys are
            ``"category"`` (names or ids), ``"supercategory"``, further keys of the categories,
            ``"license"`` (names or ids), ``"rights_holder"`` and the columns of ``ds.meta``.

    Returns:
        (N,) bool.

    Raises:
        ValueError: If there is no such key, or no category or licence of that value.
        TypeError: If ``where`` is no mapping.
    """
    if not isinstance(where, Mapping):
        raise TypeError(f"`where` must be a dict of conditions, not {where!r}")
    keep = np.ones(len(table), np.bool_)
    for key, given in where.items():
        single = isinstance(given, str | int | float) or not isinstance(given, Iterable)
        keep &= _holds(table, taxonomy, extras, key, {given} if single else set(given))
    return keep


def _holds(
    table: Table, taxonomy: Taxonomy, extras: Extras, key: str, values: set[Any]
) -> NDArray[np.bool_]:
    of_categories: dict[str, list[Any]] = {
        "supercategory": taxonomy.above,
        **table.category_columns,
    }
    if key == "category" or key in of_categories:
        if len(table) and not (table.category_ids >= 0).any():
            raise ValueError(f"`where` has the key {key!r}, but this split has no categories")
        ids: list[Any] = list(range(len(taxonomy.names)))
        columns = [ids, taxonomy.names] if key == "category" else [of_categories[key]]
        return _among(key, values, ids, columns)[table.category_ids]
    if key == "license":
        ids, names, _ = table.licenses
        wanted = _among(key, values, ids, [ids, names])
        return np.isin(table.license_ids, np.array(ids, np.int64)[wanted[:-1]])
    if key == "rights_holder":
        holders = [row for row, name in enumerate(table.holder_names) if name in values]
        return np.isin(table.holders, holders)
    columns_of_images = extras.columns()
    if key not in columns_of_images:
        known = ("category", *of_categories, "license", "rights_holder", *columns_of_images)
        raise ValueError(f"`where` has the key {key!r}; there are {', '.join(map(repr, known))}")
    column = columns_of_images[key]
    if isinstance(column, Strings):
        return np.fromiter((text in values for text in column), np.bool_, len(column))
    return np.isin(column, list(values))


def _among(
    key: str, values: set[Any], ids: list[int], columns: list[list[Any]]
) -> NDArray[np.bool_]:
    """(C + 1,) whether each of some things has one of the values; the last one is no thing."""
    unknown = values.difference(*columns)
    if unknown:
        known = sorted({str(name) for name in columns[-1] if name})
        listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise ValueError(f"`where` has the {key} {min(unknown, key=str)!r}; there are {listed}")
    has = [any(column[row] in values for column in columns) for row in range(len(ids))]
    return np.array([*has, False])
