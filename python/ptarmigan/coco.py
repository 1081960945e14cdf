"""Turns a split's annotations and boxes into one COCO detection file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .annotations import Table
from .boxes import BoxTable
from .errors import AnnotationError
from .json_records import write_lists
from .release import find_annotations
from .whole_file import written_aside

__all__ = ["write_coco"]


def write_coco(
    path: str | os.PathLike[str],
    root: str | os.PathLike[str],
    *,
    version: str = "2017",
    split: str = "train",
    one_based: bool = False,
) -> dict[str, Any]:
    """Writes the boxes of a split as a COCO detection file, which training programs read.

    ``images`` has the images that have a box, with size, licence and rights holder, and no others:
    an image without a known box is not one without an animal, and a detector must not learn that
    it is. ``annotations`` has the boxes sorted by image, with ``bbox``, ``area`` and
    ``iscrowd`` as stored; a box without an area gets none. Their ids count from 1, because
    pycocotools takes a box with the id 0 for one that was never found. ``categories`` has every
    category of the release, also those without boxes, so that numbers of classes stay.

    The file is written aside and renamed when it is whole.

    Args:
        path: The file to make or replace.
        root: The folder with ``train_val2017.zip`` and the box files, as for `INaturalist`.
        version: ``"2017"``, or a release of your own that has boxes.
        split: ``"train"``, ``"val"`` or ``"train+val"``.
        one_based: Adds 1 to every category id, for programs to which class 0 is the background;
            `info` of the file says so. Detections then have these ids too: score them against
            this file.

    Returns:
        ``path``, ``images``, ``annotations`` and ``categories`` (how many were written),
        ``left_out`` (images of the split without a known box) and ``one_based``.

    Raises:
        FileNotFoundError: If a file is missing.
        AnnotationError: If one is damaged, or boxes and annotations do not fit together.
        OSError: If the file cannot be written.
        ValueError: If the version or the split has no boxes, or ``path`` is not a file.
    """
    boxes = BoxTable(root, split, version)
    table = Table(find_annotations(Path(root), split, version))
    shift = int(one_based)
    lists = {
        "images": _images(table, boxes),
        "annotations": _annotations(boxes, shift),
        "categories": _categories(table, shift),
        "licenses": _licenses(table),
    }
    with written_aside(path) as file:
        info = json.dumps(_info(table, split, one_based=one_based), ensure_ascii=False)
        written = write_lists(file, {"info": info}, lists)
    written.pop("licenses")
    left_out = len(table) - written["images"]
    return {"path": os.fspath(path), **written, "left_out": left_out, "one_based": one_based}


def _info(table: Table, split: str, *, one_based: bool) -> dict[str, Any]:
    info: dict[str, Any] = dict(table.info)
    if info.get("year", "").isdecimal():
        info["year"] = int(info["year"])
    labels = {
        "val": "The label of a box is its category.",
        "train": "The label of a box is sure of its super category only.",
        "train+val": "The label of a train box is sure of its super category only.",
    }
    info["split"] = split
    info["boxes"] = f"Images without a known box are left out. {labels[split]}"
    info["category_ids"] = (
        "One-based: the category_id of the release plus 1." if one_based else "As in the release."
    )
    return info


def _images(table: Table, boxes: BoxTable) -> Iterator[dict[str, Any]]:
    """The images that have a box by rising id; what is not known of one is not in its record."""
    wanted = boxes.image_ids[np.diff(boxes.starts) > 0]
    order = table.image_ids.argsort()
    ids = table.image_ids[order]
    absent = ~np.isin(wanted, ids)
    if absent.any():
        raise AnnotationError(
            f"{absent.sum()} images of the box files are not in the annotations of the split "
            f"`{boxes.split}`, the first is {wanted[absent.argmax()]}; the files are of different "
            "releases"
        )
    places = ids.searchsorted(wanted)
    for row in order[places].tolist():
        license_id, holder = int(table.license_ids[row]), int(table.holders[row])
        numbers = {
            "width": int(table.widths[row]),
            "height": int(table.heights[row]),
            "license": license_id,
        }
        record: dict[str, Any] = {
            "id": int(table.image_ids[row]),
            "file_name": table.file_names[row],
        }
        record |= {name: number for name, number in numbers.items() if number >= 0}
        if holder >= 0:
            record["rights_holder"] = table.holder_names[holder]
        yield record


def _annotations(boxes: BoxTable, shift: int) -> Iterator[dict[str, Any]]:
    columns = (boxes.category_ids, boxes.boxes, boxes.areas, boxes.crowds)
    rows = pairwise(boxes.starts.tolist())
    number = 0
    for image_id, (start, end) in zip(boxes.image_ids.tolist(), rows, strict=True):
        of_image = (column[start:end].tolist() for column in columns)
        for category_id, box, area, crowd in zip(*of_image, strict=True):
            number += 1
            yield {
                "id": number,
                "image_id": image_id,
                "category_id": category_id + shift,
                "bbox": box,
                **({} if math.isnan(area) else {"area": area}),
                "iscrowd": int(crowd),
            }


def _categories(table: Table, shift: int) -> Iterator[dict[str, Any]]:
    for category_id, name, supercategory in zip(*table.categories, strict=True):
        record = {"id": category_id + shift, "name": name}
        yield record | ({"supercategory": supercategory} if supercategory else {})


def _licenses(table: Table) -> Iterator[dict[str, Any]]:
    for license_id, name, url in zip(*table.licenses, strict=True):
        yield {"id": license_id, "name": name, "url": url}
