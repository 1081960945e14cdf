"""Turns a ``.gzi`` of gztool, format 0, into its points, and a point into what zlib decodes there.

Nothing of the package is used here: it is the oracle of what the package writes.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

WINDOW = 1 << 15


class Point(NamedTuple):
    """Where decoding can start: ``out`` bytes into the output, with the 32 KiB before."""

    out: int
    byte: int
    bits: int
    window: bytes

    @property
    def bit(self) -> int:
        """Position in the compressed file, in bits."""
        return self.byte * 8 - self.bits


def read_points(path: Path) -> tuple[list[Point], int]:
    """The points of an index, and the length of the output."""
    data = path.read_bytes()
    assert data[:16] == bytes(8) + b"gzipindx"
    have, size = struct.unpack_from(">QQ", data, 16)
    assert have == size, "the index is not complete"
    at, points = 32, []
    for _ in range(have):
        out, byte, bits, length = struct.unpack_from(">QQII", data, at)
        assert bits < 8
        at += 24
        window = zlib.decompress(data[at : at + length]) if length else b""
        assert len(window) in {0, WINDOW}
        points.append(Point(out, byte, bits, window))
        at += length
    (total,) = struct.unpack_from(">Q", data, at)
    assert at + 8 == len(data), "there is something behind the length"
    return points, total


def _filler(width: int) -> tuple[int, int]:
    """Deflate blocks without output whose bits are ``width`` modulo 8: (bits as a number, count).

    Python's zlib can only start at a whole byte; behind these it is where it has to be. A block
    of fixed codes takes 10 bits; one of dynamic codes, of which 256 is the only one used, takes 93.
    """
    bits, count = 0, 0
    if width % 2:
        # RFC 1951 3.2.7. Not last, dynamic; 257 + 1 code lengths, described by 19 lengths of which
        # the third (18, a run of zeros) and the eighteenth (1) are 1 bit; so 1 is `0`, 18 is `1`.
        for value, size in [(0, 1), (2, 2), (0, 5), (0, 5), (15, 4)]:
            bits |= value << count
            count += size
        for place in range(19):
            bits |= int(place in {2, 17}) << count
            count += 3
        for run in (138, 118):
            bits |= (1 | (run - 11) << 1) << count
            count += 8
        count += 3  # the lengths of code 256 and of the one distance, then code 256 itself
    while count % 8 != width:
        bits |= 0b010 << count
        count += 10
    return bits, count


def decode(compressed: bytes, point: Point, length: int) -> bytes:
    """``length`` bytes from the point on, or as far as its gzip member goes."""
    head = compressed[point.byte - 1] >> (8 - point.bits) if point.bits else 0
    filler, count = _filler(-point.bits % 8)
    first = filler | head << count
    start = first.to_bytes((count + point.bits) // 8, "little")
    inflater = zlib.decompressobj(-15, zdict=point.window)
    return inflater.decompress(start + compressed[point.byte :], length)
