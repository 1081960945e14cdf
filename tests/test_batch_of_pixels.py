"""`decode_batch` writes any type and layout, on any number of threads, and names what fails."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg

CROP = pt.RandomResizedCrop((24, 31))
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    return [make_jpeg(seed, 90 + seed, 70, subsampling=seed % 3) for seed in range(17)]


@pytest.mark.parametrize("threads", [1, 2, 7, 40, None])
def test_the_number_of_threads_changes_nothing(files: list[bytes], threads: int | None) -> None:
    batch = pt.decode_batch(files, CROP, seed=5, threads=threads)
    np.testing.assert_array_equal(batch, pt.decode_batch(files, CROP, seed=5, threads=1))


def test_an_image_depends_on_its_sample_id_only(files: list[bytes]) -> None:
    batch = pt.decode_batch(files, CROP, seed=5, epoch=2)
    alone = pt.decode_batch(files[4:5], CROP, seed=5, epoch=2, sample_ids=[4])
    np.testing.assert_array_equal(batch[4], alone[0])
    assert (pt.decode_batch(files[4:5], CROP, seed=5, epoch=2) != alone).any()


NORMALISATIONS = [(None, None), (MEAN, STD), (0.5, 0.25), (0.0, -3.0)]
FLOATS = [(name, *pair) for name in ("float16", "float32") for pair in NORMALISATIONS]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(("dtype", "mean", "std"), [("uint8", None, None), *FLOATS])
def test_values_equal_numpy(
    files: list[bytes], dtype: str, layout: str, mean: object, std: object
) -> None:
    output = pt.Output(dtype, layout, mean, std)  # type: ignore[arg-type]
    batch = pt.decode_batch(files, CROP, output=output)
    expected = pt.decode_batch(files, CROP)
    if dtype != "uint8":
        means = np.asarray(0 if mean is None else mean, np.float32)
        stds = np.asarray(1 if std is None else std, np.float32)
        expected = (((expected.astype(np.float32) / 255) - means) / stds).astype(dtype)
    if layout == "NCHW":
        expected = expected.transpose(0, 3, 1, 2)
    assert batch.dtype == output.dtype
    assert batch.shape == expected.shape == output.shape(len(files), CROP.size)
    np.testing.assert_array_equal(batch, expected)
    assert batch.ctypes.data % 64 == 0
    assert batch.flags.c_contiguous


def test_padding_is_black_before_it_is_normalised(files: list[bytes]) -> None:
    output = pt.Output("float32", mean=MEAN, std=STD)
    batch = pt.decode_batch(files[:1], pt.ResizeCenterCrop(8, 64), output=output)
    black = -np.array(MEAN, np.float32) / np.array(STD, np.float32)
    np.testing.assert_array_equal(batch[0, 0, 0], black)


def test_the_caller_may_give_the_memory(files: list[bytes]) -> None:
    out = np.full((len(files), 24, 31, 3), 7, np.uint8)
    assert pt.decode_batch(files, CROP, out=out) is out
    np.testing.assert_array_equal(out, pt.decode_batch(files, CROP))


def test_memory_used_before_leaves_no_trace(files: list[bytes]) -> None:
    out = np.full((1, 64, 64, 3), 7, np.uint8)
    transform = pt.ResizeCenterCrop(8, 64)
    pt.decode_batch(files[:1], transform, out=out)
    np.testing.assert_array_equal(out, pt.decode_batch(files[:1], transform))


def test_memory_that_does_not_fit_is_refused(files: list[bytes]) -> None:
    whole = np.zeros((len(files), 24, 31, 3), np.uint8)
    read_only = whole.copy()
    read_only.flags.writeable = False
    cases = [
        (whole[1:], "shape"),
        (whole.astype(np.int8), "type int8"),
        (np.asfortranarray(whole), "C-contiguous"),
        (read_only, "writable"),
    ]
    for out, reason in cases:
        with pytest.raises(ValueError, match=reason):
            pt.decode_batch(files, CROP, out=out)
    with pytest.raises(TypeError, match="list"):
        pt.decode_batch(files, CROP, out=[])  # type: ignore[arg-type]


def test_no_images_make_an_empty_batch() -> None:
    assert pt.decode_batch([], CROP).shape == (0, 24, 31, 3)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_bad_image_is_named(files: list[bytes], threads: int) -> None:
    bad = list(files)
    bad[3] = bad[3][:900]
    bad[11] = b"\x89PNG\r\n\x1a\n"
    with pytest.raises(pt.DecodeError, match=r"image 3 of 17: .*truncated") as raised:
        pt.decode_batch(bad, CROP, threads=threads)
    assert raised.value.index == 3
    names = [f"animal/{number}.jpg" for number in range(len(files))]
    with pytest.raises(pt.DecodeError, match=r"`animal/3.jpg`") as raised:
        pt.decode_batch(bad, CROP, threads=threads, names=names)
    assert raised.value.member == "animal/3.jpg"


def test_a_truncated_image_is_refused_whatever_its_crop(files: list[bytes]) -> None:
    data = make_jpeg(1, 200, 160, subsampling=2)
    short = data[: len(data) - 40]
    for epoch in range(30):
        with pytest.raises(pt.DecodeError):
            pt.decode_batch([short], pt.RandomResizedCrop(8), epoch=epoch)


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"decode": "draft"}, ValueError, "exact"),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": 1.5}, ValueError, "threads"),
        ({"seed": -1}, ValueError, "seed"),
        ({"epoch": 2**64}, ValueError, "epoch"),
        ({"sample_ids": [1]}, ValueError, "sample_ids"),
        ({"sample_ids": np.full(17, -1)}, ValueError, "sample_ids"),
        ({"sample_ids": np.zeros(17)}, ValueError, "sample_ids"),
        ({"names": ["a"]}, ValueError, "names"),
        ({"transform": "crop"}, TypeError, "transform"),
        ({"images": b"abc"}, TypeError, "list"),
        ({"images": [3]}, TypeError, "int"),
    ],
)
def test_arguments_that_cannot_work_are_refused(
    files: list[bytes], options: dict[str, object], error: type[Exception], named: str
) -> None:
    arguments: dict[str, object] = {"images": files, "transform": CROP, **options}
    with pytest.raises(error, match=named):
        pt.decode_batch(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_stops_a_long_batch(threads: int) -> None:
    data = make_jpeg(1, 1200, 900)
    out = np.empty((4000, 8, 8, 3), np.uint8)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            pt.decode_batch([data] * 4000, pt.RandomResizedCrop(8), threads=threads, out=out)
    finally:
        timer.cancel()
        timer.join()
