"""Columns of photos, under the same names for every release."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from field_values import EVERYWHERE, NAMES, TYPES, is_null, moment
from inaturalist_made import write_zip


def assert_column(found: np.ndarray, expected: list, dtype: object) -> None:
    """Equal to the values of the records, None being null."""
    assert found.dtype == dtype
    assert is_null(found).tolist() == [value is None for value in expected]
    known = np.array([value for value in expected if value is not None]).astype(dtype)
    np.testing.assert_array_equal(found[~is_null(found)], known)


@pytest.mark.parametrize("split", ["train", "val", "train+val"])
def test_fields_of_2018_are_those_of_the_locations_file(releases, split):
    ds = pt.INaturalist(releases["2018"].root, "2018", split)
    records = [photo.location or {} for photo in releases["2018"].of(split)]
    keys = {"latitude": "lat", "longitude": "lon", "location_uncertainty": "loc_uncert"}
    for name, key in keys.items():
        assert_column(ds.field(name), [record.get(key) for record in records], np.float64)
    dates = [moment(record.get("date")) for record in records]
    assert_column(ds.field("date"), dates, "datetime64[s]")
    assert_column(ds.field("user_id"), [record.get("user_id") for record in records], np.int64)
    # 0.0 is a place, not an unknown one.
    assert (ds.field("longitude") == 0.0).any()
    assert set(ds.meta) >= {"lat", "lon", "loc_uncert", "date", "user_id", "valid"}
    assert list(ds.meta["date"]) == [record.get("date") or "" for record in records]
    assert ds.meta["valid"].tolist() == [int(record.get("valid", -1)) for record in records]
    # A key that is null everywhere is no column.
    assert "date_c" not in ds.meta
    for row, record in enumerate(records):
        location = ds.location(row)
        assert (location or {}) == record


def test_fields_of_2021_are_those_of_the_image_records(releases):
    ds = pt.INaturalist(releases["2021"].root, "2021", "mini")
    records = [photo.record for photo in releases["2021"].of("mini")]
    for name in ("latitude", "longitude", "location_uncertainty"):
        assert_column(ds.field(name), [record[name] for record in records], np.float64)
    assert_column(ds.field("date"), [moment(record["date"]) for record in records], "datetime64[s]")
    assert -80 in ds.field("location_uncertainty")
    assert ds.location(0) == {
        "id": records[0]["id"],
        "lat": records[0]["latitude"],
        "lon": records[0]["longitude"],
        "loc_uncert": records[0]["location_uncertainty"],
        "date": records[0]["date"],
        "date_c": None,
        "user_id": None,
        "valid": None,
    }
    with pytest.raises(ValueError, match="'user_id' is not known in 2021; there are 'width'"):
        ds.field("user_id")


def test_fields_of_2017_are_those_of_the_locations_file(made):
    ds = pt.INaturalist(made.root)
    photos = made.of("train")
    known = [photo.image_id % 4 == 1 for photo in photos]
    assert_column(ds.field("latitude"), [0.0 if yes else None for yes in known], np.float64)
    day = np.datetime64("2016-05-01T00:00:00")
    dates = [day if photo.image_id % 4 else None for photo in photos]
    assert_column(ds.field("date"), dates, "datetime64[s]")
    assert_column(ds.field("date_c"), [0.25 if p.image_id % 4 else None for p in photos], float)


@pytest.mark.parametrize("version", ["2018", "2019", "2021"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_release_has_sizes_and_licences(releases, version, split):
    ds = pt.INaturalist(releases[version].root, version, split)
    records = [photo.record for photo in releases[version].of(split)]
    for name, key in [("width", "width"), ("height", "height"), ("license_id", "license")]:
        assert_column(ds.field(name), [record[key] for record in records], TYPES[name])


def test_a_test_split_without_places_has_nulls(releases):
    ds = pt.INaturalist(releases["2018"].root, "2018", "test")
    for name in NAMES:
        assert ds.field(name).dtype == TYPES[name]
        assert is_null(ds.field(name)).all()
        assert len(ds.field(name)) == len(ds)
    assert ds.meta == {}
    assert ds.location(0) is None


def test_a_field_that_a_release_lacks_is_refused(releases):
    ds = pt.INaturalist(releases["2019"].root, "2019")
    with pytest.raises(ValueError, match="'latitude' is not known in 2019; there are 'width', 'h"):
        ds.field("latitude")
    assert ds.location(0) is None
    ds = pt.INaturalist(releases["2018"].root, "2018")
    for name in ("altitude", "lat_", ""):
        with pytest.raises(ValueError, match=r"there are 'width', .* 'latitude', .* 'valid'"):
            ds.field(name)


def test_columns_follow_a_subset_and_a_pickle(releases):
    whole = pt.INaturalist(releases["2018"].root, "2018")
    rows = [7, 1, 12]
    part = pt.INaturalist(releases["2018"].root, "2018", subset=whole.image_ids[rows])
    again = pickle.loads(pickle.dumps(part))  # noqa: S301
    for ds in (part, again):
        for name in (*NAMES, *EVERYWHERE):
            np.testing.assert_array_equal(ds.field(name), whole.field(name)[sorted(rows)])


def test_a_missing_locations_file_is_missed_when_it_is_asked_for(releases, tmp_path):
    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    (root / "inat2018_locations.zip").unlink()
    ds = pt.INaturalist(root, "2018")
    assert len(ds.field("width")) == len(ds)
    for ask in (lambda: ds.field("date"), lambda: ds.location(0)):
        with pytest.raises(FileNotFoundError, match=r"inat2018_locations\.zip"):
            ask()
    assert not ds.meta


def test_a_date_that_is_none_names_its_image(releases, tmp_path):
    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    photo = releases["2018"].of("train")[3]
    location = {"id": photo.record["id"], "date": "2017-02-30"}
    write_zip(root / "inat2018_locations.zip", {"train2018_locations.json": [location]})
    with pytest.raises(
        pt.AnnotationError, match=f"locations.*: image {photo.record['id']}: .*`2017-02-30`"
    ):
        pt.INaturalist(root, "2018").field("date")


def test_further_keys_of_locations_files_are_columns(releases, tmp_path):
    """Of two files, one of which may lack a key or have nothing but nulls."""
    made = releases["2018"]
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    train, val = made.of("train"), made.of("val")
    first, second = train[2].record["id"], val[1].record["id"]
    contents = {
        "train2018_locations.json": [
            {"id": first, "altitude": 7, "note": "né", "wild": True, "place": None}
        ],
        "val2018_locations.json": [{"id": second, "note": None, "place": "x", "wild": False}],
    }
    write_zip(root / "inat2018_locations.zip", contents)
    ds = pt.INaturalist(root, "2018", "train+val")
    row, other = (ds.image_ids.tolist().index(id_) for id_ in (first, second))
    meta = ds.meta
    for key, values in [("note", ("né", "")), ("place", ("", "x"))]:
        assert (meta[key][row], meta[key][other]) == values
        assert [text for text in meta[key] if text] == [value for value in values if value]
    assert (meta["wild"][row], meta["wild"][other]) == (1, 0)
    assert np.isnan(np.delete(meta["wild"], [row, other])).all()
    assert meta["altitude"][row] == ds.field("altitude")[row] == 7
    assert np.isnan(np.delete(meta["altitude"], row)).all()
    # What the release's fields are is there, null or not.
    assert is_null(ds.field("latitude")).all()
    where = pt.INaturalist(root, "2018", "train+val", where={"note": "né", "wild": 1})
    assert where.image_ids.tolist() == [first]
    contents["val2018_locations.json"][0]["note"] = 5
    write_zip(root / "inat2018_locations.zip", contents)
    with pytest.raises(pt.AnnotationError, match="`note` is text in one locations file and int64"):
        _ = pt.INaturalist(root, "2018", "train+val").meta
