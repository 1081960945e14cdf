"""Turns submissions and truth into rows of the same images in the same order."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SubmissionError
from ..truth import expected_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..predictions import Submission

__all__ = ["in_order", "true_labels"]


def in_order(submission: Submission, ids: NDArray[np.int64]) -> Submission:
    """The rows of these images, in their order.

    Raises:
        SubmissionError: If one has no row.
    """
    places = _places(submission.ids, ids, "the submission has no row")
    return type(submission)(submission.ids[places], submission.predicted[places], submission.path)


def true_labels(submission: Submission, truth: Any) -> NDArray[np.int64]:
    """The true label of every row.

    Args:
        submission: The predictions.
        truth: As for `ptarmigan.score`.

    Returns:
        (N,) int64.

    Raises:
        SubmissionError: If a row has no truth, or a line of a truth file is wrong.
        OSError: If a file cannot be read.
    """
    expected = expected_of(truth, (submission.ids, submission.predicted))
    if isinstance(expected, str | os.PathLike):
        expected = _read(expected)
    ids, labels = expected
    found: NDArray[np.int64] = labels[_places(ids, submission.ids, "the truth has no label")]
    return found


def _places(
    known: NDArray[np.int64], wanted: NDArray[np.int64], complaint: str
) -> NDArray[np.int64]:
    """Where each of the wanted ids is among the known ones."""
    order = np.argsort(known, kind="stable")
    # An id beyond the last is put beside it, where it is not found.
    places = np.searchsorted(known, wanted, sorter=order).clip(max=max(0, len(known) - 1))
    if len(known) == 0 and len(wanted):
        raise SubmissionError(f"{complaint} for image {wanted[0]} (row 0)")
    found: NDArray[np.int64] = order[places] if len(wanted) else places
    missing = known[found] != wanted
    if missing.any():
        row = int(missing.argmax())
        raise SubmissionError(f"{complaint} for image {wanted[row]} (row {row})")
    return found


def _read(path: str | os.PathLike[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and labels of a file ``id,expected[,usage]``."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.DictReader(file)
        try:
            rows = [(int(line["id"]), int(line["expected"])) for line in lines]
        except (KeyError, TypeError, ValueError) as error:
            raise SubmissionError(
                f"`{os.fspath(path)}`: line {lines.line_num}: expected columns `id` and "
                f"`expected` of whole numbers: {error}"
            ) from error
    pairs = np.array(rows, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
