"""Turns tables, records and progress into text: decorated on a terminal, plain elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = [
    "add_command",
    "archive_progress",
    "print_json",
    "print_json_list",
    "print_table",
    "progress_bar",
    "put",
    "say",
    "shown",
]

Cell = str | int | float
OnProgress = Callable[..., None]

# Seconds between two lines of progress where there is no terminal.
_LINE_EVERY: Final = 10.0


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    help_text: str,
    late: str | None = None,
) -> argparse.ArgumentParser:
    """Adds a subcommand that has ``--json`` and calls ``run`` with its arguments.

    ``late`` is its positional argument that may be left out.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".",
        allow_abbrev=False,
    )  # fmt: skip
    parser.set_defaults(run=run, late=late)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def say(text: str) -> None:
    """Prints prose to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def put(text: str = "") -> None:
    """Prints a line of data to standard output."""
    sys.stdout.write(text + "\n")


def _plain(value: object) -> object:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"`{type(value).__name__}` has no JSON form")


def print_json(value: object) -> None:
    """Prints a value as JSON; NumPy numbers and arrays and paths are allowed."""
    put(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_json_list(records: Iterable[object]) -> None:
    """Prints records as one JSON array, a record a line, without holding them all."""
    before = "["
    for record in records:
        sys.stdout.write(before + json.dumps(record, ensure_ascii=False, default=_plain))
        before = ",\n "
    put("[]" if before == "[" else "]")


def shown(cell: Cell) -> str:
    """A cell as tables have it: numbers with commas, long ones in four digits."""
    if isinstance(cell, float):
        return f"{cell:,.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, total: bool = False
) -> None:
    """Prints a table to standard output.

    Args:
        title: A line above it.
        columns: The heads.
        rows: The cells; numbers are aligned to the right.
        total: Whether the last row is a sum, to be set apart.
    """
    numeric = [
        all(not isinstance(row[place], str) for row in rows) for place in range(len(columns))
    ]
    text = [[shown(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_rich(title, columns, text, numeric, total=total)
        return
    lines = [list(columns), *text]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    put(title)
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        aligned = [
            cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells
        ]
        put("  ".join(aligned).rstrip())
    put()


def _print_rich(
    title: str,
    columns: Sequence[str],
    rows: list[list[str]],
    numeric: list[bool],
    *,
    total: bool,
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for head, right in zip(columns, numeric, strict=True):
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    for number, row in enumerate(rows):
        table.add_row(*map(Text, row), end_section=total and number == len(rows) - 2)
    Console().print(table)


def archive_progress(label: str, unit: str = "bytes") -> OnProgress | None:
    """What to give an `Archive` as ``progress``: its own bar on a terminal, lines elsewhere."""
    return None if sys.stderr.isatty() else _line_printer(label, unit)


@contextmanager
def progress_bar(label: str, unit: str) -> Iterator[OnProgress]:
    """Gives a function to call with (done, total or None, ...) while something runs.

    Args:
        label: What runs.
        unit: ``bytes``, or what is counted.
    """
    if not sys.stderr.isatty():
        yield _line_printer(label, unit)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counts = (
        (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(),)
    )
    heads = (TextColumn("{task.description}"), BarColumn())
    console = Console(stderr=True)
    with Progress(*heads, *counts, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int | None = None, *_: object) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _line_printer(label: str, unit: str) -> OnProgress:
    last = time.monotonic()

    def report(done: int, total: int | None = None, *_: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _LINE_EVERY:
            return
        last = now
        if unit == "bytes":
            say(f"{label}: {done / 1e6:,.0f} of {(total or 0) / 1e6:,.0f} MB" if total
                else f"{label}: {done / 1e6:,.0f} MB")  # fmt: skip
        else:
            say(f"{label}: {done:,}" + (f" of {total:,}" if total else "") + f" {unit}")

    return report
