"""What all exports share: errors, interruption, the commands."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from exports_made import below, export, order_of, read_parquet, samples_in, tree
from inaturalist_made import (
    CATEGORIES,
    annotation_file,
    make_photos,
    write_inaturalist,
    write_zip,
)
from programs import run
from ptarmigan.cli import main
from ptarmigan.exporting import write_folder, write_parquet, write_shards
from synthetic import write_tar

pytestmark = pytest.mark.usefixtures("own_configuration")


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[pt.INaturalist, str]:
    """A data set of which one photo is cut off, and that member's name."""
    root = tmp_path / "damaged"
    root.mkdir()
    photos = [photo for photo in make_photos(2) if photo.split == "train"]
    bad = photos[3]
    bad.data = bad.data[: len(bad.data) // 2]
    write_tar(root / "train_val_images.tar.gz", {p.file_name: p.data for p in photos})
    write_zip(root / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    return pt.INaturalist(root), bad.file_name


def test_a_photo_that_cannot_be_decoded_is_named_or_left_out(damaged, tmp_path):
    dataset, bad = damaged
    for write in (write_folder, write_shards):
        out = tmp_path / write.__name__
        with pytest.raises(pt.DecodeError) as caught:
            write(dataset, out / "raise", resize=20)
        assert (caught.value.member, caught.value.path) == (bad, dataset.archive.path)
        assert f"`{bad}`" in str(caught.value)
        assert dataset.archive.path in str(caught.value)
        found = write(dataset, out / "skip", resize=20, on_error="skip")
        assert [name for name, _ in found.skipped] == [bad]
        assert found.images == len(dataset) - 1
        # Files that are only copied are not looked into.
        assert write(dataset, out / "copy").images == len(dataset)
    assert below(bad) not in tree(tmp_path / "write_folder" / "skip")
    assert not list((tmp_path / "write_shards" / "raise").glob("*.tar"))


def test_without_a_locations_file_the_record_has_no_location(made, tmp_path):
    for name in ("train_val_images.tar.gz", "train_val2017.zip"):
        (tmp_path / name).write_bytes((made.root / name).read_bytes())
    write_shards(pt.INaturalist(tmp_path, split="val"), tmp_path / "out")
    for files in samples_in(tmp_path / "out" / "val-000000.tar").values():
        assert "location" not in json.loads(files["json"])
    write_parquet(tmp_path / "out" / "t.parquet", tmp_path, split="val")
    names = read_parquet(tmp_path / "out" / "t.parquet").column_names
    assert not {"latitude", "date", "boxes"} & set(names)


KILLED = """
import os, signal, sys
import ptarmigan as pt
from ptarmigan.exporting import write_folder, write_shards

def stop(done, total, members):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)

dataset = pt.INaturalist(sys.argv[1], split="train+val")
options = {"shard_samples": 100} if sys.argv[3] == "write_shards" else {}
write = {"write_folder": write_folder, "write_shards": write_shards}[sys.argv[3]]
write(dataset, sys.argv[2], threads=2, progress=stop, resize=32, **options)
"""


@pytest.mark.parametrize("write", [write_folder, write_shards])
def test_kill_leaves_only_whole_files(tmp_path, write):
    made = write_inaturalist(tmp_path / "inat", per_class=60)
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert run(KILLED, made.root, out, write.__name__).returncode == -signal.SIGKILL
    assert len(list(out.glob(".ptarmigan-part-*"))) == 1
    options = {"shard_samples": 100} if write is write_shards else {}
    dataset = pt.INaturalist(made.root, split="train+val")
    write(dataset, whole, resize=32, **options)
    expected = tree(whole)
    there = {name: data for name, data in tree(out).items() if not name.startswith(".")}
    assert 1 < len(there) < len(expected)
    assert all(expected[name] == data for name, data in there.items())
    again = {"overwrite": True} if write is write_shards else {"skip_existing": True}
    write(dataset, out, resize=32, **options, **again)
    assert tree(out) == expected


def test_the_commands_write_what_the_functions_do(made, train, tmp_path, capsys):
    write_folder(train, tmp_path / "f", resize=24, layout="category")
    write_shards(train, tmp_path / "w", shuffle=True, seed=3, shard_samples=9, prefix="p")
    capsys.readouterr()
    assert export("folder", made.root, "-o", tmp_path / "F", "--resize", 24,
                  "--layout", "category") == 0  # fmt: skip
    assert export("wds", made.root, "-o", tmp_path / "W", "--shuffle", "--seed", 3,
                  "--shard-samples", 9, "--prefix", "p", "--json") == 0  # fmt: skip
    assert tree(tmp_path / "F") == tree(tmp_path / "f")
    assert tree(tmp_path / "W") == tree(tmp_path / "w")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["images"] == len(train)
    assert f"wrote {len(train)} to {tmp_path / 'F'}" in printed.err


def test_the_commands_filter_and_limit_in_the_archives_order(made, train, tmp_path):
    options = ["--where", "supercategory=Plantae", "--license", "6", "--limit", 3]
    assert export("wds", made.root, "-o", tmp_path / "w", *options) == 0
    names = made.of("train")
    ids = {p.image_id for p in names
           if CATEGORIES[p.category_id][1] == "Plantae" and p.record["license"] == 6}  # fmt: skip
    by_member = train.image_ids[np.argsort(train.members)].tolist()
    assert order_of(tmp_path / "w") == [id_ for id_ in by_member if id_ in ids][:3]
    assert export("parquet", made.root, "-o", tmp_path / "t.parquet", *options) == 0
    assert len(read_parquet(tmp_path / "t.parquet")) == 3


def test_the_command_says_what_it_leaves_out(damaged, tmp_path, capsys):
    dataset, bad = damaged
    call = ("folder", dataset.root, "-o", tmp_path / "out", "--resize", 20)
    assert export(*call) == 1
    assert f"`{bad}`" in capsys.readouterr().err
    assert export(*call, "--on-error", "skip", "--skip-existing") == 0
    assert f"left out: `{dataset.archive.path}`: member `{bad}`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["folder", "--resize", "0"], 2),
        (["folder", "--quality", "101"], 2),
        (["folder", "--interpolation", "nearest"], 2),
        (["wds", "--shard-samples", "0"], 2),
        (["wds", "--prefix", "a/b"], 2),
        (["wds", "--split", "train", "--where", "genus=Ardea"], 2),
        (["parquet", "--license", "GPL"], 2),
        (["parquet", "--limit", "0"], 2),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    made, tmp_path, arguments, status, capsys
):
    kind, *options = arguments
    assert export(kind, made.root, "-o", tmp_path / "out" / "x", *options) == status
    printed = capsys.readouterr()
    assert printed.err.startswith("ptarmigan: ")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_export_needs_a_format_and_a_destination(capsys):
    for arguments in (["export"], ["export", "zip", "root"], ["export", "wds", "root"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    for kind in ("folder", "wds", "parquet", "coco"):
        with pytest.raises(SystemExit) as stopped:
            main(["export", kind, "--help"])
        assert stopped.value.code == 0
        assert "--json" in capsys.readouterr().out
