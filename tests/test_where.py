"""Conditions that choose images, beside the records they are about."""

from __future__ import annotations

import numpy as np
import pytest

import ptarmigan as pt
from inaturalist_made import write_zip
from ptarmigan.attribution import rows_licensed
from ptarmigan.exporting.selection import select
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
        ({"license": "BY-NC"}, lambda p: p.record["license"] == 3),
        ({"license": ["cc0", "none"]}, lambda p: p.record["license"] in (0, None)),
        ({"license": [None, "3"]}, lambda p: p.record["license"] in (3, None)),
        ({"license": float("nan")}, lambda p: p.record["license"] is None),
        ({"license_id": [None, 3]}, lambda p: p.record["license"] in (3, None)),
        ({"license": lambda ids: ids == 3}, lambda p: p.record["license"] == 3),
        ({"user_id": None}, lambda p: location(p).get("user_id") is None),
        ({"user_id": [5, float("nan")]}, lambda p: location(p).get("user_id") in (5, None)),
        ({"user_id": np.array([5, 1])}, lambda p: location(p).get("user_id") in (5, 1)),
        ({"user_id": "5"}, lambda p: location(p).get("user_id") == 5),
        ({"valid": [None, True]}, lambda p: location(p).get("valid") in (None, True)),
        ({"lat": float("nan")}, lambda p: location(p).get("lat") is None),
        ({"latitude": None, "lon": None}, lambda p: location(p).get("lat") is None),
        ({"latitude": [-2.25, np.nan]}, lambda p: location(p).get("lat") in (-2.25, None)),
        (
            {"latitude": lambda lat: (lat > -4) & (lat < 2)},
            lambda p: location(p).get("lat") is not None and -4 < p.location["lat"] < 2,
        ),
        ({"longitude": 0}, lambda p: location(p).get("lon") == 0.0),
        ({"location_uncertainty": [80.0, 90]}, lambda p: location(p).get("loc_uncert") in (80, 90)),
        ({"date": None}, lambda p: location(p).get("date") is None),
        ({"date": np.datetime64("NaT")}, lambda p: location(p).get("date") is None),
        (
            {"date": lambda dates: dates >= np.datetime64("2017-06-01")},
            lambda p: (location(p).get("date") or "") >= "2017-06",
        ),
        ({"width": [24, 26]}, lambda p: p.record["width"] in (24, 26)),
        ({"height": lambda pixels: pixels > 20}, lambda p: p.record["height"] > 20),
        ({"height": None}, lambda _: False),
        ({"rights_holder": None}, lambda _: False),
        (
            {"rights_holder": lambda names: names > "Zoë 1"},
            lambda p: p.record["rights_holder"] > "Zoë 1",
        ),
        (
            {"supercategory": lambda names: (names == "Aves") | (names == "Plantae")},
            lambda p: above(p) in ("Aves", "Plantae"),
        ),
        ({"supercategory": [None, "Aves"]}, lambda p: above(p) == "Aves"),
        ({"category": lambda ids: ids % 2 == 1}, lambda p: p.category_id % 2 == 1),
        ({"category": None}, lambda _: False),
        ({"user_id": lambda ids: ids == 123}, lambda _: False),
        ({"user_id": []}, lambda _: False),
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
        ({"license": "CC"}, ValueError, r"\(0 CC0, 3 BY-NC\), found `CC`"),
        ({"license": 9}, ValueError, "found `9`"),
        ({"category": 99}, ValueError, "category 99; there are 0, 1, 2"),
        ({"category": "Ardea alb"}, ValueError, "'Ardea alb'; there are Ardea alba, Ardea zoë"),
        ({"rights_holder": "Zoe 2"}, ValueError, "rights_holder 'Zoe 2'; there are Zoë 0, Zoë 1"),
        ({"user_id": [1, 77]}, ValueError, "user_id 77; there are 0, 1, 2, 3, 4, 5"),
        ({"user_id": "me"}, ValueError, "user_id 'me'; the values of 'user_id' are numbers"),
        ({"width": 7}, ValueError, "width 7; there are 24, 25, 26"),
        ({"latitude": 1.1}, ValueError, r"latitude 1\.1; there are -3\.0, -2\.25, "),
        ({"loc_uncert": 1}, ValueError, r"of the 26 that there are, close to it: 80\.0, 90\.0, "),
        ({"date": "2017-03-02"}, ValueError, "date '2017-03-02'; there are 2017-"),
        ({"lat": lambda lat: lat[:2] > 0}, ValueError, r"'lat'.*give \(32,\) bool.*not \(2,\)"),
        ({"lat": lambda lat: lat * 2}, ValueError, "bool, one for each image, not .* float64"),
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


def test_a_subset_does_not_make_values_unknown(releases):
    made = releases["2018"]
    first = made.of("train")[0]
    holder = first.record["rights_holder"]
    other = next(p for p in made.of("train") if p.record["rights_holder"] != holder)
    where = {"rights_holder": other.record["rights_holder"], "user_id": [0, 1, 2, 3, 4, 5, None]}
    ids = [first.record["id"]]
    assert len(pt.INaturalist(made.root, "2018", subset=ids, where=where)) == 0


def test_a_split_without_categories_or_places_has_nulls(releases):
    root = releases["2018"].root
    everything = pt.INaturalist(root, "2018", "test")
    for where in ({"category": None}, {"genus": None}, {"user_id": None}, {"date": np.nan},
                  {"latitude": lambda degrees: np.isnan(degrees)}):  # fmt: skip
        ds = pt.INaturalist(root, "2018", "test", where=where)
        assert ds.image_ids.tolist() == everything.image_ids.tolist()
    with pytest.raises(ValueError, match="user_id 3; there are none"):
        pt.INaturalist(root, "2018", "test", where={"user_id": 3})


def test_keys_that_a_release_lacks_are_named(releases):
    with pytest.raises(ValueError, match="'user_id' is not known in 2021; there are 'width'"):
        pt.INaturalist(releases["2021"].root, "2021", where={"user_id": 3})
    with pytest.raises(ValueError, match="'width', 'height', 'license_id', 'latitude', 'longitu"):
        pt.INaturalist(releases["2021"].root, "2021", where={"lat": 3})


def test_a_function_cannot_change_the_annotations(releases):
    def spoil(pixels):
        pixels[:] = 0
        return pixels > 0

    with pytest.raises(ValueError, match="read-only"):
        pt.INaturalist(releases["2018"].root, "2018", where={"width": spoil})


def test_many_names_are_not_listed_but_those_that_are_close(made, tmp_path):
    from inaturalist_made import annotation_file, make_photos

    photos = make_photos(8)
    for number, photo in enumerate(photos):
        photo.record["rights_holder"] = f"Person number {number}" if number else " "
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    with pytest.raises(ValueError, match=r"'Persn number 3'; of the \d+ .* it: Person number 3"):
        select(tmp_path, "2017", "train", where={"rights_holder": "Persn number 3"})
    with pytest.raises(ValueError, match=r"'xyz'; of the \d+ that there are, close to it: none"):
        select(tmp_path, "2017", "train", where={"rights_holder": "xyz"})
    nobody = select(tmp_path, "2017", "train", where={"rights_holder": None}).table
    assert nobody.image_ids.tolist() == [photos[0].image_id]


@pytest.mark.parametrize("words", [["BY-NC", "none"], ["CC BY-NC 4.0"], ["0"], ["none"]])
def test_licences_are_chosen_by_one_function(releases, words):
    root = releases["2018"].root
    whole = select(root, "2018", "train").table
    expected = whole.image_ids[rows_licensed(whole, words)].tolist()
    assert expected
    chosen = select(root, "2018", "train", where={"license": words}).table
    assert chosen.image_ids.tolist() == expected
    both = select(root, "2018", "train", where={"license": words}, licenses=["CC0"]).table
    assert set(both.license_ids.tolist()) <= {0}
