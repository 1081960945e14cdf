"""Turns the index of an archive into a census of its images; no image is read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ptarmigan.archive import Archive

__all__ = ["census"]

Figures = dict[str, Any]

# T.81 table B.1: start-of-frame markers of progressive files.
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
# Ratio of the first component's sampling factors to the second's.
_SAMPLINGS: Final = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
}


def _counts(names: list[str], values: NDArray[Any]) -> dict[str, int]:
    numbers = np.bincount(np.minimum(values, len(names) - 1), minlength=len(names))
    return {name: int(n) for name, n in zip(names, numbers, strict=True) if n}


def _sampling_name(factors: int) -> str:
    first, second = factors & 0xFF, (factors >> 8) & 0xFF
    across, down = (first >> 4, second >> 4), (first & 15, second & 15)
    if not all((*across, *down)) or across[0] % across[1] or down[0] % down[1]:
        return "other"
    return _SAMPLINGS.get((across[0] // across[1], down[0] // down[1]), "other")


def census(archive: Archive) -> Figures:
    """What the images of an archive are like, from the index alone: no image is read.

    Args:
        archive: Any archive.

    Returns:
        ``archive`` (its path), ``members``, ``bytes`` (of all members), ``md5``, ``stopped`` (why
        it ends too early, or None), ``formats`` (name to number) and, of the
        JPEG members whose header could be read: ``modes``, ``samplings``, ``progressive``,
        ``rotated`` (EXIF orientation other than 1), ``max_side``, ``megapixels`` (5th, 50th and
        95th percentile) and ``bits_per_pixel``; ``unreadable`` are the other JPEG members.
    """
    from ptarmigan.archive import FORMATS

    members = archive.members
    jpeg = members[members["format"] == FORMATS.index("jpeg")]
    read = jpeg[(jpeg["width"] > 0) & (jpeg["height"] > 0)]
    pixels = read["width"].astype(np.int64) * read["height"]
    samplings: Counter[str] = Counter()
    colour = read[read["components"] == 3]
    for factors, number in zip(*np.unique(colour["sampling"], return_counts=True), strict=True):
        samplings[_sampling_name(int(factors))] += int(number)
    figures: Figures = {
        "archive": archive.path,
        "members": len(archive),
        "bytes": int(members["size"].sum()),
        "md5": archive.md5,
        "stopped": archive.stopped,
        "formats": _counts(list(FORMATS), members["format"]),
        "unreadable": len(jpeg) - len(read),
        "modes": _counts(["none", "grey", "two", "colour", "CMYK", "more"], read["components"]),
        "samplings": dict(samplings.most_common()),
        "progressive": int(np.isin(read["sof"], _PROGRESSIVE).sum()),
        "rotated": int((read["orientation"] > 1).sum()),
        "max_side": None,
        "megapixels": None,
        "bits_per_pixel": None,
    }
    if len(read):
        shares = np.percentile(pixels, (5, 50, 95)) / 1e6
        figures["max_side"] = int(max(read["width"].max(), read["height"].max()))
        figures["megapixels"] = [round(float(share), 3) for share in shares]
        figures["bits_per_pixel"] = round(float(read["size"].sum() * 8 / pixels.sum()), 3)
    return figures
