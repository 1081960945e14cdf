"""Turns box files into the boxes of each image, what is odd about them, and a score of detections.

Boxes were drawn for some images only, in training images by people who were asked for the super
category: what that means for their use is in ``docs/boxes.md``.

Not here: the arithmetic (`rust/core/src/detections`), the result's class (`ptarmigan.box_scores`).
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from . import _core
from .annotations import JsonFile, Table
from .box_scores import BoxMeasures, BoxScore
from .errors import AnnotationError, BoxLabelWarning, SubmissionError
from .release import find_annotations, find_extra
from .truth import integers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .inaturalist import INaturalist

__all__ = [
    "BoxFiles",
    "BoxMeasures",
    "BoxScore",
    "BoxTable",
    "ImageBoxes",
    "check",
    "check_boxes",
    "score_boxes",
]

SPLITS = ("train", "val", "train+val")
GRANULARITIES = ("species", "super", "any")
DET_AREAS = ("full", "half")

AREA_TOLERANCE = 1e-3
"""By how much, relative, an area may differ from half of width times height."""
PIXEL_TOLERANCE = 1e-3
"""By how many pixels a box may reach outside its picture."""

Trust = Literal["category", "supercategory"]
Columns = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float64]", "NDArray[Any]"]


class ImageBoxes(NamedTuple):
    """The boxes of one image, in the order of the file.

    Attributes:
        boxes: (B, 4) float64: x, y, width, height in pixels from the upper left.
        category_ids: (B,) int64.
        areas: (B,) float64 as stored: half of width times height; NaN where missing.
        crowds: (B,) bool: whether the box is around many individuals.
        trust: What the labels say for sure: the ``"category"`` (val), or the ``"supercategory"``
            alone (train, where a second animal of the same super category was boxed too).
    """

    boxes: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    areas: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    trust: Trust


class BoxTable:
    """The boxes of a split, by image.

    Args:
        root: The folder with ``train_2017_bboxes.zip``, ``val_2017_bboxes.zip``, or the JSON files
            in them.
        split: ``"train"``, ``"val"`` or ``"train+val"``.

    Attributes:
        image_ids: (I,) int64, rising: the images that the box files list, and no others.
        sizes: (I, 2) int32: widths and heights in pixels as the box files have them, -1 where not.
        starts: (I + 1,) int64: the boxes of image i are rows ``starts[i]`` to ``starts[i + 1]``.
        boxes: (B, 4) float64: x, y, width, height in pixels from the upper left.
        category_ids: (B,) int64.
        areas: (B,) float64 as stored; NaN where missing.
        crowds: (B,) bool.
        rows: (B,) int64: the place of each box in the list ``annotations`` of its file.
        categories: Ids, names and super categories, sorted by id.
        validation: (I,) bool: whether an image is of the val split.

    Raises:
        FileNotFoundError: If a box file is missing.
        AnnotationError: If one is damaged.
        ValueError: If the split has no boxes.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        self.split = _split(split)
        files = find_extra(Path(root), split, "boxes")
        truth = _core.GroundTruth.read(files, None, None)
        columns = truth.columns()
        self.image_ids, self.sizes = columns[:2]
        self.starts = columns[2].astype(np.int64)
        self.category_ids, self.boxes, self.areas, self.crowds, self.rows = columns[3:]
        self.categories = truth.categories
        self.validation = np.full(len(self.image_ids), split == "val")
        if split == "train+val":
            val = _core.GroundTruth.read(files[1:], None, None).columns()[0]
            self.validation[np.searchsorted(self.image_ids, val)] = True

    def __len__(self) -> int:
        """How many images are listed."""
        return len(self.image_ids)

    def __contains__(self, image_id: object) -> bool:
        """Whether it is known which boxes the image has."""
        return isinstance(image_id, int | np.integer) and self._row(int(image_id)) is not None

    def of(self, image_id: int) -> ImageBoxes | None:
        """The boxes of an image.

        Args:
            image_id: As in the annotations.

        Returns:
            None where the box files do not list the image: nobody was asked, and most of these
            show an animal. Arrays without a row where they list it and it has no box.
        """
        row = self._row(operator.index(image_id))
        if row is None:
            return None
        rows = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return ImageBoxes(
            self.boxes[rows].copy(),
            self.category_ids[rows].copy(),
            self.areas[rows].copy(),
            self.crowds[rows].copy(),
            "category" if self.validation[row] else "supercategory",
        )

    def _row(self, image_id: int) -> int | None:
        row = int(np.searchsorted(self.image_ids, image_id))
        return row if row < len(self) and self.image_ids[row] == image_id else None

    def __repr__(self) -> str:
        return f"BoxTable(split={self.split!r}, images={len(self)}, boxes={len(self.boxes)})"


def check(
    root: str | os.PathLike[str], split: str = "train", *, limit: int | None = 20
) -> dict[str, Any]:
    """What is odd about the boxes of a split: `check_boxes` of its `BoxTable`.

    Raises:
        FileNotFoundError: If a box file is missing.
        AnnotationError: If one is damaged.
        ValueError: If the split has no boxes.
    """
    return check_boxes(BoxTable(root, split), limit=limit)


def check_boxes(table: BoxTable, *, limit: int | None = 20) -> dict[str, Any]:
    """Holds boxes against what the competition's page says of them.

    Args:
        table: The boxes.
        limit: How many offenders to list of each kind; None lists all.

    Returns:
        ``split``; ``images`` that are listed, and ``empty_images`` of them without a box; ``boxes``
        and ``crowds`` of them. Of each kind of offender ``count`` and ``first``, a list of records:
        ``area`` (not half of width times height, by a thousandth), ``outside`` (of the picture, as
        far as its size is in the file; ``unsized_images`` have none) and ``several`` (images of the
        val split with more than one box).
    """
    image = np.repeat(np.arange(len(table)), np.diff(table.starts))
    x, y, width, height = table.boxes.T
    half = width * height / 2
    # A missing area is NaN, and no comparison with it is true.
    wrong_area = ~(np.abs(table.areas - half) <= AREA_TOLERANCE * half)
    right, bottom = (table.sizes[image] + PIXEL_TOLERANCE).T
    sized = table.sizes.min(axis=1, initial=0) >= 0
    beyond = (x + width > right) | (y + height > bottom)
    outside = (x < -PIXEL_TOLERANCE) | (y < -PIXEL_TOLERANCE) | (beyond & sized[image])
    counts = np.diff(table.starts)
    several = table.validation & (counts > 1)

    def boxes(offends: NDArray[np.bool_]) -> dict[str, Any]:
        rows = np.flatnonzero(offends)
        first = [_record(table, int(row), int(image[row])) for row in rows[:limit]]
        return {"count": len(rows), "first": first}

    images = np.flatnonzero(several)
    return {
        "split": table.split,
        "images": len(table),
        "empty_images": int((counts == 0).sum()),
        "unsized_images": int((~sized).sum()),
        "boxes": len(table.boxes),
        "crowds": int(table.crowds.sum()),
        "area": boxes(wrong_area),
        "outside": boxes(outside),
        "several": {
            "count": len(images),
            "first": [
                {"image_id": int(table.image_ids[row]), "boxes": int(counts[row])}
                for row in images[:limit]
            ],
        },
    }


def _record(table: BoxTable, row: int, image: int) -> dict[str, Any]:
    area = float(table.areas[row])
    return {
        "image_id": int(table.image_ids[image]),
        "row": int(table.rows[row]),
        "bbox": table.boxes[row].tolist(),
        "area": None if np.isnan(area) else area,
        "size": table.sizes[image].tolist(),
    }


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
        file = json_file(path)
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
        files = find_extra(Path(root), _split(split), "boxes")
        try:
            table = Table(find_annotations(Path(root), split))
        except FileNotFoundError:
            return cls(files, trust=_trust(split))
        return cls(files, table.image_ids, table.categories, _trust(split))

    @classmethod
    def of_data_set(cls, ds: INaturalist) -> BoxFiles:
        """The boxes of the data set's images."""
        files = find_extra(Path(ds.root), _split(ds.split), "boxes")
        return cls(files, ds.image_ids, ds._table.categories, _trust(ds.split))


def json_file(path: str | os.PathLike[str]) -> JsonFile:
    """The JSON file that is meant: itself, or the only one in a zip.

    Raises:
        AnnotationError: If a zip has none, or several.
    """
    import zipfile

    path = os.fspath(path)
    if not zipfile.is_zipfile(path):
        return JsonFile(path)
    with zipfile.ZipFile(path) as archive:
        names = [name.rpartition("/")[2] for name in archive.namelist() if name.endswith(".json")]
    if len(names) != 1:
        raise AnnotationError(
            f"`{path}`: expected a zip with one JSON file, found {len(names)}; unzip it and name "
            "the file"
        )
    return JsonFile(path, names[0])


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
    _one_of("granularity", granularity, GRANULARITIES)
    _one_of("det_area", det_area, DET_AREAS)
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
        return json_file(detections)
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


def _split(split: str) -> str:
    return _one_of("split", split, SPLITS)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, known))}, not {value!r}")
    return value
