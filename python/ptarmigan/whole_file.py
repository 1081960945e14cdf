"""Turns what a block of code writes into a file that is whole, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["written_aside"]


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Opens a file beside ``path`` that takes its name once everything is on the disk.

    Raises:
        IsADirectoryError: If ``path`` is a folder.
        OSError: If the file cannot be written; an older one stays as it was.
    """
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(f"`{place}` is a folder; give the name of a file")
    aside = place.with_name(f"{place.name}.part")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
