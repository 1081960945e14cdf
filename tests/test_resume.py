"""States: a run goes on at any position, exactly, under another shape of the run too."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

import ptarmigan as pt
from sample_sets import SampleSet, open_samples, write_pictures

CROP = pt.RandomResizedCrop(12)
COUNT = 29
State = dict[str, object]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    return open_samples(write_pictures(tmp_path_factory.mktemp("resume") / "a.tar.gz", COUNT))


def loader(samples: SampleSet, batch_size: int = 4, **options: object) -> pt.Loader:
    return pt.Loader(samples, batch_size, CROP, **{"seed": 6, "threads": 2} | options)


def rows(batches: list[pt.Batch]) -> list[tuple[int, bytes]]:
    """Id and pixels of every row that counts."""
    return [
        (int(image_id), image.tobytes())
        for batch in batches
        for image_id, image, valid in zip(batch.ids, batch.images, batch.valid, strict=True)
        if valid
    ]


def through_json(state: State) -> State:
    return json.loads(json.dumps(state))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("order", ["exact", "local", "sequential"])
def test_a_run_goes_on_at_every_position_of_an_epoch(
    samples: SampleSet, order: str, *, drop_last: bool
) -> None:
    options = {"order": order, "drop_last": drop_last}
    running = loader(samples, **options)
    expected = [list(running), list(running)]
    for done in range(len(running) + 1):
        first = loader(samples, **options)
        begun = list(itertools.islice(first, done))
        resumed = loader(samples, **options)
        resumed.load_state_dict(through_json(first.state_dict()))
        whole = begun + list(resumed)
        if done == len(running):
            # The epoch was over, so the next one came.
            assert rows(whole) == rows(expected[0]) + rows(expected[1])
        else:
            assert rows(whole) == rows(expected[0])
            assert rows(list(resumed)) == rows(expected[1])


@pytest.mark.parametrize(("batch_size", "world_size"), [(1, 1), (3, 1), (7, 2), (4, 3), (40, 2)])
def test_a_run_goes_on_under_another_shape(
    samples: SampleSet, batch_size: int, world_size: int
) -> None:
    expected = rows(list(loader(samples)))
    for done in range(8):
        first = loader(samples)
        begun = list(itertools.islice(first, done))
        ranks = []
        for rank in range(world_size):
            resumed = loader(samples, batch_size, rank=rank, world_size=world_size, threads=1)
            resumed.load_state_dict(first.state_dict())
            ranks.append(list(resumed))
        together = [batch for turn in zip(*ranks, strict=True) for batch in turn]
        assert rows(begun + together) == expected


def test_ranks_have_the_same_state_after_equally_many_batches(samples: SampleSet) -> None:
    ranks = [loader(samples, rank=rank, world_size=3) for rank in range(3)]
    passes = [iter(rank) for rank in ranks]
    for _ in range(len(ranks[0])):
        for running in passes:
            next(running)
        states = [rank.state_dict() for rank in ranks]
        assert states[0] == states[1] == states[2]


def test_a_state_counts_what_was_delivered_not_what_was_made(samples: SampleSet) -> None:
    running = loader(samples, prefetch=5)
    positions = [running.state_dict()["position"] for _ in running]
    assert positions == [4, 8, 12, 16, 20, 24, 28, 0]
    assert running.state_dict()["epoch"] == 1


def test_a_state_before_the_start_is_the_start(samples: SampleSet) -> None:
    state = loader(samples).state_dict()
    assert (state["epoch"], state["position"]) == (0, 0)
    resumed = loader(samples)
    resumed.load_state_dict(state)
    assert rows(list(resumed)) == rows(list(loader(samples)))


def test_a_state_survives_being_loaded_and_taken_again(samples: SampleSet) -> None:
    first = loader(samples)
    next(iter(first))
    state = first.state_dict()
    second = loader(samples)
    second.load_state_dict(state)
    assert second.state_dict() == state
    next(iter(second))
    third = loader(samples)
    third.load_state_dict(second.state_dict())
    assert rows(list(third)) == rows(list(loader(samples)))[8:]


def test_only_the_first_pass_after_a_state_goes_on_from_it(samples: SampleSet) -> None:
    first = loader(samples)
    list(itertools.islice(first, 3))
    resumed = loader(samples)
    resumed.load_state_dict(first.state_dict())
    next(iter(resumed))
    assert rows(list(resumed)) == rows(list(loader(samples)))


def test_set_epoch_keeps_the_position_of_its_own_epoch_only(samples: SampleSet) -> None:
    first = loader(samples)
    first.set_epoch(2)
    begun = list(itertools.islice(first, 3))
    state = first.state_dict()
    whole = loader(samples)
    whole.set_epoch(2)
    same, other = loader(samples), loader(samples)
    for resumed in (same, other):
        resumed.load_state_dict(state)
        assert resumed.epoch == 2
    same.set_epoch(2)
    assert rows(begun + list(same)) == rows(list(whole))
    other.set_epoch(3)
    assert len(list(other)) == math.ceil(COUNT / 4)


def test_drop_last_may_leave_nothing_of_an_epoch(samples: SampleSet) -> None:
    first = loader(samples)
    list(itertools.islice(first, 7))
    resumed = loader(samples, drop_last=True)
    resumed.load_state_dict(first.state_dict())
    whole = loader(samples, drop_last=True)
    whole.set_epoch(1)
    assert rows(list(resumed)) == rows(list(whole))


def test_another_data_set_is_refused(
    samples: SampleSet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = loader(samples).state_dict()
    folder = tmp_path_factory.mktemp("other")
    other = open_samples(write_pictures(folder / "b.tar.gz", COUNT, broken=(5,)))
    part = SampleSet(
        samples.archive, samples.members[1:], samples.targets[1:], samples.image_ids[1:]
    )
    turned = SampleSet(
        samples.archive, samples.members[::-1], samples.targets[::-1], samples.image_ids[::-1]
    )
    for stranger in (other, part, turned):
        with pytest.raises(ValueError, match="another archive or another selection"):
            loader(stranger).load_state_dict(state)
    loader(part).load_state_dict(state, strict=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 7}, "taken with seed 7, this loader has 6"),
        ({"order": "local"}, "taken with order 'local', this loader has 'exact'"),
        ({"shuffle": False}, "taken with shuffle False, this loader has True"),
        ({"version": 2}, "the state has version 2, this version reads 1"),
        ({"position": COUNT + 1}, "at position 30, the data set has 29 samples"),
        ({"position": -1}, "`position` must be a whole number"),
        ({"epoch": "first"}, "`epoch` must be a whole number"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    samples: SampleSet, change: State, message: str
) -> None:
    target = loader(samples)
    with pytest.raises(ValueError, match=message):
        target.load_state_dict(target.state_dict() | change)
    assert len(list(target)) == 8


def test_something_else_than_a_state_is_refused(samples: SampleSet) -> None:
    with pytest.raises(ValueError, match=r"no state of a loader: it has no .*position"):
        loader(samples).load_state_dict({"epoch": 3})


def test_a_lenient_load_takes_the_way_from_the_state(samples: SampleSet) -> None:
    first = loader(samples, seed=11, order="local")
    begun = list(itertools.islice(first, 2))
    resumed = loader(samples)
    resumed.load_state_dict(first.state_dict(), strict=False)
    whole = loader(samples, seed=11, order="local")
    assert rows(begun + list(resumed)) == rows(list(whole))


def test_a_state_taken_in_the_middle_does_not_disturb_the_pass(samples: SampleSet) -> None:
    running = loader(samples)
    found = []
    for batch in running:
        running.state_dict()
        found.append(batch)
    assert rows(found) == rows(list(loader(samples)))
    ids = np.concatenate([batch.ids for batch in found])
    assert np.array_equal(np.sort(ids), np.sort(samples.image_ids))
