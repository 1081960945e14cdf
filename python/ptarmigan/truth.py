"""Turns whatever holds true labels into ids and labels for the scorer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["expected_of", "has_ids", "integers", "is_data_set", "supercategories_of"]


def expected_of(truth: Any, given: Any) -> Any:
    """A file as it is; of all else (ids, labels), both (N,) int64.

    Args:
        truth: What `ptarmigan.score` was given.
        given: The predictions, (ids, labels) or a file: plain labels take their ids.

    Raises:
        ValueError: If plain labels do not fit the predictions.
    """
    if isinstance(truth, str | os.PathLike):
        return truth
    if isinstance(truth, Mapping):
        ids, labels = list(truth), list(truth.values())
    elif is_data_set(truth):
        ids, labels = truth.image_ids, truth.targets
    elif has_ids(truth):
        ids, labels = truth
    elif isinstance(given, tuple):
        ids, labels = given[0], truth
        if len(ids) != len(labels):
            raise ValueError(
                f"expected a true label for each of {len(ids)} predicted rows, found {len(labels)}"
            )
    else:
        raise ValueError(
            "true labels without ids go with an array of predictions; give a file a pair "
            "`(ids, labels)`"
        )
    return integers("ids", ids, 1), integers("true labels", labels, 1)


def is_data_set(truth: Any) -> bool:
    """Whether it has images with ids and labels."""
    return hasattr(truth, "image_ids") and hasattr(truth, "targets")


def has_ids(truth: Any) -> bool:
    """Whether it says which image each label is of."""
    is_pair = isinstance(truth, tuple) and len(truth) == 2 and np.ndim(truth[0]) == 1
    return isinstance(truth, str | os.PathLike | Mapping) or is_pair or is_data_set(truth)


def supercategories_of(truth: Any) -> Sequence[str] | None:
    """The super category of every class of an `INaturalist`; None for all else."""
    if hasattr(truth, "class_groups"):
        groups: list[str] = truth.class_groups("super")
        return groups if truth.target_type[:1] in ([], ["full"]) and all(groups) else None
    names = getattr(truth, "supercategories", None)
    above = getattr(truth, "categories_map", None)
    if names is None or not above or len(above) != len(truth.classes) or "super" not in above[0]:
        return None
    return [names[number["super"]] for number in above]


def integers(name: str, values: Any, *dimensions: int) -> NDArray[np.int64]:
    """``values`` as int64 without loss.

    Raises:
        TypeError: If they are no integers.
        ValueError: If they have another number of dimensions or do not fit int64.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"expected integers as {name}, found {array.dtype}")
    if array.ndim not in dimensions:
        shapes = " or ".join("(N,)" if one == 1 else "(N, k)" for one in dimensions)
        raise ValueError(f"expected {name} of shape {shapes}, found {array.shape}")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"expected {name} below 2**63, found {array.max()}")
    return np.ascontiguousarray(array, np.int64)
