"""Turns JPEG bytes into JPEG bytes with a chroma sampling that Pillow cannot write."""

from __future__ import annotations

from synthetic import make_jpeg

SAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1")


def make_sampled(
    seed: int, width: int, height: int, sampling: str, **options: object
) -> tuple[bytes, int, int]:
    """JPEG bytes, and the width and height that they have.

    4:4:0 is 4:2:2 with the sides and the two sampling factors swapped, and 4:1:1 is 4:2:0 twice as
    wide and half as high: the blocks of an MCU are the same, so the data stay valid while the
    picture becomes another one. The scans of a progressive picture hold only the blocks that its
    sides need, so those of 4:1:1 are made whole MCUs first.
    """
    origin = {"4:4:0": "4:2:2", "4:1:1": "4:2:0"}.get(sampling, sampling)
    if sampling == "4:1:1" and options.get("progressive"):
        width, height = -(-width // 16) * 16, -(-height // 16) * 16
    data = bytearray(make_jpeg(seed, width, height, subsampling=origin, **options))
    if sampling != origin:
        at = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0") + 5
        if sampling == "4:4:0":
            width, height, factors = height, width, 0x12
        else:
            width, height, factors = 2 * width, (height + 1) // 2, 0x41
        data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        data[at + 6] = factors
    return bytes(data), width, height
