"""Every way in which a JSON text can be wrong: an error that says where."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from inaturalist_made import write_zip
from ptarmigan.annotations import Table, read_boxes, read_locations
from ptarmigan.errors import AnnotationError

CONTENT = {
    "images": [
        {"id": 1, "file_name": "t/A/a/1.jpg", "width": 8, "license": 1, "rights_holder": "Zoë"},
        {"id": 2, "file_name": "t/A/b/2.jpg", "width": 9, "latitude": 0.0},
    ],
    "annotations": [
        {"id": 0, "image_id": 2, "category_id": 6},
        {"id": 1, "image_id": 1, "category_id": 5},
    ],
    "categories": [
        {"id": 5, "name": "a", "supercategory": "A"},
        {"id": 6, "name": "b", "supercategory": "A"},
    ],
    "licenses": [{"id": 1, "name": "CC", "url": "https://x"}],
}
GOOD = json.dumps(CONTENT, ensure_ascii=False)
NAME = "train2017.json"


def message(path: Path, member: str | None = None) -> str:
    """What is said of a file; it names the file."""
    with pytest.raises(AnnotationError) as caught:
        Table([(str(path), member)])
    assert caught.value.path == str(path)
    assert caught.value.member == member
    assert not list(path.parent.glob("*.ptcols"))
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


CUT = "the text is cut short; download the file again"
AGAIN = "download the file again"

# The text, and what the message says.
TEXTS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", r"expected an object with lists.*byte 0 of the JSON text; " + CUT),
    "spaces": (" \n\t ", r"expected an object.*byte 4 .*" + CUT),
    "cut in a record": (GOOD[:40], r"`images\[0\]`: EOF.*byte 40 .*" + CUT),
    "cut behind a record": (
        GOOD[: GOOD.index(", {")],
        r"`images\[0\]`: expected `,` or `\]`.*" + CUT,
    ),
    "cut before the end": (GOOD[:-1], r"expected `,` or `}`, found the end.*" + CUT),
    "cut behind a key": ('{"images"', r"expected `:` behind the key.*" + CUT),
    "a list": ("[]", r"expected an object with lists such as `images`, at `\[`, byte 0"),
    "no images": ("{}", r"no list `images`"),
    "behind the end": (
        GOOD + " x",
        rf"expected the end of the text, at `x`, byte {len(GOOD.encode()) + 1}",
    ),
    "two texts": (GOOD + GOOD, r"expected the end of the text, at `{`"),
    "a list twice": ('{"images": [], "images": []}', r"the key `images` comes twice"),
    "an unknown key twice": ('{"images": [], "x": 1, "x": 2}', r"the key `x` comes twice"),
    "no list": ('{"images": 5}', r"expected the list `images`, at `5`, byte 11"),
    "no key": ("{5: 6}", r"expected a key in quotes, at `5`"),
    "a comma too many": ('{"images": [],}', r"expected a key in quotes, at `}`"),
    "a comma in a list": (
        '{"images": [{"id": 1, "file_name": "x"},]}',
        r"`images\[1\]`: expected an object, at `\]`",
    ),
    "no comma": ('{"images": [] "x": 1}', r"expected `,` or `}`"),
    "a row that is no object": (
        '{"images": [[1, "x"]]}',
        r"`images\[0\]`: expected an object, at `\[`, byte 12",
    ),
    "a row that is null": ('{"images": [null]}', r"`images\[0\]`: expected an object"),
    "a byte order mark": ("\ufeff" + GOOD, r"expected UTF-8 without a byte order mark"),
    "UTF-16": (GOOD.encode("utf-16"), r"expected UTF-8 without a byte order mark"),
    "Latin-1": (GOOD.encode("latin-1"), r"`images\[0\]`: invalid unicode code point"),
    "NaN": (
        changed("0.0", "NaN"),
        r"`images\[1\]`: expected a value \(NaN and Infinity are none\), at `\"latitude\": NaN`",
    ),
    "Infinity": (
        changed("0.0", "-Infinity"),
        r"`images\[1\]`: invalid number, at `\"latitude\": -Infinity`",
    ),
    "a bare word": (
        changed("0.0", "none"),
        r"`images\[1\]`: expected ident, at `\"latitude\": none`",
    ),
    "a leading zero": (
        changed('"width": 8', '"width": 08'),
        r"`images\[0\]`: invalid number, at `\"width\": 08`",
    ),
    "a quote too few": (changed('"Zoë"', '"Zoë'), r"`images\[0\]`: expected `,` or `}`"),
    "a control character": (changed("Zoë", "Z\n"), r"`images\[0\]`: control character"),
    "an unknown escape": (changed("Zoë", r"\x41"), r"`images\[0\]`: invalid escape"),
    "half a surrogate": (
        changed("Zoë", r"\ud83d"),
        r"`images\[0\]`: (lone leading surrogate|unexpected end of hex escape)",
    ),
    "a low surrogate": (changed("Zoë", r"\udc00"), r"`images\[0\]`: lone leading surrogate"),
    "half a surrogate in an unknown key": (changed("0.0", r'"\ud83d"'), r"`images\[1\]`: "),
    "an id with a point": (
        changed('{"id": 2', '{"id": 2.0'),
        r"`images\[1\]`: invalid type: floating point `2.0`, expected i64, at `\"id\": 2.0`",
    ),
    "an id with an exponent": (
        changed('{"id": 2', '{"id": 1e3'),
        r"`images\[1\]`: invalid type: floating point `1000.0`, expected i64",
    ),
    "an id in quotes": (
        changed('{"id": 2', '{"id": "2"'),
        r"`images\[1\]`: invalid type: string \"2\", expected i64, at `\"id\": \"2\"`",
    ),
    "an id too large": (
        changed('{"id": 2', '{"id": 9223372036854775808'),
        r"`images\[1\]`: invalid value: integer `9223372036854775808`, expected i64",
    ),
    "an id that is null": (
        changed('{"id": 2', '{"id": null'),
        r"`images\[1\]`: invalid type: null, expected i64",
    ),
    "no id": (changed('{"id": 2, ', "{"), r"`images\[1\]`: missing field `id`"),
    "no file name": (
        changed('"file_name": "t/A/b/2.jpg"', '"file": 2'),
        r"`images\[1\]`: missing field `file_name`",
    ),
    "a width too large": (
        changed('"width": 9', '"width": 3000000000'),
        r"invalid value: integer `3000000000`, expected i32",
    ),
    "a width in quotes": (
        changed('"width": 9', '"width": "9"'),
        r"invalid type: string \"9\", expected i32",
    ),
    "a holder that is a number": (
        changed('"Zoë"', "7"),
        r"invalid type: integer `7`, expected a string, at `\"rights_holder\": 7`",
    ),
    "a key twice": (
        changed('"width": 9', '"width": 9, "width": 9'),
        r"`images\[1\]`: duplicate field `width`",
    ),
    "a further key twice": (
        changed("0.0", '0.0, "latitude": 1'),
        r"`images\[1\]`: the key `latitude` comes twice",
    ),
    "an annotation's key twice": (
        changed('"category_id": 6', '"category_id": 6, "category_id": 6'),
        r"`annotations\[0\]`: duplicate field `category_id`",
    ),
    "no name": (changed('"name": "b", ', ""), r"`categories\[1\]`: missing field `name`"),
    "nested and cut": (
        '{"images": [], "x": ' + '{"a": ' * 200,
        r"EOF while parsing a value.*" + CUT,
    ),
    "an image twice": (
        changed('{"id": 2', '{"id": 1'),
        r"`images\[0\]` and `images\[1\]` have the same id 1; " + AGAIN,
    ),
    "a category twice": (
        changed('{"id": 6, "name', '{"id": 5, "name'),
        r"`categories\[0\]` and `categories\[1\]` have the same id 5; " + AGAIN,
    ),
    "a name twice": (
        changed("b/2.jpg", "a/1.jpg"),
        r"images 1 and 2 have the same file name `t/A/a/1.jpg`; " + AGAIN,
    ),
    "no such image": (
        changed('"image_id": 1', '"image_id": 3'),
        r"`annotations\[1\]` has image_id 3, which is not in `images`; " + AGAIN,
    ),
    "no such category": (
        changed('"category_id": 5', '"category_id": 7'),
        r"`annotations\[1\]` has category_id 7, which is not among the 2 `categories`; " + AGAIN,
    ),
    "two annotations of one image": (
        changed('"image_id": 1', '"image_id": 2'),
        r"`annotations\[0\]` \(category 6\) and .* both of image 2, expected one; keep one of them",
    ),
    "the same annotation twice": (
        changed('"category_id": 5}', '"category_id": 5}, {"image_id": 1, "category_id": 5}'),
        r"`annotations\[1\]` \(category 5\) and `annotations\[2\]` .* are both of image 1",
    ),
    "no annotation": (
        changed(', {"id": 1, "image_id": 1, "category_id": 5}', ""),
        r"image 1 \(`t/A/a/1.jpg`\) has no annotation",
    ),
    "too many keys": (
        '{"images": [{"id": 1, "file_name": "x", '
        + ", ".join(f'"k{n}": 0' for n in range(300))
        + "}]}",
        r"`images\[0\]`: more than 256 keys",
    ),
    "too many different keys": (
        '{"images": ['
        + ", ".join(f'{{"id": {n}, "file_name": "{n}", "k{n}": 0}}' for n in range(300))
        + "]}",
        r"`images\[256\]`: its records have more than 256 different keys",
    ),
    "a record too long": (
        '{"images": [{"id": 1, "file_name": "' + "x" * (17 << 20),
        r"`images\[0\]`: a value has more than 16777216 bytes",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_wrong_text_is_refused_with_its_place(name, tmp_path):
    text, expected = TEXTS[name]
    path = tmp_path / NAME
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = message(path)
    assert re.search(expected, found), found


def test_values_may_be_nested_deep_where_nobody_reads_them(tmp_path):
    path = tmp_path / NAME
    deep = "[" * 100_000 + "]" * 100_000
    path.write_text(changed("0.0", deep)[:-1] + f', "x": {deep}, "y": {{"z": {deep}}}}}')
    assert Table([(str(path), None)]).meta["latitude"][1] == deep


@pytest.mark.parametrize("name", ["an id with a point", "a key twice", "cut in a record"])
def test_the_place_is_the_same_in_a_zip_and_behind_much_text(name, tmp_path):
    text, expected = TEXTS[name]
    assert isinstance(text, str)
    # More than what is in memory at once.
    space = " " * 3_000_000
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, space + text)
    plain = tmp_path / NAME
    plain.write_text(text)
    place = re.compile(r"byte (\d+) of the JSON text")
    near, far = place.search(message(plain)), place.search(message(path, NAME))
    assert near is not None
    assert far is not None
    if "EOF" not in expected:
        assert int(far[1]) == int(near[1]) + len(space)
    assert re.search(expected.replace("byte 40 ", "byte 3000040 "), message(path, NAME))


def test_one_text_in_pieces_of_any_size_gives_the_same_table(tmp_path):
    path = tmp_path / NAME
    names = []
    for pad in range(0, 300, 7):
        # The pieces of the text end at other places of the records.
        path.write_text(" " * (262_144 - pad) + GOOD)
        names.append(list(Table([(str(path), None)], cache=False).file_names))
    assert set(map(tuple, names)) == {("t/A/a/1.jpg", "t/A/b/2.jpg")}


def test_a_wrong_row_of_a_locations_file_is_named(tmp_path):
    path = tmp_path / "train2017_locations.json"
    rows = '[{"id": 1, "lat": 0.0}, {"id": 2, '
    for rest, expected in {
        '"lat": NaN}]': r"`locations\[1\]`: expected a value \(NaN and Infinity are none\)",
        '"lat": "1.5"}]': r"`locations\[1\]`: invalid type: string \"1.5\", expected f64",
        '"user_id": 1.5}]': r"`locations\[1\]`: invalid type: floating point `1.5`, expected i64",
        '"valid": 2}]': r"`locations\[1\]`: invalid value: .*expected true, false, 1 or 0",
        '"lat": 1, "lat": 1}]': r"`locations\[1\]`: duplicate field `lat`",
        '"lat": 1}': r"`locations\[1\]`: expected `,` or `\]`.*cut short",
    }.items():
        path.write_text(rows + rest)
        with pytest.raises(AnnotationError, match=expected):
            read_locations(path)
    for text in ('{"locations": []}', "null", "5"):
        path.write_text(text)
        with pytest.raises(AnnotationError, match="expected the list `locations`"):
            read_locations(path)


def test_a_wrong_row_of_a_box_file_is_named(tmp_path):
    path = tmp_path / "train_2017_bboxes.json"
    row = {"image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "area": 6, "iscrowd": 0}
    for change, expected in {
        ("bbox", (1, 2, 3)): r"`annotations\[0\]`: invalid length 3, expected an array of length 4",
        ("bbox", (1, 2, 3, 4, 5)): r"`annotations\[0\]`: ",
        ("bbox", ("1", 2, 3, 4)): r"`annotations\[0\]`: invalid type: string \"1\", expected f64",
        ("iscrowd", 2): r"`annotations\[0\]`: invalid value: .*expected true, false, 1 or 0",
        ("image_id", 9): r"`annotations\[0\]` has image_id 9, which is not in `images`",
    }.items():
        content = {**CONTENT, "annotations": [{**row, change[0]: change[1]}]}
        path.write_text(json.dumps(content))
        with pytest.raises(AnnotationError, match=expected):
            read_boxes(path)


def test_nullable_integers_may_be_written_as_whole_floats(tmp_path: Path) -> None:
    records = [
        {"id": 1, "lat": 1.0, "lon": 2.0, "user_id": 5.0},
        {"id": 2, "lat": 1.0, "lon": 2.0, "user_id": None},
    ]
    path = write_zip(tmp_path / "l.zip", {"l.json": records})
    assert read_locations(path, "l.json").user_ids.tolist() == [5, -1]
    records[0]["user_id"] = 5.5
    write_zip(path, {"l.json": records})
    with pytest.raises(AnnotationError, match=r"floating point `5\.5`, expected i64"):
        read_locations(path, "l.json")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_packed_otherwise_says_how_and_what_to_do(tmp_path: Path, method: int) -> None:
    path = tmp_path / "train_val2017.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("train2017.json", "{}")
    with pytest.raises(AnnotationError, match=r"packed with .*, expected deflate; unzip it"):
        Table([(str(path), "train2017.json")])


def test_a_category_that_another_list_lacks_names_that_list(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a/0/x.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1}],
        "categories": [{"id": 0, "name": "A"}, {"id": 1, "name": "B"}],
    }
    (tmp_path / "train2018.json").write_text(json.dumps(content))
    (tmp_path / "categories.json").write_text(json.dumps([{"id": 0, "name": "A"}]))
    with pytest.raises(AnnotationError, match=r"among the 1 `categories` of `categories\.json`"):
        Table([(str(tmp_path / "train2018.json"), None)], (str(tmp_path / "categories.json"), None))
