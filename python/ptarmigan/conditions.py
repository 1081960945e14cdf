"""Turns conditions on what is known of images into rows of an annotation table."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .annotations import Strings
from .attribution import rows_licensed
from .metadata import EVERYWHERE, KEYS, NULLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table
    from .metadata import Extras
    from .taxonomy import Taxonomy

__all__ = ["rows_where"]

# So many values are listed in a message; of more, those that are close.
_LISTED = 20
_CLOSE = 3


class _Column(NamedTuple):
    """What a condition is about.

    Attributes:
        values: (N,) numbers, dates, or texts as objects.
        null: (N,) bool: which of them stand for a value that is not known.
        known: What may be asked for, whether an image has it or not; None for the values.
    """

    values: NDArray[Any]
    null: NDArray[np.bool_]
    known: Sequence[Any] | None = None


def rows_where(
    table: Table, taxonomy: Taxonomy, extras: Extras, where: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Which rows of ``table`` fulfil every condition of ``where``.

    Args:
        table: The annotations.
        taxonomy: Their categories.
        extras: Their further columns.
        where: Key -> the value that an image must have, or several of which it must have one, or a
            function of the column. Keys are ``"category"`` (names or ids), ``"supercategory"``,
            further keys of the categories, ``"license"`` (as for
            `ptarmigan.attribution.rows_licensed`), ``"rights_holder"``, the fields of
            ``ds.field`` and the columns of ``ds.meta``. None, NaN and ``""`` are null. A function
            gets (N,) numbers, ``datetime64[s]``, or texts as objects, with NaN, NaT, -1 or ``""``
            for null, and gives (N,) bool; of ``"category"`` and ``"license"`` it gets the ids.

    Returns:
        (N,) bool.

    Raises:
        ValueError: If there is no such key, a value is none that there is, or a function gives
            something else.
        TypeError: If ``where`` is no mapping.
    """
    if not isinstance(where, Mapping):
        raise TypeError(f"`where` must be a dict of conditions, not {where!r}")
    keep = np.ones(len(table), np.bool_)
    for key, given in where.items():
        if callable(given):
            column = _column(table, taxonomy, extras, key, called=True)
            keep &= _chosen(key, given, column.values)
            continue
        values = _several(given)
        if key == "license":
            keep &= rows_licensed(table, values)
            continue
        if key == "category":
            values = _category_ids(values, taxonomy.names)
        only_null = all(map(_is_null, values))
        column = _column(table, taxonomy, extras, key, called=False, only_null=only_null)
        keep &= _among(key, values, column)
    return keep


def _several(given: Any) -> list[Any]:
    if isinstance(given, np.ndarray):
        return np.ravel(given).tolist()
    single = isinstance(given, str | bytes) or not isinstance(given, Iterable)
    return [
        value.item() if isinstance(value, np.generic) else value
        for value in ([given] if single else given)
    ]


def _is_null(value: Any) -> bool:
    return value is None or value == "" or value != value


def _category_ids(values: list[Any], names: list[str]) -> list[Any]:
    """The values, with names replaced by the ids of all categories that have them."""
    ids: list[Any] = []
    for value in values:
        found = [id_ for id_, name in enumerate(names) if name == value]
        if isinstance(value, str) and value and not found:
            _refuse("category", value, names)
        ids += found or [value]
    return ids


def _column(
    table: Table,
    taxonomy: Taxonomy,
    extras: Extras,
    key: str,
    *,
    called: bool,
    only_null: bool = False,
) -> _Column:
    """The column of a key; that of dates holds texts, unless a function is called with it."""
    of_categories: dict[str, list[Any]] = {
        "supercategory": taxonomy.above,
        **table.category_columns,
    }
    if key == "category" or key in of_categories:
        known = (table.category_ids >= 0).any()
        if len(table) and not known and not only_null:
            raise ValueError(f"`where` has the key {key!r}, but this split has no categories")
        if key == "category":
            ids = table.category_ids
            return _Column(ids, ids < 0, range(len(taxonomy.names)))
        return _texts(of_categories[key], table.category_ids)
    if key == "rights_holder":
        return _texts(list(table.holder_names), table.holders)
    if key == "license":
        return _Column(table.license_ids, table.license_ids < 0)
    if key in EVERYWHERE:
        return _numbers(key, extras.field(key))
    columns = extras.columns()
    column = columns.get(key)
    if isinstance(column, Strings) and not (called and key in NULLS):
        return _texts(list(column), np.arange(len(column)))
    if key in NULLS:
        return _numbers(key, extras.field(key))
    if column is None or isinstance(column, Strings):
        known_keys = ("category", *of_categories, "license", "rights_holder", *EVERYWHERE)
        there = dict.fromkeys((*known_keys, *extras._release.fields, *columns))
        raise ValueError(f"`where` has the key {key!r}; there are {', '.join(map(repr, there))}")
    return _numbers(key, column)


def _texts(texts: list[str | None], rows: NDArray[Any]) -> _Column:
    """The texts of these rows; -1 is no row, and a text of white space alone is none."""
    values = np.array([*(text or "" for text in texts), ""], object)
    null = np.array([not text.strip() for text in values], np.bool_)
    return _Column(values[rows], null[rows], values[~null].tolist())


def _numbers(key: str, values: NDArray[Any]) -> _Column:
    if values.dtype.kind == "f":
        return _Column(values, np.isnan(values))
    if values.dtype.kind == "M":
        return _Column(values, np.isnat(values))
    # Other columns of integers are complete, and -1 is a value in them.
    nullable = values.dtype.kind == "i" and key in (*EVERYWHERE, *NULLS, *KEYS)
    return _Column(values, values == -1 if nullable else np.zeros(len(values), np.bool_))


def _chosen(
    key: str, function: Callable[[NDArray[Any]], Any], values: NDArray[Any]
) -> NDArray[np.bool_]:
    # The function must not change the annotations.
    shown = values.view()
    shown.flags.writeable = False
    mask = np.asarray(function(shown))
    if mask.dtype != np.bool_ or mask.shape != values.shape:
        raise ValueError(
            f"the function for {key!r} in `where` must give {values.shape} bool, one for each "
            f"image, not {mask.shape} of {mask.dtype}"
        )
    return mask


def _among(key: str, wanted: list[Any], column: _Column) -> NDArray[np.bool_]:
    """Which rows have one of the values, none of which may be unknown."""
    values = [value for value in wanted if not _is_null(value)]
    keep = column.null.copy() if len(values) < len(wanted) else np.zeros_like(column.null)
    if not values:
        return keep
    kind = column.values.dtype.kind
    if kind == "M":
        raise ValueError(
            f"`where` has the {key} {values[0]!r}; give a function instead, such as "
            "lambda dates: dates >= numpy.datetime64('2017-06-01')"
        )
    known = column.values[~column.null] if column.known is None else column.known
    if kind == "O":
        texts = {str(value) for value in values}
        unknown = texts.difference(known)
        keep |= np.fromiter((text in texts for text in column.values), np.bool_, len(keep))
    else:
        numbers = np.array([_number(key, value) for value in values])
        # A column that has -1 for null may be asked for it by this name, too.
        there = np.isin(numbers, known) | np.isin(numbers, column.values)
        unknown = set(numbers[~there].tolist())
        keep |= np.isin(column.values, numbers)
    if unknown:
        _refuse(key, min(unknown), known)
    return keep


def _number(key: str, value: Any) -> float:
    for read in (int, float) if isinstance(value, str) else ():
        try:
            return read(value)
        except ValueError:
            continue
    if isinstance(value, int | float):
        return value
    raise ValueError(f"`where` has the {key} {value!r}; the values of {key!r} are numbers")


def _refuse(key: str, value: Any, known: Iterable[Any]) -> None:
    there = sorted(set(known))
    if len(there) <= _LISTED:
        hint = f"there are {', '.join(map(str, there))}" if there else "there are none"
    else:
        if isinstance(value, str):
            close = difflib.get_close_matches(value, there, _CLOSE)
        else:
            close = sorted(there, key=lambda number: abs(number - value))[:_CLOSE]
        near = ", ".join(map(str, close)) if close else "none"
        hint = f"of the {len(there):,} that there are, close to it: {near}"
    raise ValueError(f"`where` has the {key} {value!r}; {hint}")
