"""Turns logits into labels, labels into a submission, a submission into a score.

The competition's file is a CSV of ``id,predicted`` with k category ids for each image; its metric
is the share of images whose true category is not among them.

Not here: the arithmetic (`rust/core/src/predictions`) and the result's class (`ptarmigan.scores`).
"""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import _core
from .arrays import aligned_empty
from .logits import logits_of
from .scores import ClassScore, GroupScore, Score
from .truth import expected_of, has_ids, integers, is_data_set, supercategories_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .labels import LabelMap

__all__ = [
    "ClassScore",
    "GroupScore",
    "Score",
    "Submission",
    "read_submission",
    "score",
    "top_k",
    "write_submission",
]

Path: TypeAlias = "str | os.PathLike[str]"
Rows: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int64]]"

COPIED_BYTES = 64 << 20
"""Logits that cannot be read in place are copied so many bytes at a time."""


def top_k(logits: Any, k: int = 5, threads: int | None = None) -> NDArray[np.int32]:
    """The k best classes of every row, best first.

    Equal logits are ordered by rising class number, -0.0 equals +0.0, and NaNs come after
    -infinity: the order of a stable sort by falling logit. The result does not depend on the CPU
    or the number of threads.

    Args:
        logits: (N, C) or (C,) of float32, float16, bfloat16 or float64: a NumPy array (a
            memory-mapped one too: it is read once, front to back), a PyTorch tensor in main
            memory, or whatever has ``__array__`` or ``__dlpack__``. bfloat16 may be a PyTorch
            tensor, an array of ``ml_dtypes.bfloat16``, or its bits as uint16. Rows that are not
            contiguous are copied, 64 MiB at a time.
        k: How many classes, 1 to C.
        threads: How many threads at most; None means one for each core. Small inputs use one.

    Returns:
        (N, k) or (k,) int32.

    Raises:
        TypeError: If the logits are no floating-point numbers or not in main memory.
        ValueError: If they have another shape, or k does not lie between 1 and C.

    Example:
        >>> top_k(np.array([[0.1, 0.7, 0.2]], np.float32), k=2)
        array([[1, 2]], dtype=int32)
    """
    array = logits_of(logits)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"expected logits of shape (rows, classes) or (classes,), found {array.shape}"
        )
    matrix = array if array.ndim == 2 else array[np.newaxis]
    rows, classes = matrix.shape
    k = operator.index(k)
    if not 1 <= k <= classes:
        raise ValueError(
            f"expected k from 1 to the number of classes, found k = {k} for logits of shape "
            f"{array.shape}"
        )
    threads = None if threads is None else _positive("threads", threads)
    brain = matrix.dtype.kind != "f"
    native = matrix.dtype.newbyteorder("=")
    in_place = matrix.dtype == native and matrix.flags.c_contiguous and matrix.flags.aligned
    step = rows if in_place else max(1, COPIED_BYTES // (classes * native.itemsize))
    out = aligned_empty((rows, k), np.int32)
    for start in range(0, rows, max(1, step)):
        part = np.require(matrix[start : start + step], native, ["C", "A"])
        if native.itemsize == 2:
            part = part.view(np.uint16)
        _core.top_k(part, out[start : start + step], brain=brain, threads=threads)
    return out if array.ndim == 2 else out[0]


@dataclass(frozen=True, eq=False)
class Submission:
    """The predicted labels of some images.

    Attributes:
        ids: (N,) int64 image ids.
        predicted: (N, k) int32 labels, best first.
        path: The file that it was read from, or None.
    """

    ids: NDArray[np.int64]
    predicted: NDArray[np.int32]
    path: str | None = None

    @property
    def k(self) -> int:
        """How many labels each image has."""
        return int(self.predicted.shape[1])

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        """Not the arrays themselves, only how many rows they have."""
        return f"Submission(rows={len(self)}, k={self.k}, path={self.path!r})"


def write_submission(
    path: Path,
    ids: ArrayLike,
    predicted: ArrayLike,
    *,
    categories: int | Sequence[str] | None = None,
    label_map: LabelMap | None = None,
    labels: str | None = None,
) -> None:
    """Writes ``id,predicted`` rows as the competition takes them.

    The labels in the file are the ``category_id`` of the annotation files, which ``predicted``
    has for the default of `INaturalist` (``labels="json"``). Other numberings, such as
    torchvision's, are converted where ``label_map`` is given; the map is then kept beside the file
    as ``<path>.labels.json``.

    Everything is checked first; then the file is written aside, flushed to the disk and renamed,
    so that an older file stays until the new one is whole.

    Args:
        path: The file to make or replace.
        ids: (N,) integers, every image once.
        predicted: (N, k) integers of 0 or more, best first, in every row different.
        categories: How many categories there are (or their names); a label must be smaller.
        label_map: The ``label_map`` of the data set that was trained on.
        labels: The numbering of ``predicted``, by default that of ``label_map``, else ``"json"``.

    Raises:
        SubmissionError: If an id or a label breaks these rules; names the row.
        TypeError: If ids or labels are no integers.
        ValueError: If the map lacks the numbering or a label, or ``labels`` needs a map.
        OSError: If the file cannot be written.
    """
    numbers, given = integers("ids", ids, 1), integers("predicted", predicted, 2)
    if label_map is not None:
        given = label_map.convert(given, to="json", source=labels)
    elif labels not in (None, "json"):
        raise ValueError(f"labels={labels!r} need `label_map`, to be converted to category ids")
    _core.write_submission(path, numbers, given, categories=_count(categories))
    if label_map is not None:
        label_map.save(f"{os.fspath(path)}.labels.json")


def read_submission(
    path: Path, k: int | None = None, *, categories: int | Sequence[str] | None = None
) -> Submission:
    """Reads a file of ``id,predicted`` rows strictly.

    Args:
        path: The file.
        k: How many labels each row must have; None means as many as the first has.
        categories: How many categories there are (or their names); a label must be smaller.

    Returns:
        The ids and labels in the order of the file.

    Raises:
        SubmissionError: If the header, a row, an id or a label is wrong, or an image or a label
            of one row is there twice; names the line.
        OSError: If the file cannot be read.
    """
    expected = None if k is None else _positive("k", k)
    ids, labels = _core.read_submission(path, k=expected, categories=_count(categories))
    return Submission(ids, labels, os.fspath(path))


def score(
    predicted: Path | Submission | ArrayLike,
    truth: Any,
    k: int = 5,
    official: bool = False,  # noqa: FBT002 - the documented position
    *,
    ids: ArrayLike | None = None,
    valid: ArrayLike | None = None,
    categories: int | Sequence[str] | None = None,
    supercategories: Mapping[int, str] | Sequence[str] | None = None,
) -> Score:
    """Scores predictions: the share of images whose true label is not among the first k.

    Strict by default: every image of the truth must be predicted once and no other, a file must
    have exactly k labels in a row, and labels are numbers. With ``official=True`` files are read
    and counted as the competition's own script does (``docs/competition.md`` lists its ways).

    Args:
        predicted: A submission file, a `Submission`, or (N, K) labels with K of k or more (the
            first k count; (N,) for k = 1).
        truth: A file with the header ``id,expected`` or ``id,expected,usage``; a mapping from id
            to label; a pair ``(ids, labels)``; a data set with ``image_ids`` and ``targets``; or
            (N,) labels in the order of the predicted rows.
        k: How many labels of a row count.
        official: Whether to count as the competition's script does.
        ids: (N,) the image of each row, where ``predicted`` is an array.
        valid: (N,) bool; rows where it is False are left out, such as the padding of a batch.
        categories: How many categories there are (or their names); a label must be smaller.
            Taken from the data set if ``truth`` is one.
        supercategories: The super category of each label; taken from the data set likewise.

    Returns:
        The errors as a whole, by class and by super category.

    Raises:
        SubmissionError: If predictions and truth do not fit together or break the rules.
        ValueError: If the arguments do not fit together.
        OSError: If a file cannot be read.
    """
    k = _positive("k", k)
    given, source = _predicted(predicted, ids, truth)
    expected = expected_of(truth, given)
    if valid is not None:
        given, expected = _without_padding(given, expected, valid, aligned=not has_ids(truth))
        source = None
    if supercategories is None:
        supercategories = supercategories_of(truth)
    if official:
        parts: Any = _core.score_official(given, expected, k=k)
    else:
        if categories is None and is_data_set(truth):
            categories = truth.classes
        count = _count(categories)
        parts = _core.score_strict(given, expected, k=k, source=source, categories=count)
    return Score.of(parts, k, supercategories, official=official)


def _predicted(
    predicted: Path | Submission | ArrayLike, ids: ArrayLike | None, truth: Any
) -> tuple[Path | Rows, str | None]:
    """A file, or ids and labels; and the file that those were read from."""
    if isinstance(predicted, str | os.PathLike | Submission):
        if ids is not None:
            raise ValueError("`ids` go with an array; the rows of a submission have their own")
        if not isinstance(predicted, Submission):
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


def _without_padding(
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


def _count(categories: int | Sequence[str] | None) -> int | None:
    if categories is None:
        return None
    return len(categories) if isinstance(categories, Sequence) else operator.index(categories)


def _positive(name: str, number: int) -> int:
    number = operator.index(number)
    if number < 1:
        raise ValueError(f"expected {name} of 1 or more, found {number}")
    return number
