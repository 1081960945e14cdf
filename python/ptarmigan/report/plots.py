"""Turns the figures of a score into plots: error by labels, by frequency, and calibration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from .svg import ACCENT, INK, QUIET, RULE, drawing, svg_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .calibration import Calibration
    from .long_tail import FrequencyBin

__all__ = ["calibration_plot", "long_tail_plot", "top_errors_plot"]

# As wide as the text of a small phone, so that letters keep their size there.
WIDTH: Final = 360
HEIGHT: Final = 270
# More single classes than this hide each other.
POINTS: Final = 300


def top_errors_plot(
    errors: Sequence[float], intervals: Sequence[tuple[int, Sequence[float]]]
) -> str:
    """The error against the number of labels that count.

    Args:
        errors: Top-1, top-2, ... error, 0 to 1.
        intervals: (labels, [low, high]) where they are known.
    """
    places = range(1, len(errors) + 1)
    with drawing(WIDTH, HEIGHT) as figure:
        axes = figure.add_subplot()
        axes.plot(places, errors, color=ACCENT, marker="o", markersize=6, clip_on=False)
        for place, (low, high) in intervals:
            axes.vlines(place, low, high, color=ACCENT, linewidth=4, alpha=0.35)
        for place, error in zip(places, errors, strict=True):
            # To the upper right, where a falling line never is.
            axes.annotate(f"{error:.1%}", (place, error), (7, 4), textcoords="offset points")
        axes.set_xticks(list(places))
        axes.set_xlim(0.7, len(errors) + 0.8)
        _shares(axes, max(errors))
        axes.set_xlabel("labels that count")
        text = "Line of the error against the number of labels that count: " + ", ".join(
            f"top-{place} {error:.1%}" for place, error in zip(places, errors, strict=True)
        )
        return svg_of(figure, "labels", text)


def long_tail_plot(
    bins: Sequence[FrequencyBin], classes: Sequence[tuple[int, float]], error_name: str
) -> str:
    """The mean error of classes against their training images, on a logarithmic axis.

    Args:
        bins: From `frequency_bins`.
        classes: Training images and error of each class; shown singly where they are few.
        error_name: Such as ``"top-5 error"``.
    """
    middles = [math.sqrt(one.low * one.high) for one in bins]
    with drawing(WIDTH, HEIGHT) as figure:
        axes = figure.add_subplot()
        shown = sorted(pair for pair in classes if pair[0] > 0)
        greatest = max(one.interval[1] if one.interval else one.error for one in bins)
        if len(shown) <= POINTS:
            greatest = 1
            images, errors = zip(*shown, strict=True)
            axes.scatter(images, errors, 14, QUIET, alpha=0.4, linewidths=0, clip_on=False)
        for middle, one in zip(middles, bins, strict=True):
            if one.interval is not None:
                axes.vlines(middle, *one.interval, color=ACCENT, linewidth=4, alpha=0.35)
        axes.plot(middles, [one.error for one in bins], color=ACCENT, marker="o", markersize=6)
        axes.set_xscale("log", base=2)
        axes.set_xlim(bins[0].low / 1.2, bins[-1].high * 1.2)
        step = max(1, math.ceil(len(bins) / 7))
        edges = [one.low for one in bins][::step]
        axes.set_xticks(edges, [f"{edge:,}" for edge in edges])
        axes.minorticks_off()
        _shares(axes, greatest)
        axes.set_xlabel("training images of the class")
        text = f"Mean {error_name} of classes against their training images: " + ", ".join(
            f"{one.low:,} to {one.high:,} images {one.error:.0%}" for one in bins
        )
        return svg_of(figure, "frequency", text)


def calibration_plot(calibration: Calibration) -> str:
    """Accuracy against confidence, and below it how many images have which confidence."""
    used = calibration.n > 0
    confidence, accuracy = calibration.confidence[used], calibration.accuracy[used]
    bins = len(calibration.n)
    with drawing(WIDTH, HEIGHT + 60) as figure:
        axes, below = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [5, 1], "hspace": 0.02}
        )
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 4)))
        axes.text(0.02, 0.93, "not sure enough", color=QUIET, va="center")
        axes.text(0.98, 0.05, "too sure", color=QUIET, va="center", ha="right")
        axes.plot(confidence, accuracy, color=ACCENT, marker="o", markersize=6, clip_on=False)
        _shares(axes, 1)
        axes.set_ylabel("accuracy")
        centres = [(place + 0.5) / bins for place in range(bins)]
        below.bar(centres, calibration.n, width=0.85 / bins, color=INK, alpha=0.35, linewidth=0)
        below.set_yticks([])
        below.set_ylabel("images")
        below.set_xlim(0, 1)
        below.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        below.set_xlabel("confidence of the first label")
        text = "Accuracy against confidence of the first label: " + ", ".join(
            f"{sure:.0%} sure, {right:.0%} right"
            for sure, right in zip(confidence, accuracy, strict=True)
        )
        return svg_of(figure, "calibration", text)


def _shares(axes: Any, greatest: float) -> None:
    """An axis of percentages from 0 with a quiet grid."""
    from matplotlib.ticker import MaxNLocator

    axes.set_ylim(0, 1 if greatest > 0.8 else max(greatest * 1.2, 0.01))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.grid(axis="y", color=RULE)
