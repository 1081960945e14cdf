"""A folder a class, read back by torchvision."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import ptarmigan as pt
from exports_made import below, credits_in, encoded, expected_credits, photos_in, tree
from inaturalist_made import (
    CATEGORIES,
    HYBRID_FOLDERS,
    annotation_file,
    make_photos,
    write_zip,
)
from ptarmigan.exporting import write_folder
from synthetic import write_tar

pytestmark = pytest.mark.usefixtures("own_configuration")


def test_a_folder_is_the_tree_of_the_archive(made, tmp_path, capsys):
    dataset = pt.INaturalist(made.root, split="train+val")
    found = write_folder(dataset, tmp_path / "out")
    files = photos_in(tmp_path / "out")
    assert files == {below(photo.file_name): photo.data for photo in made.of("train+val")}
    assert (found.images, found.bytes) == (len(dataset), sum(map(len, files.values())))
    assert credits_in(tmp_path / "out") == expected_credits(dataset)
    assert "non-commercial" in capsys.readouterr().err


def test_image_folder_reads_both_layouts(made, train, tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    write_folder(train, tmp_path / "two")
    write_folder(train, tmp_path / "one", layout="category")
    names = {HYBRID_FOLDERS.get(name, name): number for number, (name, _) in enumerate(CATEGORIES)}
    data = {Path(photo.file_name).name: photo for photo in made.of("train")}
    one = datasets.ImageFolder(tmp_path / "one")
    assert one.classes == sorted(names)
    assert len(one) == len(train)
    for path, target in one.samples:
        photo = data[Path(path).name]
        assert names[one.classes[target]] == photo.category_id
        assert Path(path).read_bytes() == photo.data
    two = datasets.ImageFolder(tmp_path / "two")
    assert two.classes == train.supercategories
    assert len(two) == len(train)
    aves = datasets.ImageFolder(tmp_path / "two" / "Aves")
    assert set(aves.classes) == {
        HYBRID_FOLDERS.get(name, name) for name, above in CATEGORIES if above == "Aves"
    }


@pytest.mark.parametrize(("resize", "quality"), [(24, None), (24, 60), (None, 70), (1000, None)])
def test_folders_of_smaller_photos_hold_what_pillow_makes(made, train, tmp_path, resize, quality):
    write_folder(train, tmp_path / "out", resize=resize, quality=quality, threads=3)
    files = photos_in(tmp_path / "out")
    assert files == {
        below(photo.file_name): encoded(photo.data, resize, quality or 95)
        for photo in made.of("train")
    }


def test_the_test_split_goes_into_one_folder(made, tmp_path):
    write_folder(pt.INaturalist(made.root, split="test"), tmp_path / "out")
    files = photos_in(tmp_path / "out")
    assert files == {f"test/{photo.file_name}": photo.data for photo in made.of("test")}


def test_an_export_of_a_folder_can_be_gone_on_with(train, tmp_path):
    out = tmp_path / "out"
    half = write_folder(train, out, rows=range(0, len(train), 2), resize=24)
    with pytest.raises(FileExistsError):
        write_folder(train, out, resize=24)
    rest = write_folder(train, out, resize=24, skip_existing=True)
    assert (half.images, rest.images, rest.kept) == (15, 15, 15)
    write_folder(train, tmp_path / "once", resize=24)
    assert tree(out) == tree(tmp_path / "once")


def test_two_categories_of_one_name_need_two_levels(tmp_path):
    photos = [photo for photo in make_photos(1) if photo.split == "val"][:2]
    for photo, above in zip(photos, ("Aves", "Fungi"), strict=True):
        photo.file_name = f"train_val_images/{above}/Same name/{photo.image_id}.jpg"
        photo.record["file_name"] = photo.file_name
    content = annotation_file(photos)
    content["categories"] = [
        {"id": photo.category_id, "name": "Same name", "supercategory": above}
        for photo, above in zip(photos, ("Aves", "Fungi"), strict=True)
    ]
    write_tar(tmp_path / "train_val_images.tar.gz", {p.file_name: p.data for p in photos})
    write_zip(tmp_path / "train_val2017.zip", {"val2017.json": content})
    dataset = pt.INaturalist(tmp_path, split="val")
    with pytest.raises(pt.AnnotationError, match="would share the folder `Same name`"):
        write_folder(dataset, tmp_path / "out", layout="category")
    assert not (tmp_path / "out").exists()
    assert write_folder(dataset, tmp_path / "out").images == 2


def test_credits_are_csv_that_others_read(train, tmp_path):
    write_folder(train, tmp_path / "out")
    with (tmp_path / "out" / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert [int(record["image_id"]) for record in records] == sorted(train.image_ids.tolist())
