"""Metadata with the competition page's counts, counted with the standard library."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import page_2017
from ptarmigan.published import PUBLISHED
from ptarmigan.synth import write_dataset
from ptarmigan.synth.counts import bounded_shares, page_counts
from ptarmigan.synth.taxa import make_categories

NAME = re.compile(r"train_val_images/([^/]+)/([^/]+)/[0-9a-f]{32}\.jpg")


def read(root: Path, archive: str, member: str) -> dict:
    with zipfile.ZipFile(root / archive) as files:
        return json.loads(files.read(member))


@pytest.fixture(scope="module")
def splits(exact_2017):
    return {
        split: read(exact_2017.root, "train_val2017.zip", f"{split}2017.json")
        for split in ("train", "val")
    }


@pytest.fixture(scope="module")
def groups(splits):
    return {c["id"]: c["supercategory"] for c in splits["train"]["categories"]}


def test_the_first_table_is_the_page_s(splits, groups):
    assert splits["train"]["categories"] == splits["val"]["categories"]
    sizes = Counter(groups.values())
    images = [
        Counter(groups[label["category_id"]] for label in splits[split]["annotations"])
        for split in ("train", "val")
    ]
    found = {name: (sizes[name], *(split[name] for split in images)) for name in sizes}
    assert found == page_2017.IMAGES
    assert [len(split["images"]) for split in splits.values()] == [579_184, 95_986]


def test_images_have_the_form_of_the_real_ones(splits, groups):
    ids = np.concatenate([[i["id"] for i in split["images"]] for split in splits.values()])
    assert np.array_equal(np.sort(ids), np.arange(675_170))
    names = {category["id"]: category["name"] for category in splits["train"]["categories"]}
    stems = set()
    for split in splits.values():
        assert list(split) == ["info", "images", "categories", "annotations", "licenses"]
        first = split["images"][0]
        assert list(first) == ["id", "width", "height", "file_name", "license", "rights_holder"]
        assert list(split["annotations"][0]) == ["id", "image_id", "category_id"]
        for image, label in zip(split["images"], split["annotations"], strict=True):
            assert image["id"] == label["image_id"]
            group, folder = NAME.fullmatch(image["file_name"]).groups()
            category = label["category_id"]
            assert group == groups[category]
            assert folder == names[category].replace("\N{MULTIPLICATION SIGN}", "")
            stems.add(image["file_name"][-36:])
            assert max(image["width"], image["height"]) == 800
            assert 1 <= image["license"] <= 8
    assert len(stems) == 675_170
    holders = Counter(i["rights_holder"] for split in splits.values() for i in split["images"])
    assert len(holders) > 1_000
    assert any(not holder.isascii() for holder in holders)
    assert 0 < holders[""] < 0.02 * 675_170


def test_the_ids_of_a_category_lie_in_two_blocks(splits):
    category = np.empty(675_170, np.int64)
    for split in splits.values():
        for label in split["annotations"]:
            category[label["image_id"]] = label["category_id"]
    starts = np.flatnonzero(np.diff(category, prepend=-1))
    runs = Counter(category[starts].tolist())
    assert set(runs.values()) <= {1, 2}
    assert len(starts) > 1.9 * 5_089
    assert not np.array_equal(category[starts][:5_089], np.arange(5_089))


def test_the_tail_is_as_long_as_the_paper_s(splits):
    train, val = (
        np.array(list(Counter(a["category_id"] for a in split["annotations"]).values()))
        for split in splits.values()
    )
    paper = PUBLISHED["2017"].paper
    assert len(train) == len(val) == 5_089
    assert np.median(train) == paper.median
    assert (train.min(), train.max()) == (9, 3_919)
    assert round(train.max() / train.min(), 2) == paper.imbalance
    assert np.sort(train)[-51:].sum() / train.sum() > paper.top_share
    assert val.min() >= 4
    assert val.max() <= 30


def test_the_second_table_is_the_page_s(exact_2017, splits, groups):
    found = {name: [] for name in page_2017.BOXES}
    for split in ("train", "val"):
        boxes = read(exact_2017.root, f"{split}_2017_bboxes.zip", f"{split}_2017_bboxes.json")
        assert list(boxes) == ["info", "images", "categories", "annotations", "licenses"]
        labels = {label["image_id"]: label["category_id"] for label in splits[split]["annotations"]}
        sizes = {i["id"]: (i["width"], i["height"]) for i in splits[split]["images"]}
        counts = Counter(groups[box["category_id"]] for box in boxes["annotations"])
        assert counts.keys() == found.keys()
        for name, number in counts.items():
            found[name].append(number)
        a_picture = Counter(box["image_id"] for box in boxes["annotations"])
        assert {image["id"] for image in boxes["images"]} == set(a_picture)
        assert len({box["category_id"] for box in boxes["annotations"]}) == 2_854
        assert [box["id"] for box in boxes["annotations"]] == list(range(len(boxes["annotations"])))
        for box in boxes["annotations"]:
            x, y, width, height = box["bbox"]
            across, down = sizes[box["image_id"]]
            assert box["area"] == width * height / 2
            assert 0 <= x < x + width <= across
            assert 0 <= y < y + height <= down
            assert box["category_id"] == labels[box["image_id"]]
            assert box["iscrowd"] == 0
        if split == "val":
            assert len(a_picture) == len(boxes["annotations"]) == 48_736
        else:
            numbers = np.array(list(a_picture.values()))
            assert numbers.max() <= 10
            assert 0.05 < (numbers > 1).mean() < 0.2
    assert {name: tuple(numbers) for name, numbers in found.items()} == page_2017.BOXES


def test_places_have_gaps_and_test_images_no_labels(exact_2017, splits):
    for split in ("train", "val"):
        places = read(exact_2017.root, "inat2017_locations.zip", f"{split}2017_locations.json")
        assert {place["id"] for place in places} == {i["id"] for i in splits[split]["images"]}
        unknown = sum(place["lat"] is None for place in places)
        assert unknown == sum(place["lon"] is None for place in places)
        assert 0.02 < unknown / len(places) < 0.04
        assert any(place["user_id"] is None for place in places)
    test = read(exact_2017.root, "test2017.zip", "test2017.json")
    assert list(test) == ["info", "images", "categories", "licenses"]
    assert len(test["images"]) == page_2017.TEST_IMAGES == exact_2017.made["test"]
    assert all(re.fullmatch(r"[0-9a-f]{32}\.jpg", image["file_name"]) for image in test["images"])
    assert len({image["file_name"] for image in test["images"]}) == page_2017.TEST_IMAGES
    solution = (exact_2017.root / "test2017_solution.csv").read_text().splitlines()
    assert len(solution) == page_2017.TEST_IMAGES + 1


def test_it_takes_little_memory_and_no_pictures_are_made(exact_2017):
    assert exact_2017.peak_bytes < 1e9
    assert exact_2017.files == {
        "train_val2017.zip",
        "train_2017_bboxes.zip",
        "val_2017_bboxes.zip",
        "inat2017_locations.zip",
        "test2017.zip",
        "test2017_solution.csv",
    }
    assert exact_2017.made["image_bytes"] == 0
    # The real one has 26.8 MB.
    assert 24e6 < (exact_2017.root / "train_val2017.zip").stat().st_size < 32e6


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_counts_are_the_page_s_with_every_seed(seed):
    categories = make_categories(1, seed)
    counts = page_counts(categories, seed)
    again = page_counts(categories, seed)
    assert np.array_equal(counts.images, again.images)
    assert np.array_equal(counts.val, again.val)
    train = counts.images - counts.val
    assert (train.sum(), counts.val.sum()) == page_2017.IMAGES_TOTAL[1:]
    assert (train.min(), np.median(train), train.max()) == (9, 41, 3_919)


@pytest.mark.parametrize(
    ("total", "least", "most"), [(4, 1, 9), (10, 1, 9), (36, 1, 9), (23, 0, 7)]
)
def test_bounded_shares_add_up_inside_their_bounds(total, least, most):
    found = bounded_shares(total, np.array([0.01, 1.0, 5.0, 200.0]), least, most)
    assert found.sum() == total
    assert found.min() >= least
    assert found.max() <= most
    assert np.array_equal(found, np.sort(found))


def test_shares_that_cannot_add_up_are_refused():
    for total in (3, 41):
        with pytest.raises(ValueError, match="cannot add up to"):
            bounded_shares(total, np.ones(4), 1, 10)


def test_metadata_only_writes_the_same_metadata(tmp_path):
    options = {"scale": 0.002, "images": 60, "max_side": 32, "seed": 3}
    whole = write_dataset(tmp_path / "whole", **options)
    alone = write_dataset(tmp_path / "alone", **options, metadata_only=True)
    names = {path.name for path in alone.root.iterdir()}
    assert names == {path.name for path in whole.root.iterdir()} - {
        "train_val_images.tar.gz",
        "test2017.tar.gz",
    }
    for name in names:
        assert (alone.root / name).read_bytes() == (whole.root / name).read_bytes(), name
    assert alone.image_bytes == 0
    assert (alone.train, alone.val, alone.test) == (whole.train, whole.val, whole.test)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "give `metadata_only` too"),
        ({"metadata_only": True, "scale": 0.5}, "leave out `scale=0.5`"),
        ({"metadata_only": True, "images": 10}, "leave out `images=10`"),
        ({"metadata_only": True, "test_images": 10}, "leave out `test_images=10`"),
    ],
)
def test_exact_data_of_another_size_is_refused(options, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        write_dataset(tmp_path / "new", exact_2017=True, **options)
    assert not (tmp_path / "new").exists()


def test_a_file_that_cannot_be_written_leaves_none_half_written(tmp_path):
    (tmp_path / "val_2017_bboxes.zip").mkdir()
    with pytest.raises(OSError, match="val_2017_bboxes"):
        write_dataset(tmp_path, scale=0.002, images=60, max_side=32, metadata_only=True)
    assert not list(tmp_path.glob("*.part"))
