"""Turns categories and a number of images into who is where: ids, splits, sizes, member names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ptarmigan.published import PUBLISHED
from ptarmigan.synth.counts import Counts, shares, weights_of
from ptarmigan.synth.taxa import Category

__all__ = ["REAL_TEST_IMAGES", "Pictures", "plan_test", "plan_train_val"]

REAL_TEST_IMAGES: Final = PUBLISHED["2017"].totals["test"]

# Share of ids in the first of the two blocks that the real ids form: 411,326 of 675,170.
_FIRST_BLOCK: Final = 0.609

# Width and height of 3,702 records of the 2018 release with their shares; the rest vary.
_SHAPES: Final = (
    ((800, 600), 0.205),
    ((800, 533), 0.079),
    ((600, 800), 0.066),
    ((800, 800), 0.039),
    ((800, 534), 0.025),
    ((800, 532), 0.016),
    ((800, 450), 0.015),
)
_SHORTEST, _LONGEST = 343, 800
_OTHER_LANDSCAPE: Final = 0.37


@dataclass
class Pictures:
    """Every picture of an archive; a row is an image id.

    Attributes:
        category: Category id, int64.
        width: Pixels across, int64.
        height: Pixels down, int64.
        key: What tells pictures of a category apart, int64.
        components: 1, 3 or 4, uint8.
        truncated: Whether the file ends early.
        val: Whether it belongs to the validation split.
        names: Member names.
    """

    category: NDArray[np.int64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    key: NDArray[np.int64]
    components: NDArray[np.uint8]
    truncated: NDArray[np.bool_]
    val: NDArray[np.bool_]
    names: list[str]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Rows in the order of the archive."""
        return np.array(sorted(range(len(self)), key=self.names.__getitem__), np.int64)

    def __len__(self) -> int:
        return len(self.names)


def _sizes(
    count: int, max_side: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Widths and heights with the real mix of shapes; the longer side is always `max_side`."""
    shapes = np.array([shape for shape, _ in _SHAPES] + [(0, 0)])
    shares = np.array([share for _, share in _SHAPES])
    chosen = random.choice(len(shapes), size=count, p=[*shares, 1 - shares.sum()])
    sides = shapes[chosen]
    other = chosen == len(_SHAPES)
    short = random.integers(_SHORTEST, _LONGEST, size=count)
    flat = random.random(count) < _OTHER_LANDSCAPE / (1 - shares.sum())
    sides[other, 0] = np.where(flat, _LONGEST, short)[other]
    sides[other, 1] = np.where(flat, short, _LONGEST)[other]
    scaled = np.maximum(1, np.round(sides * (max_side / _LONGEST))).astype(np.int64)
    return np.ascontiguousarray(scaled[:, 0]), np.ascontiguousarray(scaled[:, 1])


def _stem(seed: int, archive: str, image_id: int) -> str:
    text = f"{seed} {archive} {image_id}".encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _odd_ones(
    count: int, wanted: dict[str, int], random: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Draws the rows of the odd files, no row twice."""
    needed = sum(wanted.values())
    if min(wanted.values()) < 0 or needed > count:
        asked = ", ".join(f"{name}={number}" for name, number in wanted.items())
        raise ValueError(f"{asked} cannot be taken from {count} images")
    rows = random.permutation(count)[:needed]
    ends = np.cumsum(list(wanted.values()))[:-1]
    return dict(zip(wanted, np.split(rows, ends), strict=True))


def plan_train_val(
    categories: list[Category],
    counts: Counts,
    *,
    max_side: int,
    seed: int,
    odd: dict[str, int],
) -> Pictures:
    """Plans the archive of the training and the validation images.

    Ids count from 0 over both splits, in two blocks; in a block those of a category are together.

    Args:
        categories: All categories.
        counts: Images of every category.
        max_side: Longer side in pixels.
        seed: Decides everything.
        odd: How many `grey`, `cmyk` and `truncated` files to have.

    Returns:
        The plan.

    Raises:
        ValueError: If there are fewer images than odd ones.
    """
    random = np.random.default_rng([seed, 4])
    images = int(counts.images.sum())
    first = np.floor(counts.images * _FIRST_BLOCK).astype(np.int64)
    ids = random.permutation(len(categories))
    blocks = (first, counts.images - first)
    category = np.concatenate([np.repeat(ids, block[ids]) for block in blocks])
    val = np.zeros(images, np.bool_)
    by_category = np.split(np.argsort(category, kind="stable"), np.cumsum(counts.images)[:-1])
    for rows, number in zip(by_category, counts.val.tolist(), strict=True):
        val[random.permutation(rows)[:number]] = True
    width, height = _sizes(images, max_side, random)
    rows_of = _odd_ones(images, odd, random)
    components = np.full(images, 3, np.uint8)
    components[rows_of["grey"]] = 1
    components[rows_of["cmyk"]] = 4
    truncated = np.zeros(images, np.bool_)
    truncated[rows_of["truncated"]] = True
    folders = [category.directory for category in categories]
    names = [
        f"{folders[number]}/{_stem(seed, 'train_val', row)}.jpg"
        for row, number in enumerate(category.tolist())
    ]
    key = np.arange(images, dtype=np.int64)
    return Pictures(category, width, height, key, components, truncated, val, names)


def plan_test(categories: list[Category], images: int, *, max_side: int, seed: int) -> Pictures:
    """Plans the archive of the test images; arguments and result as `plan_train_val`."""
    random = np.random.default_rng([seed, 5])
    counts = shares(images, weights_of(categories, seed), least=1)
    category = random.permutation(np.repeat(np.arange(len(categories)), counts))
    width, height = _sizes(images, max_side, random)
    names = [f"test2017/{_stem(seed, 'test', row)}.jpg" for row in range(images)]
    # Beyond every key of the other archive: no test picture is a training picture.
    key = np.arange(images, dtype=np.int64) + (1 << 40)
    none = np.zeros(images, np.bool_)
    components = np.full(images, 3, np.uint8)
    return Pictures(category, width, height, key, components, none, none, names)
