"""PNGs of every kind, chunk by chunk, for what Pillow cannot write."""

from __future__ import annotations

import random
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}

# Bit depth and colour type: all that the standard has.
KINDS = [
    *((bits, GREY) for bits in (1, 2, 4, 8, 16)),
    *((bits, PALETTE) for bits in (1, 2, 4, 8)),
    *((bits, colour) for bits in (8, 16) for colour in (COLOUR, GREY_ALPHA, COLOUR_ALPHA)),
]

# First column, first row, columns to the next, rows to the next of the passes of Adam7.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
PASSES += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def header(width: int, height: int, bits: int, colour: int, *, interlaced: bool = False) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))


def lines(
    seed: object, width: int, height: int, bits: int, colour: int, *, interlaced: bool
) -> bytes:
    """Noise, every line under a filter of its own."""
    rng = random.Random(repr(seed))
    out = []
    for left, top, across, down in PASSES if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            length = (columns * bits * CHANNELS[colour] + 7) // 8
            out += [bytes([rng.randrange(5)]) + rng.randbytes(length) for _ in range(rows)]
    return b"".join(out)


def make_png(
    seed: object,
    width: int,
    height: int,
    bits: int,
    colour: int,
    *,
    interlaced: bool = False,
    before: bytes = b"",
    after: bytes = b"",
    cuts: int = 0,
) -> bytes:
    """A PNG of noise; its stream is in ``cuts`` + 1 chunks.

    A palette has a number of colours that depends on the seed, and indices may be beyond it.
    """
    rng = random.Random(f"{seed!r} palette")
    palette = b""
    if colour == PALETTE:
        palette = chunk(b"PLTE", rng.randbytes(3 * rng.randint(1, 256)))
    stream = zlib.compress(
        lines(seed, width, height, bits, colour, interlaced=interlaced), rng.randint(0, 9)
    )
    at = sorted(rng.randint(0, len(stream)) for _ in range(cuts))
    pieces = zip([0, *at], [*at, len(stream)], strict=True)
    data = b"".join(chunk(b"IDAT", stream[start:end]) for start, end in pieces)
    start = header(width, height, bits, colour, interlaced=interlaced)
    return SIGNATURE + start + palette + before + data + after + chunk(b"IEND")
