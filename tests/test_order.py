"""The order of an epoch, against NumPy's own Philox generator and against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from ptarmigan import _core
from sample_sets import CLASSES, SampleSet, open_samples, write_pictures

CROP = pt.ResizeCenterCrop(16, 16)
ORDER_PURPOSE = 2


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    return open_samples(write_pictures(tmp_path_factory.mktemp("order") / "a.tar.gz", 30))


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """Fisher and Yates' shuffle with Lemire's bounded numbers from NumPy's Philox4x64-10."""
    key = np.array([seed, ORDER_PURPOSE], dtype=np.uint64)
    counter = np.array([0, epoch, 0, 0], dtype=np.uint64)
    philox = np.random.Philox(key=key, counter=counter)
    items = list(range(count))
    for last in range(count - 1, 0, -1):
        bound = last + 1
        while True:
            product = int(philox.random_raw()) * bound
            if product % 2**64 >= -bound % 2**64 % bound:
                break
        place = product >> 64
        items[last], items[place] = items[place], items[last]
    return items


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 300), seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**64 - 1))
def test_exact_is_fisher_and_yates_over_numpys_philox(count: int, seed: int, epoch: int) -> None:
    members = np.arange(count, dtype=np.int64)
    order = _core.epoch_order("exact", members, seed, epoch)
    assert order.tolist() == shuffled(count, seed, epoch)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(["exact", "local", "sequential", "stored"]),
    count=st.integers(0, 9000),
    seed=st.integers(0, 9),
)
def test_every_order_has_every_sample_once(name: str, count: int, seed: int) -> None:
    members = np.random.default_rng(seed).permutation(2 * count)[:count].astype(np.int64)
    order = _core.epoch_order(name, members, seed, 3)
    assert np.array_equal(np.sort(order), np.arange(count))


def test_a_local_order_stays_within_its_window() -> None:
    members = np.random.default_rng(0).permutation(20_000).astype(np.int64)
    order = _core.epoch_order("local", members, 7, 0)
    # 512 groups of 8 neighbours each: a window touches at most 513 stretches of the archive.
    window = np.sort(members[order[:4096]])
    stretches = 1 + np.count_nonzero(np.diff(window) > 1)
    assert stretches <= 513
    assert not np.array_equal(order, _core.epoch_order("local", members, 7, 1))


def test_a_negative_member_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 4294967295, not -1"):
        _core.epoch_order("exact", np.array([-1]), 0, 0)


def test_a_loader_yields_the_order_it_is_given(samples: SampleSet) -> None:
    expected = {
        ("exact", True): samples.image_ids[shuffled(30, 5, 0)],
        ("sequential", True): np.sort(samples.image_ids),
        ("sequential", False): np.sort(samples.image_ids),
        ("exact", False): samples.image_ids,
        ("local", False): samples.image_ids,
    }
    for (order, shuffle), ids in expected.items():
        loader = pt.Loader(samples, 7, CROP, order=order, shuffle=shuffle, seed=5)
        assert np.array_equal(np.concatenate([batch.ids for batch in loader]), ids)


def test_a_loader_in_local_order_yields_every_sample_once(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 7, CROP, order="local")
    for _ in range(2):
        ids = np.concatenate([batch.ids for batch in loader])
        assert np.array_equal(np.sort(ids), np.sort(samples.image_ids))
        assert not np.array_equal(ids, samples.image_ids)


def test_class_mixing_is_one_when_shuffled_and_low_when_sorted(samples: SampleSet) -> None:
    assert pt.Loader(samples, 5, CROP).class_mixing() == 1.0
    assert pt.Loader(samples, 5, CROP).class_mixing(epoch=4) == 1.0
    # Thirty pictures of six classes, sorted, in batches of five: one class each.
    exact = np.mean(
        [
            len(set(samples.targets[shuffled(30, 0, 0)[start : start + 5]]))
            for start in range(0, 30, 5)
        ]
    )
    assert CLASSES == 6
    sorted_mixing = pt.Loader(samples, 5, CROP, order="sequential").class_mixing()
    assert sorted_mixing == pytest.approx(1 / exact)


def test_local_order_mixes_the_classes_of_a_sorted_archive() -> None:
    members = np.arange(60_000, dtype=np.int64)
    labels = members // 130
    local = _core.labels_per_batch(_core.epoch_order("local", members, 0, 0), labels, 256)
    exact = _core.labels_per_batch(_core.epoch_order("exact", members, 0, 0), labels, 256)
    assert local / exact > 0.8
