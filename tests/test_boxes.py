"""The boxes of each image: missing is not empty, crowds, trust, and what is odd about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptarmigan as pt
from inaturalist_made import Made, box_file, write_zip
from ptarmigan.annotations import read_boxes
from ptarmigan.boxes import BoxTable


def write_boxes(root: Path, split: str, boxes: list[dict[str, Any]], images: int = 4) -> None:
    """A box file of images 1 to ``images``, of 100 x 50 pixels."""
    listed = [
        {"id": i, "file_name": f"{i}.jpg", "width": 100, "height": 50} for i in range(1, images + 1)
    ]
    content = {
        "images": listed,
        "categories": [{"id": 0, "name": "a", "supercategory": "X"}],
        "annotations": [{"id": i, "category_id": 0, **box} for i, box in enumerate(boxes)],
    }
    write_zip(root / f"{split}_2017_bboxes.zip", {f"{split}_2017_bboxes.json": content})


def box(image: int, x: float, y: float, width: float, height: float, **more: Any) -> dict[str, Any]:
    return {
        "image_id": image,
        "bbox": [x, y, width, height],
        "area": width * height / 2,
        "iscrowd": 0,
    } | more


def test_the_boxes_are_those_of_the_data_set(made: Made) -> None:
    for split in ("train", "val", "train+val"):
        ds = pt.INaturalist(made.root, split=split)
        table = BoxTable(made.root, split)
        boxed = 0
        for row, image_id in enumerate(ds.image_ids.tolist()):
            expected, found = ds.boxes(row), table.of(image_id)
            if expected is None:
                assert found is None or len(found.boxes) == 0
                continue
            boxed += 1
            assert found is not None
            np.testing.assert_array_equal(found.boxes, expected)
            assert set(found.category_ids.tolist()) == {int(ds.category_ids[row])}
            np.testing.assert_array_equal(found.areas, expected[:, 2] * expected[:, 3] / 2)
        assert boxed > 5


def test_missing_is_not_empty(made: Made) -> None:
    val = made.of("val")
    table = BoxTable(made.root, "val")
    boxed = {record["image_id"] for record in box_file(val)["annotations"]}
    empty = next(photo.image_id for photo in val if photo.image_id not in boxed)
    found = table.of(empty)
    assert found is not None
    assert (found.boxes.shape, found.crowds.shape) == ((0, 4), (0,))
    missing = made.of("train")[0].image_id
    assert table.of(missing) is None
    assert (empty in table, missing in table, "x" in table) == (True, False, False)
    assert len(table) == len(val)


def test_crowds_and_trust_are_told(tmp_path: Path) -> None:
    write_boxes(tmp_path, "train", [box(1, 0, 0, 9, 9, iscrowd=1), box(1, 5, 5, 9, 9)])
    write_boxes(tmp_path, "val", [])
    found = BoxTable(tmp_path, "train").of(1)
    assert found is not None
    assert found.crowds.tolist() == [True, False]
    assert found.trust == "supercategory"
    (tmp_path / "val").mkdir()
    write_boxes(tmp_path / "val", "val", [box(2, 0, 0, 9, 9)])
    found = BoxTable(tmp_path / "val", "val").of(2)
    assert found is not None
    assert found.trust == "category"


def test_sides_too_large_to_multiply_are_counted(tmp_path: Path) -> None:
    write_boxes(tmp_path, "val", [box(1, 0, 0, 1e308, 1e308, area=1.0), box(2, 0, 0, 10, 10)])
    found = read_boxes(tmp_path / "val_2017_bboxes.zip", "val_2017_bboxes.json")
    assert pt.boxes.check_boxes(found, None)["first"]["wrong_area"] == [1]


def test_both_splits_keep_their_trust(made: Made) -> None:
    table = BoxTable(made.root, "train+val")
    trusts = {}
    for photo in made.of("train+val"):
        found = table.of(photo.image_id)
        assert found is not None
        trusts.setdefault(photo.split, set()).add(found.trust)
    assert trusts == {"train": {"supercategory"}, "val": {"category"}}


def test_every_kind_of_offender_is_found(tmp_path: Path) -> None:
    boxes = [
        box(1, 0, 0, 10, 10),
        box(1, 0, 0, 10, 10, area=50.04),
        box(2, 0, 0, 10, 10, area=50.06),
        {**box(3, 0, 0, 10, 10), "area": None},
        box(3, -1, 0, 10, 10),
        box(3, 0, 0, 0, 10, iscrowd=1),
    ]
    write_boxes(tmp_path, "val", boxes)
    file = tmp_path / "val_2017_bboxes.zip"
    found = pt.boxes.check_boxes(read_boxes(file, "val_2017_bboxes.json"), None)
    assert found == {
        "boxes": 6,
        "images": 3,
        "categories": 1,
        "images_with_several": 2,
        "wrong_area": 2,
        "crowds": 1,
        "empty": 1,
        "outside": None,
        "unknown_images": None,
        "other_category": None,
        "first": {
            "images_with_several": [1, 3],
            "wrong_area": [2, 3],
            "crowds": [3],
            "empty": [3],
        },
    }


def test_a_split_without_boxes_or_files_is_an_error(made: Made, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="which have boxes, not 'test'"):
        BoxTable(made.root, "test")
    with pytest.raises(FileNotFoundError, match="train_2017_bboxes"):
        BoxTable(tmp_path, "train")
    write_boxes(tmp_path, "train", [box(9, 0, 0, 1, 1)])
    with pytest.raises(pt.AnnotationError, match=r"`annotations\[0\]` has image_id 9"):
        BoxTable(tmp_path, "train")
    write_boxes(tmp_path, "train", [box(1, 0, 0, 1, -1)])
    with pytest.raises(pt.AnnotationError, match=r"`annotations\[0\]`: expected `bbox`"):
        BoxTable(tmp_path, "train")
    write_boxes(tmp_path, "train", [box(1, 0, 0, 1, 1)])
    write_boxes(tmp_path, "val", [box(1, 0, 0, 1, 1)])
    with pytest.raises(pt.AnnotationError, match="image 1 is in another of the box files too"):
        BoxTable(tmp_path, "train+val")
