"""Tar shards, read back by tarfile and by WebDataset."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest

import ptarmigan as pt
from exports_made import (
    credits_in,
    encoded,
    expected_credits,
    order_of,
    samples_in,
    shards_in,
    tree,
)
from inaturalist_made import (
    CATEGORIES,
    annotation_file,
    make_photos,
    write_zip,
)
from programs import run
from ptarmigan.exporting import write_shards
from synthetic import write_tar

pytestmark = pytest.mark.usefixtures("own_configuration")


@pytest.mark.parametrize("split", ["train", "test", "train+val"])
def test_shards_hold_photo_label_and_record(made, tmp_path, split):
    dataset = pt.INaturalist(made.root, split=split)
    found = write_shards(dataset, tmp_path / "out", shard_samples=7)
    paths = shards_in(tmp_path / "out")
    prefix = split.replace("+", "-")
    assert [path.name for path in paths] == [f"{prefix}-{n:06d}.tar" for n in range(len(paths))]
    assert found.files == tuple(path.name for path in paths)
    assert found.bytes == sum(path.stat().st_size for path in paths)
    counts = [len(samples_in(path)) for path in paths]
    assert counts[:-1] == [7] * (len(paths) - 1)
    assert sum(counts) == found.images == len(dataset)
    photos = {f"{photo.image_id:08d}": photo for photo in made.of(split)}
    rows = {int(image_id): row for row, image_id in enumerate(dataset.image_ids)}
    for path in paths:
        for key, files in samples_in(path).items():
            photo = photos.pop(key)
            assert files["jpg"] == photo.data
            label = None if split == "test" else photo.category_id
            assert files.get("cls") == (None if split == "test" else str(label).encode())
            record = json.loads(files["json"])
            row = rows[photo.image_id]
            credit = dataset.attribution(row)
            assert record == {
                "id": photo.image_id,
                "file_name": credit.pop("file_name"),
                "label": label,
                "category": None if label is None else CATEGORIES[label][0],
                "supercategory": None if label is None else CATEGORIES[label][1],
                "location": dataset.location(row),
                "credits": credit,
            }
    assert not photos
    assert credits_in(tmp_path / "out") == expected_credits(dataset)


# In a process of its own, because the library leaves the shards open.
READER = """
import hashlib, json, sys
import webdataset

shards = webdataset.WebDataset(sys.argv[1], shardshuffle=False, empty_check=False)
for key, pixels, label, record in shards.decode("rgb8").to_tuple("__key__", "jpg", "cls", "json"):
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    print(json.dumps([key, pixels.shape, digest, label, record]))
"""


def test_webdataset_reads_the_shards(made, train, tmp_path):
    pytest.importorskip("webdataset")
    write_shards(train, tmp_path / "out", shard_samples=8, resize=24)
    done = run(READER, tmp_path / "out" / "train-{000000..000003}.tar")
    assert done.returncode == 0, done.stderr
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    photos = {photo.image_id: photo for photo in made.of("train")}
    for key, shape, digest, label, record in samples:
        photo = photos.pop(int(key))
        assert record["id"] == photo.image_id
        assert label == record["label"] == photo.category_id
        pixels = pt.decode(encoded(photo.data, 24))
        assert tuple(shape) == pixels.shape
        assert digest == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert not photos


def test_shards_are_in_the_order_of_the_archive_or_of_the_seed(train, tmp_path, monkeypatch):
    monkeypatch.setattr("ptarmigan.exporting.reading._GROUP_MEMBERS", 2)
    write_shards(train, tmp_path / "a")
    by_member = train.image_ids[np.argsort(train.members)].tolist()
    assert order_of(tmp_path / "a") == by_member
    orders = []
    for seed in (0, 0, 1):
        folder = tmp_path / f"s{len(orders)}"
        write_shards(train, folder, shuffle=True, seed=seed, shard_samples=11)
        orders.append(order_of(folder))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != by_member
    assert all(sorted(order) == sorted(by_member) for order in orders)


def test_shards_have_the_same_bytes_for_any_number_of_threads(train, tmp_path, monkeypatch):
    monkeypatch.setattr("ptarmigan.exporting.reading._GROUP_MEMBERS", 2)
    trees = []
    for threads in (1, 2, 5):
        monkeypatch.setenv("TZ", f"UTC+{threads}")
        folder = tmp_path / str(threads)
        write_shards(train, folder, resize=20, shuffle=True, shard_bytes=40_000, threads=threads)
        trees.append(tree(folder))
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) > 2


@pytest.mark.parametrize("shard_bytes", [1, 10_240, 20_480, 30_720, 10**9])
def test_no_shard_is_larger_than_asked_for_unless_one_sample_is(train, tmp_path, shard_bytes):
    write_shards(train, tmp_path / "out", shard_bytes=shard_bytes)
    total = 0
    for path in shards_in(tmp_path / "out"):
        count = len(samples_in(path))
        total += count
        assert path.stat().st_size % 10_240 == 0
        assert path.stat().st_size <= shard_bytes or count == 1
    assert total == len(train)


def test_two_splits_fit_in_one_folder_and_old_shards_do_not_mix(made, train, tmp_path):
    out = tmp_path / "out"
    val = pt.INaturalist(made.root, split="val")
    write_shards(train, out, shard_samples=5)
    write_shards(val, out, shard_samples=5)
    assert credits_in(out) == expected_credits(pt.INaturalist(made.root, split="train+val"))
    before = tree(out)
    with pytest.raises(FileExistsError, match="6 shards") as caught:
        write_shards(train, out, shard_samples=20)
    assert caught.value.filename == str(out / "train-000000.tar")
    assert tree(out) == before
    write_shards(train, out, shard_samples=20, overwrite=True)
    assert [path.name for path in shards_in(out)] == [
        "train-000000.tar",
        "train-000001.tar",
        "val-000000.tar",
        "val-000001.tar",
    ]


BOUNDED = """
import sys
import ptarmigan as pt
from ptarmigan.exporting import write_shards
from programs import run

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024

dataset = pt.INaturalist(sys.argv[1])
before = peak()
write_shards(dataset, sys.argv[2], threads=2)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_shards(tmp_path):
    photos = [photo for photo in make_photos(13) if photo.split == "train"]
    data = os.urandom(1_000_000)
    write_tar(
        tmp_path / "train_val_images.tar",
        {photo.file_name: photo.data + data for photo in photos},
        mode="w",
    )
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    done = run(BOUNDED, tmp_path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60
    assert (tmp_path / "out" / "train-000000.tar").stat().st_size > 110_000_000
