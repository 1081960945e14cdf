"""Keys that a release has of its own, categories from elsewhere, and containers of every kind."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
import string
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptarmigan.annotations import JsonFile, Strings, Table, read_boxes, read_locations
from ptarmigan.errors import AnnotationError

# As in the releases of 2021, 2018 and 2019.
IMAGES_2021 = [
    {
        "id": 0,
        "width": 500,
        "height": 375,
        "file_name": "val/02912_Animalia_Ameiurus_nebulosus/d615f184-8af4-4c60-b9f8-3081c160.jpg",
        "license": 0,
        "rights_holder": "Łukasz Ōta",
        "date": "2010-07-14 20:19:00+00:00",
        "latitude": 43.83486,
        "longitude": -71.22231,
        "location_uncertainty": 77,
    },
    {
        "id": 1,
        "width": 500,
        "height": 500,
        "file_name": "val/00001_Plantae_Abies_alba/00000000-8af4-4c60-b9f8-3081c1607644.jpg",
        "license": None,
        "rights_holder": None,
        "date": None,
        "latitude": None,
        "longitude": None,
        "location_uncertainty": None,
    },
    {
        "id": 2,
        "file_name": "val/00001_Plantae_Abies_alba/ffff0000-8af4-4c60-b9f8-3081c1607644.jpg",
        "date": "2011-01-01",
        "latitude": 0.0,
        "longitude": 0,
        "location_uncertainty": -80,
    },
    {
        "id": 3,
        "file_name": "val/00001_Plantae_Abies_alba/ffffffff-8af4-4c60-b9f8-3081c1607644.jpg",
        "location_uncertainty": 106807033,
    },
]
CATEGORIES_2021 = [
    {
        "id": 1,
        "name": "Abies alba",
        "common_name": "Silver Fir",
        "supercategory": "Plants",
        "kingdom": "Plantae",
        "genus": "Abies",
        "image_dir_name": "00001_Plantae_Abies_alba",
    },
    {
        "id": 0,
        "name": "Ameiurus nebulosus",
        "common_name": None,
        "supercategory": "Ray-finned Fishes",
        "kingdom": "Animalia",
        "rank_level": 10,
    },
]
CONTENT_2021 = {
    "info": {"year": 2021, "version": 1.0, "description": None, "extra": {"a": [1]}},
    "images": IMAGES_2021,
    "annotations": [
        {"id": 5, "image_id": 3, "category_id": 1},
        {"id": 6, "image_id": 0, "category_id": 0},
        {"id": 7, "image_id": 2, "category_id": 1},
        {"id": 8, "image_id": 1, "category_id": 1},
    ],
    "categories": CATEGORIES_2021,
    "licenses": [],
    "more": [1, "x", [], {"y": 5}],
    "even more": "text",
}


def plain(folder: Path, content: object, name: str = "val.json") -> tuple[str, None]:
    (folder / name).write_text(json.dumps(content))
    return str(folder / name), None


def tarred(path: Path, members: dict[str, object]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def listed(column: np.ndarray | Strings) -> list[Any]:
    return list(column) if isinstance(column, Strings) else column.tolist()


def test_further_keys_of_2021_become_columns(tmp_path):
    table = Table([plain(tmp_path, CONTENT_2021)])
    assert table.image_ids.tolist() == [1, 2, 3, 0]
    assert table.category_ids.tolist() == [1, 1, 1, 0]
    assert list(table.meta) == ["date", "latitude", "longitude", "location_uncertainty"]
    np.testing.assert_array_equal(table.meta["latitude"], [math.nan, 0.0, math.nan, 43.83486])
    np.testing.assert_array_equal(table.meta["longitude"], [math.nan, 0, math.nan, -71.22231])
    np.testing.assert_array_equal(
        table.meta["location_uncertainty"], [math.nan, -80, 106807033, 77]
    )
    assert listed(table.meta["date"]) == ["", "2011-01-01", "", "2010-07-14 20:19:00+00:00"]
    assert table.license_ids.tolist() == [-1, -1, -1, 0]
    assert table.widths.tolist() == [500, -1, -1, 500]
    assert table.holder_names[int(table.holders[3])] == "Łukasz Ōta"
    assert table.info == {"year": "2021", "version": "1.0", "extra": '{"a": [1]}'}


def test_further_keys_of_categories_are_in_the_order_of_their_ids(tmp_path):
    table = Table([plain(tmp_path, CONTENT_2021)])
    assert table.categories == (
        [0, 1],
        ["Ameiurus nebulosus", "Abies alba"],
        ["Ray-finned Fishes", "Plants"],
    )
    assert table.positions.tolist() == [1, 0]
    assert table.category_columns == {
        "common_name": [None, "Silver Fir"],
        "kingdom": ["Animalia", "Plantae"],
        "genus": [None, "Abies"],
        "image_dir_name": [None, "00001_Plantae_Abies_alba"],
        "rank_level": ["10", None],
    }


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, -2, 3], "int64", [1, -2, 3]),
        ([0, 2**63 - 1, -(2**63)], "int64", [0, 2**63 - 1, -(2**63)]),
        ([0.0, 1, 2.5], "float64", [0.0, 1.0, 2.5]),
        ([0, None, 2**53], "float64", [0.0, math.nan, 2.0**53]),
        ([None, None, None], "float64", [math.nan] * 3),
        ([True, False, True], "bool", [True, False, True]),
        ([True, None, False], "text", ["true", "", "false"]),
        (["a", None, "é\n"], "text", ["a", "", "é\n"]),
        ([1, "1", None], "text", ["1", "1", ""]),
        ([None, 2**53 + 1, 1], "text", ["", "9007199254740993", "1"]),
        ([2**64, 1, 1], "text", ["18446744073709551616", "1", "1"]),
        ([[1, "x"], {"a": None}, "b"], "text", ['[1, "x"]', '{"a": null}', "b"]),
        ([1.0, 2.0, 3.0], "float64", [1.0, 2.0, 3.0]),
    ],
)
def test_a_column_has_the_type_of_its_values(values, dtype, expected, tmp_path):
    images = [{"id": n, "file_name": str(n), "key": value} for n, value in enumerate(values)]
    column = Table([plain(tmp_path, {"images": images})]).meta["key"]
    assert (str(column.dtype) if isinstance(column, np.ndarray) else "text") == dtype
    if dtype == "float64":
        np.testing.assert_array_equal(column, expected)
    else:
        assert listed(column) == expected


def test_numbers_may_have_exponents_and_are_those_of_python(tmp_path):
    texts = ["1e3", "-0.0", "5e-324", "1.7976931348623157e308", "0.1", "123456789.123456789E-3"]
    rows = ",".join(f'{{"id":{n},"file_name":"{n}","x":{text}}}' for n, text in enumerate(texts))
    path = tmp_path / "val.json"
    path.write_text(f'{{"images":[{rows}]}}')
    column = Table([(str(path), None)]).meta["x"]
    assert [value.hex() for value in column.tolist()] == [float(text).hex() for text in texts]


JSON_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(
            st.text().filter(
                lambda key: (
                    key not in {"id", "file_name", "width", "height", "license", "rights_holder"}
                )
            ),
            JSON_VALUES,
            max_size=4,
        ),
        max_size=8,
    ),
    escaped=st.booleans(),
    indent=st.none() | st.integers(0, 3),
)
def test_any_further_keys_are_what_json_reads(rows, escaped, indent, tmp_path_factory):
    images = [{"id": n, "file_name": f"{n:03}", **row} for n, row in enumerate(rows)]
    text = json.dumps({"images": images}, ensure_ascii=escaped, indent=indent)
    path = tmp_path_factory.mktemp("keys") / "val.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    table = Table([(str(path), None)], cache=False)
    assert set(table.meta) == {key for row in rows for key in row}
    for key, column in table.meta.items():
        values = [row.get(key) for row in rows]
        found = listed(column)
        if isinstance(column, Strings):
            expected = [
                "" if one is None else one if isinstance(one, str) else json.dumps(one)
                for one in values
            ]
            assert found == expected
        else:
            expected = [math.nan if one is None else one for one in values]
            np.testing.assert_array_equal(found, np.array(expected, column.dtype))


def test_train_and_val_share_their_further_keys(tmp_path):
    train = {"images": [{"id": 0, "file_name": "b", "n": 1, "t": 5}]}
    val = {"images": [{"id": 1, "file_name": "a", "d": "x", "n": 2}]}
    table = Table([plain(tmp_path, train, "train.json"), plain(tmp_path, val)])
    assert table.image_ids.tolist() == [1, 0]
    assert table.meta["n"].tolist() == [2, 1]
    assert table.meta["n"].dtype == np.int64
    assert listed(table.meta["d"]) == ["x", ""]
    np.testing.assert_array_equal(table.meta["t"], [math.nan, 5])


NUMBERED = {
    "images": [
        {"id": 0, "file_name": "train_val2018/Aves/2/0.jpg"},
        {"id": 1, "file_name": "train_val2018/Aves/7/1.jpg"},
    ],
    "categories": [
        {"id": 7, "name": "7", "supercategory": "Aves"},
        {"id": 2, "name": "2", "supercategory": "Aves"},
    ],
    "annotations": [{"image_id": 1, "category_id": 7}, {"image_id": 0, "category_id": 2}],
}
NAMED = [
    {"id": 2, "name": "Ardea alba", "genus": "Ardea"},
    {"id": 3, "name": "Corvus corax", "genus": "Corvus"},
    {"id": 7, "name": "Anas crecca", "genus": "Anas"},
]


@pytest.mark.parametrize("content", [NAMED, {"categories": NAMED, "info": {}}])
@pytest.mark.parametrize("prefix", ["", "./", "folder/", "././"])
def test_categories_from_a_file_of_their_own(content, prefix, tmp_path):
    train = tarred(tmp_path / "train2018.json.tar.gz", {f"{prefix}train2018.json": NUMBERED})
    given = tarred(tmp_path / "categories.json.tar.gz", {f"{prefix}categories.json": content})
    table = Table([JsonFile(str(train), "train2018.json")], JsonFile(str(given), "categories.json"))
    assert table.categories == (
        [2, 3, 7],
        ["Ardea alba", "Corvus corax", "Anas crecca"],
        ["", "", ""],
    )
    assert table.category_columns == {"genus": ["Ardea", "Corvus", "Anas"]}
    assert table.positions.tolist() == [1, -1, 0]
    assert table.category_ids.tolist() == [2, 7]
    assert table.folders == ["Aves/2", "", "Aves/7"]
    alone = Table([(str(train), None)])
    assert alone.categories == ([2, 7], ["2", "7"], ["Aves", "Aves"])
    assert alone.positions.tolist() == [1, 0]


def test_categories_that_lack_one_or_are_none_are_refused(tmp_path):
    train = plain(tmp_path, NUMBERED, "train2018.json")
    given = plain(tmp_path, NAMED[:2], "categories.json")
    with pytest.raises(AnnotationError, match=r"`annotations\[0\]` has category_id 7") as caught:
        Table([train], given)
    assert caught.value.path == train[0]
    for content, expected in (
        ({"images": []}, "no list `categories`"),
        ([{"id": 2}], r"`categories\[0\]`: missing field `name`"),
        ("x", "expected an object with lists"),
    ):
        given = plain(tmp_path, content, "categories.json")
        with pytest.raises(AnnotationError, match=expected) as caught:
            Table([train], given)
        assert caught.value.path == given[0]


def test_every_container_gives_the_same(tmp_path):
    text = json.dumps(CONTENT_2021)
    path = tmp_path / "val.json"
    path.write_text(text)
    expected = vars(Table([(str(path), None)], cache=False))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("sub/val.json", text)
        archive.writestr("__MACOSX/sub/._val.json", "attributes")
    tarred(tmp_path / "a.tar.gz", {"./._val.json": "x", "./val.json": CONTENT_2021, "z.json": {}})
    tarred(tmp_path / "a.tgz", {"sub/val.json": CONTENT_2021, "readme.txt": {}})
    packed = gzip.decompress((tmp_path / "a.tgz").read_bytes())
    (tmp_path / "a.tar").write_bytes(packed)
    for name, member in [
        ("a.zip", "val.json"),
        ("a.zip", "sub/val.json"),
        ("a.zip", "./sub/val.json"),
        ("a.zip", None),
        ("a.tar.gz", "val.json"),
        ("a.tgz", "sub/val.json"),
        ("a.tgz", None),
        ("a.tar", "val.json"),
    ]:
        table = Table([(str(tmp_path / name), member)], cache=False)
        assert list(table.file_names) == list(expected["file_names"]), (name, member)
        assert table.category_columns == expected["category_columns"]
        assert {key: listed(one) for key, one in table.meta.items()}.keys() == table.meta.keys()
        np.testing.assert_array_equal(table.meta["latitude"], expected["meta"]["latitude"])


def test_images_and_annotations_may_come_in_any_order(tmp_path):
    shuffle = random.Random(0)
    images = [{"id": n * 7919, "file_name": f"{n:03}"} for n in range(200)]
    annotations = [{"image_id": one["id"], "category_id": one["id"] % 3} for one in images]
    categories = [{"id": n, "name": string.ascii_letters[n]} for n in range(3)]
    for _ in range(3):
        shuffle.shuffle(images)
        shuffle.shuffle(annotations)
        lists = [
            ("annotations", annotations),
            ("images", images),
            ("categories", categories),
            ("licenses", None),
        ]
        shuffle.shuffle(lists)
        table = Table([plain(tmp_path, dict(lists))])
        assert table.image_ids.tolist() == [n * 7919 for n in range(200)]
        assert table.category_ids.tolist() == [n * 7919 % 3 for n in range(200)]


def test_a_box_file_may_have_several_annotations_of_an_image(tmp_path):
    content = json.loads(json.dumps(NUMBERED))
    for one in content["annotations"]:
        one["bbox"] = [1, 2, 3, 4]
    content["annotations"].append(dict(content["annotations"][0]))
    assert Table([plain(tmp_path, content)]).category_ids.tolist() == [2, 7]
    content["annotations"][2]["category_id"] = 2
    with pytest.raises(AnnotationError, match=r"`annotations\[0\]`.*`annotations\[2\]`.*image 1"):
        Table([plain(tmp_path, content)])


@settings(max_examples=40, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_places_and_boxes_are_the_numbers_of_python_to_the_last_bit(numbers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    rows = [{"id": n, "lat": number} for n, number in enumerate(numbers)]
    read = read_locations(*plain(folder, rows))
    assert [one.hex() for one in read.latitudes.tolist()] == [one.hex() for one in numbers]
    content = {
        "annotations": [
            {"image_id": n, "category_id": 0, "bbox": [number] * 4, "area": number}
            for n, number in enumerate(numbers)
        ]
    }
    boxes = read_boxes(*plain(folder, content, "boxes.json"))
    assert [one.hex() for one in boxes.areas.tolist()] == [one.hex() for one in numbers]
    assert [one.hex() for one in boxes.boxes[:, 3].tolist()] == [one.hex() for one in numbers]


def test_locations_keep_their_further_keys_and_times(tmp_path):
    rows = [
        {"id": 9, "lat": None, "lon": None, "loc_uncert": None, "date": None, "user_id": None},
        {"id": 4, "lat": 0.0, "lon": -0.5, "date": "2017-04-01 10:20:30+01:00", "user_id": 0},
        {"id": 6, "lat": 1, "date": "2016-05-01", "valid": False, "altitude": 5, "place": "Ōta"},
    ]
    read = read_locations(*plain(tmp_path, rows))
    assert read.image_ids.tolist() == [4, 6, 9]
    np.testing.assert_array_equal(read.latitudes, [0.0, 1.0, math.nan])
    np.testing.assert_array_equal(read.longitudes, [-0.5, math.nan, math.nan])
    assert list(read.dates) == ["2017-04-01 10:20:30+01:00", "2016-05-01", ""]
    assert read.user_ids.tolist() == [0, -1, -1]
    assert read.valid.tolist() == [-1, 0, -1]
    np.testing.assert_array_equal(read.meta["altitude"], [math.nan, 5, math.nan])
    assert listed(read.meta["place"]) == ["", "Ōta", ""]
    packed = tarred(tmp_path / "locations.tar.gz", {"./locations.json": rows})
    assert read_locations(packed, "locations.json").image_ids.tolist() == [4, 6, 9]
