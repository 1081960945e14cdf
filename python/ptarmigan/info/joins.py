"""Turns annotations and an archive into what one has and the other lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ptarmigan import _core

if TYPE_CHECKING:
    from ptarmigan.annotations import Table
    from ptarmigan.archive import Archive

__all__ = ["join"]

# So many names of each kind are given.
_NAMED: Final = 5


def join(archive: Archive, match: str, tables: list[Table], *, whole: bool) -> dict[str, Any]:
    """Compares the images of annotations with the members of an archive.

    Args:
        archive: The archive.
        match: How a ``file_name`` becomes the name of a member.
        tables: Annotations of the archive's images.
        whole: Whether they are those of all of its images; otherwise nobody can say which members
            are too many.

    Returns:
        ``images`` of the annotations, ``missing`` (in the annotations, not in the archive) and
        ``extra`` (in the archive, not in the annotations; None unless ``whole``) with
        ``first_missing`` and ``first_extra``, and ``other_size`` (width or height of the
        annotations are not those of the file's header), ``swapped`` (of those: width and height
        are exchanged) with ``first_other_size``.
    """
    rows = archive.members
    images = 0
    counts = {"missing": 0, "other_size": 0, "swapped": 0}
    first: dict[str, list[str]] = {"missing": [], "extra": [], "other_size": []}
    used = np.zeros(len(rows), np.bool_)
    for table in tables:
        images += len(table)
        members = _core.find_members(archive._core, *table.file_names.pool(), match)
        there = members >= 0
        used[members[there]] = True
        wide, high = rows["width"][members], rows["height"][members]
        known = there & (wide > 0) & (high > 0) & (table.widths > 0) & (table.heights > 0)
        other = known & ((wide != table.widths) | (high != table.heights))
        swapped = other & (wide == table.heights) & (high == table.widths)
        for name, wrong in (("missing", ~there), ("other_size", other), ("swapped", swapped)):
            counts[name] += int(wrong.sum())
            if name in first:
                places = np.flatnonzero(wrong)[: _NAMED - len(first[name])].tolist()
                first[name] += [table.file_names[place] for place in places]
    extra = np.flatnonzero(~used) if whole else None
    if extra is not None:
        first["extra"] = [archive._name(number) for number in extra[:_NAMED].tolist()]
    return {
        "images": images,
        **counts,
        "extra": None if extra is None else len(extra),
        **{f"first_{name}": names for name, names in first.items()},
    }
