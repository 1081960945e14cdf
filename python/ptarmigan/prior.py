"""Turns logits and a geographic prior into logits that know where a photo was taken.

The product of a class's probability and of its prior at the photo's place and date ranks classes
better than the probability alone (Mac Aodha, Cole and Perona, "Presence-only geographical priors
for fine-grained image classification", ICCV 2019). In logits the product is a sum: that of the
logit and the logarithm of the prior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .errors import SubmissionError
from .logits import LogitRows, check_kind, float_type, floats, logits_of, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RowsWithPrior", "apply_prior"]

PriorOfRows: TypeAlias = Callable[["NDArray[np.int64]"], Any]


def apply_prior(
    logits_or_probabilities: Any, prior: Any | PriorOfRows, *, logits: bool = True
) -> RowsWithPrior:
    """Multiplies the probability of every class by its prior, some rows at a time.

    Nothing is computed before it is needed: `ptarmigan.top_k` takes the result and never holds
    more than some rows, ``numpy.asarray`` makes the whole array.

    Args:
        logits_or_probabilities: (N, C), as for `ptarmigan.top_k`; the path of a ``.npy`` too.
        prior: (N, C) of 0 or more, row for row beside the logits: an array, a path, or a function
            that is called with row numbers, (R,) int64, and returns (R, C). It need not sum to 1.
            A row of NaN (a photo without a place) leaves the row of logits as it is.
        logits: Whether the first argument is logits; False for probabilities.

    Returns:
        For logits the sum of each and the logarithm of its prior (-infinity for a prior of 0), for
        probabilities the product, which is not scaled to sum to 1. (N, C) float32, or float64 if
        one of both is.

    Raises:
        TypeError: If one of both is no floating-point numbers.
        ValueError: If the shapes differ.
        SubmissionError: While rows are computed: if a prior is negative, infinite, 0 for all
            classes or NaN for only some, or if probabilities are given as logits or the other way
            round; names the row.

    Example:
        >>> logits = np.array([[1.0, 2.0], [1.0, 2.0]], np.float32)
        >>> prior = np.array([[0.9, 0.1], [np.nan, np.nan]])
        >>> top_k(apply_prior(logits, prior), k=1).tolist()
        [[0], [1]]
    """
    return RowsWithPrior(rows_of(logits_or_probabilities), prior, logits=logits)


class RowsWithPrior(LogitRows):
    """Rows of logits or probabilities, and their prior; see `apply_prior`."""

    def __init__(self, values: LogitRows, prior: Any, *, logits: bool) -> None:
        self.shape = values.shape
        self._values = values
        self._logits = logits
        self._prior = prior if callable(prior) else rows_of(prior)
        kinds = [float_type(values.dtype)]
        if isinstance(self._prior, LogitRows):
            kinds.append(float_type(self._prior.dtype))
            if self._prior.shape != self.shape:
                raise ValueError(
                    f"expected a prior of shape {self.shape}, as that of the logits, found "
                    f"{self._prior.shape}"
                )
        self.dtype = np.result_type(*kinds)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, with the prior."""
        values = floats(self._values.read(start, stop), self.dtype)
        prior = floats(self._prior_of(start, stop), self.dtype)
        check_kind(values, start, logits=self._logits)
        unknown = _check_prior(prior, start)
        if self._logits:
            # A prior of 0 is -infinity; beside a logit of +infinity that is no number.
            with np.errstate(divide="ignore", invalid="ignore"):
                product: NDArray[Any] = np.log(prior)
                np.add(values, product, out=product)
        else:
            product = values * prior
        product[unknown] = values[unknown]
        return product

    def _prior_of(self, start: int, stop: int) -> NDArray[Any]:
        if isinstance(self._prior, LogitRows):
            return self._prior.read(start, stop)
        prior = logits_of(self._prior(np.arange(start, stop, dtype=np.int64)))
        expected = (stop - start, self.shape[1])
        if prior.shape != expected:
            raise ValueError(
                f"expected a prior of shape {expected} for rows {start} to {stop - 1}, found "
                f"{prior.shape}"
            )
        return prior


def _check_prior(prior: NDArray[Any], start: int) -> NDArray[np.bool_]:
    """Which rows have no prior.

    Raises:
        SubmissionError: If one is wrong.
    """
    # Both are NaN where one of the row is.
    low, high = prior.min(axis=1), prior.max(axis=1)
    unknown: NDArray[np.bool_] = np.isnan(low)
    some = unknown.copy()
    some[unknown] = ~np.isnan(prior[unknown]).all(axis=1)
    _refuse(some, start, "has a prior that is NaN for some classes; expected all or none")
    _refuse(low < 0, start, "has a negative prior; expected 0 or more")
    _refuse(np.isposinf(high), start, "has an infinite prior")
    _refuse(high == 0, start, "has a prior of 0 for every class; for no prior give a row of NaN")
    return unknown


def _refuse(wrong: NDArray[np.bool_], start: int, message: str) -> None:
    if wrong.any():
        raise SubmissionError(f"row {start + int(wrong.argmax())} {message}")
