from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from inaturalist_made import (
    CATEGORIES,
    HYBRID_FOLDERS,
    folder_of,
)
from synthetic import make_jpeg, write_tar


def rgb(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("split", ["train", "val", "train+val"])
def test_samples_are_those_of_the_split_sorted_by_file_name(made, split):
    ds = pt.INaturalist(made.root, split=split)
    photos = made.of(split)
    assert len(ds) == len(photos) > 0
    assert list(ds.file_names) == [photo.file_name for photo in photos]
    assert ds.image_ids.tolist() == [photo.image_id for photo in photos]
    assert ds.targets.tolist() == [photo.category_id for photo in photos]
    assert ds.targets.dtype == ds.image_ids.dtype == ds.members.dtype == np.int64
    assert ds.samples == [(photo.file_name, photo.category_id) for photo in photos]
    assert ds.widths.tolist() == [photo.width for photo in photos]
    assert ds.heights.tolist() == [photo.height for photo in photos]
    for row, photo in enumerate(photos):
        image, target = ds[row]
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), rgb(photo.data))
        assert target == photo.category_id
        assert type(target) is int
        assert ds.raw(row) == photo.data
        assert ds.member_name(row) == photo.file_name


def test_the_test_split_has_no_targets_and_matches_base_names(made):
    ds = pt.INaturalist(made.root, split="test")
    photos = made.of("test")
    assert [ds.raw(row) for row in range(len(ds))] == [photo.data for photo in photos]
    assert ds.targets.tolist() == [-1] * len(photos)
    assert ds[0][1] == -1
    assert ds.member_name(0) == f"test2017/{photos[0].file_name}"
    assert ds.classes == [name for name, _ in CATEGORIES]
    assert ds.boxes(0) is None
    assert ds.location(0) is None


def test_json_classes_are_named_and_numbered_by_the_categories(train):
    assert train.classes == [name for name, _ in CATEGORIES]
    assert train.class_to_idx["Ardea alba"] == 8
    assert train.supercategories == ["Amphibia", "Aves", "Insecta", "Plantae", "Reptilia"]
    assert train.all_categories == [folder_of(*category) for category in CATEGORIES]
    assert train.categories_index == {
        "super": {name: row for row, name in enumerate(train.supercategories)}
    }
    for number, (_, supercategory) in enumerate(CATEGORIES):
        assert train.categories_map[number] == {"super": train.supercategories.index(supercategory)}
    assert train.category_name("full", 8) == "Aves/Ardea alba"
    assert train.category_name("super", 1) == "Aves"
    for arguments in [("genus", 0), ("full", 10), ("full", -1), ("super", 5)]:
        with pytest.raises(ValueError, match="must be"):
            train.category_name(*arguments)


def test_torchvision_classes_are_numbered_by_the_sorted_folders(made, train):
    ds = pt.INaturalist(made.root, labels="torchvision")
    folders = sorted((folder_of(*c) for c in CATEGORIES), key=lambda folder: folder.split("/"))
    assert ds.all_categories == folders
    photos = made.of("train")
    expected = [folders.index("/".join(p.file_name.split("/")[1:3])) for p in photos]
    assert ds.targets.tolist() == expected
    names = [CATEGORIES[photo.category_id][0] for photo in photos]
    assert [ds.classes[target] for target in ds.targets] == names
    np.testing.assert_array_equal(ds.category_ids, train.targets)
    np.testing.assert_array_equal(ds.label_map.torchvision_to_json[ds.targets], train.targets)
    np.testing.assert_array_equal(train.label_map.json_to_torchvision[train.targets], ds.targets)


def test_folders_of_hybrids_lack_the_sign_even_without_photos(made):
    photos = [p for p in made.of("train") if not CATEGORIES[p.category_id][0].startswith("Malus")]
    full = pt.INaturalist(made.root, labels="torchvision")
    some = pt.INaturalist(
        made.root, labels="torchvision", subset=[photo.image_id for photo in photos]
    )
    assert some.all_categories == full.all_categories
    for name, folder in HYBRID_FOLDERS.items():
        number = some.classes.index(name)
        assert some.all_categories[number].split("/")[1] == folder


@pytest.mark.parametrize("labels", ["json", "torchvision"])
def test_target_types(made, labels):
    full = pt.INaturalist(made.root, labels=labels)
    above = pt.INaturalist(made.root, target_type="super", labels=labels)
    both = pt.INaturalist(made.root, target_type=["full", "super"], labels=labels)
    one = pt.INaturalist(made.root, target_type=["super"], labels=labels)
    assert above.classes == full.supercategories
    for row in range(len(full)):
        target = full[row][1]
        assert both[row][1] == (target, full.categories_map[target]["super"])
        assert above[row][1] == one[row][1] == both[row][1][1]
        assert above.classes[above.targets[row]] == CATEGORIES[full.category_ids[row]][1]
    np.testing.assert_array_equal(both.targets, full.targets)
    assert both.index == full.index == above.index


def test_transforms_are_applied(made):
    ds = pt.INaturalist(
        made.root,
        transform=lambda image: image.resize((2, 2)),
        target_transform=lambda target: f"class {target}",
    )
    image, target = ds[3]
    assert image.size == (2, 2)
    assert target == f"class {ds.targets[3]}"
    assert ds.__getitems__([3])[0][1] == target


def test_a_list_of_samples_equals_the_samples(train):
    rows = [5, 0, -1, 5, np.int64(7), len(train) - 1]
    for threads in (1, 2, 7, None):
        train.threads = threads
        samples = train.__getitems__(rows)
        assert isinstance(samples, list)
        for (image, target), row in zip(samples, rows, strict=True):
            expected = train[row]
            np.testing.assert_array_equal(np.asarray(image), np.asarray(expected[0]))
            assert target == expected[1]
    assert train.__getitems__([]) == []


def test_indices_past_the_end_are_refused(train):
    count = len(train)
    assert train[-count][1] == train[0][1]
    for row in (count, -count - 1):
        for call in (train.__getitem__, train.raw, train.boxes, train.location, train.attribution):
            with pytest.raises(IndexError, match=f"no sample {row}.* {count}"):
                call(row)
        with pytest.raises(IndexError):
            train.__getitems__([0, row])
    with pytest.raises(TypeError):
        train["0"]


def test_a_loader_gets_a_file_with_the_name_of_the_member(made):
    names = []

    def load(file):
        names.append(file.name)
        return Image.open(file)

    ds = pt.INaturalist(made.root, loader=load)
    photos = made.of("train")
    grey = next(row for row, p in enumerate(photos) if Image.open(io.BytesIO(p.data)).mode == "L")
    assert ds[grey][0].mode == "L"
    assert [image.size for image, _ in ds.__getitems__([0, 1])] == [
        (photo.width, photo.height) for photo in photos[:2]
    ]
    assert names == [photos[row].file_name for row in (grey, 0, 1)]


def test_a_subclass_with_its_own_item_is_asked_one_by_one(made):
    class Doubled(pt.INaturalist):
        def __getitem__(self, index):
            image, target = super().__getitem__(index)
            return image, target * 2

    class Further(Doubled):
        pass

    for kind in (Doubled, Further):
        ds = kind(made.root)
        assert ds[1][1] == ds.targets[1] * 2
        assert not ds.__getitems__


def test_boxes_are_known_empty_or_not_at_all(made):
    ds = pt.INaturalist(made.root, split="train+val")
    for row, photo in enumerate(made.of("train+val")):
        boxes = ds.boxes(row)
        if photo.image_id % 3 == 0:
            assert boxes is None
            continue
        expected = [[n, 1.5, 10 + n, 20] for n in range(1 + photo.image_id % 3)]
        assert boxes.dtype == np.float64
        np.testing.assert_array_equal(boxes, expected)


def test_locations_have_none_for_null(made):
    ds = pt.INaturalist(made.root, split="val")
    for row, photo in enumerate(made.of("val")):
        location = ds.location(row)
        if photo.image_id % 4 == 0:
            assert location is None
            continue
        known = photo.image_id % 4 == 1
        assert location == {
            "id": photo.image_id,
            "lat": 0.0 if known else None,
            "lon": -120.5 if known else None,
            "loc_uncert": 30.0 if known else None,
            "date": "2016-05-01",
            "date_c": 0.25,
            "user_id": photo.image_id + 1000,
            "valid": None,
        }


def test_every_photo_has_its_credits(made, train):
    names = {3: "Attribution-NonCommercial License", 6: "Attribution License"}
    urls = {3: "https://example.org/by-nc", 6: "https://example.org/by"}
    for row, photo in enumerate(made.of("train")):
        license_id = photo.record["license"]
        assert train.attribution(row) == {
            "rights_holder": photo.record["rights_holder"],
            "license_id": license_id,
            "license_name": names.get(license_id),
            "license_url": urls.get(license_id),
            "file_name": photo.file_name,
        }


def test_a_subset_is_named_by_ids_names_or_stems(made, train):
    photos = made.of("train")[3:9:2]
    expected = [photo.file_name for photo in photos]
    for subset in (
        [photo.image_id for photo in reversed(photos)],
        np.array([photo.image_id for photo in photos]),
        expected,
        [name.rpartition("/")[2] for name in expected],
        {Path(name).stem for name in expected},
    ):
        ds = pt.INaturalist(made.root, subset=subset)
        assert list(ds.file_names) == expected
        assert ds.image_ids.tolist() == [photo.image_id for photo in photos]
        assert ds.raw(1) == photos[1].data
        assert ds.classes == train.classes
    assert len(pt.INaturalist(made.root, subset=[])) == 0
    for subset in ([photos[0].image_id, 999_999], ["nothing"]):
        with pytest.raises(pt.AnnotationError, match=r"1 elements of `subset`.*(999999|nothing)"):
            pt.INaturalist(made.root, subset=subset)
    for subset in ("nothing", [1.5], [1, "a"]):
        with pytest.raises(TypeError, match="`subset` must be"):
            pt.INaturalist(made.root, subset=subset)


def test_a_data_set_survives_pickling(made):
    ds = pt.INaturalist(made.root, split="train+val", target_type=["full", "super"])
    assert ds.boxes(0) is not None or ds.boxes(1) is not None
    assert len(ds.index) == len(ds.samples) == len(ds)
    again = pickle.loads(pickle.dumps(ds))  # noqa: S301
    assert again.samples == ds.samples
    assert repr(again) == repr(ds)
    assert str(made.root) not in repr(ds)
    for row in (0, 7):
        assert again.raw(row) == ds.raw(row)
        assert again[row][1] == ds[row][1]
        assert again.attribution(row) == ds.attribution(row)
        assert again.location(row) == ds.location(row)


def test_any_archive_is_a_data_set_of_its_folders(tmp_path):
    files = {
        "z/cat/2.jpg": make_jpeg(1),
        "a/dog/1.JPEG": make_jpeg(2, mode="L"),
        "top.jpg": make_jpeg(3),
        "a/cat/0.jpg": make_jpeg(4),
        "a/cat/readme.txt": b"no image",
        "a/dog/no-ending": make_jpeg(5),
        "a/dog/._1.JPEG": b"what macOS keeps beside a file",
    }
    path = write_tar(tmp_path / "any.tar.gz", files)
    ds = pt.ImageArchive(path)
    names = sorted(set(files) - {"a/cat/readme.txt", "a/dog/._1.JPEG"})
    assert ds.classes == ["", "cat", "dog"]
    assert ds.class_to_idx == {"": 0, "cat": 1, "dog": 2}
    classes = {name: ["", *name.split("/")][-2] for name in names}
    assert ds.samples == [(name, ds.class_to_idx[classes[name]]) for name in names]
    assert ds.image_ids.tolist() == list(range(len(names)))
    assert ds.targets.dtype == ds.members.dtype == ds.image_ids.dtype == np.int64
    for row, name in enumerate(names):
        image, target = ds[row]
        np.testing.assert_array_equal(np.asarray(image), rgb(files[name]))
        assert target == ds.targets[row]
        assert ds.raw(row) == files[name]
    again = pickle.loads(pickle.dumps(ds))  # noqa: S301
    assert again.samples == ds.samples
    assert again.raw(0) == ds.raw(0)
    assert str(tmp_path) not in repr(ds)


def test_the_last_of_two_members_with_one_name_counts(tmp_path):
    import tarfile

    path = tmp_path / "twice.tar"
    first, last = make_jpeg(1), make_jpeg(2)
    with tarfile.open(path, "w") as archive:
        for data in (first, last):
            info = tarfile.TarInfo("a/0.jpg")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    ds = pt.ImageArchive(path)
    assert len(ds) == 1
    assert ds.raw(0) == last


def test_a_folder_of_photos_is_a_data_set(tmp_path):
    for name in ("b/1.jpg", "a/0.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(make_jpeg(len(name)))
    ds = pt.ImageArchive(tmp_path, index_path=tmp_path.parent / f"{tmp_path.name}.ptidx")
    assert ds.samples == [("a/0.jpg", 0), ("b/1.jpg", 1)]
    assert ds[1][0].mode == "RGB"
