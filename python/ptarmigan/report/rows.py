"""Turns the truth into one label for each row of a submission, in the order of its rows."""

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

__all__ = ["true_labels"]


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
    order = np.argsort(ids, kind="stable")
    places = np.searchsorted(ids, submission.ids, sorter=order)
    known = places < len(ids)
    known[known] = ids[order[places[known]]] == submission.ids[known]
    if not known.all():
        row = int(known.argmin())
        raise SubmissionError(f"the truth has no label for image {submission.ids[row]} (row {row})")
    found: NDArray[np.int64] = labels[order[places]]
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
