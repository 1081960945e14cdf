"""Turns logits and true labels into how far the confidence of a prediction can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SubmissionError
from ..logits import logits_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Calibration", "calibrate"]

BLOCK_BYTES = 32 << 20
"""Logits are widened to float32 so many bytes at a time."""


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
    logits: Any, predicted: ArrayLike, truth: ArrayLike, *, bins: int = 15
) -> Calibration:
    """Compares how sure logits are of first labels (the softmax) with how many are right.

    Args:
        logits: (N, C) as for `ptarmigan.top_k`; a memory-mapped array is read once, in blocks.
        predicted: (N,) or (N, k) labels, the first of a row being the best class of its logits.
        truth: (N,) true labels.
        bins: B.

    Returns:
        The bins.

    Raises:
        SubmissionError: If the shapes do not fit, or a row's first label is not the best class of
            its logits: then the rows are not those of the logits.
        TypeError: If the logits are no floating-point numbers.
        ValueError: If ``bins`` is less than 1.
    """
    if bins < 1:
        raise ValueError(f"expected at least one bin, found bins={bins}")
    matrix = logits_of(logits)
    labels = np.asarray(predicted)
    labels = labels if labels.ndim == 1 else labels[:, 0]
    true = np.asarray(truth)
    if matrix.ndim != 2 or not len(matrix) == len(labels) == len(true):
        raise SubmissionError(
            f"expected logits of shape ({len(labels)}, classes), a row for each row of the "
            f"submission, and as many true labels, found {matrix.shape} and {len(true)}"
        )
    confidence = _confidences(matrix, labels)
    right = labels == true
    # The bin's upper edge belongs to it, and a confidence is never 0.
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    n = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(places, confidence, bins) / n
        accuracy = np.bincount(places, right, bins) / n
        error = np.nansum(np.abs(mean - accuracy) * n) / np.float64(n.sum())
    return Calibration(n, mean, accuracy, float(error))


def _confidences(matrix: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) the softmax of each row at its label."""
    rows, classes = matrix.shape
    found = np.empty(rows, np.float64)
    if rows and (labels.min() < 0 or labels.max() >= classes):
        raise SubmissionError(
            f"the submission has labels from {labels.min()} to {labels.max()}, the logits only "
            f"{classes} classes"
        )
    step = max(1, BLOCK_BYTES // (4 * max(classes, 1)))
    for start in range(0, rows, step):
        block = _wide(matrix[start : start + step])
        own = block[np.arange(len(block)), labels[start : start + step]]
        best = block.max(axis=1)
        _check(start, labels[start : start + step], block, own, best)
        np.subtract(block, best[:, np.newaxis], out=block)
        # The label's own term is exp(0): its share is 1 over the sum.
        found[start : start + step] = 1 / np.exp(block, out=block).sum(axis=1, dtype=np.float64)
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


def _wide(block: NDArray[Any]) -> NDArray[Any]:
    """A writable copy as float32 (or float64), of bfloat16's bits too."""
    if block.dtype.kind == "u":
        return (block.astype(np.uint32) << 16).view(np.float32)
    return np.array(block, np.float64 if block.dtype.itemsize == 8 else np.float32)
