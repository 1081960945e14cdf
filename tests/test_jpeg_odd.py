"""Every odd JPEG of other projects is as Pillow has it, or listed with a reason.

The files are other projects' tests and fuzz corpora, most of them damaged. Pillow is the oracle;
simplejpeg, strict, tells whether libjpeg-turbo warns of damage. Each file that only one of Pillow
and us opens stands in a table below with the reason, and must be refused in just that way.
"""

from __future__ import annotations

import io
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import simplejpeg
from PIL import Image

import ptarmigan as pt


class Reason(NamedTuple):
    """Why we refuse some files that Pillow opens."""

    why: str
    message: str
    """What our error says, as a pattern."""
    damaged: bool
    """Whether libjpeg-turbo warns of damage in them."""
    folder: str
    names: str
    """First ten letters of each."""


REFUSED = [
    Reason(
        "libjpeg-turbo-rs, for arithmetic coding, refuses numbers of conditionings above 3",
        "table index out of range",
        True,
        "lj_seed",
        """
        017a86735c 01f9551c6f 0b4e9d8d33 1962ff487a 255f053c51 28a72692ee 3fd770bed3
        47a967379b 55573cfc86 5b178ab97e 60bdcf6aac 60c3ac1ab7 69fb6c5525
        """,
    ),
]

ACCEPTED = {
    # libjpeg-turbo says nothing of it; Pillow fails to read the density for `info`.
    ("twelvemonkeys", "eb6a522451"): "a JFIF segment that ends behind its name",
}
"""Files that Pillow refuses and we open."""


def by_pillow(data: bytes) -> Image.Image | None:
    """The image in its own mode, or None where Pillow refuses it or it is no JPEG."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except Exception:
            return None
    return image if image.format in ("JPEG", "MPO") else None


def is_damaged(data: bytes, mode: str) -> bool:
    try:
        simplejpeg.decode_jpeg(data, colorspace="CMYK" if mode == "CMYK" else "RGB", strict=True)
    except ValueError:
        return True
    return False


def by_us(data: bytes) -> np.ndarray | str:
    try:
        return pt.decode(data)
    except pt.DecodeError as error:
        return str(error)


def find_reason(folder: str, name: str) -> Reason | None:
    found = [one for one in REFUSED if one.folder == folder and name[:10] in one.names.split()]
    return found[0] if found else None


@pytest.fixture(scope="module")
def odd(corpus: Path) -> list[Path]:
    files = sorted(path for path in (corpus / "jpeg_odd").rglob("*") if path.is_file())
    assert len(files) > 1500
    return files


def test_every_odd_file_is_as_pillow_has_it_or_listed(odd: list[Path]) -> None:
    wrong, counts = [], Counter[str]()
    for path in odd:
        data = path.read_bytes()
        theirs, ours = by_pillow(data), by_us(data)
        reason = find_reason(path.parent.name, path.name)
        if theirs is None:
            counts["refused by Pillow"] += 1
            listed = (path.parent.name, path.name[:10]) in ACCEPTED
            counts["accepted"] += listed
            if isinstance(ours, str) == listed or reason:
                wrong.append(f"{path}: refused by Pillow, {listed=}, {reason=}")
            continue
        damaged = is_damaged(data, theirs.mode)
        kind = "damaged" if damaged else "whole"
        if isinstance(ours, str):
            counts[f"{kind}, refused"] += 1
            if reason is None or reason.message not in ours or reason.damaged != damaged:
                wrong.append(f"{path}: {kind}, {ours!r}, {reason=}")
        else:
            counts[f"{kind}, equal"] += 1
            if reason or not np.array_equal(ours, np.asarray(theirs.convert("RGB"))):
                wrong.append(f"{path}: {kind}, other pixels, {reason=}")
    assert not wrong, "\n".join(wrong)
    names = Counter[bool]()
    for reason in REFUSED:
        names[reason.damaged] += len(reason.names.split())
    # Nothing is listed that is not there.
    assert counts["damaged, refused"] == names[True], counts
    assert counts["whole, refused"] == names[False], counts
    assert counts["accepted"] == len(ACCEPTED), counts
    assert counts["damaged, equal"] > 9 * counts["damaged, refused"], counts


def test_crops_of_odd_files_are_those_of_their_pixels(odd: list[Path]) -> None:
    crop = pt.RandomResizedCrop(24)
    checked = 0
    for number, path in enumerate(odd[::3]):
        data = path.read_bytes()
        whole = by_us(data)
        if isinstance(whole, str):
            with pytest.raises(pt.DecodeError):
                pt.decode_batch([data], crop, sample_ids=[number], threads=1)
            continue
        ours = pt.decode_batch([data], crop, sample_ids=[number], threads=1)[0]
        height, width, _ = whole.shape
        x, y, w, h, flip = crop.boxes([width], [height], 0, 0, [number])[0].tolist()
        theirs = Image.fromarray(whole).resize(
            (24, 24), Image.Resampling.BILINEAR, box=(x, y, x + w, y + h)
        )
        if flip:
            theirs = theirs.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert np.array_equal(ours, np.asarray(theirs)), path
        checked += 1
    assert checked > 200
