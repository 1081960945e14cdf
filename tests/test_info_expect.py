"""`info --expect 2017`: both tables of the page, and each of their figures when it is wrong."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import page_2017
from ptarmigan.cli import main
from ptarmigan.info import describe, verdict
from ptarmigan.published import PUBLISHED
from ptarmigan.synth import write_dataset

PAGE = PUBLISHED["2017"]


@pytest.fixture(scope="module")
def figures(exact_2017) -> dict[str, Any]:
    return describe(exact_2017.root)


def wrong_ones(found: dict[str, Any]) -> set[str]:
    return {row["figure"] for row in found["figures"] if row["state"] == "not met"}


def test_both_tables_are_reproduced_figure_for_figure(figures):
    found = figures["annotations"]
    rows = [tuple(row.values()) for row in found["supercategories"]]
    assert rows == [(name, *numbers) for name, numbers in page_2017.IMAGES.items()]
    assert tuple(found["total"].values()) == page_2017.IMAGES_TOTAL
    boxes = {row["name"]: (row["train"], row["val"]) for row in found["boxes"]}
    assert list(boxes.items()) == list(page_2017.BOXES.items())
    assert tuple(found["boxes_total"].values()) == page_2017.BOXES_TOTAL
    assert found["test"] == page_2017.TEST_IMAGES
    assert found["boxed_categories"] == 2_854
    assert found["box_checks"]["val"]["images"] == 48_736
    assert found["distribution"]["train"]["imbalance"] == 435.44
    assert len(found["distribution"]["train"]["curve"]) == 60


def test_the_command_prints_the_page_and_exits_with_0(exact_2017, capsys):
    assert main(["info", str(exact_2017.root), "--expect", "2017"]) == 0
    printed = capsys.readouterr()
    lines = [line.split() for line in printed.out.splitlines()]
    for name, numbers in page_2017.IMAGES.items():
        assert [name, *(f"{number:,}" for number in numbers)] in lines
    for name, numbers in page_2017.BOXES.items():
        assert [name, *(f"{number:,}" for number in numbers)] in lines
    assert ["Total", "5,089", "579,184", "95,986"] in lines
    assert ["Total", "496,164", "48,736"] in lines
    assert "█" in printed.out
    assert "73 published figures of 2017 are met, 0 are not, 8 could not be checked" in printed.err


def test_what_could_not_be_checked_is_no_failure(figures):
    found = verdict(figures, PAGE)
    assert found["met"] is True
    unknown = [row["figure"] for row in found["figures"] if row["state"] == "not checked"]
    assert len(unknown) == 8
    assert all(figure.startswith(("train+val ", "test ")) for figure in unknown)
    assert found["figures"][0] == {
        "figure": "categories", "expected": 5_089, "found": 5_089, "relation": "=",
        "source": "page", "decides": True, "state": "met",
    }  # fmt: skip


def other_pages() -> list[tuple[Any, set[str]]]:
    """The page with one figure changed, and what then differs."""
    pages = []
    for place, row in enumerate(PAGE.images):

        def with_row(new: Any, place: int = place) -> Any:
            rows = (*PAGE.images[:place], new, *PAGE.images[place + 1 :])
            return PAGE._replace(images=rows)

        more = row._replace(categories=row.categories + 1)
        pages.append((with_row(more), {f"{row.name}: categories"}))
        for split, number in row.images.items():
            more = row._replace(images=row.images | {split: number - 1})
            pages.append((with_row(more), {f"{row.name}: {split} images"}))
    for place, box in enumerate(PAGE.boxes):
        for split in ("train", "val"):
            more = box._replace(**{split: getattr(box, split) + 1})
            boxes = (*PAGE.boxes[:place], more, *PAGE.boxes[place + 1 :])
            wrong = {f"{box.name}: {split} boxes", f"{split} boxes"}
            pages.append((PAGE._replace(boxes=boxes), wrong))
    for name, number in PAGE.totals.items():
        wrong = name if name == "categories" else f"{name} images"
        pages.append((PAGE._replace(totals=PAGE.totals | {name: number + 1}), {wrong}))
    pages.append((PAGE._replace(boxed_categories=2_853), {"categories with boxes"}))
    pages.append((PAGE._replace(boxed_val_images=48_735), {"val images with a box"}))
    return pages


def test_each_wrong_figure_is_found_and_no_other(figures):
    pages = other_pages()
    assert len(pages) == 13 * 3 + 9 * 2 + 4 + 2
    for page, wrong in pages:
        found = verdict(figures, page)
        assert wrong_ones(found) == wrong
        assert not found["met"]


def test_super_categories_that_only_one_side_has_are_found(figures):
    fewer = verdict(figures, PAGE._replace(images=PAGE.images[1:], boxes=PAGE.boxes[1:]))
    assert {
        "Plantae: categories, not on the page",
        "Insecta: boxes, not on the page",
    } <= wrong_ones(fewer)
    stranger = PAGE.images[0]._replace(name="Bacteria")
    more = verdict(figures, PAGE._replace(images=(*PAGE.images, stranger)))
    assert wrong_ones(more) == {
        "Bacteria: categories", "Bacteria: train images", "Bacteria: val images",
    }  # fmt: skip


def test_the_paper_s_statistics_decide_nothing(figures):
    found = verdict(figures, PAGE._replace(paper=PAGE.paper._replace(median=40, top_share=0.5)))
    assert len(wrong_ones(found)) == 2
    assert found["met"]


@dataclass
class Validation:
    """The validation files, to be made wrong."""

    images: dict[str, Any]
    boxes: dict[str, Any]

    def write(self, root: Path) -> None:
        for name, member, content in (
            ("train_val2017.zip", "val2017.json", self.images),
            ("val_2017_bboxes.zip", "val_2017_bboxes.json", self.boxes),
        ):
            with zipfile.ZipFile(root / name, "w") as files:
                files.writestr(member, json.dumps(content))


@pytest.fixture
def validation(exact_2017) -> Validation:
    def read(name: str, member: str) -> dict[str, Any]:
        with zipfile.ZipFile(exact_2017.root / name) as files:
            return json.loads(files.read(member))

    return Validation(
        read("train_val2017.zip", "val2017.json"),
        read("val_2017_bboxes.zip", "val_2017_bboxes.json"),
    )


def test_files_with_wrong_figures_exit_with_1_and_list_them(validation, tmp_path, capsys):
    groups = {c["id"]: c["supercategory"] for c in validation.images["categories"]}
    lost = validation.images["images"].pop()
    label = validation.images["annotations"].pop()
    assert lost["id"] == label["image_id"]
    group = groups[label["category_id"]]
    boxes = validation.boxes["annotations"]
    boxes[:] = [box for box in boxes if box["image_id"] != lost["id"]]
    boxed = len(boxes) < 48_736
    first, second, third = boxes[:3]
    first["area"] *= 2
    second["iscrowd"] = 1
    boxes.append({**third, "id": 99_999})
    validation.write(tmp_path)
    assert main(["info", str(tmp_path), "--expect", "2017", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["expectations"]
    twice = groups[third["category_id"]]
    wrong = {
        "val images", f"{group}: val images", "val images with several boxes",
        "val boxes whose area is not half of them", "val boxes marked as crowds",
    }  # fmt: skip
    if boxed:
        # One box is lost with its image, and another one came twice.
        wrong |= {"val images with a box"}
        wrong |= {f"{group}: val boxes", f"{twice}: val boxes"} if group != twice else set()
    else:
        wrong |= {f"{twice}: val boxes", "val boxes"}
    assert wrong_ones(found) == wrong
    (row,) = (row for row in found["figures"] if row["figure"] == "val images")
    assert (row["expected"], row["found"]) == (95_986, 95_985)
    # The training split is not there, which is no error.
    states = {row["figure"]: row["state"] for row in found["figures"]}
    assert states["train images"] == states["train boxes"] == "not checked"
    assert states["categories with boxes"] == "not checked"
    assert main(["info", str(tmp_path), "--expect", "2017"]) == 1
    printed = capsys.readouterr().out
    (line,) = (line for line in printed.splitlines() if line.startswith("val images  "))
    assert line.split() == ["val", "images", "95,986", "95,985", "not", "met", "page"]


def test_a_category_of_another_name_is_found(validation, tmp_path, capsys):
    for content in (validation.images, validation.boxes):
        for category in content["categories"]:
            if category["supercategory"] == "Protozoa":
                category["supercategory"] = "Protista"
    validation.write(tmp_path)
    assert main(["info", str(tmp_path), "--expect", "2017", "--json"]) == 1
    assert wrong_ones(json.loads(capsys.readouterr().out)["expectations"]) == {
        "Protozoa: categories", "Protozoa: val images", "Protista: categories, not on the page",
    }  # fmt: skip


def test_strict_wants_the_real_files(figures):
    found = verdict(figures, PAGE, strict=True)
    assert wrong_ones(found) == {
        "train_val_images.tar.gz", "test2017.tar.gz", "train_val2017.zip: size",
        "inat2017_locations.zip: md5",
    }  # fmt: skip
    assert found["met"] is False
    # What cannot be checked, here the archives, is no success either.
    without = verdict(figures | {"files": []}, PAGE, strict=True)
    assert not wrong_ones(without)
    assert without["met"] is False


def test_nothing_to_check_is_not_a_success(tmp_path, capsys):
    assert main(["info", str(tmp_path), "--expect", "2017", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["expectations"]
    assert {row["state"] for row in found["figures"]} == {"not checked"}


def test_archives_are_compared_too(tmp_path, capsys):
    write_dataset(tmp_path, scale=0.002, images=60, max_side=900, bits_per_pixel=0.5, test_images=4)
    assert main(["info", str(tmp_path), "--expect", "2017", "--json"]) == 1
    found = {r["figure"]: r for r in json.loads(capsys.readouterr().out)["expectations"]["figures"]}
    for splits, members in (("train+val", 60), ("test", 4)):
        assert found[f"{splits} archive: JPEG members"]["found"] == members
        assert found[f"{splits} archive: JPEG members"]["state"] == "not met"
        assert found[f"{splits} images not in the archive"]["state"] == "met"
        assert found[f"{splits} images not in the annotations"]["state"] == "met"
        assert found[f"{splits} archive: longest side in pixels"]["state"] == "not met"
    assert main(["info", str(tmp_path), "--expect", "2017", "--strict", "--json"]) == 1
    strict = json.loads(capsys.readouterr().out)["expectations"]
    assert "inat2017_locations.zip: md5" in wrong_ones(strict) - set(found)
