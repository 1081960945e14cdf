"""A fork in the middle of a pass: the loader works in the child, the pass says why it does not."""

from __future__ import annotations

import numpy as np
import pytest

import ptarmigan as pt
from forks import in_child
from sample_sets import SampleSet, open_samples, write_pictures

CROP = pt.RandomResizedCrop(12)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    return open_samples(write_pictures(tmp_path_factory.mktemp("fork") / "a.tar.gz", 60))


def test_a_forked_child_can_go_through_the_loader(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 4, CROP, threads=2)
    expected = list(loader)
    loader.set_epoch(0)
    running = iter(loader)
    next(running)

    def go_through() -> None:
        for found, wanted in zip(loader, expected, strict=True):
            assert np.array_equal(found.images, wanted.images)

    assert in_child(go_through) == 0
    assert len(list(running)) == 14, "the parent's pass goes on"


def test_a_pass_refuses_to_go_on_in_a_child(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 4, CROP, threads=2)
    running = iter(loader)
    next(running)

    def go_on() -> None:
        with pytest.raises(RuntimeError, match=r"forked.*call iter\(\) on the loader again"):
            next(running)

    assert in_child(go_on) == 0
    assert len(list(running)) == 14


def test_a_child_can_drop_the_parents_pass_and_exit(samples: SampleSet) -> None:
    running = [iter(pt.Loader(samples, 4, CROP, threads=2))]
    next(running[0])

    def drop() -> None:
        running[0].close()
        running.clear()

    assert in_child(drop) == 0
    assert len(list(running[0])) == 14


def test_many_forks_under_load_neither_hang_nor_crash(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 1, CROP, threads=4)
    running = iter(loader)
    for _ in range(15):
        next(running)

        def start_and_leave() -> None:
            next(iter(loader))

        assert in_child(start_and_leave) == 0
    assert len(list(running)) == 45
