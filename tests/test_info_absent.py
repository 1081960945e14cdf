"""What `info` says where files are absent, wrong, or may not be written beside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from inaturalist_made import Made
from programs import obedient
from ptarmigan.cli import main
from ptarmigan.info import describe


@pytest.mark.parametrize("name", [None, "notes.txt"])
def test_a_folder_of_nothing_known_is_an_error_and_gets_no_index(tmp_path, capsys, name) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    if name is not None:
        (folder / name).write_text("text")
    assert main(["info", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither photos nor the files of one release" in err
    assert [path.name for path in tmp_path.iterdir()] == ["wrong"]


def test_a_folder_of_photos_is_an_archive(tmp_path: Path, capsys) -> None:
    (tmp_path / "photos" / "a").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(tmp_path / "photos" / "a" / "x.JPG")
    assert main(["info", str(tmp_path / "photos"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["archives"][0]["members"] == 1


def test_what_two_releases_share_tells_neither(releases, tmp_path: Path, capsys) -> None:
    shutil.copy(releases["2019"].root / "categories.json.tar.gz", tmp_path)
    assert main(["info", str(tmp_path)]) == 1
    assert "give the release" in capsys.readouterr().err


@pytest.mark.parametrize("table", ["boxes", "census"])
def test_a_table_of_absent_files_says_so(releases, tmp_path: Path, capsys, table: str) -> None:
    shutil.copy(releases["2018"].root / "val2018.json.tar.gz", tmp_path)
    assert main(["info", str(tmp_path), "--table", table]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert f"there is nothing for the table `{table}`" in err


def test_images_without_a_licence_are_a_row_and_mini_counts_once(releases) -> None:
    made = releases["2021"]
    found = describe(made.root, version="2021", tables=("fields",))["annotations"]["licenses"]
    photos = made.of("train+val")
    counts = {row["id"]: row["images"] for row in found}
    assert counts == {
        number: sum(photo.record["license"] == value for photo in photos)
        for number, value in ((0, 0), (3, 3), (-1, None))
    }
    assert {row["name"] for row in found if row["id"] == -1} == {"(none)"}


def test_a_folder_that_is_read_only_has_all_but_the_census(made: Made, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    for index in root.glob("*.pt*"):
        index.unlink()
    before = sorted(path.name for path in root.iterdir())
    root.chmod(0o555)
    try:
        command = obedient([sys.executable, "-m", "ptarmigan", "info", str(root)])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        root.chmod(0o755)
    assert done.returncode == 0
    assert "Images a category" in done.stdout
    assert "has no index" in done.stderr
    assert "ermission denied; give the index another place" in done.stderr
    assert sorted(path.name for path in root.iterdir()) == before
