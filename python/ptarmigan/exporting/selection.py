"""Turns conditions on category and licence into rows of an annotation table."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..attribution import rows_licensed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..annotations import Table

__all__ = ["category_names", "part_of", "rows_selected"]


def rows_selected(
    table: Table,
    *,
    where: Mapping[str, Iterable[str]] | None = None,
    licenses: Iterable[str | int] | None = None,
) -> NDArray[np.bool_]:
    """Which rows of a table meet all conditions.

    Args:
        table: The annotations.
        where: For some columns of the categories (``supercategory``, ``category``, and what else
            the release's categories have, such as ``family``) the values that are wanted, each a
            shell pattern.
        licenses: The licences that are wanted, as for `ptarmigan.attribution.rows_licensed`.

    Returns:
        (N,) bool.

    Raises:
        ValueError: If there is no such column, or no category or licence has a value.
    """
    rows = np.ones(len(table), np.bool_)
    columns = category_names(table)
    for column, patterns in (where or {}).items():
        if column not in columns:
            known = ", ".join(columns)
            raise ValueError(f"expected one of the columns {known}, found `{column}`")
        rows &= np.isin(table.category_ids, _categories(table, column, columns[column], patterns))
    return rows if licenses is None else rows & rows_licensed(table, licenses)


def _categories(
    table: Table, column: str, values: list[str | None], patterns: Iterable[str]
) -> list[int]:
    if len(table) and not (table.category_ids >= 0).any():
        raise ValueError(f"images of this split have no category, so none has a `{column}`")
    chosen: set[int] = set()
    for pattern in patterns:
        found = {
            id_
            for id_, value in zip(table.categories[0], values, strict=True)
            if value is not None and fnmatch.fnmatchcase(value, pattern)
        }
        if not found:
            import difflib

            close = difflib.get_close_matches(pattern, {value or "" for value in values}, 3)
            advice = f"; close to it are {', '.join(close)}" if close else ""
            raise ValueError(f"no category has the `{column}` `{pattern}`{advice}")
        chosen |= found
    return sorted(chosen)


def category_names(table: Table) -> dict[str, list[str | None]]:
    """What the annotations say of every category, a list a column, in the categories' order."""
    _, names, supercategories = table.categories
    above = [
        # In 2019 only the folders say it.
        supercategory or folder.partition("/")[0] or None
        for supercategory, folder in zip(supercategories, table.folders, strict=True)
    ]
    more: dict[str, list[str | None]] = getattr(table, "category_columns", {})
    return {"category": list(names), "supercategory": above, **more}


def part_of(table: Table, rows: NDArray[Any]) -> Table:
    """Another table that has these rows only (indices or a mask)."""
    part = copy.copy(table)
    part.keep(rows)
    return part
