from __future__ import annotations

import errno
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from inaturalist_made import CATEGORIES, annotation_file, make_photos, write_zip
from ptarmigan.annotations import Strings, Table, read_boxes, read_locations
from ptarmigan.errors import AnnotationError, PtarmiganError


def write_json(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def train_content() -> dict:
    return annotation_file([photo for photo in make_photos() if photo.split == "train"])


def test_a_table_holds_what_the_json_says(made):
    table = Table([(str(made.root / "train_val2017.zip"), "train2017.json")])
    photos = made.of("train")
    assert list(table.file_names) == [photo.file_name for photo in photos]
    assert table.image_ids.tolist() == [photo.image_id for photo in photos]
    assert table.category_ids.tolist() == [photo.category_id for photo in photos]
    assert table.widths.tolist() == [photo.width for photo in photos]
    assert table.heights.tolist() == [photo.height for photo in photos]
    licenses = [-1 if p.record["license"] is None else p.record["license"] for p in photos]
    assert table.license_ids.tolist() == licenses
    for row, photo in enumerate(photos):
        holder = int(table.holders[row])
        assert (table.holder_names[holder] if holder >= 0 else None) == photo.record[
            "rights_holder"
        ]
    assert len(table.holder_names) == 3
    ids, names, supercategories = table.categories
    assert ids == list(range(len(CATEGORIES)))
    assert list(zip(names, supercategories, strict=True)) == list(CATEGORIES)
    assert table.info["year"] == "2017"
    assert "url" not in table.info
    assert table.image_ids.dtype == table.category_ids.dtype == np.int64


def test_two_splits_are_one_table(made):
    zipped = str(made.root / "train_val2017.zip")
    both = Table([(zipped, "train2017.json"), (zipped, "val2017.json")])
    assert both.image_ids.tolist() == [photo.image_id for photo in made.of("train+val")]


def test_a_plain_file_is_what_the_zip_holds(made, tmp_path):
    with zipfile.ZipFile(made.root / "train_val2017.zip") as archive:
        path = archive.extract("val2017.json", tmp_path)
    plain = Table([(path, None)])
    zipped = Table([(str(made.root / "train_val2017.zip"), "val2017.json")])
    assert list(plain.file_names) == list(zipped.file_names)
    np.testing.assert_array_equal(plain.category_ids, zipped.category_ids)


def test_strings_are_a_sequence():
    pool = np.frombuffer("aböc".encode(), np.uint8), np.array([0, 1, 1, 4, 5], np.uint64)
    strings = Strings.from_pool(pool)
    assert list(strings) == ["a", "", "bö", "c"]
    assert strings[2] == "bö"
    assert strings[-1] == "c"
    assert list(strings[1:3]) == ["", "bö"]
    assert list(strings.select(np.array([3, 0]))) == ["c", "a"]
    assert list(pickle.loads(pickle.dumps(strings))) == list(strings)  # noqa: S301
    assert "bö" in strings
    with pytest.raises(IndexError):
        strings[4]


def test_boxes_are_sorted_by_image(made):
    boxes = read_boxes(made.root / "train_2017_bboxes.zip", "train_2017_bboxes.json")
    assert (np.diff(boxes.image_ids) >= 0).all()
    expected = sum(1 + p.image_id % 3 for p in made.of("train") if p.image_id % 3)
    assert boxes.boxes.shape == (expected, 4)
    np.testing.assert_array_equal(boxes.areas, boxes.boxes[:, 2] * boxes.boxes[:, 3] / 2)
    assert not boxes.crowds.any()


def test_a_missing_place_is_not_the_place_zero(made):
    read = read_locations(made.root / "inat2017_locations.zip", "train2017_locations.json")
    known = read.image_ids % 4 == 1
    np.testing.assert_array_equal(read.latitudes[known], 0)
    assert np.isnan(read.latitudes[~known]).all()
    assert set(read.dates) == {"2016-05-01"}
    np.testing.assert_array_equal(read.user_ids, read.image_ids + 1000)
    np.testing.assert_array_equal(read.valid, -1)


def test_a_dangling_image_id_names_the_file_and_the_row(tmp_path):
    content = train_content()
    content["annotations"][4]["image_id"] = 123456
    path = write_json(tmp_path / "train2017.json", content)
    with pytest.raises(AnnotationError, match=r"`annotations\[4\]` has image_id 123456") as caught:
        Table([(str(path), None)])
    assert caught.value.path == str(path)
    assert isinstance(caught.value, PtarmiganError)


def test_truncated_json_is_refused_with_its_place(tmp_path):
    text = json.dumps(train_content(), indent=1)
    cut = text[: len(text) // 2]
    path = write_json(tmp_path / "train2017.json", cut)
    with pytest.raises(AnnotationError, match=rf"`images.*byte {len(cut)} of.*cut short"):
        Table([(str(path), None)])


def test_any_cut_of_the_json_is_refused(tmp_path):
    text = json.dumps(train_content())
    for end in range(0, len(text), 97):
        path = write_json(tmp_path / "train2017.json", text[:end])
        with pytest.raises(AnnotationError):
            Table([(str(path), None)])


def test_a_zip_without_the_json_says_what_it_holds(tmp_path):
    path = write_zip(tmp_path / "train_val2017.zip", {"readme.txt": "hello"})
    with pytest.raises(AnnotationError, match=r"train2017\.json.*has `readme\.txt`") as caught:
        Table([(str(path), "train2017.json")])
    assert caught.value.member == "train2017.json"


def test_a_truncated_zip_is_refused(made, tmp_path):
    data = (made.root / "train_val2017.zip").read_bytes()
    path = tmp_path / "train_val2017.zip"
    for end in (0, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(AnnotationError, match="download it again"):
            Table([(str(path), "train2017.json")])


def test_a_missing_file_is_an_operating_system_error(tmp_path):
    path = tmp_path / "train2017.json"
    with pytest.raises(FileNotFoundError) as caught:
        Table([(str(path), None)])
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(path)


def test_two_hundred_thousand_images_come_back_in_order(tmp_path):
    count = 200_000
    # Written by hand: Python's encoder needs longer than the test.
    shuffled = np.random.default_rng(0).permutation(count).tolist()
    images = ",".join(
        f'{{"id":{i},"width":800,"height":{i % 800},"file_name":"t/S/c{i % 97:02}/{i:032x}.jpg",'
        f'"license":3,"rights_holder":"Person {i % 1000}"}}'
        for i in shuffled
    )
    annotations = ",".join(
        f'{{"id":{i},"image_id":{i},"category_id":{i % 97}}}' for i in range(count)
    )
    categories = [{"id": i, "name": f"c{i:02}", "supercategory": "S"} for i in range(97)]
    text = (
        f'{{"images":[{images}],"annotations":[{annotations}],'
        f'"categories":{json.dumps(categories)}}}'
    )
    path = write_zip(tmp_path / "train_val2017.zip", {"train2017.json": text})
    table = Table([(str(path), "train2017.json")])
    expected = np.lexsort((np.arange(count), np.arange(count) % 97))
    np.testing.assert_array_equal(table.image_ids, expected)
    np.testing.assert_array_equal(table.category_ids, expected % 97)
    np.testing.assert_array_equal(table.heights, expected % 800)
    assert len(table.holder_names) == 1000
    assert table.folders == [f"S/c{i:02}" for i in range(97)]
    assert table.folders_problem is None
    holders = list(table.holder_names)
    for row in (0, 1, 77_777, count - 1):
        assert table.file_names[row] == f"t/S/c{expected[row] % 97:02}/{expected[row]:032x}.jpg"
        assert holders[table.holders[row]] == f"Person {expected[row] % 1000}"
