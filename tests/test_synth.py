"""The made-up data set: the formats of the competition page, readable by everything else."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ptarmigan import _core
from ptarmigan.synth import SyntheticDataset, write_dataset
from ptarmigan.synth.taxa import SUPERCATEGORIES, make_categories

BOXED = {group.name for group in SUPERCATEGORIES if group.boxed}


def read_zip(root: Path, archive: str, member: str) -> object:
    with zipfile.ZipFile(root / archive) as files:
        return json.loads(files.read(member))


def read_members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    root = tmp_path_factory.mktemp("inat")
    return write_dataset(root, scale=0.004, images=150, max_side=64, grey=3, cmyk=2, truncated=2)


@pytest.fixture(scope="module")
def splits(made: SyntheticDataset) -> dict[str, dict]:
    return {
        split: read_zip(made.root, "train_val2017.zip", f"{split}2017.json")
        for split in ("train", "val")
    }


@pytest.fixture(scope="module")
def members(made: SyntheticDataset) -> dict[str, bytes]:
    return read_members(made.root / "train_val_images.tar.gz")


def test_every_file_of_the_competition_page_is_written(made):
    assert {path.name for path in made.root.iterdir()} == {
        "train_val_images.tar.gz",
        "train_val2017.zip",
        "train_2017_bboxes.zip",
        "val_2017_bboxes.zip",
        "inat2017_locations.zip",
        "test2017.tar.gz",
        "test2017.zip",
        "test2017_solution.csv",
    }


def test_annotations_have_the_fields_of_the_page(splits):
    for split in splits.values():
        assert set(split) == {"info", "images", "categories", "annotations", "licenses"}
        assert set(split["info"]) == {
            "year", "version", "description", "contributor", "url", "date_created",
        }  # fmt: skip
        assert set(split["images"][0]) == {
            "id", "width", "height", "file_name", "license", "rights_holder",
        }  # fmt: skip
        assert set(split["categories"][0]) == {"id", "name", "supercategory"}
        assert set(split["annotations"][0]) == {"id", "image_id", "category_id"}
        assert set(split["licenses"][0]) == {"id", "name", "url"}
        assert {image["license"] for image in split["images"]} <= {
            licence["id"] for licence in split["licenses"]
        }


def test_images_are_those_of_the_archive_and_ids_are_dense(made, splits, members):
    images = splits["train"]["images"] + splits["val"]["images"]
    assert len(splits["train"]["images"]) == made.train
    assert len(splits["val"]["images"]) == made.val
    assert made.train + made.val == 150
    assert sorted(image["id"] for image in images) == list(range(150))
    assert {image["file_name"] for image in images} == set(members)
    assert [image["id"] for image in splits["train"]["images"]] != sorted(
        image["id"] for image in splits["train"]["images"]
    )


def test_each_category_has_an_image_in_each_split(made, splits):
    for split in splits.values():
        assert [category["id"] for category in split["categories"]] == list(range(made.categories))
        found = {annotation["category_id"] for annotation in split["annotations"]}
        assert found == set(range(made.categories))


def test_folders_are_the_names_without_the_multiplication_sign(splits):
    names = {category["id"]: category for category in splits["train"]["categories"]}
    images = {image["id"]: image["file_name"] for image in splits["train"]["images"]}
    hybrids = 0
    for annotation in splits["train"]["annotations"]:
        category = names[annotation["category_id"]]
        root, group, folder, stem = images[annotation["image_id"]].split("/")
        assert (root, group) == ("train_val_images", category["supercategory"])
        assert folder == category["name"].replace("\N{MULTIPLICATION SIGN}", "")
        assert len(stem) == 36
        assert set(stem[:32]) <= set("0123456789abcdef")
        hybrids += folder != category["name"]
    assert hybrids > 0


def test_paths_of_100_to_105_bytes_are_there_on_request(members, tmp_path):
    lengths = Counter(len(name.encode()) for name in members)
    assert {100, 101, 102, 103, 104, 105} <= set(lengths)
    write_dataset(tmp_path, scale=0.004, images=60, max_side=16, long_names=False)
    short = read_members(tmp_path / "train_val_images.tar.gz")
    assert max(len(name) for name in short) < 100


def test_pictures_have_the_size_that_the_annotations_say(made, splits, members):
    modes = Counter()
    for split in splits.values():
        for record in split["images"]:
            with Image.open(io.BytesIO(members[record["file_name"]])) as image:
                assert image.size == (record["width"], record["height"])
                assert max(image.size) == 64
                modes[image.mode] += 1
                if record["file_name"] not in made.truncated:
                    image.load()
    assert modes == {"RGB": 145, "L": 3, "CMYK": 2}


def test_odd_members_are_those_that_the_result_names(made, members):
    for name in made.grey:
        assert Image.open(io.BytesIO(members[name])).mode == "L"
    for name in made.cmyk:
        assert Image.open(io.BytesIO(members[name])).mode == "CMYK"
    for name in made.truncated:
        with pytest.raises(OSError, match="truncated"):
            Image.open(io.BytesIO(members[name])).load()
    assert (len(made.grey), len(made.cmyk), len(made.truncated)) == (3, 2, 2)


def test_boxes_are_in_the_image_and_their_area_is_half(made, splits):
    sizes = {i["id"]: (i["width"], i["height"]) for s in splits.values() for i in s["images"]}
    groups = [category["supercategory"] for category in splits["train"]["categories"]]
    for split in ("train", "val"):
        boxes = read_zip(made.root, f"{split}_2017_bboxes.zip", f"{split}_2017_bboxes.json")
        assert set(boxes) == {"info", "images", "categories", "annotations", "licenses"}
        split_ids = {image["id"] for image in splits[split]["images"]}
        boxed = [annotation["image_id"] for annotation in boxes["annotations"]]
        assert {image["id"] for image in boxes["images"]} == set(boxed) <= split_ids
        assert len(boxed) > 0
        if split == "val":
            assert len(boxed) == len(set(boxed))
        for annotation in boxes["annotations"]:
            x, y, width, height = annotation["bbox"]
            assert annotation["area"] == width * height / 2
            assert annotation["iscrowd"] == 0
            assert groups[annotation["category_id"]] in BOXED
            across, down = sizes[annotation["image_id"]]
            assert 0 <= x < x + width <= across
            assert 0 <= y < y + height <= down


def test_locations_have_gaps(made, splits):
    for split in ("train", "val"):
        places = read_zip(made.root, "inat2017_locations.zip", f"{split}2017_locations.json")
        assert {place["id"] for place in places} == {i["id"] for i in splits[split]["images"]}
        for place in places:
            assert set(place) == {"id", "lat", "lon", "loc_uncert", "date", "date_c", "user_id"}
            assert (place["lat"] is None) == (place["lon"] is None)
    assert any(place["loc_uncert"] is None for place in places)


def test_the_test_split_has_bare_names_and_no_annotations(made):
    test = read_zip(made.root, "test2017.zip", "test2017.json")
    assert "annotations" not in test
    members = read_members(made.root / "test2017.tar.gz")
    assert {f"test2017/{image['file_name']}" for image in test["images"]} == set(members)
    with (made.root / "test2017_solution.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == [image["id"] for image in test["images"]]
    assert {row["usage"] for row in rows} == {"Public", "Private"}
    assert all(0 <= int(row["expected"]) < made.categories for row in rows)
    assert len(rows) == made.test


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    options = {"scale": 0.002, "images": 40, "max_side": 32, "grey": 1, "seed": 5}
    first = write_dataset(tmp_path / "first", **options, threads=1)
    second = write_dataset(tmp_path / "second", **options, threads=3)
    for path in first.root.iterdir():
        assert path.read_bytes() == (second.root / path.name).read_bytes(), path.name
    other = write_dataset(tmp_path / "other", **(options | {"seed": 6}))
    name = "train_val_images.tar.gz"
    assert (first.root / name).read_bytes() != (other.root / name).read_bytes()


def test_full_scale_has_the_category_counts_of_the_page():
    categories = make_categories(1, seed=0)
    counts = Counter(SUPERCATEGORIES[category.supercategory].name for category in categories)
    assert counts == {
        "Plantae": 2101, "Insecta": 1021, "Aves": 964, "Reptilia": 289, "Mammalia": 186,
        "Fungi": 121, "Amphibia": 115, "Mollusca": 93, "Animalia": 77, "Arachnida": 56,
        "Actinopterygii": 53, "Chromista": 9, "Protozoa": 4,
    }  # fmt: skip
    assert len(categories) == 5089
    assert len({category.directory.casefold() for category in categories}) == 5089
    names = [category.name for category in categories]
    assert sum("-" in name for name in names) > 10
    assert sum("\N{MULTIPLICATION SIGN}" in name for name in names) == 3
    assert sum(len(name.split()) == 3 for name in names) > 100
    # Neighbours in the list are no kin: nothing may rely on an order.
    kin = [a.supercategory == b.supercategory for a, b in itertools.pairwise(categories)]
    assert sum(kin) < 0.35 * 5089


def test_the_page_s_tables_add_up():
    assert sum(group.categories for group in SUPERCATEGORIES) == 5089
    assert sum(group.train for group in SUPERCATEGORIES) == 579_184
    assert sum(group.val for group in SUPERCATEGORIES) == 95_986


def test_images_are_as_dense_as_asked_and_as_real_ones_by_default(tmp_path):
    made = write_dataset(tmp_path, scale=0.001, images=20, test_images=4)
    pixels = 0
    for archive in ("train_val_images.tar.gz", "test2017.tar.gz"):
        for data in read_members(tmp_path / archive).values():
            width, height = Image.open(io.BytesIO(data)).size
            assert max(width, height) == 800
            pixels += width * height
    assert made.image_bytes * 8 / pixels == pytest.approx(4.9, rel=0.15)


def test_a_class_can_be_told_by_its_colours(made, splits, members):
    """Centroids of mean colours, nothing cleverer, must beat guessing by far."""
    odd = {*made.truncated, *made.grey, *made.cmyk}

    def colours(split: dict) -> tuple[np.ndarray, np.ndarray]:
        names = {image["id"]: image["file_name"] for image in split["images"]}
        found = [
            (np.asarray(Image.open(io.BytesIO(members[names[a["image_id"]]]))), a["category_id"])
            for a in split["annotations"]
            if names[a["image_id"]] not in odd
        ]
        means = [pixels[10:-10, 10:-10].mean((0, 1)) for pixels, _ in found]
        return np.array(means), np.array([label for _, label in found])

    train, labels = colours(splits["train"])
    classes = np.unique(labels)
    centroids = np.array([train[labels == label].mean(0) for label in classes])
    val, expected = colours(splits["val"])
    distances = np.linalg.norm(val[:, None] - centroids, axis=2)
    accuracy = (classes[distances.argmin(1)] == expected).mean()
    assert accuracy > 4 / made.categories


def test_folders_are_members_and_headers_are_gnu(made):
    raw = gzip.decompress((made.root / "train_val_images.tar.gz").read_bytes())
    assert raw[257:265] == b"ustar  \0"
    assert raw[156:157] == tarfile.DIRTYPE
    assert b"././@LongLink" in raw


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 0},
        {"scale": 1.5},
        {"images": 0},
        {"images": 3, "grey": 2, "cmyk": 2},
        {"grey": -1},
        {"max_side": 4},
        {"bits_per_pixel": 50},
        {"threads": 0},
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(options, tmp_path):
    with pytest.raises(ValueError, match=r"must be|cannot"):
        write_dataset(tmp_path / "new", **({"scale": 0.001, "images": 30} | options))
    assert not (tmp_path / "new").exists()


def test_a_stopped_run_leaves_no_half_written_archive(tmp_path):
    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 50
        if done == 10:
            raise StopError

    options = {"scale": 0.001, "images": 40, "test_images": 10, "max_side": 32}
    with pytest.raises(StopError):
        write_dataset(tmp_path, **options, progress=stop)
    assert not list(tmp_path.glob("*.part"))
    assert not (tmp_path / "train_val_images.tar.gz").exists()
    write_dataset(tmp_path, **options)
    before = (tmp_path / "train_val_images.tar.gz").read_bytes()
    with pytest.raises(StopError):
        write_dataset(tmp_path, **options, seed=1, progress=stop)
    assert (tmp_path / "train_val_images.tar.gz").read_bytes() == before


def test_the_index_of_a_replaced_archive_goes_with_it(tmp_path):
    options = {"scale": 0.001, "images": 30, "test_images": 4, "max_side": 16}
    write_dataset(tmp_path, **options)
    (tmp_path / "train_val_images.tar.gz.ptidx").write_bytes(b"old")
    write_dataset(tmp_path, **options, seed=1)
    assert not (tmp_path / "train_val_images.tar.gz.ptidx").exists()


def test_the_camera_refuses_columns_of_different_lengths():
    camera = _core.Camera(0, 4.9)
    one, two = np.ones(1, np.int64), np.full(2, 16, np.int64)
    with pytest.raises(ValueError, match="differ in length"):
        camera.photograph(one, one, one, two, two, np.full(2, 3, np.uint8), 1)
