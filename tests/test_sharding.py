"""Ranks: together they read what one reads, and all of them take equally many steps."""

from __future__ import annotations

import numpy as np
import pytest

import ptarmigan as pt
from sample_sets import SampleSet, open_samples, write_pictures

CROP = pt.RandomResizedCrop(12)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    return open_samples(write_pictures(tmp_path_factory.mktemp("ranks") / "a.tar.gz", 31))


def ranks_of(samples: SampleSet, world_size: int, **options: object) -> list[list[pt.Batch]]:
    return [
        list(pt.Loader(samples, 4, CROP, rank=rank, world_size=world_size, seed=2, **options))
        for rank in range(world_size)
    ]


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_ranks_together_yield_the_batches_of_one(
    samples: SampleSet, world_size: int, threads: int
) -> None:
    alone = list(pt.Loader(samples, 4, CROP, seed=2, threads=1))
    ranks = ranks_of(samples, world_size, threads=threads)
    assert len({len(batches) for batches in ranks}) == 1
    together = [batch for turn in zip(*ranks, strict=True) for batch in turn]
    for expected, found in zip(alone, together[: len(alone)], strict=True):
        for one, other in zip(expected, found, strict=True):
            assert np.array_equal(one, other)
    for padding in together[len(alone) :]:
        assert not padding.valid.any()


def test_padding_has_real_rows_that_do_not_count(samples: SampleSet) -> None:
    ranks = ranks_of(samples, 3)
    # 31 samples make 8 batches, the last one with 3 rows; rank 2 has no third one.
    first, padding = ranks[0][0], ranks[2][2]
    assert len(padding.ids) == 3
    assert np.array_equal(padding.ids, first.ids[:3])
    assert np.array_equal(padding.images, first.images[:3])
    assert not padding.valid.any()


def test_drop_last_gives_every_rank_the_same_number_of_full_batches(samples: SampleSet) -> None:
    alone = list(pt.Loader(samples, 4, CROP, seed=2))
    for world_size, each in [(1, 7), (2, 3), (3, 2), (8, 0)]:
        ranks = ranks_of(samples, world_size, drop_last=True)
        assert [len(batches) for batches in ranks] == [each] * world_size
        together = [batch for turn in zip(*ranks, strict=True) for batch in turn]
        for expected, found in zip(alone, together, strict=False):
            assert np.array_equal(expected.ids, found.ids)
            assert found.valid.all()


def test_length_counts_the_batches_of_this_rank(samples: SampleSet) -> None:
    for world_size in (1, 2, 3, 9):
        for drop_last in (False, True):
            options = {"drop_last": drop_last, "world_size": world_size}
            for rank in range(world_size):
                loader = pt.Loader(samples, 4, CROP, rank=rank, **options)
                assert len(loader) == len(list(loader))


def test_rank_and_world_size_come_from_torchrun(
    samples: SampleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    automatic = {"rank": "auto", "world_size": "auto"}
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    loader = pt.Loader(samples, 4, CROP, **automatic)
    assert (loader.rank, loader.world_size) == (0, 1)
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(ValueError, match="RANK and WORLD_SIZE must both"):
        pt.Loader(samples, 4, CROP, **automatic)
    monkeypatch.setenv("WORLD_SIZE", "4")
    loader = pt.Loader(samples, 4, CROP, **automatic)
    assert (loader.rank, loader.world_size) == (2, 4)
