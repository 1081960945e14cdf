"""Turns the licences and holders of an annotation table into credits, and into a choice of rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .annotations import Table

__all__ = [
    "COLUMNS",
    "Credit",
    "License",
    "credits_of",
    "gaps_of",
    "licenses_of",
    "rows_licensed",
    "write_credits",
]

# What Creative Commons calls the elements of its licences, in the order of their short names.
_ELEMENTS = (
    ("BY", "attribution"),
    ("NC", "noncommercial"),
    ("ND", "noderiv"),
    ("SA", "sharealike"),
)
_DEED = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)|publicdomain/(zero|mark))", re.I)
_CODE = re.compile(r"BY(-NC)?(-ND|-SA)?|PDM")
_NO_LICENSE = "NONE"


class License(NamedTuple):
    """A licence of the annotations' list.

    Attributes:
        id: Its number.
        name: Its name, or None.
        url: Its address, or None.
        code: Its short name: ``BY``, ``BY-NC-SA``, ``CC0``, ``PDM`` (the public domain mark); None
            for other licences.
    """

    id: int
    name: str | None
    url: str | None
    code: str | None


class Credit(NamedTuple):
    """Whose a photo is: a row of ``CREDITS.csv``, None where the annotations do not say.

    Attributes:
        image_id: The image.
        file_name: Its name in the annotations.
        rights_holder: Who holds the rights.
        license_id: The number of its licence, even of one that the list lacks.
        license_name: The licence's name.
        license_url: The licence's address.
    """

    image_id: int
    file_name: str
    rights_holder: str | None
    license_id: int | None
    license_name: str | None
    license_url: str | None


COLUMNS = Credit._fields
"""The head of ``CREDITS.csv``."""


def licenses_of(table: Table) -> list[License]:
    """The licences that the annotations list."""
    return [
        License(id_, name, url, _short_code(name, url))
        for id_, name, url in zip(*table.licenses, strict=True)
    ]


def _short_code(name: str | None, url: str | None) -> str | None:
    deed = _DEED.search(url or "")
    if deed is not None:
        return deed[1].upper() if deed[1] else {"zero": "CC0", "mark": "PDM"}[deed[2].lower()]
    letters = re.sub(r"[^a-z0-9]", "", (name or "").casefold())
    if "publicdomaindedication" in letters or "cc0" in letters:
        return "CC0"
    found = [code for code, word in _ELEMENTS if word in letters]
    if found[:1] == ["BY"]:
        return "-".join(found)
    code = _code_written(name or "")
    return code if _CODE.fullmatch(code) else None


def _code_written(text: str) -> str:
    """``CC BY-NC 4.0`` as ``BY-NC``: capitals and hyphens, without CC and version."""
    code = "-".join(text.upper().replace("-", " ").split())
    return re.sub(r"^CC-(?=BY|PDM)|-\d+(\.\d+)*$", "", code)


def rows_licensed(table: Table, wanted: Iterable[str | int | None]) -> NDArray[np.bool_]:
    """Which rows of a table are under one of these licences.

    Args:
        table: The annotations.
        wanted: Numbers, short names (``BY-NC``, also ``CC BY-NC 4.0``; ``BY`` is not ``BY-NC``),
            or names as the annotations have them, in any case; ``none`` is an image that has no
            licence, as are None and NaN.

    Returns:
        (N,) bool.

    Raises:
        ValueError: If an element is no licence of these annotations.
    """
    licenses = licenses_of(table)
    used = set(np.unique(table.license_ids).tolist())
    ids: set[int] = set()
    for word in wanted:
        unknown = word is None or word != word
        found = {-1} if unknown else _ids_of(str(word), licenses, used)
        if not found:
            known = ", ".join(f"{row.id} {row.code or row.name}" for row in licenses) or "nothing"
            raise ValueError(f"expected a licence of the annotations ({known}), found `{word}`")
        ids |= found
    return np.isin(table.license_ids, sorted(ids))


def _ids_of(word: str, licenses: list[License], used: set[int]) -> set[int]:
    text = word.strip().casefold()
    if text.isdecimal():
        # A number that images have counts even if the list lacks it.
        return {int(text)} & (used | {row.id for row in licenses})
    code = _code_written(text)
    if code == _NO_LICENSE:
        return {-1}
    return {row.id for row in licenses if code == row.code or text == (row.name or "").casefold()}


def credits_of(table: Table) -> Iterator[Credit]:
    """The credit of every row of a table, in its order."""
    named = {row.id: (row.name, row.url) for row in licenses_of(table)}
    holders = list(table.holder_names)
    columns = (table.image_ids, table.license_ids, table.holders)
    rows = zip(*(column.tolist() for column in columns), table.file_names, strict=True)
    for image_id, license_id, holder, file_name in rows:
        yield Credit(
            image_id,
            file_name,
            None if holder < 0 else holders[holder],
            None if license_id < 0 else license_id,
            *named.get(license_id, (None, None)),
        )


def write_credits(stream: TextIO, credits_: Iterable[Iterable[object]]) -> None:
    """Writes credits, or rows of such a file, as CSV with a head; an unknown field is empty."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(credits_)


def gaps_of(table: Table) -> list[str]:
    """What the annotations do not say about the rights, one sentence each."""
    listed = {row.id for row in licenses_of(table)}
    counts = Counter(table.license_ids.tolist())
    gaps = [
        f"images under licence {id_}, which the list of licences lacks: {count:,}"
        for id_, count in sorted(counts.items())
        if id_ >= 0 and id_ not in listed
    ]
    if counts[-1]:
        gaps.append(f"images without a licence: {counts[-1]:,}")
    nameless = [-1, *(row for row, name in enumerate(table.holder_names) if not name.strip())]
    nobody = int(np.isin(table.holders, nameless).sum())
    if nobody:
        gaps.append(f"images without a rights holder: {nobody:,}")
    return gaps
