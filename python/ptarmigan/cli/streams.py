"""Turns the standard streams, whatever their state is, into ones whose errors say what they are."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["STDOUT", "standard_streams"]

STDOUT = "standard output"


class _StandardOutput(io.FileIO):
    """Standard output; its errors have its name as their ``filename``."""

    def __init__(self) -> None:
        super().__init__(1, "w", closefd=False)

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = STDOUT
            raise


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Replaces ``sys.stdout`` by a stream that names itself in errors, until the block ends.

    A stream that is closed (``>&-``) is None in Python: standard output then fails when it is
    written to, and what goes to standard error is lost. A stream that somebody has put in the place
    of Python's own is left alone.
    """
    _keep_numbers_taken()
    before = sys.stdout, sys.stderr
    ours = None
    if sys.stdout is sys.__stdout__:
        encoding, errors = "utf-8", "strict"
        if sys.stdout is not None:
            encoding, errors = sys.stdout.encoding, sys.stdout.errors or errors
        raw = _StandardOutput()
        ours = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding, errors, line_buffering=raw.isatty()
        )
        sys.stdout = ours
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stderr = sys.stderr or nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
            if ours is not None:
                # What is left in it has been reported, or nobody reads it.
                with contextlib.suppress(OSError):
                    ours.close()


def _keep_numbers_taken() -> None:
    """Opens what is closed of the descriptors 0 to 2, so that no file becomes standard output.

    They can only be read from, so a write still is the error "bad file descriptor".
    """
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(number, True)  # noqa: FBT003 - it takes no names
    os.close(number)
