"""Turns categories into how many training and validation images each of them gets."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptarmigan.published import PUBLISHED
from ptarmigan.synth.taxa import SUPERCATEGORIES, Category

__all__ = [
    "REAL_IMAGES",
    "Counts",
    "bounded_shares",
    "page_counts",
    "scaled_counts",
    "shares",
    "weights_of",
]

_TOTALS: Final = PUBLISHED["2017"].totals
REAL_IMAGES: Final = _TOTALS["train"] + _TOTALS["val"]

# Spread of the long tail: the real mean of images a category is 2.8 times the median.
_TAIL: Final = 1.3
# The paper's imbalance, 435.44, is 3,919 / 9.
_RAREST, _COMMONEST = 9, 3_919
# The page's splits took about 30 images of a category at most, the paper's protocol 4 at least.
_LEAST_VAL, _MOST_VAL = 4, 30
# Common categories have more validation images, but not in proportion.
_VAL_POWER: Final = 0.4


class Counts(NamedTuple):
    """Images of each category, (C,) int64: both splits together, and for validation."""

    images: NDArray[np.int64]
    val: NDArray[np.int64]


def shares(total: int, weights: NDArray[np.float64], least: int) -> NDArray[np.int64]:
    """Whole numbers that add up to `total`, in proportion, each at least `least` if it goes."""
    counts = np.zeros(len(weights), np.int64)
    if total >= least * len(weights):
        counts += least
    exact = weights / weights.sum() * (total - counts.sum())
    counts += np.floor(exact).astype(np.int64)
    missing = total - int(counts.sum())
    largest = np.argsort(np.floor(exact) - exact, kind="stable")
    counts[largest[:missing]] += 1
    return counts


def bounded_shares(
    total: int, weights: NDArray[np.floating[Any]], least: int, most: int
) -> NDArray[np.int64]:
    """Whole numbers from `least` to `most` that add up to `total`, in proportion where they can.

    Raises:
        ValueError: If no such numbers add up to it.
    """
    if not least * len(weights) <= total <= most * len(weights):
        raise ValueError(f"{len(weights)} numbers of {least} to {most} cannot add up to {total}")

    def scaled(factor: float) -> NDArray[np.int64]:
        return np.asarray(np.minimum(least + np.floor(weights * factor), most), np.int64)

    low, high = 0.0, most / weights.min() if len(weights) else 0.0
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (middle, high) if scaled(middle).sum() <= total else (low, middle)
    counts = scaled(low)
    left = total - int(counts.sum())
    free = np.flatnonzero(counts < most)[:left]
    counts[free] += 1
    return counts


def weights_of(categories: list[Category], seed: int) -> NDArray[np.float64]:
    """How many images each category gets, as shares: the real share of its group, long-tailed."""
    groups = _groups(categories)
    tail = np.random.default_rng([seed, 3]).lognormal(0.0, _TAIL, len(categories))
    images = np.array([group.train + group.val for group in SUPERCATEGORIES], np.float64)
    of_group = np.bincount(groups, tail, len(SUPERCATEGORIES))
    return np.asarray(tail / of_group[groups] * images[groups] / REAL_IMAGES)


def scaled_counts(categories: list[Category], images: int, seed: int) -> Counts:
    """Counts that add up to `images`, in the real proportions of groups and splits."""
    counts = shares(images, weights_of(categories, seed), least=2)
    groups = [SUPERCATEGORIES[category.supercategory] for category in categories]
    share = np.array([group.val / (group.train + group.val) for group in groups])
    # As the group, and never all of them.
    val = np.clip(np.round(counts * share), 1, np.maximum(counts - 1, 0)).astype(np.int64)
    return Counts(counts, val)


def page_counts(categories: list[Category], seed: int) -> Counts:
    """Counts with the page's sums for every super category, and the paper's median and extremes.

    Args:
        categories: All 5,089.
        seed: Decides which category is common.

    Returns:
        Training counts of 9 to 3,919 with the median 41, validation counts of 4 to 30.
    """
    groups = _groups(categories)
    draws = np.random.default_rng([seed, 3]).standard_normal(len(categories))
    paper = PUBLISHED["2017"].paper
    assert paper is not None  # noqa: S101 - the 2017 release is the paper's
    # The wider the spread, the lower the median of numbers with the same sum.
    low, high = 0.1, 3.0
    train = _training(groups, draws, low)
    while high - low > 1e-9 and np.median(train) != paper.median:
        spread = (low + high) / 2
        train = _training(groups, draws, spread)
        low, high = (spread, high) if np.median(train) > paper.median else (low, spread)
    val = np.zeros_like(train)
    for place, group in enumerate(SUPERCATEGORIES):
        rows = np.flatnonzero(groups == place)
        val[rows] = bounded_shares(group.val, train[rows] ** _VAL_POWER, _LEAST_VAL, _MOST_VAL)
    return Counts(train + val, val)


def _groups(categories: list[Category]) -> NDArray[np.int64]:
    return np.array([category.supercategory for category in categories], np.int64)


def _training(
    groups: NDArray[np.int64], draws: NDArray[np.float64], spread: float
) -> NDArray[np.int64]:
    """Training images of every category, log-normal with this spread inside each group."""
    counts = np.zeros(len(groups), np.int64)
    largest = max(range(len(SUPERCATEGORIES)), key=lambda place: SUPERCATEGORIES[place].train)
    for place, group in enumerate(SUPERCATEGORIES):
        rows = np.flatnonzero(groups == place)
        total = group.train
        if place == largest:
            rows = rows[np.argsort(draws[rows], kind="stable")]
            counts[rows[-1]], counts[rows[0]] = _COMMONEST, _RAREST
            total -= _COMMONEST + _RAREST
            rows = np.sort(rows[1:-1])
        tail = np.exp(spread * draws[rows])
        counts[rows] = bounded_shares(total, tail, _RAREST, _COMMONEST)
    return counts
