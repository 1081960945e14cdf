"""Scores of detected boxes against those of a data set, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ptarmigan as pt
from box_sets import Coco, Detections, write_json
from inaturalist_made import Made, box_file
from ptarmigan.cli import main


def perfect(content: Coco) -> Detections:
    keys = ("image_id", "category_id", "bbox")
    return [{key: box[key] for key in keys} | {"score": 0.5} for box in content["annotations"]]


def test_a_data_set_leaves_out_images_without_a_known_box(made: Made, tmp_path: Path) -> None:
    ds = pt.INaturalist(made.root, split="val")
    content = box_file([photo for photo in made.photos if photo.split == "val"])
    boxed = {box["image_id"] for box in content["annotations"]}
    unboxed = [i for i in ds.image_ids.tolist() if i not in boxed]
    elsewhere = [
        {"image_id": i, "category_id": 0, "bbox": [0, 0, 9, 9], "score": 0.9} for i in unboxed
    ]
    path = write_json(tmp_path / "found.json", perfect(content) + elsewhere)
    score = pt.score_boxes(path, ds)
    assert unboxed
    assert score.ap == pytest.approx(1)
    assert (score.images, score.left_out) == (len(boxed), len(unboxed))
    assert score.detections == score.boxes == len(content["annotations"])
    part = pt.INaturalist(made.root, split="val", subset=sorted(boxed)[:2])
    with pytest.raises(pt.SubmissionError, match="not among the 2 images"):
        pt.score_boxes(path, part)


def test_train_boxes_by_species_are_warned_of(made: Made, tmp_path: Path) -> None:
    ds = pt.INaturalist(made.root, split="train")
    path = write_json(tmp_path / "f.json", perfect(box_file(made.of("train"))))
    with pytest.warns(pt.BoxLabelWarning, match="super category"):
        assert pt.score_boxes(path, ds).ap == pytest.approx(1)
    with pytest.warns(pt.BoxLabelWarning):
        pt.score_boxes(path, made.root / "train_2017_bboxes.zip")
    # A warning would be an error here.
    assert pt.score_boxes(path, ds, granularity="super").ap == pytest.approx(1)
    test = pt.INaturalist(made.root, split="test")
    with pytest.raises(ValueError, match="which have boxes, not 'test'"):
        pt.score_boxes(path, test)
    ds.version = "2018"
    with pytest.raises(ValueError, match="the release '2018' has no boxes"):
        pt.score_boxes(path, ds)


def test_the_command_prints_a_table_or_json(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_json(tmp_path / "f.json", perfect(box_file(made.of("val")))))
    assert main(["boxes", "score", path, "--root", str(made.root)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[2].split()[3] == "100.0"
    assert printed.err == ""
    truth = str(made.root / "val_2017_bboxes.zip")
    options = ["--granularity", "any", "--det-area", "half", "--max-dets", "1", "5", "--json"]
    assert main(["boxes", "score", path, "--truth", truth, *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ar"].keys() == {"1", "5"}
    assert (found["granularity"], found["det_area"]) == ("any", "half")
    assert found["ap"] == pytest.approx(1)


def test_the_command_warns_and_fails_as_the_others_do(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(made.root)
    train = str(write_json(tmp_path / "t.json", perfect(box_file(made.of("train")))))
    assert main(["boxes", "score", train, "--root", root, "--split", "train", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("warning: boxes of the train split")
    assert json.loads(printed.out)["ap"] == pytest.approx(1)
    # Training images are not in the val split.
    assert main(["boxes", "score", train, "--root", root]) == 1
    assert "`detections[0]`" in capsys.readouterr().err
    assert main(["boxes", "score", train, "--root", str(tmp_path)]) == 1
    assert "val_2017_bboxes.zip" in capsys.readouterr().err
    assert main(["boxes", "score", train, "--root", root, "--max-dets", "0"]) == 2
    for wrong in (["boxes"], ["boxes", "score", train]):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 2


def test_a_root_with_the_box_file_alone_will_do(made: Made, tmp_path: Path) -> None:
    (tmp_path / "val_2017_bboxes.zip").write_bytes((made.root / "val_2017_bboxes.zip").read_bytes())
    path = str(write_json(tmp_path / "f.json", perfect(box_file(made.of("val")))))
    assert main(["boxes", "score", path, "--root", str(tmp_path)]) == 0
