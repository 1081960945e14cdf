"""Turns the type of a column into what stands for a value that is not known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["null_of"]


def null_of(column: NDArray[Any]) -> Any:
    """NaT for dates, -1 for integers, NaN for all else."""
    if column.dtype.kind == "M":
        return np.datetime64("NaT")
    return -1 if column.dtype.kind == "i" else math.nan
