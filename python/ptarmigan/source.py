"""Turns what a caller hands over as an archive into a path, a pipe or a stream for the core."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

__all__ = ["BinaryReader", "pipe_of"]


class BinaryReader(Protocol):
    """A binary stream, such as ``sys.stdin.buffer``."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


def pipe_of(source: BinaryReader) -> tuple[str | None, bytes]:
    """The path of an open pipe and what Python has read ahead from it; (None, b"") for others.

    A pipe is read without Python: a thread that waits in Python for a pipe could not be left
    behind when the interpreter ends.
    """
    try:
        descriptor = source.fileno()  # type: ignore[attr-defined]
        path = f"/dev/fd/{descriptor}"
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode) or not Path(path).exists():
            return None, b""
    except (AttributeError, OSError):
        return None, b""
    if not hasattr(source, "peek"):
        return path, b""
    return path, source.read(len(source.peek()))
