"""A data set is extracted with its credits, from Python and by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ptarmigan as pt
from exports_made import credits_in, expected_credits, tree
from inaturalist_made import (
    Made,
    write_inaturalist,
)
from ptarmigan.cli import main
from synthetic import write_tar

pytestmark = pytest.mark.usefixtures("own_configuration")


MEMBERS = {
    "photos/a/one.jpg": b"one" * 1000,
    "photos/a/two.jpg": b"",
    "photos/b c/three [x].jpg": bytes(range(256)) * 40,
    "photos/b c/d/four.jpg": b"4",
    "top.txt": b"top",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write_inaturalist(tmp_path_factory.mktemp("inat"))


@pytest.fixture
def archive(tmp_path: Path) -> pt.Archive:
    return pt.Archive(write_tar(tmp_path / "x.tar.gz", MEMBERS))


@pytest.mark.parametrize("split", ["train", "val", "test", "train+val"])
def test_a_data_set_gives_its_split_and_its_credits(made, tmp_path, split, capsys):
    dataset = pt.INaturalist(made.root, split=split)
    found = pt.extract(dataset, tmp_path / "out")
    first = "test2017/" if split == "test" else ""
    expected = {first + photo.file_name: photo.data for photo in made.of(split)}
    files = tree(tmp_path / "out")
    assert found.credits == str(tmp_path / "out" / "CREDITS.csv")
    del files["CREDITS.csv"]
    assert files == expected
    assert credits_in(tmp_path / "out") == expected_credits(dataset)
    assert "non-commercial" in capsys.readouterr().err
    pt.extract(dataset, tmp_path / "again")
    assert capsys.readouterr().err == ""


def test_credits_of_several_extractions_are_together(made, tmp_path):
    out = tmp_path / "out"
    for split in ("val", "test", "train"):
        pt.extract(pt.INaturalist(made.root, split=split), out)
    rows = [expected_credits(pt.INaturalist(made.root, split=split))
            for split in ("train+val", "test")]  # fmt: skip
    assert sorted(credits_in(out)) == sorted(rows[0] + rows[1])


@pytest.mark.parametrize("text", ["my own list\n", "image_id,file_name\n", ""])
def test_a_file_of_credits_that_is_not_ours_is_left_alone(made, tmp_path, text):
    (tmp_path / "CREDITS.csv").write_text(text)
    with pytest.raises(pt.AnnotationError, match=r"CREDITS\.csv`: line 1"):
        pt.extract(pt.INaturalist(made.root, split="val"), tmp_path)
    assert (tmp_path / "CREDITS.csv").read_text() == text


def test_a_broken_row_of_credits_is_named(made, tmp_path):
    dataset = pt.INaturalist(made.root, split="val")
    pt.extract(dataset, tmp_path / "out")
    with (tmp_path / "out" / "CREDITS.csv").open("a") as file:
        file.write("1,too few\n")
    with pytest.raises(pt.AnnotationError, match=f"line {len(dataset) + 2}: expected"):
        pt.extract(dataset, tmp_path / "out", overwrite=True)


def test_an_image_archive_needs_no_credits(tmp_path, made):
    dataset = pt.ImageArchive(made.root / "train_val_images.tar.gz")
    found = pt.extract(dataset, tmp_path / "out", dataset.samples[0][:1])
    assert (found.images, found.credits) == (1, None)


def extract(*arguments: object) -> int:
    return main(["extract", *map(str, arguments)])


def test_the_command_takes_patterns_folders_and_options_in_any_order(made, tmp_path, capsys):
    archive = made.root / "train_val_images.tar.gz"
    folder = "train_val_images/Aves/Ardea alba"
    expected = {p.file_name.removeprefix("train_val_images/Aves/"): p.data
                for p in made.of("train+val") if p.file_name.startswith(f"{folder}/")}  # fmt: skip
    calls = (
        [archive, folder, "-C", tmp_path / "0", "--strip-components", 2],
        ["-C", tmp_path / "1", archive, "*/Ardea alba/*", "--strip-components", 2],
        [archive, "-C", tmp_path / "2", "--strip-components=2", f"{folder}/", f"{folder}/*.jpg"],
    )
    for number, call in enumerate(calls):
        assert extract(*call) == 0
        files = tree(tmp_path / str(number))
        assert files.pop("CREDITS.csv").count(b"\n") == 1 + len(expected)
        assert files == expected
    assert capsys.readouterr().out == ""


def test_the_command_filters_by_category_licence_and_split(made, tmp_path, capsys):
    hybrid = "Anas superciliosa \N{MULTIPLICATION SIGN} platyrhynchos"
    options = ["--where", "supercategory=Aves", "--where", "category=Ardea alba",
               "--where", f"category={hybrid}", "--license", "6,none", "--json"]  # fmt: skip
    assert extract(made.root, "-C", tmp_path / "out", "--split", "train", *options) == 0
    names = ("Ardea alba", "Anas superciliosa  platyrhynchos")
    expected = {
        photo.file_name: photo.data
        for photo in made.of("train")
        if photo.file_name.split("/")[2] in names and photo.record["license"] in (6, None)
    }
    assert expected
    files = tree(tmp_path / "out")
    assert len(files.pop("CREDITS.csv").splitlines()) == 1 + len(expected)
    assert files == expected
    assert json.loads(capsys.readouterr().out)["images"] == len(expected)


def test_the_command_limits_to_the_first_of_the_archive(made, tmp_path):
    assert extract(made.root, "-C", tmp_path / "out", "--limit", 3) == 0
    files = tree(tmp_path / "out")
    del files["CREDITS.csv"]
    assert set(files) == set(pt.Archive(made.root / "train_val_images.tar.gz").names[:3])


def test_an_archive_beside_its_annotations_gets_credits_and_all_members(made, tmp_path, capsys):
    assert extract(made.root / "test2017.tar.gz", "-C", tmp_path / "test") == 0
    assert credits_in(tmp_path / "test") == expected_credits(
        pt.INaturalist(made.root, split="test")
    )
    (tmp_path / "alone").mkdir()
    alone = tmp_path / "alone" / "train_val_images.tar.gz"
    alone.write_bytes((made.root / alone.name).read_bytes())
    (tmp_path / "config").rename(tmp_path / "old config")
    capsys.readouterr()
    assert extract(alone, "-C", tmp_path / "out") == 0
    assert "non-commercial" in capsys.readouterr().err
    assert not (tmp_path / "out" / "CREDITS.csv").exists()
    assert set(tree(tmp_path / "out")) == {p.file_name for p in made.of("train+val")}


def test_any_other_archive_shows_no_terms(archive, tmp_path, capsys):
    assert extract(archive.path, "-C", tmp_path / "out") == 0
    assert "terms" not in capsys.readouterr().err
    assert not (tmp_path / "config").exists()
    assert tree(tmp_path / "out") == MEMBERS


def test_accepted_terms_are_not_shown(made, tmp_path, capsys):
    assert extract(made.root, "-C", tmp_path / "out", "--limit", 1, "--accept-terms") == 0
    assert extract(made.root, "-C", tmp_path / "more", "--limit", 1) == 0
    assert "non-commercial" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["nothing/*"], 1),
        (["--limit", "0"], 2),
        (["--strip-components", "-1"], 2),
        (["--threads", "0"], 2),
        (["--where", "supercategory"], 2),
        (["--where", "colour=red"], 2),
        (["--where", "supercategory=Avos"], 2),
        (["--license", "GPL"], 2),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    made, tmp_path, arguments, status, capsys
):
    assert extract(made.root, "-C", tmp_path / "out", *arguments) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("ptarmigan: ")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_filters_need_annotations(archive, tmp_path, capsys):
    for option in (["--split", "train"], ["--where", "a=b"], ["--license", "BY"]):
        assert extract(archive.path, "-C", tmp_path / "out", *option) == 2
        assert "need annotations" in capsys.readouterr().err


def test_a_folder_with_photos_and_no_annotations_says_what_is_missing(made, tmp_path, capsys):
    (tmp_path / "root").mkdir()
    name = "train_val_images.tar.gz"
    (tmp_path / "root" / name).write_bytes((made.root / name).read_bytes())
    assert extract(tmp_path / "root", "-C", tmp_path / "out") == 1
    assert "train_val2017.zip" in capsys.readouterr().err
