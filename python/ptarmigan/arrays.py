"""Turns a shape and a type into NumPy memory on a 64-byte boundary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["aligned_empty"]

ALIGNMENT = 64


def aligned_empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised array whose first byte lies on a 64-byte boundary.

    A cache line and an AVX-512 vector are 64 bytes; NumPy itself promises only 16.

    Args:
        shape: The array's shape.
        dtype: The type of its elements.

    Returns:
        A C-contiguous, writable array.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * kind.itemsize
    buffer = np.empty(size + ALIGNMENT - 1, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(kind).reshape(shape)
