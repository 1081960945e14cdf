"""An archive beside its annotations is extracted in one pass as it is through its index."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ptarmigan as pt
from exports_made import credits_in, expected_credits, tree
from inaturalist_made import Made, write_inaturalist
from ptarmigan.cli import main
from synthetic import write_tar

pytestmark = pytest.mark.usefixtures("own_configuration")

ARCHIVES = ("train_val_images.tar.gz", "test2017.tar.gz")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write_inaturalist(tmp_path_factory.mktemp("inat"))


@pytest.fixture(scope="module")
def indexed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files with indices."""
    root = shutil.copytree(made.root, tmp_path_factory.mktemp("indexed") / "inat")
    for name in ARCHIVES:
        pt.Archive(root / name)
    return root


def extract(*arguments: object) -> int:
    return main(["extract", *map(str, arguments)])


def has_index(root: Path) -> bool:
    return bool(list(root.glob("*.ptidx*")))


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (ARCHIVES[0], []),
        (ARCHIVES[1], []),
        ("", []),
        (ARCHIVES[0], ["train_val_images/Aves", "*/Ardea alba/*", "--strip-components", "1"]),
        (ARCHIVES[0], ["--split", "val"]),
        ("", ["--split", "train", "--where", "supercategory=Aves"]),
        ("", ["train_val_images/Aves/*", "--license", "BY,none", "--split", "train+val"]),
        (ARCHIVES[0], ["--license", "6"]),
        (ARCHIVES[0], ["--strip-components", "4"]),
    ],
)
def test_files_and_credits_are_those_through_an_index(made, indexed, tmp_path, source, options):
    assert extract(indexed / source, "-C", tmp_path / "indexed", *options) == 0
    assert extract(made.root / source, "-C", tmp_path / "once", *options) == 0
    assert not has_index(made.root)
    assert tree(tmp_path / "once") == tree(tmp_path / "indexed")
    assert (len(tree(tmp_path / "once")) > 2) == ("4" not in options)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (ARCHIVES[0], ["--limit", "3"]),
        (ARCHIVES[0], ["--missing", "skip"]),
        ("", ["--split", "test"]),
        (ARCHIVES[1], ["test2017/*"]),
        (ARCHIVES[1], ["--strip-components", "2"]),
    ],
)
def test_what_more_than_a_name_decides_goes_through_an_index(
    made, indexed, tmp_path, source, options
):
    root = shutil.copytree(made.root, tmp_path / "root")
    assert extract(indexed / source, "-C", tmp_path / "indexed", *options) == 0
    assert extract(root / source, "-C", tmp_path / "once", *options) == 0
    assert has_index(root)
    assert tree(tmp_path / "once") == tree(tmp_path / "indexed")


def test_terms_are_shown_and_credits_come_before_photos(made, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    # A folder in the place of the first photo stops the extraction there.
    first = made.root / ARCHIVES[0]
    with pt.stream(first) as stream:
        (out / next(stream).name).mkdir(parents=True)
    assert extract(first, "-C", out) == 1
    assert "non-commercial" in capsys.readouterr().err
    assert credits_in(out) == expected_credits(
        pt.INaturalist(made.root, split="train+val", index_path=tmp_path / "i")
    )
    assert set(tree(out)) == {"CREDITS.csv"}


@pytest.mark.parametrize("lost", [0, -1])
def test_images_that_the_archive_lacks_are_an_error_behind_the_others(made, tmp_path, capsys, lost):
    root = shutil.copytree(made.root, tmp_path / "root")
    photos = {photo.file_name: photo.data for photo in made.of("train+val")}
    name = list(photos)[lost]
    del photos[name]
    write_tar(root / ARCHIVES[0], photos)
    assert extract(root, "-C", tmp_path / "out", "--accept-terms") == 1
    message = capsys.readouterr().err
    assert f"lacks 1 of {len(photos) + 1} images, the first is `{name}`" in message
    files = tree(tmp_path / "out")
    del files["CREDITS.csv"]
    assert files == photos


def test_a_member_that_would_be_the_credits_is_refused(made, tmp_path, capsys):
    root = shutil.copytree(made.root, tmp_path / "root")
    photos = {photo.file_name: photo.data for photo in made.of("train+val")}
    write_tar(root / ARCHIVES[0], {"x/CREDITS.csv": b"", **photos})
    options = ["--strip-components", 1, "--accept-terms"]
    assert extract(root / ARCHIVES[0], "-C", tmp_path / "out", *options) == 1
    assert "a member would become `CREDITS.csv`" in capsys.readouterr().err
    assert extract(root, "-C", tmp_path / "out", *options) == 0


def test_a_file_of_credits_that_is_not_ours_is_left_alone(made, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "CREDITS.csv").write_text("my own list\n")
    assert extract(made.root, "-C", tmp_path / "out", "--accept-terms") == 1
    assert "CREDITS.csv`: line 1" in capsys.readouterr().err
    assert tree(tmp_path / "out") == {"CREDITS.csv": b"my own list\n"}


@pytest.mark.parametrize("option", [["--where", "supercategory=Avos"], ["--license", "GPL"]])
def test_what_annotations_do_not_know_is_refused_before_anything_is_read(
    made, tmp_path, capsys, option
):
    assert extract(made.root, "-C", tmp_path / "out", *option) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_official_archive_alone_has_terms_and_no_credits(made, tmp_path, capsys):
    (tmp_path / "alone").mkdir()
    alone = tmp_path / "alone" / ARCHIVES[0]
    shutil.copyfile(made.root / ARCHIVES[0], alone)
    assert extract(alone, "-C", tmp_path / "out") == 0
    message = capsys.readouterr().err
    assert "non-commercial" in message
    assert "no CREDITS.csv, because the annotations are not beside the archive" in message
    assert set(tree(tmp_path / "out")) == {photo.file_name for photo in made.of("train+val")}
    assert extract(alone, "-C", tmp_path / "out", "--split", "val") == 2
    assert "need annotations" in capsys.readouterr().err
    assert not has_index(tmp_path / "alone")
