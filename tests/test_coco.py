"""COCO detection files: pycocotools loads them, with the ids, boxes and areas of the release."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

import ptarmigan as pt
from inaturalist_made import CATEGORIES, LICENSES, Made, box_file, write_zip
from ptarmigan.coco import write_coco
from ptarmigan.synth import write_dataset


def load(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def boxes_of(content: dict[str, Any]) -> dict[int, list[tuple[Any, ...]]]:
    """(category, box, area, crowd) of the boxes of each image, in the order of the file."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for record in content["annotations"]:
        fields = (record["category_id"], record["bbox"], record["area"], record["iscrowd"])
        found.setdefault(record["image_id"], []).append(fields)
    return found


@pytest.mark.parametrize("split", ["train", "val", "train+val"])
def test_what_pycocotools_loads_is_what_the_release_has(
    made: Made, tmp_path: Path, split: str
) -> None:
    path = tmp_path / "coco.json"
    written = write_coco(path, made.root, split=split)
    source = box_file(made.of(split))
    coco = load(path)
    assert boxes_of(coco.dataset) == boxes_of(source)
    assert sorted(coco.imgs) == sorted(boxes_of(source))
    assert written == {
        "path": str(path),
        "images": len(coco.imgs),
        "annotations": len(source["annotations"]),
        "categories": len(CATEGORIES),
        "left_out": len(made.of(split)) - len(coco.imgs),
        "one_based": False,
    }
    assert written["left_out"] > 0
    assert sorted(coco.anns) == list(range(1, 1 + len(source["annotations"])))
    assert coco.dataset["licenses"] == list(LICENSES)
    categories = [(c["id"], c["name"], c["supercategory"]) for c in coco.dataset["categories"]]
    assert categories == [(i, *names) for i, names in enumerate(CATEGORIES)]
    records = {photo.image_id: photo.record for photo in made.of(split)}
    for image_id, image in coco.imgs.items():
        known = {key: value for key, value in records[image_id].items() if value is not None}
        assert image == known
    assert coco.dataset["info"]["year"] == 2017
    assert coco.dataset["info"]["split"] == split
    assert coco.dataset["info"]["category_ids"] == "As in the release."


def test_one_based_ids_are_one_more_and_say_so(made: Made, tmp_path: Path) -> None:
    plain, shifted = tmp_path / "plain.json", tmp_path / "shifted.json"
    write_coco(plain, made.root, split="val")
    assert write_coco(shifted, made.root, split="val", one_based=True)["one_based"]
    expected, found = load(plain).dataset, load(shifted).dataset
    assert found["info"]["category_ids"].startswith("One-based")
    assert [c["id"] - 1 for c in found["categories"]] == [c["id"] for c in expected["categories"]]
    assert [c["name"] for c in found["categories"]] == [c["name"] for c in expected["categories"]]
    for record in found["annotations"]:
        record["category_id"] -= 1
    assert found["annotations"] == expected["annotations"]
    assert found["images"] == expected["images"]


@pytest.mark.parametrize("one_based", [False, True])
def test_detections_are_scored_against_the_file(
    made: Made, tmp_path: Path, one_based: bool
) -> None:
    path = tmp_path / "val.json"
    write_coco(path, made.root, split="val", one_based=one_based)
    found = [
        {key: record[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.5}
        for record in load(path).dataset["annotations"]
    ]
    (tmp_path / "found.json").write_text(json.dumps(found))
    assert pt.score_boxes(tmp_path / "found.json", path).ap == pytest.approx(1)


def test_a_made_up_data_set_comes_back(tmp_path: Path) -> None:
    made = write_dataset(tmp_path / "inat", scale=0.005, images=150, max_side=48)
    path = tmp_path / "coco.json"
    written = write_coco(path, made.root, split="train")
    table = pt.boxes.BoxTable(made.root, "train")
    coco = load(path)
    assert written["annotations"] == len(table.boxes) == len(coco.anns)
    for image_id in coco.imgs:
        found = table.of(image_id)
        assert found is not None
        records = coco.imgToAnns[image_id]
        np.testing.assert_array_equal([record["bbox"] for record in records], found.boxes)
        np.testing.assert_array_equal([record["area"] for record in records], found.areas)


def test_what_is_not_known_is_left_out(made: Made, tmp_path: Path) -> None:
    for name in ("train_val2017.zip", "val_2017_bboxes.zip"):
        (tmp_path / name).write_bytes((made.root / name).read_bytes())
    content = box_file(made.of("val"))
    content["annotations"][0]["area"] = None
    write_zip(tmp_path / "val_2017_bboxes.zip", {"val_2017_bboxes.json": content})
    write_coco(tmp_path / "coco.json", tmp_path, split="val")
    coco = load(tmp_path / "coco.json")
    lacking = [record for record in coco.anns.values() if "area" not in record]
    assert [record["image_id"] for record in lacking] == [content["annotations"][0]["image_id"]]
    assert any("license" not in image for image in coco.imgs.values())
    text = (tmp_path / "coco.json").read_text()
    assert "NaN" not in text
    assert "Zoë" in text


def test_what_has_no_boxes_is_refused(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    with pytest.raises(ValueError, match="the release '2018' has no boxes; 2017 has"):
        write_coco(path, made.root, version="2018")
    with pytest.raises(ValueError, match="which have boxes, not 'test'"):
        write_coco(path, made.root, split="test")
    with pytest.raises(FileNotFoundError, match="train_2017_bboxes"):
        write_coco(path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "inat"
    root.mkdir()
    (root / "train_val2017.zip").write_bytes((made.root / "train_val2017.zip").read_bytes())
    # Boxes of training images under the name of the other file.
    content = box_file(made.of("train"))
    write_zip(root / "val_2017_bboxes.zip", {"val_2017_bboxes.json": content})
    path = tmp_path / "coco.json"
    path.write_text("old")
    with pytest.raises(pt.AnnotationError, match="not in the annotations of the split `val`"):
        write_coco(path, root, split="val")
    assert path.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["coco.json", "inat"]
