"""Turns logits and true labels into how far the confidence of a prediction can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SubmissionError
from ..logits import READ_BYTES, LogitRows, check_kind, float_type, floats, rows_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images in B bins of equal width by the confidence of their first label.

    Bin b holds the confidences above b / B up to and with (b + 1) / B.

    Attributes:
        n: (B,) int64, images.
        confidence: (B,) float64, their mean confidence, 0 to 1; NaN in an empty bin.
        accuracy: (B,) float64, the share of them whose first label is right; NaN likewise.
        error: Expected calibration error: the mean over the images of the distance between
            confidence and accuracy of their bin, 0 to 1; NaN without images.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, section 2.
    """

    n: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    error: float


def calibrate(
    logits_or_probabilities: Any,
    predicted: ArrayLike,
    truth: ArrayLike,
    *,
    bins: int = 15,
    logits: bool = True,
) -> Calibration:
    """Compares how sure first labels are (the softmax of logits) with how many are right.

    Args:
        logits_or_probabilities: (N, C) as for `ptarmigan.top_k`: an array, a file, or what
            `ptarmigan.apply_prior` gives; a file is read 8 MiB at a time.
        predicted: (N,) or (N, k) labels, the first of a row being the best class of its logits.
        truth: (N,) true labels.
        bins: B.
        logits: Whether the first argument is logits; False for probabilities (and what
            `ptarmigan.apply_prior` makes of them), which need not sum to 1: the confidence is the
            share of the label in the sum of its row.

    Returns:
        The bins.

    Raises:
        SubmissionError: If the shapes do not fit, or a row's first label is not the best class of
            its logits: then the rows are not those of the logits. Or if probabilities are given
            as logits or the other way round.
        TypeError: If the logits are no floating-point numbers.
        ValueError: If they have another number of dimensions, or ``bins`` is less than 1.
        OSError: If a file cannot be read.
    """
    if bins < 1:
        raise ValueError(f"expected at least one bin, found bins={bins}")
    labels = np.asarray(predicted)
    labels = labels if labels.ndim == 1 else labels[:, 0]
    true = np.asarray(truth)
    rows = rows_of(logits_or_probabilities)
    if not len(rows) == len(labels) == len(true):
        raise SubmissionError(
            f"expected logits of shape ({len(labels)}, classes), a row for each row of the "
            f"submission, and as many true labels, found {rows.shape} and {len(true)}"
        )
    confidence = _confidences(rows, labels, logits=logits)
    right = labels == true
    # The bin's upper edge belongs to it, and a confidence is never 0.
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    n = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(places, confidence, bins) / n
        accuracy = np.bincount(places, right, bins) / n
        error = np.nansum(np.abs(mean - accuracy) * n) / np.float64(n.sum())
    return Calibration(n, mean, accuracy, float(error))


def _confidences(rows: LogitRows, labels: NDArray[Any], *, logits: bool) -> NDArray[np.float64]:
    """(N,) the share of its label in each row: of logits the softmax, of probabilities as it is."""
    count, classes = rows.shape
    found = np.empty(count, np.float64)
    if count and (labels.min() < 0 or labels.max() >= classes):
        raise SubmissionError(
            f"the submission has labels from {labels.min()} to {labels.max()}, the logits only "
            f"{classes} classes"
        )
    step = min(rows.step, max(1, READ_BYTES // (4 * classes))) if count else 1
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        block = floats(rows.read(part.start, part.stop), float_type(rows.dtype))
        check_kind(block, start, logits=logits)
        own = block[np.arange(len(block)), labels[part]]
        best = block.max(axis=1)
        _check(start, labels[part], block, own, best)
        if not logits and not best.all():
            row = start + int((best == 0).argmax())
            raise SubmissionError(f"row {row}: expected a largest probability above 0, found 0")
        # The label is the best of its row: its own term is exp(0), or `best`.
        terms = np.exp(block - best[:, np.newaxis]) if logits else block
        found[part] = (1 if logits else best) / terms.sum(axis=1, dtype=np.float64)
    return found


def _check(
    start: int,
    labels: NDArray[Any],
    block: NDArray[Any],
    own: NDArray[Any],
    best: NDArray[Any],
) -> None:
    """That every label is the best of its row, and the row has a softmax."""
    if not np.isfinite(best).all():
        row = int(np.isfinite(best).argmin())
        raise SubmissionError(
            f"row {start + row}: expected a largest logit that is finite, found {best[row]:g}"
        )
    if (own < best).any():
        row = int((own < best).argmax())
        raise SubmissionError(
            f"row {start + row}: the first label is {labels[row]}, but the best class of the "
            f"logits is {block[row].argmax()}; logits and submission must have the same rows in "
            "the same order"
        )
