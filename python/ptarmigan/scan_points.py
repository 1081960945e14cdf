"""Turns the argument ``scan_points`` into the file that the core keeps, and its trouble into words.

Not here: the points themselves and their file, which are the core's.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["place_of", "trouble_of"]

# Errors of folders that others look after, which nobody needs to be told of.
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)


def place_of(value: Any) -> bool | str:
    """True for the file beside the index, False for none, or the absolute path of another file.

    Raises:
        ValueError: If it is none of them.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str | os.PathLike) and os.fspath(value):
        # A pickle may be opened in another working directory.
        return str(Path(os.fsdecode(value)).absolute())
    msg = f"`scan_points` must be True, False or the path of a file, not {value!r}"
    raise ValueError(msg)


def trouble_of(trouble: Exception | None, place: bool | str) -> str | None:
    """What to tell of the core's trouble with the file at ``place``; None where there is nothing.

    That a folder cannot be written to is told only of a file that was asked for by its path.
    """
    refused = isinstance(trouble, OSError) and trouble.errno in _REFUSALS
    if trouble is None or (refused and place is True):
        return None
    return f"scan points cannot be kept, so that later epochs take longer: {trouble}"
