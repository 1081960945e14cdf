"""Turns logits into labels, labels into a submission, a submission into a score.

The competition's file is a CSV of ``id,predicted`` with k category ids for each image; its metric
is the share of images whose true category is not among them.

Not here: the arithmetic (`rust/core/src/predictions`), logits and their files (`ptarmigan.logits`),
and the result's class (`ptarmigan.scores`).
"""

from __future__ import annotations

import errno
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from . import _core
from .errors import SubmissionError
from .logits import top_k
from .prior import apply_prior
from .scores import Bootstrap, ClassScore, Grouping, GroupScore, Names, Score
from .truth import (
    by_category,
    expected_of,
    has_ids,
    integers,
    is_data_set,
    positive,
    predicted_of,
    ranks_of,
    supercategories_of,
    without_padding,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .labels import LabelMap

__all__ = [
    "FORMATS",
    "ClassScore",
    "GroupScore",
    "Score",
    "Submission",
    "SubmissionCheck",
    "SubmissionFault",
    "SubmissionFormat",
    "apply_prior",
    "check_submission",
    "read_submission",
    "score",
    "top_k",
    "write_submission",
]

Path: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class SubmissionFormat:
    """The form that the competition of a year takes submissions in.

    Attributes:
        header: The first line of the file.
        k: How many labels each image has.
        scored_labels: How many of these, from the first, count for the leaderboard; all of them
            but in 2021, which asks for five and scores the first.
    """

    header: str
    k: int
    scored_labels: int


FORMATS: dict[str, SubmissionFormat] = {
    release: SubmissionFormat(header, k, 1 if release == "2021" else k)
    for release, header, k in _core.submission_formats()
}
"""The form of each release's submissions, by its version: ``"2017"``, ``"2018"``, ``"2019"``,
``"2021"``."""


@dataclass(frozen=True, eq=False)
class Submission:
    """The predicted labels of some images.

    Attributes:
        ids: (N,) int64 image ids.
        predicted: (N, k) int32 labels, best first.
        path: The file that it was read from, or None.
    """

    ids: NDArray[np.int64]
    predicted: NDArray[np.int32]
    path: str | None = None

    @property
    def k(self) -> int:
        """How many labels each image has."""
        return int(self.predicted.shape[1])

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        """Not the arrays themselves, only how many rows they have."""
        return f"Submission(rows={len(self)}, k={self.k}, path={self.path!r})"


def write_submission(
    path: Path,
    ids: ArrayLike,
    predicted: ArrayLike,
    *,
    categories: int | Sequence[str] | None = None,
    label_map: LabelMap | None = None,
    labels: str | None = None,
    k: int | None = None,
    version: str | None = None,
    expected_ids: ArrayLike | None = None,
) -> None:
    """Writes ``id,predicted`` rows as the competition takes them.

    The labels in the file are the ``category_id`` of the annotation files, which ``predicted``
    has for the default of `INaturalist` (``labels="json"``). Other numberings, such as
    torchvision's, are converted where ``label_map`` is given; the map is then kept beside the file
    as ``<path>.labels.json``.

    Everything is checked first; then the file is written aside, flushed to the disk and renamed,
    so that an older file stays until the new one is whole.

    Args:
        path: The file to make or replace.
        ids: (N,) integers, every image once.
        predicted: (N, k) integers of 0 or more, best first, in every row different.
        categories: How many categories there are (or their names); a label must be smaller.
        label_map: The ``label_map`` of the data set that was trained on.
        labels: The numbering of ``predicted``, by default that of ``label_map``, else ``"json"``.
        k: How many labels each row must have; None means as many as ``version`` says, or else any
            number.
        version: The release whose competition it is for, which says the header and k (`FORMATS`).
            None writes 2017's header.
        expected_ids: (M,) integers, in any order: the images that must be there, and no others,
            such as ``pt.INaturalist(root, split="test").image_ids``.

    Raises:
        SubmissionError: If an id or a label breaks these rules (names the row), or there is no row.
        TypeError: If ids or labels are no integers.
        ValueError: If the version has no form, the map lacks the numbering or a label, ``labels``
            needs a map, or ``path`` is a device.
        OSError: If the file cannot be written, or is a folder.
    """
    numbers, given = integers("ids", ids, 1), integers("predicted", predicted, 2)
    if label_map is not None:
        given = label_map.convert(given, to="json", source=labels)
    elif labels not in (None, "json"):
        raise ValueError(f"labels={labels!r} need `label_map`, to be converted to category ids")
    form = _form(version, k, categories, expected_ids)
    expected = form[1]
    if expected is not None and given.shape[1] != expected:
        raise SubmissionError(
            f"expected {expected} labels in a row, found {given.shape[1]}; take the best "
            f"{expected} with `top_k(logits, k={expected})`"
        )
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    _core.write_submission(path, numbers, given, form)
    if label_map is not None:
        label_map.save(f"{os.fspath(path)}.labels.json")


def read_submission(
    path: Path,
    k: int | None = None,
    *,
    categories: int | Sequence[str] | None = None,
    version: str | None = None,
    expected_ids: ArrayLike | None = None,
) -> Submission:
    """Reads a file of ``id,predicted`` rows strictly.

    A byte order mark, CRLF line ends, quotes, and empty lines at the end are read over, though
    `check_submission` finds fault with them.

    Args:
        path: The file.
        k: How many labels each row must have; None means as many as ``version`` says, or else as
            the first row has.
        categories: How many categories there are (or their names); a label must be smaller.
        version: The release whose competition it is for, which says the header and k (`FORMATS`).
            None means 2017's header.
        expected_ids: (M,) integers, in any order: the images that must be there, and no others.

    Returns:
        The ids and labels in the order of the file.

    Raises:
        SubmissionError: If the header, a row, an id or a label is wrong, an image or a label of
            one row is there twice, or there is no row; names the line.
        ValueError: If the version has no form, or k is less than 1.
        OSError: If the file cannot be read.
    """
    form = _form(version, k, categories, expected_ids)
    ids, labels = _core.read_submission(path, form)
    return Submission(ids, labels, os.fspath(path))


class SubmissionFault(NamedTuple):
    """One thing that is wrong with a submission.

    Attributes:
        line: The line, from 1 (the header's); None for the file as a whole.
        message: What was expected, what was found, what to do.
    """

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class SubmissionCheck:
    """What is wrong with a submission.

    Attributes:
        rows: Rows below the header.
        count: How many faults there are; 0 for a file as the competition takes it.
        faults: The first of them, by line.
    """

    rows: int
    count: int
    faults: list[SubmissionFault]


def check_submission(
    path: Path,
    *,
    version: str | None = "2017",
    k: int | None = None,
    categories: int | Sequence[str] | None = None,
    expected_ids: ArrayLike | None = None,
    limit: int = 50,
) -> SubmissionCheck:
    """Lists everything that is wrong with a file, line by line, where reading stops at the first.

    Args:
        path: The file.
        version: As for `read_submission`.
        k: As for `read_submission`.
        categories: As for `read_submission`.
        expected_ids: As for `read_submission`.
        limit: How many faults to list; all are counted.

    Returns:
        The faults. What `read_submission` reads over is told of the first line that has it.

    Raises:
        ValueError: If the version has no form, k is less than 1 or ``limit`` less than 0.
        OSError: If the file cannot be read.
    """
    form = _form(version, k, categories, expected_ids)
    if limit < 0:
        raise ValueError(f"expected a limit of 0 or more, found {limit}")
    rows, count, faults = _core.check_submission(path, form, limit)
    return SubmissionCheck(rows, count, [SubmissionFault(*fault) for fault in faults])


def score(
    predicted: Path | Submission | ArrayLike,
    truth: Any,
    k: int | None = None,
    official: bool = False,  # noqa: FBT002 - the documented position
    *,
    ids: ArrayLike | None = None,
    valid: ArrayLike | None = None,
    categories: int | Sequence[str] | None = None,
    supercategories: Names | None = None,
    ranks: Mapping[str, Names] | None = None,
    version: str | None = None,
    prior: Any = None,
    logits: bool = True,
    bootstrap: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
) -> Score:
    """Scores predictions: the share of images whose true label is not among the first k.

    Strict by default: every image of the truth must be predicted once and no other, a file must
    have exactly k labels in a row, and labels are numbers. With ``official=True`` files are read
    and counted as the competition's own script does (``docs/predictions.md`` lists its ways);
    where that script stops with an error, so does this.

    Args:
        predicted: A submission file, a `Submission`, or (N, K) labels with K of k or more (the
            first k count; (N,) for k = 1). With ``prior``, (N, C) logits as for `top_k`.
        truth: A file with the header ``id,expected`` or ``id,expected,usage``; a mapping from id
            to label; a pair ``(ids, labels)``; a data set with ``image_ids`` and ``targets``; or
            (N,) labels in the order of the predicted rows.
        k: How many labels of a row count; None means as many as ``version`` says, or else 5.
            Another k than ``version`` says is scored as it is: `Score.scored_labels` is then k.
        official: Whether to count as the competition's script does.
        ids: (N,) the image of each row, where ``predicted`` is an array.
        valid: (N,) bool; rows where it is False are left out, such as the padding of a batch.
        categories: How many categories there are (or their names); a label must be smaller.
            Taken from the data set if ``truth`` is one.
        supercategories: The super category of each label; taken from the data set likewise.
        ranks: By name of a rank (``"genus"``), the group of each label in it; a label whose group
            is None or empty is in none. Taken from the data set likewise.
        version: The release whose form a file has (`FORMATS`); None means 2017's header.
        prior: (N, C) or a function, as for `apply_prior`: multiplied with the probabilities.
        logits: With ``prior``, whether ``predicted`` is logits; False for probabilities.
        bootstrap: How often to draw the images again for the intervals; 0 for none.
        confidence: The part of the draws that an interval holds, above 0 and below 1.
        seed: Decides the draws; the same seed gives the same intervals.

    Returns:
        The errors as a whole, by class, by super category and by rank.

    Raises:
        SubmissionError: If predictions and truth do not fit together or break the rules.
        ValueError: If the arguments do not fit together.
        OSError: If a file cannot be read.
    """
    known = None if version is None else _format(version)
    if k is None:
        k = 5 if known is None else known.k
    k = positive("k", k)
    scored_labels = known.scored_labels if known is not None and known.k == k else k
    if prior is not None:
        predicted = top_k(apply_prior(predicted, prior, logits=logits), k)
    given, source = predicted_of(predicted, ids, truth)
    # A submission has category ids, whatever numbers a data set has for its labels.
    submitted = not isinstance(given, tuple) or hasattr(predicted, "predicted")
    expected = expected_of(truth, given, submitted=submitted)
    if valid is not None:
        given, expected = without_padding(given, expected, valid, aligned=not has_ids(truth))
        source = None
    if is_data_set(truth):
        if categories is None and not (submitted and by_category(truth)):
            categories = getattr(truth, "classes", None)
        if supercategories is None:
            supercategories = supercategories_of(truth, submitted=submitted)
        ranks = ranks_of(truth, submitted=submitted) if ranks is None else ranks
    groups = None if supercategories is None else Grouping.of(supercategories)
    table = None if groups is None else groups.arrays()
    form = _form(version, k, None if official else categories, None)
    parts: Any
    if official:
        parts = _core.score_official(given, expected, form, k=k, grouping=table)
    else:
        parts = _core.score_strict(given, expected, form, k=k, source=source, grouping=table)
    draws = Bootstrap(bootstrap, confidence, seed)
    where = f"`{os.fspath(truth)}`: " if isinstance(truth, str | os.PathLike) else ""
    return Score.of(
        parts, k, groups, ranks or {}, draws, official=official, where=where,
        scored_labels=scored_labels,
    )  # fmt: skip


def _format(version: str) -> SubmissionFormat:
    if version not in FORMATS:
        known = ", ".join(f"`{name}`" for name in FORMATS)
        raise ValueError(f"no form of submissions is known for {version!r}, only for {known}")
    return FORMATS[version]


def _form(
    version: str | None,
    k: int | None,
    categories: int | Sequence[str] | None,
    expected_ids: ArrayLike | None,
) -> tuple[str, int | None, int | None, NDArray[np.int64] | None]:
    """What a file must be, as the core takes it."""
    form = _format("2017" if version is None else version)
    if k is not None:
        k = positive("k", k)
    elif version is not None:
        k = form.k
    if isinstance(categories, Sequence):
        categories = len(categories)
    elif categories is not None:
        categories = operator.index(categories)
    ids = None if expected_ids is None else integers("expected_ids", expected_ids, 1)
    return form.header, k, categories, ids
