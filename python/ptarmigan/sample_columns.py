"""Turns a data set into the columns that a loader takes from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .archive import Archive

__all__ = ["SampleColumns", "column_of", "field_of"]


class SampleColumns(Protocol):
    """What a loader asks of a data set; ``INaturalist`` and ``ImageArchive`` have it."""

    @property
    def archive(self) -> Archive:
        """Where the images are."""

    @property
    def members(self) -> ArrayLike:
        """(N,) int64: the member that each sample is."""

    @property
    def targets(self) -> ArrayLike:
        """(N,) int64: the label of each sample, -1 where it is not known."""

    @property
    def image_ids(self) -> ArrayLike:
        """(N,) int64: what names each sample's random choices and its row of a submission."""


def field_of(dataset: object, name: str, samples: int) -> NDArray[Any]:
    """A field of every sample.

    Raises:
        TypeError: If the data set has no fields.
        ValueError: If it has none of this name, or it is no column of numbers or dates.
    """
    field = getattr(dataset, "field", None)
    if field is None:
        msg = f"`fields` need a data set with `field`, as INaturalist, not {type(dataset).__name__}"
        raise TypeError(msg)
    column = np.asarray(field(name))
    if column.shape != (samples,) or column.dtype.kind not in "ifM":
        msg = (
            f"the field `{name}` must be ({samples},) numbers or dates, not {column.shape} of "
            f"{column.dtype}"
        )
        raise ValueError(msg)
    return column


def column_of(dataset: object, name: str) -> NDArray[np.int64]:
    """Members, targets or image ids, whatever integers they are.

    Raises:
        TypeError: If this is no data set of ours.
        ValueError: If they are no integers in one dimension.
    """
    try:
        column = np.asarray(getattr(dataset, name))
        _ = dataset.archive  # type: ignore[attr-defined]
    except AttributeError as error:
        msg = (
            "`dataset` must be a data set of ptarmigan, with `archive`, `members`, `targets` and "
            f"`image_ids`, not {type(dataset).__name__}: {error}"
        )
        raise TypeError(msg) from error
    if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
        msg = f"`{name}` of the data set must be whole numbers in one dimension"
        raise ValueError(msg)
    return np.ascontiguousarray(column, dtype=np.int64)
