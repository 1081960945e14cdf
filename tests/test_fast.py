"""`decode="fast"` makes nearly the pixels of `decode="exact"`, and says how nearly."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from jpeg_sampling import SAMPLINGS, make_sampled
from synthetic import make_jpeg, save_jpeg, write_tar


def psnr(ours: np.ndarray, expected: np.ndarray) -> float:
    error = np.mean((ours.astype(np.float64) - expected) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def both(files: list[bytes], transform: object, **options: object) -> tuple[np.ndarray, np.ndarray]:
    fast, exact = (
        pt.decode_batch(files, transform, decode=how, threads=1, **options)
        for how in ("fast", "exact")
    )
    return fast, exact


def make_photo(seed: int, width: int, height: int, **options: object) -> bytes:
    """A smooth picture with some grain, as cameras make them."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(0, 256, (9, 11, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = chance.normal(0, 3, smooth.shape)
    return save_jpeg(Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)), **options)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crops_are_near_the_exact_ones(subsampling: str, interpolation: str) -> None:
    files = [
        make_photo(seed, 300 + 37 * seed, 420 - 29 * seed, quality=95, subsampling=subsampling)
        for seed in range(6)
    ]
    for transform in (
        pt.RandomResizedCrop(96, interpolation=interpolation),
        pt.ResizeCenterCrop(110, 96, interpolation=interpolation),
        pt.ResizeCenterCrop(40, 64, interpolation=interpolation),
    ):
        fast, exact = both(files, transform, seed=3)
        for ours, expected in zip(fast, exact, strict=True):
            assert psnr(ours, expected) > 35


def test_boxes_and_flips_are_those_of_the_exact_mode() -> None:
    """One bright spot, which would be elsewhere if the box were another."""
    pixels = np.zeros((200, 240, 3), np.uint8)
    pixels[70:90, 30:60] = 255
    data = save_jpeg(Image.fromarray(pixels), quality=95)
    fast, exact = both([data] * 40, pt.RandomResizedCrop(64, scale=(0.3, 1.0)), seed=9)
    for ours, expected in zip(fast, exact, strict=True):
        assert np.abs(ours.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [1, 7, 32, 50, 64, 80, 96, 112, 200])
def test_a_flat_picture_stays_flat_at_every_scale(subsampling: str, size: int) -> None:
    image = Image.new("RGB", (150, 130), (200, 90, 40))
    data = save_jpeg(image, quality=100, subsampling=subsampling)
    fast, exact = both([data], pt.ResizeCenterCrop(size, size))
    assert np.abs(fast.astype(int) - exact).max() <= 1


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_chroma_of_any_sampling_lies_where_it_belongs(sampling: str) -> None:
    """The mean colour of each quarter is that of the exact mode."""
    data, *_ = make_sampled(1, 160, 128, sampling, quality=95)
    fast, exact = both([data], pt.ResizeCenterCrop(64, 64))
    quarters = [batch[0].reshape(2, 32, 2, 32, 3).mean((1, 3)) for batch in (fast, exact)]
    assert np.abs(quarters[0] - quarters[1]).max() < 1.5


def test_grey_pictures_stay_grey() -> None:
    fast, exact = both([make_jpeg(3, 200, 150, "L")], pt.ResizeCenterCrop(50, 48))
    assert (fast[..., 0] == fast[..., 1]).all()
    assert (fast[..., 0] == fast[..., 2]).all()
    assert psnr(fast, exact) > 33


@pytest.mark.parametrize("options", [{"progressive": True}, {"mode": "CMYK"}])
def test_what_is_not_plain_is_exact(options: dict[str, object]) -> None:
    fast, exact = both([make_jpeg(4, 120, 90, **options)], pt.RandomResizedCrop(32))
    np.testing.assert_array_equal(fast, exact)


def test_every_size_and_crop_works() -> None:
    files = [make_jpeg(side, 1 + side % 19, 1 + side % 23, subsampling=2) for side in range(60)]
    for size in (1, 3, 16, 33):
        transform = pt.RandomResizedCrop(size, scale=(1e-6, 1.0), ratio=(0.1, 10.0))
        fast, _ = both(files, transform, seed=size)
        assert fast.shape == (60, size, size, 3)


def test_layouts_and_types_hold_the_same_pixels() -> None:
    files = [make_photo(seed, 200, 160) for seed in range(3)]
    transform = pt.RandomResizedCrop(48)
    fast, _ = both(files, transform)
    floats = pt.decode_batch(files, transform, decode="fast", output=pt.Output("float32", "NCHW"))
    np.testing.assert_array_equal(floats.transpose(0, 2, 3, 1), fast.astype(np.float32) / 255)


def test_the_loader_gives_the_batches_of_decode_batch(tmp_path: Path) -> None:
    files = {f"a/{n}.jpg": make_photo(n, 160, 120) for n in range(7)}
    samples = pt.ImageArchive(write_tar(tmp_path / "photos.tar.gz", files))
    crop = pt.RandomResizedCrop(40)
    expected = pt.decode_batch(
        list(files.values()), crop, decode="fast", seed=2, sample_ids=samples.image_ids
    )
    for threads in (1, 3):
        loader = pt.Loader(samples, 4, crop, decode="fast", shuffle=False, seed=2, threads=threads)
        images = np.concatenate([batch.images for batch in loader])
        np.testing.assert_array_equal(images, expected)


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="exact, fast"):
        pt.decode_batch([], pt.RandomResizedCrop(8), decode="draft")


def test_photos_are_as_near_as_the_documentation_says(photos: list[Path]) -> None:
    files = []
    for path in photos[::9]:
        data = path.read_bytes()
        try:
            Image.open(io.BytesIO(data)).load()
        except (OSError, SyntaxError):
            continue
        files.append(data)
    for transform in (pt.RandomResizedCrop(224), pt.ResizeCenterCrop(256, 224)):
        fast, exact = both(files, transform, seed=1)
        found = [psnr(ours, expected) for ours, expected in zip(fast, exact, strict=True)]
        finite = [value for value in found if np.isfinite(value)]
        assert np.mean(finite) > 42
        assert np.percentile(finite, 1) > 34
