"""Columns of photos in the batches of a loader."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pickle

import numpy as np
import pytest

import ptarmigan as pt
from field_values import EVERYWHERE, TYPES, is_null

CROP = pt.ResizeCenterCrop(16, 16)


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
