"""PNGs are decoded, and refused, just as Pillow does."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ptarmigan as pt
from png_made import COLOUR, GREY, KINDS, PALETTE, SIGNATURE, chunk, header, lines, make_png
from synthetic import make_jpeg, make_pixels


def by_pillow(data: bytes) -> np.ndarray | None:
    """Pillow's pixels, or None where it refuses the file, whatever it raises then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        except (AssertionError, IndexError, OSError, SyntaxError, ValueError):
            return None


def check(data: bytes) -> None:
    expected = by_pillow(data)
    if expected is None:
        with pytest.raises(pt.DecodeError):
            pt.decode(data)
    else:
        np.testing.assert_array_equal(pt.decode(data), expected)


def written(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def of(bits: int, colour: int, width: int, stream: bytes, before: bytes = b"") -> bytes:
    """A PNG of one row with this stream, compressed already."""
    start = SIGNATURE + header(width, 1, bits, colour) + before
    return start + chunk(b"IDAT", stream) + chunk(b"IEND")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "colour"), KINDS)
def test_every_kind_and_small_size_equals_pillow(bits: int, colour: int, interlaced: bool) -> None:
    for width in (*range(1, 10), 16, 17, 33):
        for height in (1, 2, 3, 5, 8, 9):
            data = make_png((width, height), width, height, bits, colour, interlaced=interlaced)
            assert by_pillow(data) is not None
            check(data)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_what_pillow_writes_equals_pillow(mode: str) -> None:
    pixels = make_pixels(3, 301, 203)
    if mode == "I;16":
        image = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 3)
    else:
        image = Image.fromarray(pixels).convert(mode)
    for options in ({}, {"optimize": True}, {"compress_level": 0}, {"bits": 4}, {"bits": 2}):
        data = written(image, **options)
        np.testing.assert_array_equal(pt.decode(data), by_pillow(data))
    if mode in ("L", "P", "RGB"):
        transparency = (1, 2, 3) if mode == "RGB" else 7
        check(written(image, transparency=transparency))


def test_sixteen_bits_of_grey_are_clipped_and_those_of_colours_scaled() -> None:
    values = np.arange(65536, dtype=">u2")
    grey = of(16, GREY, 65536, zlib.compress(b"\0" + values.tobytes()))
    np.testing.assert_array_equal(pt.decode(grey)[0, :, 1], np.minimum(values, 255))
    check(grey)
    colour = of(16, COLOUR, 65536, zlib.compress(b"\0" + np.repeat(values, 3).tobytes()))
    np.testing.assert_array_equal(pt.decode(colour)[0, :, 1], values >> 8)
    check(colour)


@pytest.mark.parametrize("size", [0, 3, 7, 9, 767, 768, 770, 771, 900])
@pytest.mark.parametrize("alphas", [None, b"\xff\0\xff", b"\x10\0", b"\0", b"", bytes(300)])
def test_palettes_of_any_length_equal_pillow(size: int, alphas: bytes | None) -> None:
    palette = chunk(b"PLTE", random.Random(size).randbytes(size))
    transparency = b"" if alphas is None else chunk(b"tRNS", alphas)
    pixels = zlib.compress(bytes([0, 0, 1, 2, 3, 200, 255]))
    for before in (palette + transparency, transparency + palette, transparency):
        check(of(8, PALETTE, 6, pixels, before))


def test_streams_in_many_pieces_equal_pillow() -> None:
    """Pillow reads 64 KiB at once, and never beyond a chunk."""
    for bits, colour in KINDS:
        for interlaced in (False, True):
            data = make_png(1, 261, 401, bits, colour, interlaced=interlaced, cuts=7)
            assert by_pillow(data) is not None
            check(data)


@pytest.mark.parametrize("default_image", [False, True])
def test_an_animation_is_its_first_picture(default_image: bool) -> None:
    frames = [Image.fromarray(make_pixels(seed, 40, 30)) for seed in range(3)]
    data = written(
        frames[0], save_all=True, append_images=frames[1:], default_image=default_image, duration=50
    )
    assert b"fdAT" in data
    np.testing.assert_array_equal(pt.decode(data), np.asarray(frames[0]))
    check(data)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    interlaced=st.booleans(),
    interpolation=st.sampled_from(["bilinear", "bicubic", "box", "hamming", "lanczos"]),
    seed=st.integers(0, 2**32),
)
def test_a_crop_of_a_png_equals_pillow(
    kind: tuple[int, int], size: tuple[int, int], interlaced: bool, interpolation: str, seed: int
) -> None:
    data = make_png(seed, *size, *kind, interlaced=interlaced)
    transform = pt.RandomResizedCrop((13, 17), interpolation=interpolation)
    x, y, width, height, flip = transform.boxes([size[0]], [size[1]], seed)[0].tolist()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    box = (x, y, x + width, y + height)
    image = image.resize((17, 13), Image.Resampling[interpolation.upper()], box=box)
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image
    for how in ("exact", "fast"):
        batch = pt.decode_batch([data], transform, seed=seed, threads=1, decode=how)
        np.testing.assert_array_equal(batch[0], np.asarray(image))


def test_an_archive_may_have_both_formats(tmp_path: Path) -> None:
    """Also where the name says something else."""
    files = {
        "a/1.jpg": make_jpeg(1, 50, 40),
        "a/2.png": make_png(2, 41, 52, 8, COLOUR),
        "b/3.jpg": make_png(3, 43, 31, 4, PALETTE, interlaced=True),
    }
    with tarfile.open(tmp_path / "both.tar.gz", "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    samples = pt.ImageArchive(tmp_path / "both.tar.gz")
    found = [samples.archive.names[member] for member in samples.members]
    assert found == list(files)
    for number, name in enumerate(found):
        np.testing.assert_array_equal(np.asarray(samples[number][0]), by_pillow(files[name]))
    loader = pt.Loader(samples, 3, pt.ResizeCenterCrop(20, 16), shuffle=False)
    (batch,) = loader
    expected = pt.decode_batch([files[name] for name in found], pt.ResizeCenterCrop(20, 16))
    np.testing.assert_array_equal(batch.images, expected)
    assert loader.errors == []


EXTRAS = [
    chunk(b"tEXt", b"key\0text"),
    chunk(b"zTXt", b"key\0\0" + zlib.compress(b"text" * 9)),
    chunk(b"zTXt", b"key\0\1damaged"),
    chunk(b"iTXt", b"key\0\1\0en\0key\0" + zlib.compress(b"text")),
    chunk(b"iTXt", b"key\0\1"),
    chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(40))),
    *(chunk(b"iCCP", body) for body in (b"", b"\0", b"name\0\1", b"name\0\0")),
    *(chunk(b"tRNS", body) for body in (b"\0", b"\xff\xff\0", b"\0\1\0\2\0\3")),
    *(chunk(name, bytes(8)) for name in (b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"ABCD", b"abCd")),
    *(chunk(b"acTL", struct.pack(">II", count, 0)) for count in (0, 1, 2)),
    *(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 2, 3, left, 1, 1, 1, 0, blend))
        for number in (0, 1)
        for left in (0, 1)
        for blend in (0, 1)
    ),
    chunk(b"fdAT", struct.pack(">I", 1) + b"more"),
    chunk(b"PLTE", bytes(range(9))),
    chunk(b"PLTE", bytes(771)),
    chunk(b"IDAT"),
    header(3, 3, 8, GREY),
]


@settings(max_examples=600, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(KINDS),
    interlaced=st.booleans(),
    before=st.lists(st.sampled_from(EXTRAS), max_size=3),
    after=st.lists(st.sampled_from(EXTRAS), max_size=2),
    cuts=st.integers(0, 4),
    damage=st.sampled_from(["none", "bits", "end", "stream"]),
    data=st.data(),
)
def test_a_damaged_or_odd_file_is_refused_where_pillow_refuses_it(
    seed: int,
    kind: tuple[int, int],
    interlaced: bool,
    before: list[bytes],
    after: list[bytes],
    cuts: int,
    damage: str,
    data: st.DataObject,
) -> None:
    size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    extras = {"before": b"".join(before), "after": b"".join(after)}
    png = bytearray(make_png(seed, *size, *kind, interlaced=interlaced, cuts=cuts, **extras))
    if damage == "bits":
        for _ in range(data.draw(st.integers(1, 3))):
            png[data.draw(st.integers(8, len(png) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "end":
        del png[data.draw(st.integers(8, len(png) - 1)) :]
    elif damage == "stream":
        start = png.rindex(b"IDAT") + 4
        length = int.from_bytes(png[start - 8 : start - 4], "big")
        for _ in range(min(length, 2)):
            png[start + data.draw(st.integers(0, length - 1))] = data.draw(st.integers(0, 255))
    check(bytes(png))


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    missing=st.integers(0, 40),
    surplus=st.integers(0, 40),
    end=st.sampled_from([b"", b"wrong", b"\0\0\0\0"]),
    lost=st.integers(0, 12),
    data=st.data(),
)
def test_a_stream_that_ends_elsewhere_than_the_pixels_is_taken_as_pillow_takes_it(
    kind: tuple[int, int],
    size: tuple[int, int],
    missing: int,
    surplus: int,
    end: bytes,
    lost: int,
    data: st.DataObject,
) -> None:
    noise = lines(size, *size, *kind, interlaced=False)
    noise = noise[: max(len(noise) - missing, 1)] + bytes(surplus)
    stream = zlib.compress(noise)
    stream = stream[: len(stream) - lost] + end
    cut = data.draw(st.integers(0, len(stream)))
    check(
        SIGNATURE
        + header(*size, *kind)
        + chunk(b"IDAT", stream[:cut])
        + chunk(b"IDAT", stream[cut:])
        + chunk(b"IEND")
    )


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (SIGNATURE, "truncated"),
        (SIGNATURE + bytes(20), "damaged"),
        (SIGNATURE + header(3, 3, 8, GREY), "truncated"),
        (SIGNATURE + header(3, 3, 8, GREY) + chunk(b"IEND"), "before any pixels"),
        (SIGNATURE + header(3, 3, 3, GREY) + chunk(b"IDAT"), "bit depth"),
        (SIGNATURE + header(0, 3, 8, GREY) + chunk(b"IDAT"), "0 x 3"),
        (SIGNATURE + header(3, 3, 8, GREY)[:-1] + b"\0" + chunk(b"IDAT"), "CRC32 .* IHDR"),
        (of(8, GREY, 3, zlib.compress(b"\x05abc")), "filter from 0 to 4 .* found 5"),
        (of(8, GREY, 3, b"nothing of zlib"), "stream of pixels is damaged"),
        (of(8, GREY, 3, zlib.compress(b"\0ab")), "expected more pixels"),
    ],
)
def test_an_error_says_what_is_wrong(data: bytes, named: str) -> None:
    assert by_pillow(data) is None
    with pytest.raises(pt.DecodeError, match=named):
        pt.decode(data)


def test_claims_are_checked_before_memory_is_taken() -> None:
    with pytest.raises(pt.DecodeError, match=r"60000 x 60000 pixels, more than the limit"):
        pt.decode(SIGNATURE + header(60_000, 60_000, 8, GREY) + chunk(b"IDAT"))
    with pytest.raises(pt.DecodeError, match="a line of the PNG"):
        pt.decode(of(16, COLOUR, 10_000_000, zlib.compress(b"\0")))


@pytest.mark.parametrize(
    "bomb", [b"iCCP" + b"name\0\0", b"zTXt" + b"key\0\0", b"iTXt" + b"key\0\1\0\0\0"]
)
def test_a_text_or_profile_may_grow_to_a_mebibyte(bomb: bytes) -> None:
    for size, fine in ((1 << 20, True), ((1 << 20) + 1, False), (50 << 20, False)):
        body = bomb[4:] + zlib.compress(bytes(size))
        data = make_png(1, 5, 5, 8, GREY, before=chunk(bomb[:4], body))
        assert (by_pillow(data) is not None) == fine
        check(data)
