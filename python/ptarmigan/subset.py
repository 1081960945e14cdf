"""Turns image ids or names into rows of an annotation table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from .errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table

__all__ = ["rows_of_subset"]


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
