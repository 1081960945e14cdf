"""Turns reports of long work into a bar on the terminal, where there is one and it is worth it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["OnProgress", "progress_reporter"]

OnProgress: TypeAlias = Callable[[int, int | None, int], object]
"""Called with (units done, units in all or None, members so far); may raise to stop the work."""

# Work that is over sooner needs no bar.
PATIENCE_SECONDS = 1.0


@contextmanager
def progress_reporter(
    progress: bool | OnProgress | None,
    description: str,
    *,
    unit: Literal["bytes", "members"] = "bytes",
) -> Iterator[OnProgress | None]:
    """What to pass to the core for a user's ``progress`` argument.

    Args:
        progress: A function is passed on as it is. None shows a bar if standard error is a
            terminal and the work lasts longer than a second, True shows one at once wherever
            standard error leads, False shows none.
        description: What the bar says.
        unit: What is counted.

    Yields:
        A function to call with (done, total, members), or None.
    """
    if callable(progress):
        yield progress
        return
    stream = sys.stderr
    terminal = stream is not None and stream.isatty()
    if progress is False or (progress is None and not terminal):
        yield None
        return
    bar = _Bar(description, unit, 0.0 if progress else PATIENCE_SECONDS)
    try:
        yield bar
    finally:
        bar.close()


class _Bar:
    """A bar that starts late and draws only when told of progress, so that it needs no thread."""

    def __init__(self, description: str, unit: str, patience: float) -> None:
        self._description = description
        self._unit = unit
        self._start = time.monotonic() + patience
        self._rich: Progress | None = None

    def __call__(self, done: int, total: int | None, members: int) -> None:
        if self._rich is None:
            if time.monotonic() < self._start:
                return
            self._rich = self._open()
        task = self._rich.task_ids[0]
        self._rich.update(task, completed=done, total=total, members=members)
        self._rich.refresh()

    def _open(self) -> Progress:
        from rich import progress as rich
        from rich.console import Console

        counts: list[rich.ProgressColumn | str]
        if self._unit == "bytes":
            members = "{task.fields[members]:,} members"
            counts = [rich.DownloadColumn(), rich.TransferSpeedColumn(), members]
        else:
            counts = [rich.MofNCompleteColumn(), "members"]
        bar = rich.Progress(
            "{task.description}",
            rich.BarColumn(),
            rich.TaskProgressColumn(),
            *counts,
            rich.TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=False,
        )
        bar.add_task(self._description, total=None, members=0)
        bar.start()
        return bar

    def close(self) -> None:
        if self._rich is not None:
            self._rich.stop()
