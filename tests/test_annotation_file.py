"""An annotation file that is written again is equal to the one that was read."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import ptarmigan as pt
from inaturalist_made import Made, write_zip
from ptarmigan.annotations import Table
from ptarmigan.cli import main
from ptarmigan.exporting import write_annotations
from synthetic import write_tar


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """The lists by id, so that the order of records does not count."""
    return {
        key: {record["id"]: record for record in value} if isinstance(value, list) else value
        for key, value in content.items()
    }


def original(root: Path, version: str, split: str) -> dict[str, Any]:
    """An annotation file, read by the standard library."""
    if version == "2017":
        container = "test2017.zip" if split == "test" else "train_val2017.zip"
        with zipfile.ZipFile(root / container) as archive:
            return json.loads(archive.read(f"{split}2017.json"))
    name = f"{'public_test' if split == 'test' else split}.json"
    with tarfile.open(root / f"{name}.tar.gz") as archive:
        return json.load(archive.extractfile(name))


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("version", ["2017", "2021"])
def test_a_whole_split_is_its_file(releases, made: Made, tmp_path: Path, version, split) -> None:
    root = made.root if version == "2017" else releases[version].root
    written = write_annotations(tmp_path / "again.json", root, version=version, split=split)
    again = json.loads((tmp_path / "again.json").read_bytes())
    first = original(root, version, split)
    if not first.get("annotations"):
        first.pop("annotations", None)
    assert plain(again) == plain(first)
    assert written.images == len(first["images"])
    assert written.bytes == (tmp_path / "again.json").stat().st_size
    names = [record["file_name"] for record in again["images"]]
    assert names == sorted(names, key=str.encode)


def unknown_keys() -> dict[str, Any]:
    """A file with a key that nobody knows in every place that may have one."""
    return {
        "info": {"year": 2017, "version": 1.5, "tags": ["a", {"b": None}], "note": None},
        "type": "instances",
        "made": {"by": "é"},
        "images": [
            {"id": 7, "file_name": "a/A/x.jpg", "width": 3, "height": 2, "seen": True, "n": 5},
            {"id": 2, "file_name": "a/A/b.jpg", "width": 4, "height": 2, "seen": False, "n": 2**60},
        ],
        "annotations": [
            {"id": 10, "image_id": 2, "category_id": 0, "sure": 0.5, "by": "zoë"},
            {"id": 11, "image_id": 7, "category_id": 0, "sure": None, "by": "x"},
        ],
        "categories": [{"id": 0, "name": "A", "supercategory": "a", "iconic": "é", "rank": None}],
        "licenses": [{"id": 1, "name": "CC0", "url": "https://example.org/1", "short": "0"}],
    }


def test_unknown_keys_are_kept_wherever_they_are(tmp_path: Path) -> None:
    first = unknown_keys()
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": first})
    for name in ("read.json", "from the cache.json"):
        write_annotations(tmp_path / name, tmp_path, split="train")
        assert plain(json.loads((tmp_path / name).read_bytes())) == plain(first)
    table = Table([(str(tmp_path / "train_val2017.zip"), "train2017.json")])
    assert table.annotation_ids.tolist() == [10, 11]
    assert list(table.annotation_meta["by"]) == ["zoë", "x"]
    assert table.license_columns == {"short": ["0"]}
    more = {name: json.loads(text) for name, text in table.more.items()}
    assert more == {key: first[key] for key in ("info", "type", "made")}


def test_unknown_keys_of_images_and_annotations_are_in_meta(tmp_path: Path) -> None:
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": unknown_keys()})
    write_tar(tmp_path / "train_val_images.tar.gz", {"a/A/x.jpg": b"x", "a/A/b.jpg": b"b"})
    meta = pt.INaturalist(tmp_path, split="train").meta
    assert meta["seen"].tolist() == [False, True]
    assert list(meta["by"]) == ["zoë", "x"]


def test_splits_that_are_joined_keep_their_annotations(tmp_path: Path) -> None:
    first, second = unknown_keys(), unknown_keys()
    for record in second["images"]:
        record["id"] += 100
        record["file_name"] = f"v{record['file_name']}"
    for record in second["annotations"]:
        record["id"] += 100
        record["image_id"] += 100
        del record["by"]
    members = {"train2017.json": first, "val2017.json": second}
    write_zip(tmp_path / "train_val2017.zip", members)
    write_annotations(tmp_path / "both.json", tmp_path, split="train+val")
    both = plain(json.loads((tmp_path / "both.json").read_bytes()))
    for record in second["annotations"]:
        record["by"] = None
    for key in ("images", "annotations"):
        assert both[key] == plain(first)[key] | plain(second)[key]


def test_some_images_are_a_file_that_opens(made: Made, tmp_path: Path, capsys) -> None:
    path = tmp_path / "train2017.json"
    command = ["export", "annotations", str(made.root), "--split", "train", "-o", str(path)]
    assert main([*command, "--where", "supercategory=Aves", "--limit", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 3
    whole = pt.INaturalist(made.root, split="train", where={"supercategory": "Aves"})
    table = Table([(str(path), None)])
    assert list(table.file_names) == list(whole.file_names)[:3]
    assert table.category_ids.tolist() == whole.category_ids[:3].tolist()
    assert table.categories == whole._table.categories
    before = path.read_bytes()
    assert main(command) == 1
    assert "there already" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*command, "--overwrite"]) == 0
    assert json.loads(path.read_bytes())["images"] != json.loads(before)["images"]
