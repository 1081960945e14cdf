"""Turns names of members into the files that they become, or refuses them as ``tar`` would."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..errors import ArchiveError, MemberNotFoundError
from ..patterns import matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "CREDITS",
    "Named",
    "Place",
    "inner_parts",
    "members_matching",
    "places_of",
    "refuse_collisions",
]

CREDITS = "CREDITS.csv"
"""The file with the credits, which lies beside what is written."""


class Named(Protocol):
    """An archive, or some members of one that goes by."""

    @property
    def path(self) -> str:
        """Where it is, for messages."""

    @property
    def names(self) -> Sequence[str]:
        """The members' names."""


class Place(NamedTuple):
    """Where a member goes.

    Attributes:
        member: Its number in the archive.
        name: The file, below the destination, with ``/``.
    """

    member: int
    name: str


def members_matching(archive: Named, patterns: Sequence[str]) -> list[int]:
    """The members that have one of these names, or lie in a folder that has one.

    Args:
        archive: The archive.
        patterns: Shell patterns over the whole name; ``*`` matches ``/`` too. Without any, all
            members match.

    Returns:
        Numbers in the archive's order. Of several members with one name, the last one counts.

    Raises:
        MemberNotFoundError: If nothing matches one of the patterns.
    """
    last = {name: number for number, name in enumerate(archive.names)}
    if not patterns:
        return sorted(last.values())
    chosen: set[int] = set()
    for pattern in patterns:
        matches = matcher(pattern)
        found = {number for name, number in last.items() if matches(name)}
        if not found:
            error = MemberNotFoundError(f"`{archive.path}`: no member matches `{pattern}`")
            error.path = archive.path
            raise error
        chosen |= found
    return sorted(chosen)


def places_of(archive: Named, members: Iterable[int], strip_components: int = 0) -> list[Place]:
    """The file that each member becomes.

    As ``tar`` does: a leading ``/`` and what says ``.`` is dropped, so that nothing lands outside
    of the destination, and a member that has not more parts than are stripped is left out. All
    names are looked at before anything is written.

    Args:
        archive: The archive.
        members: Numbers of members.
        strip_components: How many leading parts of the names are dropped.

    Raises:
        ArchiveError: If a name has ``..``, or if two members would become the same file, or one
            the folder of another.
        ValueError: If ``strip_components`` is negative.
    """
    if strip_components < 0:
        raise ValueError(f"expected at least 0 components to strip, found {strip_components}")
    names = archive.names
    places = []
    for member in members:
        parts = inner_parts(names[member])
        if not parts:
            text = "has `..`, which leads out of where it is unpacked, or names no file"
            raise _refusal(archive, member, text)
        if parts[strip_components:]:
            places.append(Place(member, "/".join(parts[strip_components:])))
    refuse_collisions(archive, places)
    return places


def inner_parts(name: str) -> list[str]:
    """The parts of a path without a leading ``/`` and what says ``.``; none if it has ``..``."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return [] if ".." in parts else parts


def refuse_collisions(archive: Named, places: Iterable[Place]) -> None:
    """Sees that all places are different files, and none is the folder of another.

    Raises:
        ArchiveError: If they are not.
    """
    taken: dict[str, int] = {}
    for member, name in places:
        other = taken.setdefault(name, member)
        if other != member:
            first = archive.names[other]
            raise _refusal(archive, member, f"would become the file `{name}`, as `{first}` does")
    folders = {name.rpartition("/")[0] for name in taken}
    for folder in sorted(folders):
        while folder:
            if folder in taken:
                text = f"would become the file `{folder}`, which others need as a folder"
                raise _refusal(archive, taken[folder], text)
            folder = folder.rpartition("/")[0]


def _refusal(archive: Named, member: int, text: str) -> ArchiveError:
    name = archive.names[member]
    error = ArchiveError(f"`{archive.path}`: member `{name}`: its name {text}; leave it out")
    error.path, error.member = archive.path, name
    return error
