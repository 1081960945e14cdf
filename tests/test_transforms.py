"""Transforms are values with checked parameters; their boxes follow torchvision's rule."""

from __future__ import annotations

import math
import pickle
from enum import Enum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ptarmigan as pt

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def test_transforms_and_outputs_survive_pickling() -> None:
    values = [
        pt.RandomResizedCrop(224),
        pt.RandomResizedCrop((12, 34), (0.2, 0.5), (1.0, 2.0), 0.25, "bicubic"),
        pt.ResizeCenterCrop(256, 224),
        pt.ResizeCenterCrop(9, (3, 4), "bicubic"),
        pt.Output(),
        pt.Output("float16", "NCHW", **IMAGENET),
    ]
    for value in values:
        copy = pickle.loads(pickle.dumps(value))  # noqa: S301
        assert copy == value
        assert hash(copy) == hash(value)
        assert repr(copy) == repr(value)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "box", "hamming", "lanczos"])
def test_a_filter_may_be_a_member_of_pillows_or_torchvisions_enumeration(name: str) -> None:
    member = Image.Resampling[name.upper()]
    assert pt.RandomResizedCrop(7, interpolation=member) == pt.RandomResizedCrop(
        7, interpolation=name
    )
    torchvision = Enum("InterpolationMode", {name.upper(): name})
    assert pt.ResizeCenterCrop(8, 7, torchvision[name.upper()]).interpolation == name


@pytest.mark.parametrize("value", [Image.Resampling.NEAREST, 2, None, ["box"]])
def test_what_is_no_filter_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"one of bilinear, .*, not "):
        pt.RandomResizedCrop(7, interpolation=value)  # type: ignore[arg-type]


def test_a_repr_is_the_call_that_makes_the_value() -> None:
    names = {
        name: getattr(pt, name) for name in ("RandomResizedCrop", "ResizeCenterCrop", "Output")
    }
    for value in (pt.RandomResizedCrop(7), pt.ResizeCenterCrop(8, 7), pt.Output("float32", std=2)):
        assert eval(repr(value), names) == value  # noqa: S307


def test_values_cannot_be_changed() -> None:
    for value in (pt.RandomResizedCrop(7), pt.ResizeCenterCrop(8, 7), pt.Output()):
        with pytest.raises(AttributeError):
            value.size = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"size": 0}, "size"),
        ({"size": (1, 2, 3)}, "size"),
        ({"size": 2.5}, "size"),
        ({"size": 100_000}, "size"),
        ({"scale": (0.5, 0.1)}, "scale"),
        ({"scale": (0.0, 1.0)}, "scale"),
        ({"scale": (0.1, math.nan)}, "scale"),
        ({"ratio": (0.0, 1.0)}, "ratio"),
        ({"ratio": (1.0, math.inf)}, "ratio"),
        ({"hflip": 1.5}, "hflip"),
        ({"hflip": math.nan}, "hflip"),
        ({"interpolation": "nearest"}, "bilinear, bicubic, box, hamming, lanczos"),
    ],
)
def test_a_random_crop_refuses_what_cannot_work(options: dict[str, object], named: str) -> None:
    with pytest.raises((ValueError, TypeError), match=named):
        pt.RandomResizedCrop(**{"size": 8, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resize", "crop", "named"), [(0, 4, "resize"), (4, 0, "crop"), ((4, 5), 3, "resize")]
)
def test_a_central_crop_refuses_what_cannot_work(resize: object, crop: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        pt.ResizeCenterCrop(resize, crop)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dtype": "int8"}, "dtype"),
        ({"dtype": ">f4"}, "dtype"),
        ({"layout": "CHW"}, "layout"),
        ({"mean": 0.5}, "uint8"),
        ({"dtype": "float32", "std": 0.0}, "std"),
        ({"dtype": "float32", "std": (1, 1, math.inf)}, "std"),
        ({"dtype": "float32", "mean": math.nan}, "mean"),
        ({"dtype": "float32", "mean": (1, 2)}, "mean"),
    ],
)
def test_an_output_refuses_what_cannot_work(options: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        pt.Output(**options)  # type: ignore[arg-type]


def test_numpy_types_are_taken_for_their_names() -> None:
    assert pt.Output(np.float16) == pt.Output("float16")
    assert pt.Output(np.dtype("float32")) == pt.Output("float32")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 65_535), st.integers(1, 65_535)), max_size=20),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)
def test_boxes_lie_in_their_images(sizes: list[tuple[int, int]], seed: int, epoch: int) -> None:
    widths, heights = (np.array([size[i] for size in sizes], np.int64) for i in (0, 1))
    boxes = pt.RandomResizedCrop(8).boxes(widths, heights, seed, epoch)
    assert boxes.shape == (len(sizes), 5)
    assert boxes.dtype == np.int32
    x, y, width, height, flip = boxes.T.astype(np.int64)
    assert ((x >= 0) & (y >= 0) & (width >= 1) & (height >= 1)).all()
    assert ((x + width <= widths) & (y + height <= heights)).all()
    assert set(flip) <= {0, 1}


def test_a_box_depends_on_its_own_key_only() -> None:
    transform = pt.RandomResizedCrop(8)
    ids = np.arange(50)
    boxes = transform.boxes([640] * 50, [480] * 50, 7, 3, ids)
    np.testing.assert_array_equal(
        transform.boxes([640] * 50, [480] * 50, 7, 3, ids[::-1])[::-1], boxes
    )
    assert (transform.boxes([640] * 50, [480] * 50, 8, 3, ids) != boxes).any()
    assert (transform.boxes([640] * 50, [480] * 50, 7, 4, ids) != boxes).any()


def test_areas_are_uniform_and_ratios_uniform_in_logarithm() -> None:
    count = 20_000
    side = np.full(count, 4000)
    boxes = pt.RandomResizedCrop(8, scale=(0.1, 0.5), ratio=(0.5, 2.0)).boxes(side, side)
    areas = boxes[:, 2] * boxes[:, 3] / 4000**2
    ratios = np.log(boxes[:, 2] / boxes[:, 3]) / math.log(2)
    for values, low, high in ((areas, 0.1, 0.5), (ratios, -1, 1), (boxes[:, 4], 0, 1)):
        assert low - 0.001 <= values.min() < values.max() <= high + 0.001
        expected = (high - low) / math.sqrt(12 * count) * 6
        assert abs(values.mean() - (low + high) / 2) < expected
    shares = np.histogram(areas, 10, (0.1, 0.5))[0] / count
    np.testing.assert_allclose(shares, 0.1, atol=0.015)


def test_boxes_have_the_distribution_of_torchvision() -> None:
    torch = pytest.importorskip("torch")
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    image, count = torch.empty(3, 300, 500), 4000
    theirs = np.array(
        [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)]
    )[:, [1, 0, 3, 2]]
    ours = pt.RandomResizedCrop(8).boxes([500] * count, [300] * count)[:, :4]
    for column in range(4):
        # The two-sample Kolmogorov-Smirnov distance exceeds this once in a thousand.
        both = np.sort(np.concatenate([theirs[:, column], ours[:, column]]))
        below = [
            np.searchsorted(np.sort(sample[:, column]), both, "right") / count
            for sample in (theirs, ours)
        ]
        assert np.abs(below[0] - below[1]).max() < 1.95 * math.sqrt(2 / count)


def test_a_central_crop_tells_what_part_it_shows() -> None:
    source = pt.ResizeCenterCrop(256, 224).boxes([512, 300], [512, 300])
    assert source.dtype == np.float64
    np.testing.assert_allclose(source[0], [32, 32, 448, 448, 0])
    np.testing.assert_allclose(source[1], np.array([16, 16, 224, 224, 0]) * 300 / 256)


def test_lengths_that_differ_are_refused() -> None:
    transform = pt.RandomResizedCrop(8)
    with pytest.raises(ValueError, match="heights"):
        transform.boxes([1, 2], [3])
    with pytest.raises(ValueError, match="sample_ids"):
        transform.boxes([1, 2], [3, 4], sample_ids=[1])
    with pytest.raises(ValueError, match="65535"):
        transform.boxes([0], [3])
    with pytest.raises(ValueError, match="seed"):
        transform.boxes([1], [3], seed=-1)
