"""What is published of each release, as data."""

from __future__ import annotations

import re

import pytest

import page_2017
from ptarmigan.published import PUBLISHED


def test_the_tables_of_2017_are_those_of_the_page():
    release = PUBLISHED["2017"]
    rows = {r.name: (r.categories, r.images["train"], r.images["val"]) for r in release.images}
    assert list(rows.items()) == list(page_2017.IMAGES.items())
    boxes = {row.name: (row.train, row.val) for row in release.boxes}
    assert list(boxes.items()) == list(page_2017.BOXES.items())
    totals = tuple(release.totals[key] for key in ("categories", "train", "val"))
    assert totals == page_2017.IMAGES_TOTAL
    assert release.totals["test"] == page_2017.TEST_IMAGES == 90_427 + 92_280


@pytest.mark.parametrize("version", PUBLISHED)
def test_tables_add_up_to_the_totals(version):
    release = PUBLISHED[version]
    assert release.version == version
    if not release.images:
        assert version == "2019"
        return
    assert sum(row.categories for row in release.images) == release.totals["categories"]
    for split in release.images[0].images:
        assert sum(row.images[split] for row in release.images) == release.totals[split]
    sizes = [row.categories for row in release.images]
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_derived_follows_from_the_tables():
    release = PUBLISHED["2017"]
    boxed = {row.name for row in release.boxes}
    assert sum(r.categories for r in release.images if r.name in boxed) == release.boxed_categories
    assert sum(row.val for row in release.boxes) == release.boxed_val_images
    assert tuple(
        sum(getattr(row, split) for row in release.boxes) for split in ("train", "val")
    ) == (page_2017.BOXES_TOTAL)


def test_files_have_names_and_md5s():
    seen = set()
    for release in PUBLISHED.values():
        names = [file.name for file in release.files]
        assert len(names) == len(set(names))
        for file in release.files:
            if file.md5 is not None:
                assert re.fullmatch("[0-9a-f]{32}", file.md5)
                assert file.md5 not in seen
                seen.add(file.md5)
    assert len(seen) == 3 + 6 + 5 + 8
