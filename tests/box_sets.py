"""Makes random true boxes and detections, and asks pycocotools what these are worth."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Coco = dict[str, Any]
Detections = list[dict[str, Any]]


def random_truth(
    random: np.random.Generator, images: int, categories: int, boxes: int, *, crowds: float = 0.1
) -> Coco:
    """A COCO file with areas of half the box, ids in no order, and a few crowds."""
    image_ids = random.permutation(5 * images)[:images]
    category_ids = random.permutation(3 * categories)[:categories]
    annotations = []
    for number in range(boxes):
        box = random_box(random)
        annotations.append(
            {
                "id": number + 1,
                "image_id": int(random.choice(image_ids)),
                "category_id": int(random.choice(category_ids)),
                "bbox": box,
                "area": box[2] * box[3] / 2,
                "iscrowd": int(random.random() < crowds),
            }
        )
    return {
        "images": [
            {"id": int(i), "file_name": f"{i}.jpg", "width": 640, "height": 640} for i in image_ids
        ],
        "categories": [
            {"id": int(i), "name": f"n{i}", "supercategory": f"s{i % 3}"} for i in category_ids
        ],
        "annotations": annotations,
    }


def random_box(random: np.random.Generator) -> list[float]:
    """A box of any of the three sizes, of whole or of broken numbers."""
    side = random.choice([10, 40, 90, 200, 400])
    box = random.uniform(0, 1, 4) * [100, 100, side, side] + [0, 0, 1, 1]
    if random.random() < 0.5:
        box = np.round(box)
    return [float(number) for number in box]


def random_detections(
    random: np.random.Generator, truth: Coco, near: int, far: int, *, levels: int = 10
) -> Detections:
    """Some near a true box, some anywhere; equal scores are frequent with few levels."""
    found = []
    image_ids = [image["id"] for image in truth["images"]]
    category_ids = [category["id"] for category in truth["categories"]]
    for number in range(near + far):
        if number < near and truth["annotations"]:
            true = truth["annotations"][int(random.integers(len(truth["annotations"])))]
            image, category, box = true["image_id"], true["category_id"], list(true["bbox"])
            if random.random() < 0.8:
                shift = random.normal(0, 0.1, 4) * [box[2], box[3], box[2], box[3]]
                box = (np.array(box) + shift).tolist()
            if random.random() < 0.1:
                category = int(random.choice(category_ids))
        else:
            image, category = int(random.choice(image_ids)), int(random.choice(category_ids))
            box = random_box(random)
        box[2:] = [max(0.0, box[2]), max(0.0, box[3])]
        score = float(random.integers(-1, levels)) / levels
        found.append({"image_id": image, "category_id": category, "bbox": box, "score": score})
    return [found[row] for row in random.permutation(len(found))]


def by_supercategory(content: Coco, found: Detections) -> tuple[Coco, Detections]:
    """The same with the super categories as categories, numbered in the order of their names."""
    content, found = copy.deepcopy(content), copy.deepcopy(found)
    names = sorted({category["supercategory"] for category in content["categories"]})
    above = {c["id"]: names.index(c["supercategory"]) + 1 for c in content["categories"]}
    content["categories"] = [{"id": names.index(name) + 1, "name": name} for name in names]
    for record in (*content["annotations"], *found):
        record["category_id"] = above[record["category_id"]]
    return content, found


def pycocotools_eval(
    content: Coco,
    found: Detections,
    *,
    granularity: str = "species",
    det_area: str = "full",
    max_dets: tuple[int, ...] = (1, 10, 100),
) -> COCOeval:
    """An evaluation that has been accumulated."""
    content, found = copy.deepcopy(content), copy.deepcopy(found)
    if granularity == "super":
        content, found = by_supercategory(content, found)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        results = truth.loadRes(found)
        if det_area == "half":
            for record in results.dataset["annotations"]:
                record["area"] /= 2
        evaluation = COCOeval(truth, results, "bbox")
        evaluation.params.useCats = int(granularity != "any")
        evaluation.params.maxDets = list(max_dets)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def measures_of(evaluation: COCOeval, classes: slice | int = slice(None)) -> list[float]:
    """AP, AP50, AP75, AP by size, AR by number of detections, AR by size; as `COCOeval.stats`."""
    # Overlap, recall, class, area, number of detections.
    precision = evaluation.eval["precision"]
    recall = evaluation.eval["recall"]

    def mean(values: np.ndarray) -> float:
        return float(values[values > -1].mean()) if (values > -1).any() else -1.0

    precisions = [precision[:, :, classes, 0, -1]]
    precisions += [precision[threshold, :, classes, 0, -1] for threshold in (0, 5)]
    precisions += [precision[:, :, classes, area, -1] for area in (1, 2, 3)]
    recalls = [recall[:, classes, 0, place] for place in range(recall.shape[3])]
    recalls += [recall[:, classes, area, -1] for area in (1, 2, 3)]
    return [mean(values) for values in (*precisions, *recalls)]


def write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path
