"""The figures of a data set, counted once more in Python."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ptarmigan.cli import main
from ptarmigan.info import census, describe, describe_annotations
from ptarmigan.synth import SyntheticDataset, write_dataset
from synthetic import make_jpeg, write_tar


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    root = tmp_path_factory.mktemp("inat")
    return write_dataset(root, scale=0.005, images=200, max_side=48, grey=4, cmyk=3, test_images=5)


def read_zip(root: Path, archive: str, member: str) -> dict:
    with zipfile.ZipFile(root / archive) as files:
        return json.loads(files.read(member))


@pytest.fixture(scope="module")
def splits(made: SyntheticDataset) -> dict[str, dict]:
    return {
        split: read_zip(made.root, "train_val2017.zip", f"{split}2017.json")
        for split in ("train", "val")
    }


def test_the_first_table_equals_a_count_by_hand(made, splits):
    groups = {c["id"]: c["supercategory"] for c in splits["train"]["categories"]}
    sizes = Counter(groups.values())
    images = {
        name: Counter(groups[a["category_id"]] for a in split["annotations"])
        for name, split in splits.items()
    }
    found = describe_annotations(made.root)
    assert {row["name"]: row["categories"] for row in found["supercategories"]} == sizes
    for split, counts in images.items():
        assert {r["name"]: r[split] for r in found["supercategories"]} == {
            name: counts[name] for name in sizes
        }
    order = [(-row["categories"], row["name"]) for row in found["supercategories"]]
    assert order == sorted(order)
    assert len(order) == 13
    assert found["total"] == {
        "categories": made.categories,
        "train": made.train,
        "val": made.val,
    }


def test_the_second_table_equals_a_count_by_hand(made):
    found = describe_annotations(made.root)
    for split in ("train", "val"):
        boxes = read_zip(made.root, f"{split}_2017_bboxes.zip", f"{split}_2017_bboxes.json")
        groups = {c["id"]: c["supercategory"] for c in boxes["categories"]}
        counts = Counter(groups[a["category_id"]] for a in boxes["annotations"])
        assert {r["name"]: r[split] for r in found["boxes"] if r[split]} == counts
        assert found["boxes_total"][split] == len(boxes["annotations"])
    assert len(found["boxes"]) <= 9


def test_distribution_and_licences_equal_a_count_by_hand(made, splits):
    found = describe_annotations(made.root)
    for split, content in splits.items():
        counts = Counter(a["category_id"] for a in content["annotations"]).values()
        spread = found["distribution"][split]
        assert (spread["min"], spread["max"]) == (min(counts), max(counts))
        assert spread["median"] == np.median(list(counts))
        assert spread["imbalance"] == pytest.approx(max(counts) / min(counts), abs=0.01)
        assert spread["empty"] == 0
    images = [image for split in splits.values() for image in split["images"]]
    licences = Counter(image["license"] for image in images)
    assert {row["id"]: row["images"] for row in found["licenses"]} == licences
    assert all(row["name"] for row in found["licenses"])


def test_the_census_equals_what_pillow_says(made):
    found, _ = describe(made.root)["archives"]
    modes, samplings, pixels, size = Counter(), Counter(), 0, 0
    with tarfile.open(made.root / "train_val_images.tar.gz") as archive:
        for info in archive:
            if not info.isfile():
                continue
            image = Image.open(io.BytesIO(archive.extractfile(info).read()))
            modes[image.mode] += 1
            pixels += image.width * image.height
            size += info.size
            if image.mode == "RGB":
                samplings[image.layer[0][1:3]] += 1
    assert found["modes"] == {"colour": modes["RGB"], "grey": modes["L"], "CMYK": modes["CMYK"]}
    assert found["samplings"] == {"4:4:4": samplings[1, 1], "4:2:0": samplings[2, 2]}
    assert found["formats"] == {"jpeg": 200}
    assert found["members"] == 200
    assert found["bytes"] == size
    assert found["max_side"] == 48
    assert found["bits_per_pixel"] == pytest.approx(size * 8 / pixels, abs=0.001)
    assert (found["progressive"], found["rotated"], found["unreadable"]) == (0, 0, 0)


def test_the_census_finds_what_is_unusual(tmp_path):
    from ptarmigan import Archive

    exif = Image.Exif()
    exif[0x0112] = 6
    png = io.BytesIO()
    Image.new("RGB", (8, 8)).save(png, "PNG")
    path = write_tar(
        tmp_path / "odd.tar.gz",
        {
            "a.jpg": make_jpeg(1, 64, 48, progressive=True),
            "b.jpg": make_jpeg(2, 120, 80, subsampling=1),
            "c.jpg": make_jpeg(3, 32, 32, exif=exif),
            "d.png": png.getvalue(),
            "e.txt": b"not a picture",
            "f.jpg": make_jpeg(4)[:10],
        },
    )
    found = census(Archive(path))
    assert found["members"] == 6
    assert found["formats"] == {"unknown": 1, "jpeg": 4, "png": 1}
    assert found["progressive"] == 1
    assert found["rotated"] == 1
    assert found["unreadable"] == 1
    assert found["max_side"] == 120
    assert found["samplings"] == {"4:4:4": 2, "4:2:2": 1}


def test_an_archive_without_pictures_has_a_census(tmp_path, capsys):
    path = write_tar(tmp_path / "text.tar", {"a.txt": b"text"}, mode="w")
    assert main(["info", str(path)]) == 0
    assert "-" in capsys.readouterr().out
    found = describe(path)
    assert found["version"] is None
    assert found["annotations"] is None
    assert found["files"] == []
    assert found["archives"][0]["max_side"] is None


def test_the_tables_are_printed_with_their_totals(made, capsys):
    assert main(["info", str(made.root)]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    total = [line for line in lines if line[:1] == ["Total"]]
    found = describe_annotations(made.root)
    assert total[0][1:] == [f"{number:,}" for number in found["total"].values()]
    assert total[1][1:] == [f"{number:,}" for number in found["boxes_total"].values()]
    assert "bits per pixel" in printed
    assert main(["info", str(made.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == describe(made.root)


def test_damaged_annotations_exit_with_1(made, tmp_path, capsys):
    data = (made.root / "train_val2017.zip").read_bytes()
    (tmp_path / "train_val2017.zip").write_bytes(data[: len(data) // 2])
    assert main(["info", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "train_val2017.zip" in error
    assert error.count("\n") == 1
