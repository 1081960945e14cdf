"""Which files `INaturalist` finds, and what it says of files that are missing or wrong."""

from __future__ import annotations

import errno
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest

import ptarmigan as pt
from inaturalist_made import (
    CATEGORIES,
    write_zip,
)
from synthetic import write_tar


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the made data set that a test may damage."""
    return Path(shutil.copytree(made.root, tmp_path / "copy"))


def rewrite(root: Path, change) -> None:
    """Changes ``train2017.json`` in the zip."""
    path = root / "train_val2017.zip"
    with zipfile.ZipFile(path) as archive:
        contents = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    change(contents["train2017.json"])
    write_zip(path, contents)


def test_an_untarred_tree_gives_the_same_samples(made, tmp_path):
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    made.__class__(root, made.photos).untar()
    (root / "train_val_images.tar.gz").unlink()
    plain = pt.INaturalist(root, split="val")
    packed = pt.INaturalist(made.root, split="val")
    assert plain.samples == packed.samples
    assert [plain.raw(row) for row in range(len(plain))] == [
        packed.raw(row) for row in range(len(packed))
    ]
    # The folder under the name that torchvision gives it.
    (root / "train_val_images").rename(root / "2017")
    assert pt.INaturalist(root, split="val").raw(0) == packed.raw(0)


def test_a_plain_tar_and_plain_json_are_found(made, tmp_path):
    photos = made.of("train+val")
    write_tar(
        tmp_path / "train_val_images.tar",
        {f"./{photo.file_name}": photo.data for photo in photos},
        mode="w",
    )
    with zipfile.ZipFile(made.root / "train_val2017.zip") as archive:
        archive.extractall(tmp_path)
    ds = pt.INaturalist(tmp_path, split="train+val")
    assert [ds.raw(row) for row in range(len(ds))] == [photo.data for photo in photos]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train_val_images.tar.gz", "train"),
        ("train_val2017.zip", "val"),
        ("test2017.tar.gz", "test"),
        ("test2017.zip", "test"),
    ],
)
def test_a_missing_file_says_what_was_looked_for_and_where_it_is(copy, name, split):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        pt.INaturalist(copy, split=split)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(copy / name)
    assert f"`{name}`" in str(caught.value)
    assert f"2017/{name}" in str(caught.value)


def test_missing_boxes_are_missed_when_they_are_asked_for(copy):
    (copy / "train_2017_bboxes.zip").unlink()
    (copy / "inat2017_locations.zip").unlink()
    ds = pt.INaturalist(copy)
    with pytest.raises(FileNotFoundError, match=r"train_2017_bboxes\.zip"):
        ds.boxes(0)
    with pytest.raises(FileNotFoundError, match=r"inat2017_locations\.zip"):
        ds.location(0)
    assert "lat" not in ds.meta


def test_a_missing_root_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        pt.INaturalist(tmp_path / "nowhere")
    assert caught.value.filename == str(tmp_path / "nowhere")


def test_images_that_the_archive_lacks_are_an_error_or_skipped(made, copy):
    photos = made.of("train+val")
    lost = {photos[2].file_name, photos[5].file_name}
    (copy / "train_val_images.tar.gz").unlink()
    for leftover in copy.glob("*.ptidx"):
        leftover.unlink()
    write_tar(
        copy / "train_val_images.tar.gz",
        {p.file_name: p.data for p in photos if p.file_name not in lost},
    )
    with pytest.raises(pt.AnnotationError, match=f"lacks 2 of {len(photos)}.*{min(lost)}"):
        pt.INaturalist(copy, split="train+val")
    ds = pt.INaturalist(copy, split="train+val", missing="skip")
    kept = [photo for photo in photos if photo.file_name not in lost]
    assert list(ds.file_names) == [photo.file_name for photo in kept]
    assert ds.image_ids.tolist() == [photo.image_id for photo in kept]
    assert [ds.raw(row) for row in range(len(ds))] == [photo.data for photo in kept]


def test_a_class_count_that_does_not_match_is_refused(copy):
    rewrite(copy, lambda content: content["categories"].pop(4))
    with pytest.raises(pt.AnnotationError, match="not among the 9 `categories`"):
        pt.INaturalist(copy)


def test_splits_of_different_releases_do_not_mix(copy):
    def rename(content):
        content["categories"][0]["name"] = "Another name"

    rewrite(copy, rename)
    with pytest.raises(pt.AnnotationError, match="categories are not the 10 of the other split"):
        pt.INaturalist(copy, split="train+val")


def test_category_ids_with_holes_are_refused(copy):
    def renumber(content):
        for category in content["categories"]:
            category["id"] += category["id"] > 4
        for annotation in content["annotations"]:
            annotation["category_id"] += annotation["category_id"] > 4

    rewrite(copy, renumber)
    with pytest.raises(pt.AnnotationError, match="ids 0 to 9, but `6` comes where `5` should"):
        pt.INaturalist(copy)


def test_a_train_split_without_annotations_is_refused(copy):
    rewrite(copy, lambda content: content.pop("annotations"))
    with pytest.raises(pt.AnnotationError, match="`train` has no `annotations`"):
        pt.INaturalist(copy)


def test_torchvision_labels_need_one_folder_a_category(copy):
    def move(content):
        content["images"][0]["file_name"] = "train_val_images/Aves/Elsewhere/0.jpg"

    rewrite(copy, move)
    with pytest.raises(pt.AnnotationError, match="two folders"):
        pt.INaturalist(copy, labels="torchvision", missing="skip")
    assert len(pt.INaturalist(copy, missing="skip").classes) == len(CATEGORIES)


def test_an_image_that_cannot_be_decoded_is_named(copy, made):
    photos = made.of("train+val")
    for leftover in copy.glob("*.ptidx"):
        leftover.unlink()
    bad = made.of("train")[4]
    write_tar(
        copy / "train_val_images.tar.gz",
        {p.file_name: b"\xff\xd8 no photo" if p is bad else p.data for p in photos},
    )
    ds = pt.INaturalist(copy)
    for call in (lambda: ds[4], lambda: ds.__getitems__([3, 4, 5])):
        with pytest.raises(pt.DecodeError, match="member `train_val_images") as caught:
            call()
        assert caught.value.member == bad.file_name
    assert len(ds.__getitems__([3, 5])) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": "2020"}, "'2017', '2018', '2019', '2021'"),
        ({"split": "validation"}, "'train', 'val', 'test', 'train\\+val'"),
        ({"split": "full"}, "target_type='full'"),
        ({"split": ["full"]}, r"target_type=\['full'\]"),
        ({"target_type": "genus"}, "'full', 'super'"),
        ({"labels": "tf"}, "'json', 'torchvision'"),
        ({"missing": "zero"}, "'raise', 'skip'"),
        ({"threads": 0}, "at least one"),
    ],
)
def test_arguments_that_cannot_work_are_refused(made, arguments, message):
    with pytest.raises(ValueError, match=message):
        pt.INaturalist(made.root, **arguments)


def test_download_says_where_the_files_are(made):
    with pytest.raises(NotImplementedError, match="ml-inat-competition-datasets"):
        pt.INaturalist(made.root, download=True)


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_relative_root_holds_in_another_working_directory(made, tmp_path, monkeypatch, unpacked):
    root = tmp_path / "inat"
    shutil.copytree(made.root, root)
    if unpacked:
        made.__class__(root, made.photos).untar()
        (root / "train_val_images.tar.gz").unlink()
    monkeypatch.chdir(root)
    ds = pt.INaturalist(".", split="val")
    assert ds.root == "."
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = pt.INaturalist(root, split="val")
    for other in (ds, pickle.loads(pickle.dumps(ds))):  # noqa: S301
        assert other.raw(0) == there.raw(0)
        assert [str(other.boxes(row)) for row in range(len(ds))] == [
            str(there.boxes(row)) for row in range(len(ds))
        ]
        assert [other.location(row) for row in range(len(ds))] == [
            there.location(row) for row in range(len(ds))
        ]
        first_seen = other.label_map.numbers("first_seen")
        assert first_seen.tolist() == there.label_map.numbers("first_seen").tolist()
    assert not list((tmp_path / "elsewhere").iterdir())
