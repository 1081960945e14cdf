"""Turns the credits of photos into ``CREDITS.csv`` beside them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ..attribution import COLUMNS, credits_of, write_credits
from ..errors import AnnotationError
from .places import CREDITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..annotations import Table
    from .destination import Destination

__all__ = ["add_credits", "check_credits"]

_HEAD = ",".join(COLUMNS)


def check_credits(folder: Path) -> None:
    """Sees before anything is written that a ``CREDITS.csv`` in the folder can be added to.

    Raises:
        AnnotationError: If it is a file of another kind.
    """
    try:
        with (folder / CREDITS).open(encoding="utf-8", errors="replace") as file:
            head = file.readline().rstrip("\r\n")
    except FileNotFoundError:
        return
    if head != _HEAD:
        raise AnnotationError(
            f"`{folder / CREDITS}`: line 1: expected `{_HEAD}`, found `{head[:200]}`; "
            "move it away or choose another folder"
        )


def add_credits(destination: Destination, table: Table) -> str:
    """Writes the credits of all rows of a table, sorted by image id.

    A ``CREDITS.csv`` that is there keeps its rows of other images, so that several exports into
    one folder have one file for all of it.

    Returns:
        The file's path.

    Raises:
        AnnotationError: If there is a ``CREDITS.csv`` of another kind.
        OSError: If it cannot be written.
    """
    path = destination.folder / CREDITS
    with destination.locked():
        check_credits(destination.folder)
        # An image is known by both: the test split counts anew.
        rows: dict[tuple[int, str], Iterable[object]] = {}
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.reader(file)
                next(reader)
                for row in reader:
                    if len(row) != len(COLUMNS) or not row[0].isdecimal():
                        raise AnnotationError(
                            f"`{path}`: line {reader.line_num}: expected the {len(COLUMNS)} "
                            f"fields {_HEAD}, found {','.join(row)[:200]!r}; move it away"
                        )
                    rows[int(row[0]), row[1]] = row
        for credit in credits_of(table):
            rows[credit.image_id, credit.file_name] = credit
        with destination.file(CREDITS) as raw:
            stream = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            write_credits(stream, (rows[key] for key in sorted(rows)))
            stream.detach()
    return str(path)
