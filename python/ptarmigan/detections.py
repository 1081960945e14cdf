"""Turns detected boxes into a score against the true ones.

Not here: the arithmetic (`rust/core/src/detections`), the result's class (`ptarmigan.box_scores`).
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from . import _core
from .annotations import JsonFile, Table
from .arguments import one_of
from .box_scores import BoxMeasures, BoxScore
from .boxes import split_with_boxes, version_with_boxes
from .errors import BoxLabelWarning, SubmissionError
from .release import find_annotations, find_extra
from .truth import integers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .boxes import Trust
    from .inaturalist import INaturalist

__all__ = ["BoxFiles", "BoxMeasures", "BoxScore", "score_boxes"]

GRANULARITIES = ("species", "super", "any")
DET_AREAS = ("full", "half")

Columns: TypeAlias = (
    "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]"
)


class BoxFiles(NamedTuple):
    """What detections are scored against.

    Attributes:
        files: Box files.
        images: (N,) int64: all images of the data set, or None: those of the files.
        categories: Ids, names and super categories, or None: those of the files.
        trust: What the labels say for sure, where that is known.
    """

    files: list[JsonFile]
    images: NDArray[np.int64] | None = None
    categories: tuple[list[int], list[str], list[str]] | None = None
    trust: Trust | None = None

    @classmethod
    def of_path(cls, path: str | os.PathLike[str]) -> BoxFiles:
        """A JSON file, or a zip with one in it; its name tells the split."""
        file = JsonFile(*_core.json_file(path))
        name = Path(file.member or file.path).name
        known: dict[str, Trust] = {"train": "supercategory", "val": "category"}
        trust = next((trust for split, trust in known.items() if name.startswith(split)), None)
        return cls([file], trust=trust)

    @classmethod
    def of_root(cls, root: str | os.PathLike[str], split: str) -> BoxFiles:
        """The box files of a split, with the images and categories of its annotations.

        Raises:
            FileNotFoundError: If a box file is missing. Without the annotations, images and
                categories are those of the box files.
        """
        files = find_extra(Path(root), split_with_boxes(split), "boxes")
        try:
            table = Table(find_annotations(Path(root), split))
        except FileNotFoundError:
            return cls(files, trust=_trust(split))
        return cls(files, table.image_ids, table.categories, _trust(split))

    @classmethod
    def of_data_set(cls, ds: INaturalist) -> BoxFiles:
        """The boxes of the data set's images.

        Raises:
            FileNotFoundError: If a box file is missing.
            ValueError: If the release or the split has no boxes.
        """
        version = version_with_boxes(ds.version)
        files = find_extra(Path(ds.root), split_with_boxes(ds.split), "boxes", version)
        return cls(files, ds.image_ids, ds._table.categories, _trust(ds.split))


def score_boxes(
    detections: str | os.PathLike[str] | ArrayLike | Mapping[str, Any],
    truth: str | os.PathLike[str] | INaturalist | BoxFiles,
    *,
    granularity: str = "species",
    det_area: str = "full",
    max_dets: Sequence[int] = (1, 10, 100),
) -> BoxScore:
    """Scores detected boxes as COCO does, in memory that grows with the boxes alone.

    All numbers are those of ``pycocotools`` (`COCOeval` with ``iouType="bbox"``), in whose order
    equal scores are too. One thing differs: ``pycocotools`` takes a true box whose ``id`` is 0 for
    one that was never found, and this does not.

    Args:
        detections: A result file (JSON, or a zip with one): a list of ``{"image_id": ...,
            "category_id": ..., "bbox": [x, y, width, height], "score": ...}``; or a mapping or a
            structured array with these four columns (``bbox`` is (N, 4)); or (N, 7) numbers:
            image id, x, y, width, height, score, category id.
        truth: A box file (JSON, or a zip with one); or an `INaturalist`, of which those images are
            scored that have a known box, and detections in its other images are left out.
        granularity: What a class is: ``"species"`` (the category), ``"super"`` (its super
            category) or ``"any"`` (all boxes are of one class, as with ``useCats=0``).
        det_area: How large a detection is when small, medium and large boxes are told apart:
            ``"full"`` (width times height, as pycocotools has it) or ``"half"`` (half of that, as
            the area of the true boxes of iNaturalist is).
        max_dets: How many detections of an image and class count, for recall; all else is measured
            at the largest of them.

    Returns:
        The measures as a whole, by class and by super category.

    Raises:
        SubmissionError: If detections are damaged or name an unknown image or category; names the
            row.
        AnnotationError: If a box file is damaged or has no box.
        FileNotFoundError: If a file is missing.
        ValueError: If an argument can never work.

    Warns:
        BoxLabelWarning: If boxes of the train split are scored by species.

    Source: https://cocodataset.org/#detection-eval
    """
    one_of("granularity", granularity, GRANULARITIES)
    one_of("det_area", det_area, DET_AREAS)
    counts = sorted(operator.index(most) for most in max_dets)
    wanted = _box_files(truth)
    found = _found(detections)
    if granularity == "species" and wanted.trust == "supercategory":
        warnings.warn(
            "boxes of the train split are right about the super category alone, so a score by "
            "species says little; score the val split, or give granularity='super'",
            BoxLabelWarning,
            stacklevel=2,
        )
    ground = _core.GroundTruth.read(wanted.files, wanted.images, wanted.categories)
    parts = ground.score(found, granularity, det_area == "half", counts)
    return BoxScore.of(
        parts,
        ground,
        images=len(ground),
        granularity=granularity,
        det_area=det_area,
        max_dets=counts,
    )


def _box_files(truth: str | os.PathLike[str] | INaturalist | BoxFiles) -> BoxFiles:
    if isinstance(truth, BoxFiles):
        return truth
    if isinstance(truth, str | os.PathLike):
        return BoxFiles.of_path(truth)
    from .inaturalist import INaturalist

    if isinstance(truth, INaturalist):
        return BoxFiles.of_data_set(truth)
    raise TypeError(
        f"expected a box file or an `INaturalist` as the truth, found {type(truth).__name__}"
    )


def _found(detections: Any) -> JsonFile | Columns:
    """A file, or columns as the core takes them."""
    if isinstance(detections, str | os.PathLike):
        return JsonFile(*_core.json_file(detections))
    names = ("image_id", "category_id", "bbox", "score")
    known = detections if isinstance(detections, Mapping) else np.asarray(detections).dtype.names
    if known is not None:
        if absent := [name for name in names if name not in known]:
            raise ValueError(f"the detections lack {', '.join(f'`{name}`' for name in absent)}")
        image_ids, category_ids, boxes, scores = (np.asarray(detections[name]) for name in names)
        return _columns(image_ids, category_ids, boxes, scores)
    array = np.asarray(detections)
    if array.ndim != 2 or array.shape[1] != 7 or array.dtype.kind not in "fiu":
        raise ValueError(
            "expected detections of shape (N, 7): image id, x, y, width, height, score, category "
            f"id; found {array.dtype} of shape {array.shape}"
        )
    image_ids, category_ids = (_whole(array, column) for column in (0, 6))
    return _columns(image_ids, category_ids, array[:, 1:5], array[:, 5])


def _columns(
    image_ids: ArrayLike, category_ids: ArrayLike, boxes: ArrayLike, scores: ArrayLike
) -> Columns:
    numbers = np.ascontiguousarray(boxes, np.float64)
    values = np.ascontiguousarray(scores, np.float64)
    ids = integers("image ids", image_ids, 1), integers("category ids", category_ids, 1)
    count = len(ids[0])
    if numbers.shape != (count, 4) or {values.shape, ids[1].shape} != {(count,)}:
        raise ValueError(
            f"expected a category, a box (N, 4) and a score for each of {count} detections, "
            f"found {ids[1].shape}, {numbers.shape} and {values.shape}"
        )
    return *ids, numbers, values


def _whole(array: NDArray[Any], column: int) -> NDArray[np.int64]:
    """A column of ids that floating-point numbers hold exactly."""
    values = array[:, column]
    wrong = ~(np.abs(values) < 2**53) | (values != np.rint(values))
    if wrong.any():
        row = int(wrong.argmax())
        raise SubmissionError(
            f"`detections[{row}]`: expected an integer in column {column}, found {values[row]}"
        )
    return values.astype(np.int64)


def _trust(split: str) -> Trust:
    return "category" if split == "val" else "supercategory"
