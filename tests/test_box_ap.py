"""Scores of detected boxes: equal to pycocotools, and strict about what they are given."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from box_sets import (
    Coco,
    Detections,
    measures_of,
    pycocotools_eval,
    random_detections,
    random_truth,
    write_json,
)
from ptarmigan.box_scores import BoxMeasures

TOLERANCE = 1e-9
GRANULARITIES = ("species", "super", "any")


def values(measures: BoxMeasures) -> list[float]:
    """In the order of `measures_of`."""
    m = measures
    precisions = [m.ap, m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large]
    return [*precisions, *m.ar.values(), m.ar_small, m.ar_medium, m.ar_large]


def near(expected: list[float]) -> Any:
    return pytest.approx(expected, rel=0, abs=TOLERANCE)


def write_both(folder: Path, truth: Coco, found: Detections) -> tuple[Path, Path]:
    """The result file and the box file."""
    return write_json(folder / "found.json", found), write_json(folder / "truth.json", truth)


def assert_equals_pycocotools(
    folder: Path, truth: Coco, found: Detections, **options: Any
) -> pt.BoxScore:
    score = pt.score_boxes(*write_both(folder, truth, found), **options)
    evaluation = pycocotools_eval(truth, found, **options)
    assert values(score) == near(measures_of(evaluation))
    if options["granularity"] == "any":
        assert values(score.by_class["any"]) == near(measures_of(evaluation))
        return score
    names = {number: category["name"] for number, category in _categories(evaluation)}
    by_class = {}
    for place, number in enumerate(evaluation.params.catIds):
        name = number if options["granularity"] == "species" else names[number]
        by_class[name] = measures_of(evaluation, place)
        if name in score.by_class:
            assert values(score.by_class[name]) == near(by_class[name])
        else:
            assert set(by_class[name]) == {-1.0}
    assert set(score.by_class) <= set(by_class)
    if options["granularity"] == "species":
        above = {number: category["supercategory"] for number, category in _categories(evaluation)}
        for name, measures in score.by_supercategory.items():
            rows = np.array([row for number, row in by_class.items() if above[number] == name])
            means = [column[column > -1].mean() if (column > -1).any() else -1 for column in rows.T]
            assert values(measures) == near(means)
    return score


def _categories(evaluation: Any) -> list[tuple[int, dict[str, Any]]]:
    return list(evaluation.cocoGt.cats.items())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(GRANULARITIES),
    st.sampled_from(["full", "half"]),
    st.sampled_from([(1, 10, 100), (1, 2), (3,)]),
)
def test_random_sets_score_as_in_pycocotools(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    granularity: str,
    det_area: str,
    max_dets: tuple[int, ...],
) -> None:
    random = np.random.default_rng(seed)
    images, categories, boxes = (int(random.integers(1, most)) for most in (10, 7, 50))
    truth = random_truth(random, images, categories, boxes, crowds=random.choice([0, 0.1, 0.5]))
    levels = int(random.choice([2, 10, 10_000]))
    count = int(random.integers(1, 80)), int(random.integers(0, 40))
    found = random_detections(random, truth, *count, levels=levels)
    options = {"granularity": granularity, "det_area": det_area, "max_dets": max_dets}
    assert_equals_pycocotools(tmp_path_factory.getbasetemp(), truth, found, **options)


@pytest.mark.parametrize(
    ("granularity", "images", "categories"),
    [("species", 150, 30), ("super", 400, 60), ("any", 400, 60)],
)
def test_large_sets_score_as_in_pycocotools(
    tmp_path: Path, granularity: str, images: int, categories: int
) -> None:
    random = np.random.default_rng(images)
    truth = random_truth(random, images, categories, 3 * images)
    found = random_detections(random, truth, 8 * images, 12 * images, levels=300)
    options = {"granularity": granularity, "det_area": "full", "max_dets": (1, 10, 100)}
    score = assert_equals_pycocotools(tmp_path, truth, found, **options)
    assert 0.1 < score.ap < 0.9
    assert score.ap50 > score.ap > 0
    assert (score.images, score.detections) == (images, len(found))


def test_the_order_is_that_of_the_summary_of_pycocotools(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(7)
    truth = random_truth(random, 20, 5, 80)
    found = random_detections(random, truth, 200, 50)
    evaluation = pycocotools_eval(truth, found)
    evaluation.summarize()
    assert len(capsys.readouterr().out.splitlines()) == 12
    assert values(pt.score_boxes(*write_both(tmp_path, truth, found))) == near(evaluation.stats)


def test_more_detections_than_count_are_cut_by_class_and_image(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    truth = random_truth(random, 2, 2, 12)
    found = random_detections(random, truth, 500, 300, levels=20)
    for granularity in GRANULARITIES:
        options = {"granularity": granularity, "det_area": "full", "max_dets": (1, 10, 100)}
        assert_equals_pycocotools(tmp_path, truth, found, **options)


@pytest.fixture
def small() -> tuple[Coco, Detections]:
    random = np.random.default_rng(1)
    truth = random_truth(random, 6, 4, 20)
    return truth, random_detections(random, truth, 60, 20)


def test_arrays_score_as_the_file(tmp_path: Path, small: tuple[Coco, Detections]) -> None:
    truth, found = small
    path, boxes = write_both(tmp_path, truth, found)
    expected = pt.score_boxes(path, boxes)
    names = ("image_id", "category_id", "bbox", "score")
    columns = {name: [record[name] for record in found] for name in names}
    assert pt.score_boxes(columns, boxes) == expected
    kind = [("image_id", "i4"), ("category_id", "u2"), ("bbox", "f8", 4), ("score", "f8")]
    rows = [tuple(record[name] for name in names) for record in found]
    assert pt.score_boxes(np.array(rows, kind), boxes) == expected
    seven = [[r["image_id"], *r["bbox"], r["score"], r["category_id"]] for r in found]
    assert pt.score_boxes(np.array(seven), boxes) == expected
    assert pt.score_boxes(np.empty((0, 7)), boxes).ap == 0


def test_files_may_be_in_zips(tmp_path: Path, small: tuple[Coco, Detections]) -> None:
    paths = write_both(tmp_path, *small)
    expected = pt.score_boxes(*paths)
    zips = []
    for path in paths:
        zips.append(path.with_suffix(".zip"))
        with zipfile.ZipFile(zips[-1], "w") as archive:
            archive.write(path, f"folder/{path.name}")
    assert pt.score_boxes(*zips) == expected
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(zips[1].read_bytes().replace(b"PK\x01\x02", b"PK\x01\x03"))
    with pytest.raises(pt.AnnotationError, match="not a zip that can be read"):
        pt.score_boxes(paths[0], damaged)
    with zipfile.ZipFile(zips[1], "a") as archive:
        archive.writestr("second.json", "{}")
    with pytest.raises(pt.AnnotationError, match="expected one such file in the archive"):
        pt.score_boxes(paths[0], zips[1])


def test_a_box_with_the_id_0_can_be_found(tmp_path: Path) -> None:
    """Where pycocotools says that it cannot: 0 stands for "none" in its tables of matches."""
    truth = random_truth(np.random.default_rng(0), 1, 1, 1, crowds=0)
    truth["annotations"][0]["id"] = 0
    (box,) = truth["annotations"]
    found = [{key: box[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1}]
    score = pt.score_boxes(*write_both(tmp_path, truth, found))
    assert (score.ap, score.ar[1]) == pytest.approx((1, 1))
    assert measures_of(pycocotools_eval(truth, found))[0] == 0


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    """An area on the border between small and medium, and scores one bit apart."""
    random = np.random.default_rng(11)
    truth = random_truth(random, 4, 2, 30, crowds=0)
    for record in truth["annotations"]:
        record["area"] = float(np.nextafter(1024, random.choice([0, 2000])))
    found = random_detections(random, truth, 100, 0)
    for record in found:
        record["score"] = float(0.3 + random.integers(0, 3) * np.spacing(0.3))
    options = {"granularity": "species", "det_area": "full", "max_dets": (1, 10, 100)}
    assert_equals_pycocotools(tmp_path, truth, found, **options)


def test_the_score_is_plain_data_and_a_table(
    tmp_path: Path, small: tuple[Coco, Detections]
) -> None:
    score = pt.score_boxes(*write_both(tmp_path, *small), max_dets=(10, 1))
    plain = json.loads(json.dumps(score.to_dict()))
    assert plain["ap"] == score.ap
    assert plain["max_dets"] == [1, 10]
    assert plain["ar"] == {"1": score.ar[1], "10": score.ar[10]}
    assert plain["by_class"].keys() == {str(name) for name in score.by_class}
    lines = str(score).splitlines()
    assert lines[0].startswith("20 boxes in 6 images, 80 detections; granularity species")
    assert lines[1].split()[2:] == [
        "AP",
        "AP50",
        "AP75",
        "APs",
        "APm",
        "APl",
        "AR1",
        "AR10",
        "ARs",
        "ARm",
        "ARl",
    ]
    assert lines[2].split()[:4] == ["all", "4", "20", f"{100 * score.ap:.1f}"]
    assert {line.split()[0] for line in lines[3:]} == set(score.by_supercategory)
    assert "by_class" not in repr(score)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": -5}, "image_id -5 is not among the 6 images"),
        ({"category_id": 99}, "category_id 99 is not among the 4 categories"),
        ({"bbox": [0, 0, -1, 5]}, "width and height of 0 or more"),
        ({"bbox": [0, 0, 5]}, "array of length 4"),
        ({"bbox": [0, 0, 5, float("nan")]}, "value"),
        ({"score": float("inf")}, "value"),
        ({"score": None}, "expected f64"),
        ({"image_id": 1.5}, "expected i64"),
    ],
)
def test_a_bad_row_is_named(
    tmp_path: Path, small: tuple[Coco, Detections], change: dict[str, Any], message: str
) -> None:
    truth, found = small
    path, boxes = write_both(tmp_path, truth, [*found[:7], found[7] | change, *found[8:]])
    with pytest.raises(pt.SubmissionError) as raised:
        pt.score_boxes(path, boxes)
    text = str(raised.value)
    assert str(path) in text
    assert "`detections[7]`" in text
    assert message in text


def test_bad_arrays_are_named(tmp_path: Path, small: tuple[Coco, Detections]) -> None:
    truth, found = small
    boxes = write_json(tmp_path / "truth.json", truth)
    seven = np.array([[r["image_id"], *r["bbox"], r["score"], r["category_id"]] for r in found])
    for column, value in ((0, 0.5), (6, np.nan), (3, -1), (5, np.inf), (2, np.nan)):
        wrong = seven.copy()
        wrong[4, column] = value
        with pytest.raises(pt.SubmissionError, match=r"detections\[4\]"):
            pt.score_boxes(wrong, boxes)
    with pytest.raises(ValueError, match=r"shape \(N, 7\)"):
        pt.score_boxes(seven[:, :6], boxes)
    with pytest.raises(ValueError, match="lack `score`"):
        pt.score_boxes({"image_id": [], "category_id": [], "bbox": []}, boxes)
    columns = {"image_id": [1], "category_id": [0], "bbox": [[0, 0, 1, 1]], "score": []}
    with pytest.raises(ValueError, match="for each of 1 detections"):
        pt.score_boxes(columns, boxes)
    with pytest.raises(TypeError, match="a box file or an `INaturalist`"):
        pt.score_boxes(seven, 5)  # type: ignore[arg-type]


def test_bad_files_and_arguments_are_refused(
    tmp_path: Path, small: tuple[Coco, Detections]
) -> None:
    truth, found = small
    path, boxes = write_both(tmp_path, truth, found)
    with pytest.raises(pt.SubmissionError, match="cut short"):
        pt.score_boxes(_cut(path), boxes)
    with pytest.raises(pt.AnnotationError, match="cut short"):
        pt.score_boxes(path, _cut(boxes))
    with pytest.raises(pt.SubmissionError, match="the list `detections`"):
        pt.score_boxes(boxes, boxes)
    with pytest.raises(FileNotFoundError):
        pt.score_boxes(tmp_path / "absent.json", boxes)
    with pytest.raises(FileNotFoundError):
        pt.score_boxes(path, tmp_path / "absent.json")
    empty = write_json(tmp_path / "empty.json", truth | {"annotations": []})
    with pytest.raises(pt.AnnotationError, match="no true box"):
        pt.score_boxes(path, empty)
    first = {key: value for key, value in truth["annotations"][0].items() if key != "area"}
    no_area = truth | {"annotations": [*truth["annotations"], first]}
    with pytest.raises(pt.AnnotationError, match=r"`annotations\[20\]` has no `area`"):
        pt.score_boxes(path, write_json(tmp_path / "no_area.json", no_area))
    nameless = truth | {"categories": [{"id": c["id"], "name": ""} for c in truth["categories"]]}
    nameless_path = write_json(tmp_path / "nameless.json", nameless)
    with pytest.raises(pt.AnnotationError, match="no `supercategory`"):
        pt.score_boxes(path, nameless_path, granularity="super")
    assert pt.score_boxes(path, nameless_path).by_supercategory == {}
    for options, message in (
        ({"granularity": "genus"}, "granularity"),
        ({"det_area": "none"}, "det_area"),
        ({"max_dets": ()}, "max_dets"),
        ({"max_dets": (1, 1)}, "max_dets"),
        ({"max_dets": (0, 5)}, "max_dets"),
    ):
        with pytest.raises(ValueError, match=message):
            pt.score_boxes(path, boxes, **options)


def _cut(path: Path) -> Path:
    cut = path.with_name(f"cut-{path.name}")
    cut.write_bytes(path.read_bytes()[:-50])
    return cut


SIZE_OF_2017 = """
import json, resource, sys
import numpy as np
import ptarmigan as pt

images, categories = 48_736, 2_854
random = np.random.default_rng(0)
label = random.integers(0, categories, images)
label[:categories] = np.arange(categories)
sides = random.uniform(0, 300, (images, 4))
json.dump({
    "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(images)],
    "categories": [{"id": i, "name": str(i)} for i in range(categories)],
    "annotations": [
        {"image_id": i, "category_id": int(label[i]), "bbox": sides[i].tolist(), "area": 1e4}
        for i in range(images)
    ],
}, open(sys.argv[1], "w"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = np.repeat(np.arange(images), 10)
found = {
    "image_id": rows,
    "category_id": (label[rows] + random.integers(0, 2, len(rows))) % categories,
    "bbox": sides[rows] + random.uniform(0, 5, (len(rows), 4)),
    "score": random.random(len(rows)),
}
score = pt.score_boxes(found, sys.argv[1])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([score.classes, score.boxes, score.ap50, (after - before) // 1024]))
"""


def test_a_score_of_the_size_of_2017_needs_little_memory(tmp_path: Path) -> None:
    """139 million pairs of image and category, which pycocotools has an entry for each of."""
    command = [sys.executable, "-c", SIZE_OF_2017, str(tmp_path / "truth.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    classes, boxes, ap50, megabytes = json.loads(done.stdout)
    assert (classes, boxes) == (2_854, 48_736)
    assert 0.3 < ap50 < 0.5
    assert megabytes < 300
