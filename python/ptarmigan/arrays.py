"""Turns a shape and a type into NumPy memory on a 64-byte boundary, used again once dropped."""

from __future__ import annotations

import math
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["aligned_empty"]

ALIGNMENT = 64

# The C library gives memory of this size back at once, and memory that is touched for the first
# time costs more than decoding into it does: 0.7 ms for a photo of 800 x 600 pixels.
LEAST_BYTES = 128 << 10
POOL_BYTES = 64 << 20


class Pool:
    """Memory of arrays that nobody has any more, for the next ones.

    A view of any kind holds a reference to the buffer that it is of (NumPy makes the owner of the
    memory its `base`, through however many views), and whatever takes an array over without a copy
    holds one to the array. So a buffer to which the pool has the only reference is free.
    """

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []
        self._bytes = 0
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        # Another thread of the parent may have held it.
        self._lock = threading.Lock()

    def take(self, size: int) -> NDArray[np.uint8]:
        """A buffer of at least ``size`` bytes that the caller is the only one to use."""
        with self._lock:
            for place in range(len(self._buffers)):
                # The list, and the argument of `getrefcount`.
                alone = sys.getrefcount(self._buffers[place]) == 2
                if alone and size <= self._buffers[place].size <= 2 * size:
                    return self._buffers[place]
            buffer = np.empty(size, np.uint8)
            if self._bytes + size <= POOL_BYTES:
                self._buffers.append(buffer)
                self._bytes += size
            else:
                self._forget_one()
            return buffer

    def _forget_one(self) -> None:
        """Drops the oldest buffer that is free but was of the wrong size."""
        for place in range(len(self._buffers)):
            if sys.getrefcount(self._buffers[place]) == 2:
                self._bytes -= self._buffers.pop(place).size
                return


_POOL = Pool()


def aligned_empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised array whose first byte lies on a 64-byte boundary.

    A cache line and an AVX-512 vector are 64 bytes; NumPy itself promises only 16. Of arrays that
    nobody refers to any more, memory of up to 64 MiB in all is kept and used again.

    Args:
        shape: The array's shape.
        dtype: The type of its elements.

    Returns:
        A C-contiguous, writable array.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * kind.itemsize
    padded = size + ALIGNMENT - 1
    buffer = _POOL.take(padded) if padded >= LEAST_BYTES else np.empty(padded, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(kind).reshape(shape)
