"""Turns a score, and what else is known of its classes, into the HTML page."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._core import __version__
from ..whole_file import written_aside
from .long_tail import frequency_bins

if TYPE_CHECKING:
    from ..predictions import Score
    from .calibration import Calibration
    from .photos import WrongPhoto

__all__ = ["worst_classes", "write_report"]

Names = Mapping[int, str] | Sequence[str]

# A confusion of more groups than this is no longer read, and would weigh more than the page.
CONFUSED: Final = 30


def write_report(
    path: str | os.PathLike[str],
    score: Score,
    *,
    title: str = "Score of a submission",
    data: str | None = None,
    classes: Names | None = None,
    supercategories: Names | None = None,
    training_images: Mapping[int, int] | Sequence[int] | None = None,
    calibration: Calibration | None = None,
    photos: Sequence[WrongPhoto] = (),
    worst: int = 20,
    sources: Mapping[str, str] | None = None,
    made: date | None = None,
) -> None:
    """Writes one HTML page about a score, which needs no network and no other file.

    The same arguments give the same bytes, but for the date. What is not given is left out, and
    the page says what that is. The page holds the score as JSON in the element ``score``, of
    classes and ranks those that it names; each figure that it prints has its place there in the
    attribute ``data-figure``.

    Args:
        path: The file to make or replace; it is written aside and renamed.
        score: What `ptarmigan.score` gave.
        title: The heading, such as the name of the submission.
        data: What was predicted, such as ``"iNaturalist 2017, split val"``.
        classes: The name of each label.
        supercategories: The super category of each label.
        training_images: How many training images each label has.
        calibration: From `calibrate`.
        photos: From `wrong_photos`.
        worst: How many of the worst classes to name, 0 or more.
        sources: Further lines for "how this was made": a name and a text.
        made: The date; by default that of ``SOURCE_DATE_EPOCH`` or today, in UTC.

    Raises:
        ImportError: If Jinja2 or Matplotlib is missing; they are the extra ``report``.
        ValueError: If ``worst`` is negative, or ``SOURCE_DATE_EPOCH`` no number of seconds.
        OSError: If the file cannot be written.
    """
    if worst < 0:
        raise ValueError(f"expected worst=0 or more, found worst={worst}")
    labels = worst_classes(score, worst)
    figures = _figures(score, labels)
    training = _lookup(training_images)
    text = _render(
        figures=figures,
        title=title,
        data=data,
        names=_lookup(classes),
        groups=_lookup(supercategories),
        training=training,
        worst=labels,
        photos=photos,
        calibration=calibration,
        frequencies=_long_tail(score, training),
        confusion=_confusion(score.confusion),
        sources=sources or {},
        class_count=len(score.by_class),
        greatest=max((one.top_k_error for one in score.by_supercategory.values()), default=0) or 1,
        groups_by_size=sorted(
            score.by_supercategory, key=lambda name: (-score.by_supercategory[name].n, name)
        ),
        intervals=_intervals(score),
        left_out=_left_out(score, classes, training, calibration),
        made=_date(made),
        version=__version__,
    )
    # Lone surrogates of odd names become numbers that browsers show as a question mark.
    with written_aside(path) as file:
        file.write(text.encode("utf-8", "xmlcharrefreplace"))


def worst_classes(score: Score, number: int) -> list[int | str]:
    """The labels with the greatest top-k error; of equal ones those with the most images."""

    def place(label: int | str) -> tuple[float, int, float]:
        one = score.by_class[label]
        return -one.top_k_error, -one.n, -one.top_1_error

    # `by_class` is sorted by label and sorting is stable.
    return sorted(score.by_class, key=place)[:number]


class _LongTail(NamedTuple):
    bins: list[Any]
    classes: list[tuple[int, float]]
    untrained: int


class _Confusion(NamedTuple):
    names: list[str]
    places: list[int]
    heat: list[list[float]]
    left_out: int


def _figures(score: Score, labels: Sequence[int | str]) -> dict[str, Any]:
    """The score as ``score --json`` prints it, of classes and ranks only those that are named."""
    figures = score.to_dict()
    figures["by_class"] = {str(label): figures["by_class"][str(label)] for label in labels}
    figures["by_rank"] = {}
    return figures


def _intervals(score: Score) -> list[tuple[int, list[float]]]:
    """(labels, [low, high]) of the errors whose interval is known."""
    both = ((1, score.top_1_interval), (score.k, score.top_k_interval))
    return [(labels, interval) for labels, interval in both if interval is not None]


def _left_out(
    score: Score, classes: Names | None, training: dict[Any, int], calibration: Calibration | None
) -> list[str]:
    """What the page lacks, and what it would take."""
    parts = (
        (score.by_supercategory, "super categories (they need the data set, --root)"),
        (classes, "names of classes (the data set, --root)"),
        (training, "rare and common classes (the training annotations, --root)"),
        (calibration, "calibration (the logits, --logits)"),
    )
    return [text for given, text in parts if not given]


def _long_tail(score: Score, training: dict[Any, int]) -> _LongTail | None:
    classes = [
        (int(training.get(label, 0)), one.top_k_error) for label, one in score.by_class.items()
    ]
    bins = frequency_bins(classes, score.confidence)
    if not bins:
        return None
    return _LongTail(bins, classes, sum(images == 0 for images, _ in classes))


def _confusion(counts: dict[str, Any] | None) -> _Confusion | None:
    """The heat of each cell, 0 to 1: its share of the row beside the greatest off the diagonal."""
    if counts is None or len(counts["names"]) < 2:
        return None
    rows, names = counts["counts"], counts["names"]
    by_size = sorted(range(len(names)), key=lambda place: (-sum(rows[place]), names[place]))
    shown = by_size[:CONFUSED]
    shares = [
        [0.0 if one == other else rows[one][other] / max(1, sum(rows[one])) for other in shown]
        for one in shown
    ]
    top = max(map(max, shares)) or 1.0
    # The root lifts what is small and still worth a look.
    heat = [[round(math.sqrt(share / top), 3) for share in line] for line in shares]
    return _Confusion(names, shown, heat, len(names) - len(shown))


def _lookup(values: Mapping[int, Any] | Sequence[Any] | None) -> dict[Any, Any]:
    if values is None:
        return {}
    return dict(values) if isinstance(values, Mapping) else dict(enumerate(values))


def _date(given: date | None) -> date:
    if given is not None:
        return given
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"expected a number of seconds since 1970 in SOURCE_DATE_EPOCH, found {epoch!r}"
        ) from error


def _render(*, figures: dict[str, Any], **values: Any) -> str:
    try:
        import jinja2
        import matplotlib as _  # noqa: F401 - plots.py needs it
        from markupsafe import Markup
    except ImportError as error:
        raise ImportError(
            "the report needs Jinja2 and Matplotlib: pip install 'ptarmigan[report]'"
        ) from error
    from . import plots

    def figure(*keys: str | int) -> Markup:
        """A figure of the score, printed, with its place as a JSON pointer (RFC 6901, 3)."""
        value: Any = figures
        for key in keys:
            value = value[key]
        place = "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in keys)
        text = f"{value:,}" if isinstance(value, int) else f"{value:.2%}"
        return Markup('<span data-figure="{}">{}</span>').format(place, text)

    pages = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("ptarmigan.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    pages.globals.update(figure=figure, Markup=Markup, plots=plots)
    pages.policies["json.dumps_function"] = json.dumps
    pages.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return pages.get_template("page.html").render(score=figures, **values)
