"""Turns what a block of code writes into a file that is whole, or not there.

Not here: submissions, which the core writes by the same rules.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["written_aside"]


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Opens a file beside ``path`` that takes its name once everything is on the disk.

    A symbolic link stays, and what it points to is written. An older file keeps its mode; a new one
    has that of every new file. The file aside has a name of its own, so any number of processes may
    write the same path: the last one counts.

    Raises:
        IsADirectoryError: If ``path`` is a folder.
        ValueError: If it is there and is not a file either, but a pipe or a device.
        OSError: If the file cannot be written; its ``filename`` is ``path``, and an older file
            stays as it was.
    """
    shown = os.fspath(path)
    aside: Path | None = None
    try:
        with _naming(shown):
            place, mode = _destination(shown)
            aside = place.with_name(f".ptarmigan-{secrets.token_hex(8)}.part")
            raw = _NamedFile(aside, shown)
            if mode is not None:
                os.fchmod(raw.fileno(), mode)
        with io.BufferedWriter(raw) as file:
            yield file
            file.flush()
            with _naming(shown):
                os.fsync(file.fileno())
        with _naming(shown):
            aside.replace(place)
    except BaseException:
        if aside is not None:
            aside.unlink(missing_ok=True)
        raise


def _destination(path: str) -> tuple[Path, int | None]:
    """Where to write: ``path`` or what it links to; and the mode of the file that is there."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return Path(os.path.realpath(path)), None
    if stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(there.st_mode):
        msg = f"`{path}` is there and is not a file, so it cannot be replaced; give another name"
        raise ValueError(msg)
    # What may not be written to may not be replaced either.
    os.close(os.open(path, os.O_WRONLY))
    return Path(os.path.realpath(path)), stat.S_IMODE(there.st_mode) & 0o777


class _NamedFile(io.FileIO):
    """A new file whose errors name the file that it will be."""

    def __init__(self, aside: Path, shown: str) -> None:
        super().__init__(aside, "xb")
        self._shown = shown

    def write(self, data: ReadableBuffer, /) -> int:
        with _naming(self._shown):
            return super().write(data)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise
