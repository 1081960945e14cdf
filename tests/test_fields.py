"""Columns of photos, under the same names for every release, alone and in batches."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptarmigan as pt
from inaturalist_made import write_inaturalist, write_zip
from ptarmigan.annotations import Strings
from ptarmigan.dates import read_dates
from releases_made import WRITERS, Made

CROP = pt.ResizeCenterCrop(16, 16)
NAMES = ("latitude", "longitude", "location_uncertainty", "date", "user_id")
EVERYWHERE = ("width", "height", "license_id")
TYPES = {
    "latitude": np.float64,
    "longitude": np.float64,
    "location_uncertainty": np.float64,
    "date": "datetime64[s]",
    "user_id": np.int64,
    "width": np.int32,
    "height": np.int32,
    "license_id": np.int64,
}


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, Made]:
    root = tmp_path_factory.mktemp("fields")
    return {version: write(root / version) for version, write in WRITERS.items()}


@pytest.fixture(scope="module")
def made_2017(tmp_path_factory):
    return write_inaturalist(tmp_path_factory.mktemp("2017"))


def is_null(values: np.ndarray) -> np.ndarray:
    return values == -1 if values.dtype.kind == "i" else np.isnan(values)


def assert_column(found: np.ndarray, expected: list, dtype: object) -> None:
    """Equal to the values of the records, None being null."""
    assert found.dtype == dtype
    assert is_null(found).tolist() == [value is None for value in expected]
    known = np.array([value for value in expected if value is not None]).astype(dtype)
    np.testing.assert_array_equal(found[~is_null(found)], known)


def moment(text: str | None) -> np.datetime64 | None:
    """The time in UTC, by the standard library."""
    if text is None:
        return None
    time = datetime.datetime.fromisoformat(text)
    if time.tzinfo is not None:
        time = time.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(time, "s")


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


def test_fields_of_2017_are_those_of_the_locations_file(made_2017):
    ds = pt.INaturalist(made_2017.root)
    photos = made_2017.of("train")
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
    for ask in (lambda: ds.field("date"), lambda: ds.meta, lambda: ds.location(0)):
        with pytest.raises(FileNotFoundError, match=r"inat2018_locations\.zip"):
            ask()


def test_a_date_that_is_none_names_its_image(releases, tmp_path):
    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    photo = releases["2018"].of("train")[3]
    location = {"id": photo.record["id"], "date": "2017-02-30"}
    write_zip(root / "inat2018_locations.zip", {"train2018_locations.json": [location]})
    with pytest.raises(pt.AnnotationError, match=f"image {photo.record['id']}: .*`2017-02-30`"):
        pt.INaturalist(root, "2018").field("date")


def strings_of(texts: list[str]) -> Strings:
    data = [text.encode() for text in texts]
    ends = np.cumsum([len(one) for one in data], dtype=np.uint64)
    lengths = np.array([len(one) for one in data], np.uint64)
    return Strings(np.frombuffer(b"".join(data), np.uint8), ends - lengths, ends)


@given(st.lists(st.tuples(st.datetimes(datetime.datetime(1, 1, 1)), st.integers(0, 5)), max_size=8))
def test_dates_are_those_of_the_standard_library(moments):
    texts, expected = [], []
    for time, kind in moments:
        zone = datetime.timezone(datetime.timedelta(hours=kind - 3, minutes=30))
        time = time.replace(year=max(2, min(9998, time.year)))
        text = [
            time.date().isoformat(),
            time.isoformat(" ", "seconds"),
            time.isoformat("T", "microseconds"),
            time.replace(tzinfo=zone).isoformat(" ", "seconds"),
            time.replace(tzinfo=zone).isoformat("T", "milliseconds"),
            time.isoformat(" ", "minutes"),
        ][kind]
        texts += [text, ""]
        expected += [moment(text), np.datetime64("NaT")]
    found = read_dates(strings_of(texts), np.arange(len(texts)))
    assert found.dtype == "datetime64[s]"
    np.testing.assert_array_equal(found, np.array(expected, "datetime64[s]"))


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "today",
        "NaT",
        "2017",
        "2017-13-01",
        "2017-02-29",
        "2017-1-1",
        "01/02/2017",
        "2017-01-01 25:00",
        "2017-01-01 10:00:00 CET",
        "2017-01-01 10:00:00+1",
        "2017-01-01T",
        "2017-01-01 10:00+00:00",
        "2017-01-01 10:00:00" + "0" * 40,
        "é017-01-01",
        "-017-01-01",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(pt.AnnotationError, match="image 12: expected a date"):
        read_dates(strings_of(["2017-01-01", "", text]), np.array([10, 11, 12]))


def test_many_dates_are_read_in_parts():
    texts = [f"20{n % 90 + 10}-01-02 03:04:{n % 60:02d}" for n in range(70_000)]
    found = read_dates(strings_of(texts), np.arange(len(texts)))
    assert found[[0, 65_536, 69_999]].tolist() == [
        datetime.datetime.fromisoformat(texts[row]) for row in (0, 65_536, 69_999)
    ]


def loader(ds: pt.INaturalist, **options: object) -> pt.Loader:
    options = {"seed": 3, "threads": 2, "fields": ("date", *EVERYWHERE, "latitude")} | options
    return pt.Loader(ds, options.pop("batch_size", 4), CROP, **options)


def expected_rows(ds: pt.INaturalist, names: tuple[str, ...]) -> dict[int, tuple]:
    columns = [ds.field(name).astype(str).tolist() for name in names]
    return dict(zip(ds.image_ids.tolist(), zip(*columns, strict=True), strict=True))


def rows_of(batches: list[pt.Batch]) -> list[tuple[int, tuple]]:
    """Image id and fields, as text, of every row that counts."""
    found = []
    for batch in batches:
        columns = [column.astype(str).tolist() for column in batch.fields.values()]
        rows = zip(batch.ids.tolist(), zip(*columns, strict=True), batch.valid, strict=True)
        found += [(id_, fields) for id_, fields, valid in rows if valid]
    return found


@pytest.mark.parametrize("version", ["2018", "2021"])
@pytest.mark.parametrize("order", ["exact", "local", "sequential"])
def test_batches_have_the_fields_of_their_rows(releases, version, order):
    ds = pt.INaturalist(releases[version].root, version)
    batches = list(loader(ds, order=order))
    names = ("date", *EVERYWHERE, "latitude")
    expected = expected_rows(ds, names)
    found = rows_of(batches)
    assert dict(found) == expected
    assert len(found) == len(ds)
    for batch in batches:
        assert isinstance(batch, pt.Batch)
        assert len(batch) == 5
        assert tuple(batch.fields) == names
        for name, column in batch.fields.items():
            assert column.dtype == TYPES[name]
            assert column.shape == batch.ids.shape
            assert column.flags.c_contiguous
            assert column.flags.writeable
            assert column.ctypes.data % 64 == 0
        again = pickle.loads(pickle.dumps(batch))  # noqa: S301
        assert again.fields["width"].tolist() == batch.fields["width"].tolist()
        assert batch._replace(images=None).fields is batch.fields


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_fields_do_not_depend_on_threads_or_resuming(releases, threads, batch_size):
    ds = pt.INaturalist(releases["2018"].root, "2018")
    whole = rows_of(list(loader(ds)))
    for done in (0, 1, 3):
        first = loader(ds)
        begun = list(itertools.islice(first, done))
        resumed = loader(ds, threads=threads, batch_size=batch_size)
        resumed.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert rows_of(begun) + rows_of(list(resumed)) == whole


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_ranks_have_the_fields_of_one_and_padding_has_nulls(releases, world_size):
    ds = pt.INaturalist(releases["2018"].root, "2018")
    ranks = [
        list(loader(ds, rank=rank, world_size=world_size, batch_size=3))
        for rank in range(world_size)
    ]
    together = [batch for turn in zip(*ranks, strict=True) for batch in turn]
    assert rows_of(together) == rows_of(list(loader(ds)))
    padded = [batch for batch in together if not batch.valid.all()]
    assert padded or len(ds) % (3 * world_size) == 0
    for batch in padded:
        for column in batch.fields.values():
            assert is_null(column[~batch.valid]).all()


def test_padding_is_there_to_be_tested(releases):
    ds = pt.INaturalist(releases["2018"].root, "2018")
    made = [
        batch for rank in range(5) for batch in loader(ds, rank=rank, world_size=5, batch_size=3)
    ]
    assert not all(batch.valid.all() for batch in made)


def test_a_loader_without_fields_has_none(releases):
    ds = pt.INaturalist(releases["2018"].root, "2018")
    batch = next(iter(loader(ds, fields=())))
    assert len(batch) == 4
    assert batch.fields == {}
    assert list(next(iter(loader(ds, fields="width"))).fields) == ["width"]


def test_fields_that_are_not_known_are_refused_when_a_loader_is_made(releases):
    ds = pt.INaturalist(releases["2018"].root, "2018")
    with pytest.raises(ValueError, match="'altitude' is not known in 2018; there are 'width'"):
        loader(ds, fields=("latitude", "altitude"))
    with pytest.raises(TypeError, match="as INaturalist, not ImageArchive"):
        loader(pt.ImageArchive(ds.archive.path), fields=("latitude",))

    @dataclasses.dataclass
    class Short:
        archive: pt.Archive
        members: np.ndarray
        targets: np.ndarray
        image_ids: np.ndarray

        def field(self, name: str) -> np.ndarray:
            return np.zeros(2) if name == "short" else np.array(["a"] * len(self.members))

    short = Short(ds.archive, ds.members, ds.targets, ds.image_ids)
    for name in ("short", "text"):
        with pytest.raises(ValueError, match=rf"`{name}` must be \({len(ds)},\) numbers or dates"):
            loader(short, fields=(name,))


def test_a_pickled_loader_has_the_same_fields(releases):
    ds = pt.INaturalist(releases["2021"].root, "2021")
    ours = loader(ds)
    again = pickle.loads(pickle.dumps(ours))  # noqa: S301
    assert rows_of(list(again)) == rows_of(list(ours))


def test_a_data_loader_passes_fields_on(releases):
    torch = pytest.importorskip("torch")
    ds = pt.INaturalist(releases["2018"].root, "2018")
    expected = dict(rows_of(list(loader(ds))))
    numbers = loader(ds, fields=(*EVERYWHERE, "latitude"))
    for batch in torch.utils.data.DataLoader(numbers, batch_size=None, num_workers=2):
        assert isinstance(batch, pt.Batch)
        assert isinstance(batch.fields["width"], torch.Tensor)
        for row, id_ in enumerate(batch.ids.tolist()):
            assert str(batch.fields["width"][row].item()) == expected[id_][1]
    # Tensors have no dates, so batches with dates are passed on as they are.
    dated = torch.utils.data.DataLoader(
        loader(ds), batch_size=None, num_workers=2, collate_fn=lambda batch: batch
    )
    assert dict(rows_of(list(dated))) == expected


def test_fields_are_pinned_but_for_dates(releases, monkeypatch):
    torch = pytest.importorskip("torch")
    asked = []

    def pin_memory(tensor):  # What torch does only beside an accelerator.
        asked.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    ds = pt.INaturalist(releases["2018"].root, "2018")
    batch = next(iter(loader(ds))).pin_memory()
    assert any(batch.fields["width"] is tensor for tensor in asked)
    assert batch.fields["date"].dtype == "datetime64[s]"


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
