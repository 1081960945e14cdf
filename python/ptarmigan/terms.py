"""Turns the first export of iNaturalist's photos into a note of the terms that they come under.

The note is shown once a user, and remembered in a file of the user's configuration. The folder is
that of the XDG base directory specification, worked out here: one path is not worth a dependency.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

__all__ = ["TERMS", "VARIABLE", "accept", "memory_path", "show_once"]

PAGE = "https://github.com/visipedia/inat_comp"
VARIABLE = "PTARMIGAN_ACCEPT_TERMS"
"""The environment variable that, set to anything but ``0``, keeps the terms from being shown."""

TERMS = f"""\
The terms of iNaturalist's data sets, in short (the page's own words decide, not these):
  * The photos are for non-commercial research and education, for nothing else.
  * They must not be passed on, whole or in part, as files or as shards.
  * Every photo has a holder of its rights and a licence (`ptarmigan attribution`): of that and of
    the terms, keep to whichever is stricter.
  * There is no warranty of any kind.
All of it: {PAGE}
This is shown once; --accept-terms or {VARIABLE}=1 stands for having read it."""


def memory_path() -> Path:
    """The file that remembers that the terms have been shown.

    Raises:
        RuntimeError: If the user has no home folder.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # The specification has relative paths ignored.
    folder = named if named.is_absolute() else Path.home() / ".config"
    return folder / "ptarmigan" / "terms-shown"


def show_once(stream: TextIO | None = None) -> bool:
    """Shows the terms if this user has not seen them, or has seen others; never waits.

    Args:
        stream: Where they are written; by default standard error.

    Returns:
        Whether they were shown.
    """
    if os.environ.get(VARIABLE, "0") not in ("", "0") or _remembered():
        return False
    stream = sys.stderr if stream is None else stream
    stream.write(TERMS + "\n")
    try:
        accept()
    except (OSError, RuntimeError) as error:
        stream.write(f"This cannot be remembered, so it is shown again next time: {error}\n")
    return True


def accept() -> None:
    """Remembers that the terms have been shown.

    Raises:
        OSError: If the file cannot be written.
        RuntimeError: If the user has no home folder.
    """
    if not _remembered():
        path = memory_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TERMS + "\n", encoding="utf-8")


def _remembered() -> bool:
    # Not only whether there is a file: terms that have changed are shown again.
    try:
        return memory_path().read_text(encoding="utf-8") == TERMS + "\n"
    except (OSError, RuntimeError, UnicodeDecodeError):
        return False
