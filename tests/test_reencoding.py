"""Smaller photos are the files that Pillow makes."""

from __future__ import annotations

import io

import pytest

from ptarmigan.exporting import Reencoding
from synthetic import make_jpeg


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((800, 600), 512, (512, 384)),
        ((600, 800), 512, (384, 512)),
        ((800, 533), 512, (512, 341)),
        ((512, 512), 512, (512, 512)),
        ((300, 200), 512, (300, 200)),
        ((800, 1), 512, (512, 1)),
        ((1000, 3), 100, (100, 1)),
        ((801, 600), None, (801, 600)),
    ],
)
def test_the_longer_side_is_what_is_asked_for(size, longest, expected):
    assert Reencoding(longest).size(*size) == expected


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("size", [(96, 72), (72, 96), (131, 17), (64, 64), (40, 30)])
def test_smaller_photos_are_the_files_that_pillow_makes(size, interpolation):
    from PIL import Image

    data = make_jpeg(size[0], *size)
    ours = Reencoding(64, 90, interpolation)(data, "m", "a")
    with Image.open(io.BytesIO(data)) as image:
        smaller = image.convert("RGB")
        new = Reencoding(64).size(*size)
        if new != size:
            smaller = smaller.resize(new, Image.Resampling[interpolation.upper()])
    buffer = io.BytesIO()
    smaller.save(buffer, "JPEG", quality=90)
    assert ours == buffer.getvalue()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_stays_and_other_metadata_goes(orientation):
    from PIL import Image, ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    data = make_jpeg(1, 90, 60, exif=exif)
    smaller = Reencoding(45)(data, "m", "a")
    with Image.open(io.BytesIO(smaller)) as image:
        assert image.size == (45, 30)
        kept = dict(image.getexif())
        upright = ImageOps.exif_transpose(image).size
    assert kept == ({} if orientation == 1 else {0x0112: orientation})
    assert upright == ((30, 45) if orientation in (6, 8) else (45, 30))


@pytest.mark.parametrize(
    "options", [(0,), (65_536,), (8, 0), (8, 101), (8, 95, "nearest"), (8, 95, "")]
)
def test_encodings_that_can_never_work_are_refused(options):
    with pytest.raises(ValueError, match="found"):
        Reencoding(*options)
