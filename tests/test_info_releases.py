"""`info` of the releases of 2018, 2019 and 2021."""

from __future__ import annotations

import json

import pytest

import releases_made
from ptarmigan.cli import main
from ptarmigan.info import describe

SPLITS = {
    "2018": ("train", "val"),
    "2019": ("train", "val"),
    "2021": ("train", "mini", "val"),
}


@pytest.mark.parametrize("version", SPLITS)
def test_every_file_of_a_release_is_found_and_joined(version, tmp_path, capsys):
    made = {
        "2018": releases_made.write_2018,
        "2019": releases_made.write_2019,
        "2021": releases_made.write_2021,
    }[version](tmp_path)
    found = describe(tmp_path)
    assert found["version"] == version
    assert "missing" not in {file["state"] for file in found["files"]}
    annotations = found["annotations"]
    for split in SPLITS[version]:
        images = sum(photo.split == split for photo in made.photos)
        assert images > 0
        assert annotations["total"][split] == images
        assert annotations["fields"][split]["images"] == images
    assert annotations["test"] == sum(photo.split == "test" for photo in made.photos)
    assert annotations["total"]["categories"] == releases_made.COUNT
    assert all(row["name"] for row in annotations["supercategories"])
    assert sum(archive["members"] for archive in found["archives"]) == len(made.photos)
    for archive in found["archives"]:
        joined = archive["join"]
        assert joined["images"] == archive["members"]
        assert (joined["missing"], joined["extra"], joined["other_size"]) == (0, 0, 0)
    assert main(["info", str(tmp_path), "--expect", version, "--json"]) == 1
    wrong = json.loads(capsys.readouterr().out)["expectations"]["figures"]
    states = {row["figure"]: row["state"] for row in wrong}
    assert states["categories"] == "not met"
    assert "not checked" not in states.values()
