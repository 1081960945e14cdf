"""Exports of the releases of 2018, 2019 and 2021, and of boxes."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

import ptarmigan as pt
from exports_made import credits_in, expected_credits, export, photos_in, read_parquet
from ptarmigan.cli import main
from ptarmigan.exporting.sources import is_official
from releases_made import RANKS, SPECIES, SPECIES_OF_ID, WRITERS, Made, name_of

pytestmark = pytest.mark.usefixtures("own_configuration")

SPLITS = [
    *((version, split) for version in ("2018", "2019") for split in ("train", "train+val", "test")),
    *(("2021", split) for split in ("train", "mini", "val", "test")),
]


def species_of(made: Made, category_id: int) -> int:
    names = [name_of(species) for species in range(len(SPECIES))]
    return names.index(made.category(category_id)["name"])


def supercategory(made: Made, category_id: int) -> str:
    """As the folders say it, but for 2021, where only the categories do."""
    record = made.category(category_id)
    if made.version == "2021":
        return record["supercategory"]
    return SPECIES[SPECIES_OF_ID[category_id]][0]


def place_of(made: Made, split: str, record: dict, location: dict | None) -> dict:
    """The release's fields, by the names of the table."""
    if made.version == "2021":
        names = ("latitude", "longitude", "date", "location_uncertainty")
        return {name: record[name] for name in names}
    if made.version == "2019":
        return {}
    short = {"latitude": "lat", "longitude": "lon", "date": "date", "user_id": "user_id",
             "location_uncertainty": "loc_uncert"}  # fmt: skip
    return {name: (location or {}).get(key) for name, key in short.items()}


@pytest.mark.parametrize(("version", "split"), SPLITS)
def test_a_table_has_names_ranks_and_places_of_every_release(releases, tmp_path, version, split):
    pytest.importorskip("pyarrow.parquet")
    made = releases[version]
    options = ["--release", version, "--split", split]
    path = tmp_path / "t.parquet"
    assert export("parquet", made.root, "-o", path, *options) == 0
    rows = read_parquet(path).to_pylist()
    photos = made.of(split)
    assert len(rows) == len(photos)
    for row, photo in zip(rows, photos, strict=True):
        record = photo.record
        assert row["image_id"] == record["id"]
        assert row["file_name"] == record["file_name"]
        assert row["split"] == photo.split
        known = split != "test"
        id_ = photo.category_id
        assert row["category_id"] == (id_ if known else None)
        assert row["category"] == (made.category(id_)["name"] if known else None)
        if known:
            assert row["supercategory"] == supercategory(made, id_)
        for rank in RANKS:
            assert row[rank] == (made.category(id_)[rank] if known else None)
        place = place_of(made, split, record, photo.location)
        assert {name: row[name] for name in place} == place
        assert "boxes" not in row


@pytest.mark.parametrize(("version", "split"), SPLITS)
def test_shards_have_names_and_ranks_of_every_release(releases, tmp_path, version, split):
    made = releases[version]
    options = ["--release", version, "--split", split, "--shuffle"]
    assert export("wds", made.root, "-o", tmp_path / "out", *options) == 0
    photos = {photo.record["id"]: photo for photo in made.of(split)}
    dataset = pt.INaturalist(made.root, version, split)
    rows = {int(image_id): row for row, image_id in enumerate(dataset.image_ids)}
    name = f"{split.replace('+', '-')}-000000.tar"
    with tarfile.open(tmp_path / "out" / name) as shard:
        files = {info.name: shard.extractfile(info).read() for info in shard}
    for name, content in files.items():
        if not name.endswith(".json"):
            continue
        record = json.loads(content)
        photo = photos.pop(record["id"])
        assert files[name.replace(".json", ".jpg")] == photo.data
        assert record["location"] == dataset.location(rows[record["id"]])
        if split == "test":
            assert (record["label"], record["category"], "taxonomy" in record) == (
                None,
                None,
                False,
            )
            continue
        assert record["label"] == photo.category_id
        assert files[name.replace(".json", ".cls")] == str(photo.category_id).encode()
        category = made.category(photo.category_id)
        assert record["category"] == category["name"]
        assert record["supercategory"] == supercategory(made, photo.category_id)
        assert record["taxonomy"] == {rank: category[rank] for rank in RANKS}
    assert not photos
    assert credits_in(tmp_path / "out") == expected_credits(dataset)


@pytest.mark.parametrize(("version", "split"), SPLITS)
def test_an_archive_knows_its_annotations_in_every_release(releases, tmp_path, version, split):
    made = releases[version]
    archive = made.root / made.archives[split.partition("+")[0]]
    assert main(["extract", str(archive), "-C", str(tmp_path / "out")]) == 0
    files = photos_in(tmp_path / "out")
    # Nothing was said of the split, so it is all that is in the archive.
    whole = "train+val" if split == "train" and version != "2021" else split
    assert files == {p.record["file_name"]: p.data for p in made.of(whole)}
    assert credits_in(tmp_path / "out") == expected_credits(
        pt.INaturalist(made.root, version, whole)
    )


@pytest.mark.parametrize("version", WRITERS)
def test_a_rank_selects_in_every_release(releases, tmp_path, capsys, version):
    made = releases[version]
    options = ["--release", version, "--split", "train"]
    free = next(photo for photo in made.of("train") if photo.record["license"] == 0)
    genus = made.category(free.category_id)["genus"]
    where = ["--where", f"genus={genus}", "--license", "CC0"]
    out = tmp_path / "out"
    assert main(["extract", str(made.root), "-C", str(out), *options, *where]) == 0
    chosen = [photo for photo in made.of("train")
              if made.category(photo.category_id)["genus"] == genus
              and photo.record["license"] == 0]  # fmt: skip
    assert free in chosen
    assert len(chosen) < len(made.of("train"))
    files = photos_in(out)
    assert files == {photo.record["file_name"]: photo.data for photo in chosen}
    capsys.readouterr()
    assert main(["attribution", str(made.root), *options, *where, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["image_id"] for row in printed] == [photo.record["id"] for photo in chosen]


@pytest.mark.parametrize("version", WRITERS)
def test_folders_are_those_of_the_release(releases, tmp_path, version):
    made = releases[version]
    for layout, parts in (("super/category", slice(1, None)), ("category", slice(-2, None))):
        out = tmp_path / layout.replace("/", "-")
        options = ["--release", version, "--layout", layout]
        assert export("folder", made.root, "-o", out, *options) == 0
        files = photos_in(out)
        expected = {}
        for photo in made.of("train"):
            expected["/".join(photo.record["file_name"].split("/")[parts])] = photo.data
        assert files == expected


def test_a_split_or_version_that_is_not_there_is_named(releases, tmp_path, capsys):
    root = releases["2021"].root
    for options in (["--release", "2021", "--split", "train+val"], ["--release", "1999"]):
        assert export("wds", root, "-o", tmp_path / "out", *options) == 2
        assert options[-1] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "official"),
    [
        ("train_val_images.tar.gz", True),
        ("test2017.tar.gz", True),
        ("train_val2018.tar.gz", True),
        ("train_mini.tar.gz", True),
        ("2021_valid.tgz", True),
        ("train.tar.gz", False),
        ("val.tar", False),
        ("photos.tar.gz", False),
    ],
)
def test_names_that_only_inaturalist_has(name, official):
    assert is_official(Path("folder") / name) == official


def test_the_command_writes_coco(made, tmp_path, capsys):
    path = tmp_path / "boxes.json"
    call = ("coco", made.root, "-o", path, "--split", "val")
    assert export(*call, "--json") == 0
    counts = json.loads(capsys.readouterr().out)
    plain = json.loads(path.read_text())
    assert counts["annotations"] == len(plain["annotations"]) > 0
    assert export(*call, "--one-based") == 0
    shifted = json.loads(path.read_text())
    assert [row["category_id"] for row in shifted["annotations"]] == [
        row["category_id"] + 1 for row in plain["annotations"]
    ]
