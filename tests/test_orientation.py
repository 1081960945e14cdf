"""`exif_transpose` turns pictures as Pillow's `ImageOps` does, wherever it finds how."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

import ptarmigan as pt
from png_made import COLOUR, PALETTE, chunk, make_png
from synthetic import make_jpeg

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


def by_pillow(data: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def check(data: bytes) -> None:
    expected = by_pillow(data)
    ours = pt.decode(data, exif_transpose=True)
    np.testing.assert_array_equal(ours, expected)
    assert ours.flags.c_contiguous
    assert ours.flags.writeable
    assert ours.ctypes.data % 64 == 0


def tiff(
    entries: list[tuple[int, int, int, bytes]], order: str = ">", start: int = 8, end: bytes = b""
) -> bytes:
    """A TIFF structure with (tag, type, count, four bytes of value) in its first directory."""
    magic = b"MM\0*" if order == ">" else b"II*\0"
    body = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHL", tag, kind, count) + value
    return magic + struct.pack(order + "L", start) + bytes(start - 8) + body + end


def with_segment(body: bytes) -> bytes:
    """A JPEG with an APP1 segment in the first place."""
    data = make_jpeg(3, 31, 22)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_turned_as_pillow_turns_it(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = make_jpeg(orientation, 31, 22, exif=exif.tobytes())
    check(data)
    check(make_png(1, 13, 9, 8, COLOUR, before=chunk(b"eXIf", exif.tobytes()[6:])))
    np.testing.assert_array_equal(
        pt.decode(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    )
    turned = pt.decode(data, exif_transpose=True).shape
    assert turned == ((31, 22, 3) if 5 <= orientation <= 8 else (22, 31, 3))


@pytest.mark.parametrize("orientation", range(10))
def test_xmp_counts_where_exif_has_no_orientation(orientation: int) -> None:
    text = XMP % orientation
    packet = b"http://ns.adobe.com/xap/1.0/\0"
    check(with_segment(packet + text))
    check(with_segment(packet + b"<tiff:Orientation>%d</tiff:Orientation>" % orientation))
    check(with_segment(packet + b"tiff:Orientation tiff:Orientation='3' " + text))
    for body in (b"\0\0\0\0" + text, b"\0\1\0\0\0" + zlib.compress(text)):
        name = chunk(b"iTXt", b"XML:com.adobe.xmp\0" + body.removeprefix(b"\0"))
        check(make_png(1, 13, 9, 8, COLOUR, before=name))
        check(make_png(1, 13, 9, 1, PALETTE, after=name))
    exif = Image.Exif()
    for tag, value in ((0x0112, 6), (0x0131, "a program")):
        exif[tag] = value
        segment = b"\xff\xe1" + struct.pack(">H", len(text) + len(packet) + 2) + packet + text
        data = make_jpeg(3, 31, 22, exif=exif.tobytes())
        check(data[:2] + segment + data[2:])
        del exif[tag]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_a_profile_in_hexadecimal_counts(kind: bytes) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    digits = exif.tobytes().hex()
    text = f"\nexif\n{len(digits) // 2:8}\n{digits[:72]}\n{digits[72:]}\n".encode()
    body = b"\0" + zlib.compress(text) if kind == b"zTXt" else text
    data = make_png(1, 13, 9, 8, COLOUR, before=chunk(kind, b"Raw profile type exif\0" + body))
    check(data)
    assert pt.decode(data, exif_transpose=True).shape == (13, 9, 3)


entries = st.lists(
    st.tuples(
        st.sampled_from([0x0112, 0x0112, 0x010E, 0x0131]),
        st.sampled_from([1, 2, 3, 3, 3, 4, 6, 7, 8, 9, 13, 14]),
        st.sampled_from([0, 1, 1, 1, 2, 4, 900]),
        st.sampled_from(
            [b"\0\6\0\0", b"\6\0\0\0", b"\0\0\0\6", b"\0\0\0\0", b"\0\0\0\x0c", b"\0\3\0\4"]
        ),
    ),
    max_size=4,
)


@settings(max_examples=400, deadline=None)
@given(entries, st.sampled_from("<>"), st.sampled_from([8, 9, 20]), st.binary(max_size=12))
def test_directories_are_read_as_pillow_reads_them(
    entries: list[tuple[int, int, int, bytes]], order: str, start: int, end: bytes
) -> None:
    check(with_segment(b"Exif\0\0" + tiff(entries, order, start, end)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"MM\0*", b"II*\0", b"MM\0*\0\0\0\x08"]))
def test_exif_that_cannot_be_read_turns_nothing(noise: bytes, start: bytes) -> None:
    data = with_segment(b"Exif\0\0" + start + noise)
    try:
        expected = by_pillow(data)
    except (OSError, SyntaxError, struct.error, ValueError):
        expected = pt.decode(data)
    np.testing.assert_array_equal(pt.decode(data, exif_transpose=True), expected)


def test_odd_files_of_the_corpus_are_turned_as_pillow_turns_them(corpus: Path) -> None:
    turned = 0
    for folder in ("exif-orient", "exif-samples", "pillow", "immich", "sharp"):
        for path in sorted((corpus / "jpeg_odd" / folder).rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            if not data.startswith(b"\xff\xd8\xff"):
                continue
            try:
                expected = by_pillow(data)
                stored = pt.decode(data)
            except (OSError, SyntaxError, ValueError, struct.error, pt.DecodeError):
                continue
            ours = pt.decode(data, exif_transpose=True)
            np.testing.assert_array_equal(ours, expected, str(path))
            turned += stored.shape != ours.shape or not np.array_equal(stored, ours)
    assert turned > 10
