"""Turns the errors of classes into their mean for rare, common and very common classes."""

from __future__ import annotations

import math
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FrequencyBin", "frequency_bins"]


class FrequencyBin(NamedTuple):
    """The classes with a number of training images from one power of two to the next.

    Attributes:
        low: Least number of training images, a power of two.
        high: Greatest.
        classes: How many classes.
        error: The mean of their errors, 0 to 1.
        interval: Where the mean lies with the given confidence; None for a single class.
    """

    low: int
    high: int
    classes: int
    error: float
    interval: tuple[float, float] | None


def frequency_bins(
    classes: Iterable[tuple[int, float]], confidence: float = 0.95
) -> list[FrequencyBin]:
    """The bins that have a class, from rare to common; classes without training images are in none.

    Args:
        classes: Training images and error of each class.
        confidence: Of the intervals, which are those of the normal distribution around the mean
            over classes, cut to 0 and 1.
    """
    bins: dict[int, list[float]] = {}
    for images, error in classes:
        if images > 0:
            bins.setdefault(int(images).bit_length() - 1, []).append(error)
    width = NormalDist().inv_cdf((1 + confidence) / 2)
    found = []
    for power, errors in sorted(bins.items()):
        mean, interval = fmean(errors), None
        if len(errors) > 1:
            reach = width * stdev(errors) / math.sqrt(len(errors))
            interval = (max(0.0, mean - reach), min(1.0, mean + reach))
        found.append(FrequencyBin(1 << power, (2 << power) - 1, len(errors), mean, interval))
    return found
