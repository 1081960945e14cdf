"""Turns a plan into which images have boxes, how many, and where on the picture they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptarmigan._core import Camera
from ptarmigan.published import PUBLISHED
from ptarmigan.synth.counts import bounded_shares
from ptarmigan.synth.plan import Pictures
from ptarmigan.synth.records import chunks
from ptarmigan.synth.taxa import SUPERCATEGORIES, Category

__all__ = ["BoxPlan", "Boxes", "boxes_of", "page_boxes", "scaled_boxes"]

_MOST: Final = 10
# Of images with boxes, 12 % have more than one; 87.4 % of the validation images that could have
# one do.
_SHARE_OF_MANY, _SHARE_BOXED = 0.12, 0.874
# Boxes beyond the first, of an image that has any.
_MEAN_MORE: Final = 2.5
# Where there are fewer boxes than images, as for Arachnida, 4 % of the boxed have a second one.
_FEWEST_A_PICTURE, _MOST_OF_PICTURES = 1.04, 0.96


class BoxPlan(NamedTuple):
    """The images of a split that have boxes.

    Attributes:
        rows: (B,) image ids, in the order of the file.
        numbers: (B,) boxes of each.
    """

    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]


class Boxes(NamedTuple):
    """Boxes of one file, a few thousand images at a time.

    Attributes:
        rows: (N,) image ids.
        corners: (N, 4) x, y, width, height in whole pixels.
    """

    rows: NDArray[np.int64]
    corners: NDArray[np.int64]


def _groups(categories: list[Category], pictures: Pictures) -> NDArray[np.int64]:
    groups = np.array([category.supercategory for category in categories], np.int64)
    return np.asarray(groups[pictures.category])


def scaled_boxes(
    categories: list[Category], pictures: Pictures, rows: NDArray[np.int64], seed: int, *, val: bool
) -> BoxPlan:
    """Boxes for most images of the nine super categories that have any.

    Args:
        categories: All categories.
        pictures: The training and validation images.
        rows: The image ids of the split, in the order of the file.
        seed: Decides everything.
        val: Whether it is the validation split, whose images have one box.
    """
    random = np.random.default_rng([seed, 9, val])
    boxed = np.array([group.boxed for group in SUPERCATEGORIES])
    rows = rows[boxed[_groups(categories, pictures)[rows]]]
    rows = rows[random.random(len(rows)) < _SHARE_BOXED]
    numbers = np.ones(len(rows), np.int64)
    if not val:
        many = random.random(len(rows)) < _SHARE_OF_MANY
        numbers[many] += np.minimum(_MOST - 1, random.geometric(1 / _MEAN_MORE, int(many.sum())))
    return BoxPlan(rows, numbers)


def page_boxes(
    categories: list[Category], pictures: Pictures, rows: NDArray[np.int64], seed: int, *, val: bool
) -> BoxPlan:
    """As many boxes as the page has for each super category; arguments as `scaled_boxes`.

    Every category of those super categories has a box.
    """
    random = np.random.default_rng([seed, 9, val])
    groups = _groups(categories, pictures)
    numbers = np.zeros(len(pictures), np.int64)
    places = {group.name: place for place, group in enumerate(SUPERCATEGORIES)}
    for row in PUBLISHED["2017"].boxes:
        mine = random.permutation(rows[groups[rows] == places[row.name]])
        # The first image of each category, then the others.
        _, first = np.unique(pictures.category[mine], return_index=True)
        mine = np.concatenate([mine[first], np.delete(mine, first)])
        if val:
            numbers[mine[: row.val]] = 1
            continue
        count = min(round(row.train / _FEWEST_A_PICTURE), round(len(mine) * _MOST_OF_PICTURES))
        numbers[mine[:count]] = 1
        more = row.train - count
        many = random.permutation(mine[:count])[: round(more / _MEAN_MORE)]
        weights = random.exponential(size=len(many))
        numbers[many] += bounded_shares(more, weights, 1, _MOST - 1)
    boxed = rows[numbers[rows] > 0]
    return BoxPlan(boxed, numbers[boxed])


def boxes_of(
    plan: BoxPlan,
    categories: list[Category],
    pictures: Pictures,
    camera: Camera,
    seed: int,
) -> Iterator[Boxes]:
    """The subject's box on each picture; further ones are parts of it.

    Args:
        plan: Which images have how many.
        categories: All categories.
        pictures: The training and validation images.
        camera: What makes the pictures, and knows where it puts the subject.
        seed: Decides the parts.
    """
    random = np.random.default_rng([seed, 10])
    groups = _groups(categories, pictures)
    for places in chunks(np.arange(len(plan.rows))):
        rows = plan.rows[places]
        subjects = camera.subject_boxes(
            pictures.category[rows],
            groups[rows],
            pictures.key[rows],
            pictures.width[rows],
            pictures.height[rows],
        )
        numbers = plan.numbers[places]
        corners = np.repeat(np.array(subjects, np.float64).reshape(-1, 4), numbers, axis=0)
        further = np.ones(len(corners), np.bool_)
        further[np.cumsum(numbers) - numbers] = False
        corners[further, 2:] *= random.uniform(0.1, 0.5, (int(further.sum()), 2))
        whole = corners.astype(np.int64)
        whole[:, 2:] = np.maximum(whole[:, 2:], 1)
        yield Boxes(np.repeat(rows, numbers), whole)
