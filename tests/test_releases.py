"""The releases of 2018, 2019 and 2021: their files, names, folders and splits."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from inaturalist_made import write_inaturalist, write_zip
from ptarmigan.release import JsonDownload, Release, Split, release_of
from releases_made import RANKS, SPECIES, SPECIES_OF_ID, WRITERS, name_of, picture

SPLITS = {
    "2018": ["train", "val", "test", "train+val"],
    "2019": ["train", "val", "test", "train+val"],
    "2021": ["train", "mini", "val", "test"],
}
EVERY_SPLIT = [(version, split) for version, splits in SPLITS.items() for split in splits]


@pytest.mark.parametrize(("version", "split"), EVERY_SPLIT)
def test_samples_are_those_of_the_split_sorted_by_file_name(releases, version, split):
    made = releases[version]
    ds = pt.INaturalist(made.root, version, split)
    photos = made.of(split)
    assert len(ds) == len(photos) > 0
    assert (ds.version, ds.split) == (version, split)
    assert list(ds.file_names) == [photo.record["file_name"] for photo in photos]
    assert ds.image_ids.tolist() == [photo.record["id"] for photo in photos]
    labels = [-1 if split == "test" else photo.category_id for photo in photos]
    assert ds.targets.tolist() == ds.category_ids.tolist() == labels
    for row, photo in enumerate(photos):
        assert ds.raw(row) == photo.data
        image, target = ds[row]
        np.testing.assert_array_equal(np.asarray(image), np.asarray(picture(photo.data)))
        assert target == labels[row]
        assert ds.attribution(row)["rights_holder"] == photo.record["rights_holder"]
        assert ds.boxes(row) is None
    assert ds.classes == [made.category(id_)["name"] for id_ in range(len(SPECIES))]


def test_numbers_stand_for_names_until_the_names_are_there(releases, tmp_path):
    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    named = pt.INaturalist(root, "2018")
    assert named.classes == [name_of(species) for species in SPECIES_OF_ID]
    (root / "categories.json.tar.gz").unlink()
    hidden = pt.INaturalist(root, "2018")
    assert hidden.classes == [str(id_) for id_ in range(len(SPECIES))]
    assert hidden.all_categories == named.all_categories
    assert hidden.targets.tolist() == named.targets.tolist()
    assert hidden.supercategories == named.supercategories
    assert hidden.target_types == ("full", "super")
    assert named.target_types == ("full", "super", *RANKS)
    with pytest.raises(pt.AnnotationError, match=r"no `genus`.*categories\.json\.tar\.gz"):
        pt.INaturalist(root, "2018", target_type="genus")


@pytest.mark.parametrize("version", ["2018", "2019"])
def test_folders_are_numbered_and_give_the_super_category(releases, version):
    ds = pt.INaturalist(releases[version].root, version)
    above = [SPECIES[species][0] for species in SPECIES_OF_ID]
    assert ds.all_categories == [f"{name}/{id_}" for id_, name in enumerate(above)]
    assert ds.supercategories == sorted(set(above))
    supers = pt.INaturalist(releases[version].root, version, target_type="super")
    assert [supers.classes[t] for t in supers.targets] == [above[id_] for id_ in ds.category_ids]


def test_a_test_split_without_super_categories_says_none(releases):
    # 2019 has them in the folders of train and val only.
    ds = pt.INaturalist(releases["2019"].root, "2019", "test")
    assert ds.supercategories == []
    assert ds.all_categories == [""] * len(SPECIES)
    assert pt.INaturalist(releases["2018"].root, "2018", "test").supercategories != []


@pytest.mark.parametrize("version", ["2018", "2019", "2021"])
def test_ranks_are_those_of_the_categories(releases, version):
    made = releases[version]
    ds = pt.INaturalist(made.root, version, target_type=["full", *RANKS, "super"])
    for row in range(len(ds)):
        full, *ranks, above = ds[row][1]
        record = made.category(int(ds.category_ids[row]))
        assert ds.classes[full] == record["name"]
        for rank, number in zip(RANKS, ranks, strict=True):
            assert ds.category_name(rank, number) == record[rank]
        folder = ds.all_categories[full].partition("/")[0]
        assert ds.category_name("super", above) == record.get("supercategory", folder)


def test_2021_has_a_version_for_each_split_as_torchvision(releases):
    root = releases["2021"].root
    for version, split in [
        ("2021_train", "train"),
        ("2021_train_mini", "mini"),
        ("2021_valid", "val"),
    ]:
        ds = pt.INaturalist(root, version)
        assert (ds.version, ds.split) == ("2021", split)
        assert ds.samples == pt.INaturalist(root, "2021", split).samples
        assert pt.INaturalist(root, version, split).samples == ds.samples
    with pytest.raises(ValueError, match="'2021_valid' is the split 'val' of 2021, not 'train'"):
        pt.INaturalist(root, "2021_valid", "train")


@pytest.mark.parametrize(
    ("version", "split", "known"),
    [
        ("2018", "mini", "'train', 'val', 'test', 'train\\+val' in 2018"),
        ("2021", "train+val", "'train', 'mini', 'val', 'test' in 2021"),
        ("2021", "public_test", "'train', 'mini', 'val', 'test' in 2021"),
    ],
)
def test_a_split_that_a_release_lacks_is_refused(releases, version, split, known):
    with pytest.raises(ValueError, match=f"one of {known}, not"):
        pt.INaturalist(releases[version].root, version, split)


@pytest.mark.parametrize(
    ("version", "split", "name"),
    [
        ("2018", "val", "val2018.json.tar.gz"),
        ("2019", "train", "train_val2019.tar.gz"),
        ("2019", "test", "test2019.json.tar.gz"),
        ("2021", "mini", "train_mini.tar.gz"),
        ("2021", "test", "public_test.json.tar.gz"),
    ],
)
def test_a_missing_file_says_where_it_is(releases, tmp_path, version, split, name):
    root = Path(shutil.copytree(releases[version].root, tmp_path / "copy"))
    (root / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{version}/{name}") as caught:
        pt.INaturalist(root, version, split)
    assert caught.value.filename == str(root / name)


@pytest.mark.parametrize(
    ("version", "split", "theirs"),
    [("2018", "val", "2018"), ("2019", "train", "2019"), ("2021", "mini", "2021_train_mini")],
)
def test_what_torchvision_left_behind_is_used(releases, tmp_path, version, split, theirs):
    made = releases[version]
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    packed = pt.INaturalist(made.root, version, split)
    expected = [packed.raw(row) for row in range(len(packed))]
    (root / made.archives[split]).rename(root / f"{theirs}.tgz")
    tgz = pt.INaturalist(root, version, split)
    assert [tgz.raw(row) for row in range(len(tgz))] == expected
    (root / f"{theirs}.tgz").unlink()
    made.untar(split, root / theirs)
    tree = pt.INaturalist(root, version, split)
    assert tree.samples == packed.samples
    assert [tree.raw(row) for row in range(len(tree))] == expected


def test_plain_json_is_used_as_well(releases, tmp_path):
    import tarfile

    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    packed = pt.INaturalist(root, "2018")
    for name in ("train2018.json", "categories.json"):
        with tarfile.open(root / f"{name}.tar.gz") as archive:
            archive.extractall(root, filter="data")
        (root / f"{name}.tar.gz").unlink()
    plain = pt.INaturalist(root, "2018")
    assert (plain.samples, plain.classes) == (packed.samples, packed.classes)


def test_the_photos_of_a_test_split_may_be_in_any_folder(releases, tmp_path):
    made = releases["2021"]
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    (root / "public_test.tar.gz").unlink()
    (root / "public_test" / "deeper").mkdir(parents=True)
    for photo in made.of("test"):
        name = photo.record["file_name"].rpartition("/")[2]
        (root / "public_test" / "deeper" / name).write_bytes(photo.data)
    ds = pt.INaturalist(root, "2021", "test")
    assert [ds.raw(row) for row in range(len(ds))] == [p.data for p in made.of("test")]


def test_an_unknown_version_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"'2017', '2018', '2019', '2021', .*'2021_valid'"):
        pt.INaturalist(tmp_path, "2020")


@pytest.fixture
def own(tmp_path) -> Release:
    """A release of one's own: the files of 2017 under other names."""
    write_inaturalist(tmp_path / "source")
    (tmp_path / "own").mkdir()
    for source, name in [
        ("train_val_images.tar.gz", "birds.tar.gz"),
        ("train_val2017.zip", "a.zip"),
    ]:
        (tmp_path / "source" / source).rename(tmp_path / "own" / name)
    photos = ("birds.tar.gz", "birds/")
    return Release(
        version=f"birds of {tmp_path.name}",
        splits={
            "val": Split(photos, JsonDownload("val2017.json", "a.zip")),
            "all": Split(photos, JsonDownload("train2017.json", "a.zip")),
        },
    )


def test_a_release_of_ones_own_is_registered(own, tmp_path):
    with pytest.raises(ValueError, match="is not known"):
        pt.INaturalist(tmp_path / "own", own.version)
    pt.register_release(own)
    pt.register_release(own)
    assert release_of(own.version) is own
    ds = pt.INaturalist(tmp_path / "own", own.version, "all")
    assert (ds.version, len(ds)) == (own.version, 30)
    # The first split where there is no train.
    assert pt.INaturalist(tmp_path / "own", own.version).split == "val"
    assert pt.INaturalist(tmp_path / "own", own, "val+all").raw(0)[:2] == b"\xff\xd8"
    with pytest.raises(FileNotFoundError) as caught:
        pt.INaturalist(tmp_path, own)
    assert "download" not in str(caught.value)
    with pytest.raises(ValueError, match="another release"):
        pt.register_release(dataclasses.replace(own, page="https://example.org"))
    with pytest.raises(ValueError, match="another release `2021_train`"):
        pt.register_release(dataclasses.replace(own, version="2021_train"))
    with pytest.raises(TypeError, match="expected a Release"):
        pt.register_release("2022")


def test_a_data_set_of_ones_own_release_can_be_pickled_where_it_is_not_known(own, tmp_path):
    ds = pt.INaturalist(tmp_path / "own", own, "val")
    again = pickle.loads(pickle.dumps(ds))  # noqa: S301
    assert again.samples == ds.samples
    assert again.raw(1) == ds.raw(1)
    assert again.boxes(0) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folders": "flat"}, "'named', 'numbered', 'taxonomy', not 'flat'"),
        ({"splits": {}}, "found none"),
        ({"splits": {"a+b": None}}, r"found `a\+b`"),
        ({"versions": {"2022_train": "mini"}}, "the split `mini`, which is not there"),
    ],
)
def test_a_release_that_contradicts_itself_is_refused(own, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(own, **change)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("00001_Animalia_Chordata", "has 3 parts between `_`, expected 8"),
        ("0000x_A_B_C_D_E_F_g", "number from 0 to 7, not by `0000x`"),
        ("00009_A_B_C_D_E_F_g", "number from 0 to 7, not by `00009`"),
        ("9" * 5000 + "_A_B_C_D_E_F_g", "number from 0 to 7, not by `9999"),
        ("00007_A_B_C_D_E_F_g", "categories 3 and 6 have the same number 00007"),
    ],
)
def test_folders_of_2021_that_are_not_named_so_are_refused(tmp_path, folder, message):
    import json
    import tarfile

    made = WRITERS["2021"](tmp_path / "made")
    with tarfile.open(made.root / "val.json.tar.gz") as archive:
        content = json.load(archive.extractfile("val.json"))
    (made.root / "val.json.tar.gz").unlink()
    lost = made.category(3)["image_dir_name"]
    text = json.dumps(content, ensure_ascii=False).replace(lost, folder)
    (made.root / "val.json").write_text(text, encoding="utf-8")
    ds = pt.INaturalist(made.root, "2021", "val", missing="skip")
    assert ds.all_categories[3] == folder
    with pytest.raises(pt.AnnotationError, match=message):
        pt.INaturalist(made.root, "2021", "val", missing="skip", labels="torchvision")
    with pytest.raises(pt.AnnotationError):
        pt.INaturalist(made.root, "2021", "val", missing="skip", target_type="genus")


def test_boxes_are_those_of_any_release_that_has_a_box_file(tmp_path):
    made = write_inaturalist(tmp_path / "made")
    release = dataclasses.replace(
        release_of("2017"),
        version="boxed",
        splits={
            "train": Split(
                ("train_val_images.tar.gz",),
                JsonDownload("train2017.json", "train_val2017.zip"),
                boxes=JsonDownload("b.json", "b.zip"),
            )
        },
    )
    photo = made.of("train")[0]
    box = {"id": 1, "image_id": photo.image_id, "category_id": 0, "bbox": [1, 2, 3, 4], "area": 6}
    write_zip(made.root / "b.zip", {"b.json": {"images": [photo.record], "annotations": [box]}})
    ds = pt.INaturalist(made.root, release)
    assert ds.boxes(0).tolist() == [[1, 2, 3, 4]]
    assert ds.boxes(1) is None
