"""Detections scored per second, from file to measures: `score_boxes` beside pycocotools.

On few images: for the whole val split of 2017 by species, pycocotools needs some 20 GB.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptarmigan as pt

pytest.importorskip("pycocotools")

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from box_sets import measures_of, random_detections, random_truth, write_json

IMAGES, CATEGORIES, DETECTIONS = 500, 100, 50_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A result file and a box file."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("boxes")
    truth = random_truth(random, IMAGES, CATEGORIES, IMAGES, crowds=0)
    found = random_detections(random, truth, DETECTIONS // 5, DETECTIONS * 4 // 5, levels=10_000)
    return write_json(folder / "found.json", found), write_json(folder / "truth.json", truth)


def evaluate(found: Path, truth: Path) -> COCOeval:
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO(str(truth))
        evaluation = COCOeval(ground, ground.loadRes(json.loads(found.read_text())), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def bench_score_boxes(compare: Callable[..., None], files: tuple[Path, Path]) -> None:
    expected = measures_of(evaluate(*files))
    assert pt.score_boxes(*files).ap == pytest.approx(expected[0], rel=0, abs=1e-9)
    sides: dict[str, Callable[[], Any]] = {
        "ptarmigan": lambda: pt.score_boxes(*files),
        "pycocotools": lambda: evaluate(*files),
    }
    title = f"{DETECTIONS:,} detections in {IMAGES} images of {CATEGORIES} categories"
    compare(title, DETECTIONS, "detections", sides)
