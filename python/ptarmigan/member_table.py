"""Turns an index's columns into one structured array, a row a member."""

from __future__ import annotations

import numpy as np

__all__ = ["FORMATS", "MEMBER_DTYPE"]

# One row of `Archive.members`; the core writes rows of just this layout.
MEMBER_DTYPE = np.dtype(
    [
        ("tar_offset", "<u8"),
        ("size", "<u8"),
        ("crc32", "<u4"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("sampling", "<u4"),
        ("restart_interval", "<u2"),
        ("components", "u1"),
        ("sof", "u1"),
        ("precision", "u1"),
        ("orientation", "u1"),
        ("format", "u1"),
        ("adobe", "u1"),
    ]
)

FORMATS = ("unknown", "jpeg", "png", "gif", "webp", "bmp", "tiff")
"""What the numbers in the column ``format`` of `Archive.members` mean."""
