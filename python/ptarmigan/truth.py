"""Turns whatever holds true or predicted labels into ids and labels for the scorer."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "expected_of",
    "has_ids",
    "integers",
    "is_data_set",
    "positive",
    "predicted_of",
    "ranks_of",
    "supercategories_of",
    "without_padding",
]

Path: TypeAlias = "str | os.PathLike[str]"
Rows: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int64]]"


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


def predicted_of(
    predicted: Any, ids: ArrayLike | None, truth: Any
) -> tuple[Path | Rows, str | None]:
    """A file, or ids and labels; and the file that those were read from."""
    is_file = isinstance(predicted, str | os.PathLike)
    if is_file or hasattr(predicted, "predicted"):
        if ids is not None:
            raise ValueError("`ids` go with an array; the rows of a submission have their own")
        if is_file:
            return predicted, None
        rows = integers("ids", predicted.ids, 1), integers("predicted", predicted.predicted, 2)
        return rows, predicted.path
    labels = integers("predicted", predicted, 1, 2)
    labels = labels if labels.ndim == 2 else labels[:, np.newaxis]
    if ids is not None:
        numbers = integers("ids", ids, 1)
    elif has_ids(truth):
        raise ValueError(
            "an array of predictions needs `ids`, the image of each row, unless the truth is an "
            "array of labels in the same order"
        )
    else:
        numbers = np.arange(len(labels))
    if len(numbers) != len(labels):
        raise ValueError(f"expected an id for each of {len(labels)} rows, found {len(numbers)}")
    return (numbers, labels), None


def without_padding(
    given: Path | Rows, expected: Path | Rows, valid: ArrayLike, *, aligned: bool
) -> tuple[Rows, Path | Rows]:
    """The rows where ``valid`` is True; of the truth too where it is aligned with them."""
    if not isinstance(given, tuple):
        raise ValueError("`valid` goes with an array; leave padded rows out of a file")
    mask = np.asarray(valid)
    if mask.dtype != np.bool_ or mask.shape != given[0].shape:
        raise ValueError(
            f"expected `valid` of bool and shape {given[0].shape}, found {mask.dtype} and "
            f"{mask.shape}"
        )
    kept = given[0][mask], given[1][mask]
    if aligned and isinstance(expected, tuple):
        expected = expected[0][mask], expected[1][mask]
    return kept, expected


def is_data_set(truth: Any) -> bool:
    """Whether it has images with ids and labels."""
    return hasattr(truth, "image_ids") and hasattr(truth, "targets")


def has_ids(truth: Any) -> bool:
    """Whether it says which image each label is of."""
    is_pair = isinstance(truth, tuple) and len(truth) == 2 and np.ndim(truth[0]) == 1
    return isinstance(truth, str | os.PathLike | Mapping) or is_pair or is_data_set(truth)


def supercategories_of(truth: Any) -> Sequence[str] | None:
    """The super category of every class of an `INaturalist`; None for all else."""
    names = getattr(truth, "supercategories", None)
    above = getattr(truth, "categories_map", None)
    if names is None or not above or len(above) != len(truth.classes) or "super" not in above[0]:
        return None
    return [names[number["super"]] for number in above]


def ranks_of(truth: Any) -> dict[str, list[str]]:
    """By rank above the classes but the super category, the group of every class of a data set."""
    above, names = (getattr(truth, name, None) for name in ("categories_map", "categories_index"))
    if not above or not names or len(above) != len(truth.classes):
        return {}
    ranks = {}
    for rank in above[0]:
        if rank != "super" and rank in names:
            by_number = {number: name for name, number in names[rank].items()}
            ranks[rank] = [by_number[numbers[rank]] for numbers in above]
    return ranks


def positive(name: str, number: int) -> int:
    """``number`` if it is an integer of 1 or more.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is less.
    """
    number = operator.index(number)
    if number < 1:
        raise ValueError(f"expected {name} of 1 or more, found {number}")
    return number


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
