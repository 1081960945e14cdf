"""Turns what the core's threads made into batches of arrays, and their errors into records.

Not here: which pass runs, and where the next one starts, which is the loader's.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from . import torch as _torch
from .arrays import aligned_empty
from .errors import ArchiveError, DecodeError
from .nulls import null_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from . import _core
    from .loader import Loader

__all__ = ["Batch", "BatchWithFields", "Failure", "Pass"]


class Batch(NamedTuple):
    """One batch; a plain tuple of four arrays, so ``len(batch)`` is 4, not the number of rows.

    A loader with ``fields`` gives them as a fifth.

    The arrays are C-contiguous, writable, begin on a 64-byte boundary and belong to the caller;
    no later batch reuses their memory. ``torch.from_numpy`` takes each without a copy.

    Attributes:
        images: (N, height, width, 3) or (N, 3, height, width), as the loader's ``output`` says.
        labels: (N,) int64, -1 where the label is not known.
        ids: (N,) int64, the image ids.
        valid: (N,) bool; False for rows that must not count: images that could not be decoded
            under ``on_error="zero"``, and padding that keeps the ranks in step.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def pin_memory(self) -> Batch:
        """The batch as torch tensors in page-locked memory (a copy).

        Raises:
            ImportError: If torch is not installed.
        """
        return _torch.pinned(self)

    @property
    def fields(self) -> dict[str, NDArray[Any]]:
        """What the loader's ``fields`` asks for: (N,) of each name; empty where none is asked for.

        Rows that are not valid have NaN, NaT or -1.
        """
        return {}


class _Columns(NamedTuple):
    images: NDArray[Any]
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]
    valid: NDArray[np.bool_]
    fields: dict[str, NDArray[Any]]


class BatchWithFields(_Columns, Batch):  # type: ignore[misc]
    """A `Batch` of a loader with ``fields``, which are the fifth of its tuple: ``len`` is 5."""

    __slots__ = ()


class Failure(NamedTuple):
    """One image that could not be decoded.

    Attributes:
        member: The name of the member in the archive.
        sample: The position of the sample in the data set.
        image_id: Its image id.
        epoch: The epoch in which it was met.
        reason: The message of the error.
    """

    member: str
    sample: int
    image_id: int
    epoch: int
    reason: str


class Pass:
    """The iterator over the batches of one epoch; its threads end with it.

    Made by ``iter(loader)``. It cannot be pickled and is of no use after a fork.
    """

    def __init__(self, loader: Loader, epoch: int, workers: int, running: _core.Epoch) -> None:
        self._loader = loader
        self._epoch = epoch
        self._workers = workers
        self._running = running
        self._exhausted = False
        # Joins the threads when the pass is collected, and at the latest at the interpreter's exit.
        self._end = weakref.finalize(self, running.stop)

    @property
    def ended(self) -> bool:
        """Whether no batch will come any more."""
        return not self._end.alive

    def close(self) -> None:
        """Stops and joins the threads; the batches already delivered stay as they are."""
        self._end()

    def __reduce__(self) -> str:
        msg = "a pass over a loader cannot be pickled; pickle the loader, or its `state_dict()`"
        raise TypeError(msg)

    def __iter__(self) -> Pass:
        return self

    def __next__(self) -> Batch:
        if self._exhausted:
            raise StopIteration
        made = None
        if not self.ended:
            try:
                made = self._running.next()
            except BaseException:
                self.close()
                raise
        if made is not None:
            return self._deliver(*made)
        if self.ended:
            msg = (
                "this pass has ended: by an error, or by a newer `iter`, `set_epoch` or "
                "`load_state_dict`; call `iter` on the loader"
            )
            raise RuntimeError(msg)
        self._exhausted = True
        self.close()
        self._loader._move(self._epoch + 1, 0)
        self._loader._warn_of_points()
        raise StopIteration

    def _deliver(
        self,
        memory: NDArray[np.uint8],
        offset: int,
        samples: NDArray[np.uint32],
        valid: NDArray[np.bool_],
        failures: list[tuple[int, str | None, Exception]],
        position: int,
    ) -> Batch:
        loader = self._loader
        for sample, member, error in failures:
            record = (member or "", sample, int(loader._ids[sample]), self._epoch, str(error))
            loader.errors.append(Failure(*record))
        for _, _, error in failures:
            if loader._on_error == "raise" or not isinstance(error, ArchiveError | DecodeError):
                self.close()
                raise error
        shape = loader._output.shape(len(samples), loader._transform.size)
        dtype = loader._output.dtype
        pixels = memory[offset : offset + math.prod(shape) * dtype.itemsize]
        columns = (
            pixels.view(dtype).reshape(shape),
            _aligned(loader._labels[samples]),
            _aligned(loader._ids[samples]),
            _aligned(valid),
        )
        batch = Batch(*columns)
        if loader._fields:
            batch = BatchWithFields(*columns, _fields(loader._field_columns, samples, valid))
        loader._position = position
        # A worker process knows only that it has no batch left, not that the others have none.
        loader._finished = self._workers == 1 and position == len(loader._ids)
        return batch


def _fields(
    columns: dict[str, NDArray[Any]], samples: NDArray[np.uint32], valid: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """The rows of every column, null where a row does not count."""
    fields = {name: _aligned(column[samples]) for name, column in columns.items()}
    for column in fields.values():
        column[~valid] = null_of(column)
    return fields


def _aligned(column: NDArray[Any]) -> NDArray[Any]:
    copy = aligned_empty(column.shape, column.dtype)
    copy[...] = column
    return copy
