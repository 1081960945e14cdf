"""The file beside the annotations: the same table from it, and never a stale or damaged one."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from inaturalist_made import annotation_file, make_photos, write_zip
from ptarmigan import _core
from ptarmigan.annotations import Strings, Table

CONTENT = annotation_file([photo for photo in make_photos() if photo.split == "train"])
for number, image in enumerate(CONTENT["images"]):
    image |= {
        "latitude": (None, 0.0, -1.5)[number % 3],
        "date": f"2010-07-{number:02}",
        "seen": number,
        "wild": number % 2 == 0,
    }
for number, category in enumerate(CONTENT["categories"]):
    category["genus"] = None if number % 3 == 0 else f"Genus {number}"


def columns(table: Table) -> dict[str, object]:
    """All that a table holds, comparable."""

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return str(value.dtype), [str(one) for one in value.tolist()]
        if isinstance(value, Strings):
            return list(value)
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        return value

    return {name: plain(value) for name, value in vars(table).items()}


def made(folder: Path, content: dict | None = None) -> Path:
    return write_zip(folder / "train_val2017.zip", {"train2017.json": content or CONTENT})


def read(path: Path, **options: bool) -> dict[str, object]:
    return columns(Table([(str(path), "train2017.json")], **options))


def cache_of(folder: Path) -> Path:
    (path,) = folder.glob("*.ptcols")
    return path


def test_a_table_is_mapped_from_the_first_time_on(tmp_path):
    path = made(tmp_path)
    for _ in range(2):
        table = Table([(str(path), "train2017.json")])
        assert str(cache_of(tmp_path)) in Path("/proc/self/maps").read_text()
        assert len(table) > 0
        del table
        assert str(cache_of(tmp_path)) not in Path("/proc/self/maps").read_text()


def is_read_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        pytest.fail("the annotations were read again")

    monkeypatch.setattr(_core, "read_annotations", fail)


def test_the_second_table_is_the_first(tmp_path, monkeypatch):
    path = made(tmp_path)
    first = read(path)
    assert cache_of(tmp_path).name.startswith("train_val2017.zip.")
    assert first == read(path, cache=False)
    is_read_from_the_cache(monkeypatch)
    assert read(path) == first
    assert first["meta"]["latitude"][0] == "float64"
    assert first["meta"]["seen"][0] == "int64"
    assert first["meta"]["wild"][0] == "bool"


def test_without_a_cache_none_is_written_or_read(tmp_path):
    path = made(tmp_path)
    read(path, cache=False)
    assert not list(tmp_path.glob("*.ptcols"))
    expected = read(path)
    cache_of(tmp_path).write_bytes(b"damaged")
    assert read(path, cache=False) == expected
    assert cache_of(tmp_path).read_bytes() == b"damaged"


def test_columns_belong_to_the_caller(tmp_path):
    path = made(tmp_path)
    expected = read(path)
    before = cache_of(tmp_path).read_bytes()
    table = Table([(str(path), "train2017.json")])
    table.image_ids[:] = 5
    table.meta["latitude"][:] = 5
    table.keep(np.array([2, 0]))
    assert len(table) == len(table.meta["date"]) == len(table.meta["latitude"]) == 2
    again = pickle.loads(pickle.dumps(table))  # noqa: S301
    assert columns(again) == columns(table)
    assert cache_of(tmp_path).read_bytes() == before
    assert read(path) == expected


def test_damage_of_any_byte_gives_a_new_file(tmp_path):
    path = made(tmp_path, annotation_file(make_photos()[:20]))
    expected = read(path)
    cache = cache_of(tmp_path)
    good = cache.read_bytes()
    for at in [*range(80), *range(80, len(good), 61), len(good) - 1]:
        cache.write_bytes(good[:at] + bytes([good[at] ^ 0x20]) + good[at + 1 :])
        assert read(path) == expected, at
        assert cache.read_bytes() == good, at
    for end in (0, 1, 63, 64, len(good) // 2, len(good) - 1):
        cache.write_bytes(good[:end])
        assert read(path) == expected, end
    cache.write_bytes(good + b"\0")
    assert read(path) == expected


def test_a_changed_zip_is_read_again(tmp_path):
    path = made(tmp_path)
    before = read(path)
    content = json.loads(json.dumps(CONTENT))
    content["images"][0]["date"] = "2011-07-00"
    times = path.stat()
    made(tmp_path, content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = read(path)
    assert after != before
    assert "2011-07-00" in after["meta"]["date"]
    assert len(list(tmp_path.glob("*.ptcols"))) == 1


def test_a_changed_json_of_the_same_size_and_time_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "train2017.json"
    path.write_text(json.dumps(CONTENT))
    os.utime(path, ns=(0, 10**18))
    before = columns(Table([(str(path), None)]))
    assert cache_of(tmp_path).is_file()
    path.write_text(json.dumps(CONTENT).replace("2010-07-03", "2010-08-03"))
    os.utime(path, ns=(0, 10**18))
    after = columns(Table([(str(path), None)]))
    assert "2010-08-03" in after["meta"]["date"]
    assert before != after
    is_read_from_the_cache(monkeypatch)
    assert columns(Table([(str(path), None)])) == after


def test_each_set_of_files_has_a_file_of_its_own(tmp_path, monkeypatch):
    photos = make_photos()
    content = {
        f"{split}2017.json": annotation_file([one for one in photos if one.split == split])
        for split in ("train", "val")
    }
    content["categories.json"] = content["train2017.json"]["categories"]
    path = str(write_zip(tmp_path / "train_val2017.zip", content))
    sets = [
        ([(path, "train2017.json")], None),
        ([(path, "val2017.json")], None),
        ([(path, "train2017.json"), (path, "val2017.json")], None),
        ([(path, "train2017.json")], (path, "categories.json")),
    ]
    tables = [columns(Table(*one)) for one in sets]
    assert len(list(tmp_path.glob("*.ptcols"))) == len(sets)
    is_read_from_the_cache(monkeypatch)
    assert [columns(Table(*one)) for one in sets] == tables


def test_a_folder_that_cannot_be_written_to_has_no_cache(tmp_path):
    path = made(tmp_path)
    expected = read(path)
    cache = cache_of(tmp_path)
    cache.unlink()
    # Also the administrator cannot replace a folder by a file.
    (cache / "in the way").mkdir(parents=True)
    assert read(path) == expected
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, cache.name])


def test_the_file_says_nothing_of_where_it_lies(tmp_path):
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    read(made(folder))
    assert b"secret" not in cache_of(folder).read_bytes()


def test_the_file_is_what_its_page_says(tmp_path):
    table = Table([(str(made(tmp_path)), "train2017.json")])
    data = cache_of(tmp_path).read_bytes()
    magic, version, crc, length, at = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version, length) == (b"PTCOL\r\n\x1a", 2, len(data))
    assert crc == zlib.crc32(data[16:])
    assert data[32:64] == bytes(32)
    directory = json.loads(data[at:])
    assert directory["info"] == [list(pair) for pair in table.info.items()]
    assert directory["key"]["files"][0]["member"] == "train2017.json"
    types = {"bool": "?", "i32": "<i4", "i64": "<i8", "f64": "<f8"}
    found = {}
    for column in directory["columns"]:
        kind, count = column["kind"], column["count"]
        assert column["at"] % 64 == 0
        if kind == "text":
            ends = np.frombuffer(data, "<u8", count + 1, column["offsets"])
            found[column["list"], column["name"]] = [
                data[column["at"] + start : column["at"] + end].decode()
                for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
            ]
        else:
            values = np.frombuffer(data, types[kind], count, column["at"])
            found[column["list"], column["name"]] = values.tolist()
    assert found["images", "file_names"] == list(table.file_names)
    assert found["images", "holders"] == table.holders.tolist()
    assert found["meta", "wild"] == table.meta["wild"].tolist()
    assert found["categories", "positions"] == table.positions.tolist()
    assert [text or None for text in found["category_columns", "genus"]] == (
        table.category_columns["genus"]
    )
