"""Conditions that choose images, beside the records they are about."""

from __future__ import annotations

import pytest

import ptarmigan as pt
from releases_made import SPECIES, SPECIES_OF_ID


def above(photo) -> str:
    return SPECIES[SPECIES_OF_ID[photo.category_id]][0]


def location(photo) -> dict:
    return photo.location or {}


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({"supercategory": "Aves"}, lambda p: above(p) == "Aves"),
        (
            {"supercategory": ["Aves", "Insecta"], "license": "CC0"},
            lambda p: above(p) in ("Aves", "Insecta") and p.record["license"] == 0,
        ),
        ({"license": 3}, lambda p: p.record["license"] == 3),
        ({"license": ["CC0", 3]}, lambda p: p.record["license"] is not None),
        ({"license": {"CC BY-NC"}}, lambda p: p.record["license"] == 3),
        ({"category": 4}, lambda p: p.category_id == 4),
        ({"category": [4, "Ardea alba"]}, lambda p: p.category_id in (4, SPECIES_OF_ID.index(3))),
        ({"genus": "Ardea"}, lambda p: SPECIES_OF_ID[p.category_id] in (3, 4)),
        ({"order": "Araneae"}, lambda p: SPECIES_OF_ID[p.category_id] in (0, 6)),
        ({"user_id": [1, 3]}, lambda p: location(p).get("user_id") in (1, 3)),
        ({"user_id": range(4)}, lambda p: location(p).get("user_id") in range(4)),
        ({"lon": 0.0}, lambda p: location(p).get("lon") == 0.0),
        (
            {"date": "2017-03-02 03:04:05+00:00"},
            lambda p: (location(p).get("date") or "")[6] == "3",
        ),
        ({"rights_holder": "Zoë 2"}, lambda p: p.record["rights_holder"] == "Zoë 2"),
        ({"rights_holder": "nobody"}, lambda _: False),
        ({}, lambda _: True),
    ],
)
def test_the_images_are_those_that_fulfil_every_condition(releases, where, holds):
    made = releases["2018"]
    ds = pt.INaturalist(made.root, "2018", where=where)
    photos = made.of("train")

    def kept(photo) -> bool:
        try:
            return holds(photo)
        except IndexError:  # No date.
            return False

    expected = [photo for photo in photos if kept(photo)]
    assert ds.image_ids.tolist() == [photo.record["id"] for photo in expected]
    assert [ds.raw(row) for row in range(len(ds))] == [photo.data for photo in expected]
    # Further columns are those of the rows that are left.
    assert len(ds.meta["lat"]) == len(ds)
    assert [ds.meta["user_id"][row] for row in range(len(ds))] == [
        -1 if location(p).get("user_id") is None else p.location["user_id"] for p in expected
    ]
    # Classes stay those of the whole.
    assert len(ds.classes) == len(SPECIES)


def test_super_categories_of_2019_are_those_of_its_folders(releases):
    made = releases["2019"]
    ds = pt.INaturalist(made.root, "2019", where={"supercategory": ["Plantae"]})
    expected = [photo.record["id"] for photo in made.of("train") if above(photo) == "Plantae"]
    assert ds.image_ids.tolist() == expected
    assert expected


def test_columns_of_the_image_records_choose_too(releases):
    made = releases["2021"]
    ds = pt.INaturalist(
        made.root, "2021", where={"latitude": 0.0, "common_name": "Common 4", "category": range(8)}
    )
    expected = [
        photo.record["id"]
        for photo in made.of("train")
        if photo.record["latitude"] == 0.0
        and made.category(photo.category_id)["common_name"] == "Common 4"
    ]
    assert ds.image_ids.tolist() == expected
    assert expected


def test_a_subset_and_conditions_both_count(releases):
    made = releases["2018"]
    some = [photo.record["id"] for photo in made.of("train")][::2]
    ds = pt.INaturalist(made.root, "2018", subset=some, where={"license": 3})
    expected = [
        photo.record["id"]
        for photo in made.of("train")
        if photo.record["id"] in some and photo.record["license"] == 3
    ]
    assert ds.image_ids.tolist() == expected


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ({"colour": "red"}, ValueError, "has the key 'colour'; there are 'category', 'supercat"),
        ({"supercategory": ["Aves", "Avse"]}, ValueError, "'Avse'; there are Arachnida, Aves"),
        ({"license": "CC"}, ValueError, "'CC'; there are CC BY-NC, CC0"),
        ({"license": 9}, ValueError, "license 9"),
        ({"category": 99}, ValueError, "category 99"),
        (["Aves"], TypeError, "must be a dict"),
    ],
)
def test_conditions_that_cannot_hold_are_refused(releases, where, error, message):
    with pytest.raises(error, match=message):
        pt.INaturalist(releases["2018"].root, "2018", where=where)


def test_a_split_without_categories_says_so(releases):
    made = releases["2018"]
    with pytest.raises(ValueError, match="'supercategory', but this split has no categories"):
        pt.INaturalist(made.root, "2018", "test", where={"supercategory": "Aves"})
    ds = pt.INaturalist(made.root, "2018", "test", where={"license": 3})
    assert set(ds.field("license_id")) == {3}
