"""`decode` equals Pillow, byte for byte, and fails where Pillow fails."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ptarmigan as pt
from jpeg_sampling import SAMPLINGS, make_sampled
from ptarmigan.arrays import aligned_empty
from synthetic import make_jpeg, make_pixels


def by_pillow(data: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def make(sampling: str, mode: str, seed: int, width: int, height: int, **options: object) -> bytes:
    if mode != "RGB":
        return make_jpeg(seed, width, height, mode, **options)
    return make_sampled(seed, width, height, sampling, **options)[0]


jpegs = st.builds(
    make,
    seed=st.integers(0, 2**31),
    width=st.one_of(st.integers(1, 70), st.integers(1, 400)),
    height=st.one_of(st.integers(1, 70), st.integers(1, 400)),
    quality=st.integers(1, 100),
    mode=st.sampled_from(["RGB", "RGB", "RGB", "L", "CMYK"]),
    sampling=st.sampled_from(SAMPLINGS),
    optimize=st.booleans(),
    progressive=st.booleans(),
    restart_marker_blocks=st.sampled_from([0, 0, 1, 3, 20]),
)


@settings(max_examples=250, deadline=None)
@given(jpegs)
def test_decode_equals_pillow(data: bytes) -> None:
    np.testing.assert_array_equal(pt.decode(data), by_pillow(data))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_small_size_equals_pillow(sampling: str) -> None:
    for width in range(1, 35):
        for height in (1, 2, 7, 8, 9, 16, 17, 33):
            data, *_ = make_sampled(width * height, width, height, sampling)
            np.testing.assert_array_equal(pt.decode(data), by_pillow(data))


@pytest.mark.parametrize("extreme", [0, 255])
def test_saturated_edges_equal_pillow(extreme: int) -> None:
    random = np.random.default_rng(extreme)
    pixels = random.choice(np.array([extreme, 255 - extreme, 128], np.uint8), (61, 83, 3))
    for subsampling in range(3):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=100, subsampling=subsampling)
        np.testing.assert_array_equal(pt.decode(buffer.getvalue()), by_pillow(buffer.getvalue()))


def test_a_decoded_image_is_an_ordinary_aligned_array() -> None:
    image = pt.decode(make_jpeg(1, 33, 21))
    assert image.shape == (21, 33, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert image.ctypes.data % 64 == 0


def test_exif_orientation_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = make_jpeg(4, 40, 24, exif=exif.tobytes())
    assert pt.decode(data).shape == (24, 40, 3)


def test_any_bytes_like_object_is_decoded() -> None:
    data = make_jpeg(2)
    for kind in (bytearray, memoryview):
        np.testing.assert_array_equal(pt.decode(kind(data)), pt.decode(data))


def test_bytes_are_asked_for() -> None:
    with pytest.raises(TypeError, match="not int"):
        pt.decode(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_refused(share: float, progressive: bool) -> None:
    data = make_jpeg(3, 90, 70, progressive=progressive)
    with pytest.raises(OSError, match=r"(?i)truncated|not processed|cannot"):
        by_pillow(data[: int(len(data) * share)])
    with pytest.raises(pt.DecodeError):
        pt.decode(data[: int(len(data) * share)])


def by_pillow_or_none(data: bytes) -> np.ndarray | None:
    try:
        return by_pillow(data)
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def by_us_or_none(data: bytes) -> np.ndarray | None:
    try:
        return pt.decode(data)
    except pt.DecodeError:
        return None


def test_a_missing_end_is_forgiven_just_where_pillow_forgives_it() -> None:
    """Which depends on how far libjpeg reads ahead of what it decodes."""
    forgiven = 0
    for seed in range(120):
        # Some are longer than the 64 KiB that Pillow hands over at a time.
        side = 40 + seed if seed % 5 else 330
        mode = ["RGB", "L", "CMYK"][seed % 3]
        data = make_jpeg(seed, side, side, mode, quality=95, restart_marker_blocks=seed % 2 * 5)
        assert data.endswith(b"\xff\xd9")
        for missing in range(1, 12):
            theirs = by_pillow_or_none(data[:-missing])
            if theirs is None:
                with pytest.raises(pt.DecodeError, match="truncated"):
                    pt.decode(data[:-missing])
            else:
                np.testing.assert_array_equal(pt.decode(data[:-missing]), theirs)
                forgiven += 1
    assert forgiven > 5


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"GIF87a", "a GIF"),
        (b"GIF89a", "a GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI"),
        (b"BM", "a BMP"),
        (b"II*\0", "a TIFF"),
        (b"MM\0*", "a TIFF"),
        (b"II+\0\b\0", "a BigTIFF"),
        (b"MM\0+\0\b", "a BigTIFF"),
        (b"\0\0\0\x20ftypavif\0", "an AVIF"),
        (b"\0\0\0\x18ftypheic\0", "a HEIF or HEIC"),
        (b"\0\0\0\x18ftypmif1\0", "a HEIF or HEIC"),
        (b"\0\0\0\x14ftypqt  \0", r"a QuickTime film \(MOV\)"),
        (b"\0\0\0\x20ftypisom\0", "an MP4"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", r"a JPEG 2000 \(JP2\)"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (b"\xff\x0a", "a JPEG XL codestream"),
        (b"8BPS\0\x01", r"a Photoshop file \(PSD\)"),
        (b"\0\0\x01\0\x01\0", r"an icon \(ICO\)"),
        (b"P6\n5 5\n255\n", "a PNM"),
        (b"<html>", "text that looks like HTML, SVG or XML"),
        (b'\xef\xbb\xbf\n <?xml version="1.0"?>', "text that looks like HTML, SVG or XML"),
        (b"<svg xmlns=", "text that looks like HTML, SVG or XML"),
        (b"\x1f\x8b\b", "gzip data"),
        (b"BZh9", "bzip2 data"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"\x28\xb5\x2f\xfd", "Zstandard data"),
        (b"PK\x03\x04", "a zip file"),
        (b"%PDF-1.7", "a PDF"),
        (b"name" + bytes(253) + b"ustar\0", "a tar"),
        (b"", "no bytes at all"),
        (b"\0", "101 bytes that are all zero"),
        (b"abcdef", "bytes that start with 61 62 63 64"),
        (b"P6", "bytes that start with 50 36 00 00"),
        (b"\xff\xd8", "bytes that start with ff d8 00 00"),
    ],
)
def test_another_format_is_named(start: bytes, name: str) -> None:
    data = start + b"\0" * 100 if start else start
    with pytest.raises(pt.DecodeError, match=f"expected a JPEG or a PNG, found {name}") as raised:
        pt.decode(data)
    assert raised.value.offset == 0
    with pytest.raises(pt.DecodeError, match=name):
        pt.decode_batch([data], pt.ResizeCenterCrop(8, 8))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "ICO", "PPM"])
def test_files_that_pillow_writes_are_named(kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(make_pixels(1, 32, 32)).save(buffer, kind)
    name = {"WEBP": "WebP", "JPEG2000": "JPEG 2000", "ICO": "an icon", "PPM": "PNM"}.get(kind, kind)
    with pytest.raises(pt.DecodeError, match=name):
        pt.decode(buffer.getvalue())


def header(width: int, height: int) -> bytes:
    """A JPEG of a claimed size whose data end at once."""
    data = make_jpeg(1, 16, 16)
    at = data.index(b"\xff\xc0") + 5
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return data[:at] + size + data[at + 4 :]


def test_a_claim_of_too_many_pixels_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(pt.DecodeError, match=r"60000 x 60000 pixels, more than the limit"):
        pt.decode(header(60_000, 60_000))


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(pt.DecodeError):
        pt.decode(header(0, 5))


@settings(max_examples=400, deadline=None)
@given(
    jpegs,
    st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage_behind_the_header_is_mended_as_pillow_mends_it(
    data: bytes, changes: list[tuple[int, int]]
) -> None:
    damaged = bytearray(data)
    start = data.index(b"\xff\xda")
    for place, value in changes:
        at = start + place % (len(data) - start - 1)
        # Half of the changes make a marker.
        damaged[at : at + 1] = bytes([255, value]) if place % 2 else bytes([value])
    theirs, ours = by_pillow_or_none(bytes(damaged)), by_us_or_none(bytes(damaged))
    assert (ours is None) == (theirs is None)
    if theirs is not None:
        np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_give_pixels_or_an_error(data: st.DataObject) -> None:
    jpeg = bytearray(
        make_jpeg(data.draw(st.integers(0, 9)), 60, 44, subsampling=2, restart_marker_blocks=2)
    )
    for _ in range(data.draw(st.integers(1, 6))):
        jpeg[data.draw(st.integers(2, len(jpeg) - 1))] = data.draw(st.integers(0, 255))
    whole = pt.ResizeCenterCrop(16, 16)
    try:
        image = pt.decode(jpeg)
    except pt.DecodeError:
        with pytest.raises(pt.DecodeError) as raised:
            pt.decode_batch([bytes(jpeg)], whole, threads=1)
        assert raised.value.index == 0
    else:
        assert image.ndim == 3
        assert pt.decode_batch([bytes(jpeg)], whole, threads=1).shape == (1, 16, 16, 3)


def test_aligned_memory_has_the_shape_that_was_asked_for() -> None:
    for shape in (0, 5, (3, 0, 2), (2, 3, 5), ()):
        array = aligned_empty(shape, np.float32)
        assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
        assert array.size == 0 or array.ctypes.data % 64 == 0
        assert array.flags.writeable


def test_every_photo_of_the_corpus_equals_pillow(photos: list[Path]) -> None:
    refused = 0
    for path in photos:
        data = path.read_bytes()
        try:
            expected = by_pillow(data)
        except (OSError, SyntaxError):
            refused += 1
            with pytest.raises(pt.DecodeError):
                pt.decode(data)
            continue
        assert np.array_equal(pt.decode(data), expected), path
    assert refused < len(photos) / 10


def test_pictures_made_for_tests_are_not_flat() -> None:
    assert make_pixels(1).std() > 20
