"""The whole path over real photographs packed by GNU tar, with Pillow as the oracle."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt

SEED, EPOCH = 11, 3


def by_pillow(data: bytes) -> Image.Image | None:
    """The RGB image, or None where Pillow refuses the file."""
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except (OSError, SyntaxError):
        return None


@pytest.fixture(scope="module")
def packed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> pt.Archive:
    path = tmp_path_factory.mktemp("real") / "photos.tar.gz"
    subprocess.run(["tar", "czf", str(path), "-C", str(corpus), "photos"], check=True)
    return pt.Archive(path)


@pytest.fixture(scope="module")
def images(packed: pt.Archive) -> list[Image.Image | None]:
    """Pillow's view of every member, in the archive's order."""
    return [by_pillow(data) for data in packed.read_many(range(len(packed)))]


def test_decoding_a_member_equals_pillow_or_names_it(
    packed: pt.Archive, images: list[Image.Image | None]
) -> None:
    samples = pt.ImageArchive(packed.path)
    assert len(samples) == len(packed)
    for number, member in enumerate(samples.members.tolist()):
        expected = images[member]
        if expected is None:
            with pytest.raises(pt.DecodeError, match=packed.names[member]) as raised:
                samples[number]
            assert raised.value.member == packed.names[member]
        else:
            image, _ = samples[number]
            assert image.tobytes() == expected.tobytes(), packed.names[member]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
def test_crops_equal_pillow_at_the_same_boxes(
    packed: pt.Archive, images: list[Image.Image | None], interpolation: str
) -> None:
    members = [number for number, image in enumerate(images) if image is not None]
    rows = packed.members[members]
    crop = pt.RandomResizedCrop(224, interpolation=interpolation)
    boxes = crop.boxes(rows["width"], rows["height"], SEED, EPOCH, members)
    data = packed.read_many(members)
    batch = pt.decode_batch(data, crop, seed=SEED, epoch=EPOCH, sample_ids=members)
    resampling = Image.Resampling[interpolation.upper()]
    for member, (x, y, width, height, flip), ours in zip(
        members, boxes.tolist(), batch, strict=True
    ):
        image = images[member]
        assert image is not None
        theirs = image.resize((224, 224), resampling, box=(x, y, x + width, y + height))
        if flip:
            theirs = theirs.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert ours.tobytes() == theirs.tobytes(), packed.names[member]


def test_the_loader_gives_the_same_pixels_and_marks_what_pillow_refuses(
    packed: pt.Archive, images: list[Image.Image | None]
) -> None:
    samples = pt.ImageArchive(packed.path)
    crop = pt.RandomResizedCrop(64)
    loader = pt.Loader(samples, 50, crop, seed=SEED, threads=3, on_error="zero")
    loader.set_epoch(EPOCH)
    seen = 0
    for batch in loader:
        kept = batch.ids[batch.valid].tolist()
        seen += len(batch.ids)
        assert all(images[samples.members[i]] is None for i in batch.ids[~batch.valid])
        data = packed.read_many(samples.members[kept].tolist())
        again = pt.decode_batch(data, crop, seed=SEED, epoch=EPOCH, sample_ids=kept)
        np.testing.assert_array_equal(batch.images[batch.valid], again)
    assert seen == len(samples)
    refused = {packed.names[n] for n, image in enumerate(images) if image is None}
    assert {failure.member for failure in loader.errors} == refused
