"""Turns a shell pattern into what says which members of an archive it means."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

__all__ = ["matcher"]


def matcher(pattern: str) -> Callable[[str], bool]:
    """What says whether a name matches a pattern, or lies in a folder that does.

    ``*`` matches ``/`` too, as for ``tar --wildcards``. A ``./`` before either does not matter:
    many archives have it before all of their names.
    """
    bare = pattern.removeprefix("./").rstrip("/")
    matches = re.compile(f"{fnmatch.translate(bare)}|{fnmatch.translate(f'{bare}/*')}").match
    return lambda name: matches(name.removeprefix("./")) is not None
