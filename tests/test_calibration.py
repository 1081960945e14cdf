"""Calibration and the long tail, against their definitions written out."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from ptarmigan.report import calibrate
from ptarmigan.report.long_tail import frequency_bins


def by_definition(logits, labels, truth, bins):
    """[(images, mean confidence, accuracy)] of the bins, and the expected calibration error."""
    rows = [[] for _ in range(bins)]
    for row, label, true in zip(logits.tolist(), labels, truth, strict=True):
        confidence = math.exp(row[label]) / math.fsum(map(math.exp, row))
        # Single precision may put what lies so near to an edge on either side.
        assume(abs(confidence * bins - round(confidence * bins)) > 1e-4 or confidence > 0.9999)
        place = next(b for b in range(bins) if b == bins - 1 or confidence <= (b + 1) / bins)
        rows[place].append((confidence, label == true))
    found = [
        (len(pairs), *map(statistics.fmean, zip(*pairs, strict=True))) if pairs else (0, None, None)
        for pairs in rows
    ]
    total = sum(n for n, _, _ in found)
    return found, sum(n * abs(sure - right) for n, sure, right in found if n) / total


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["float16", "float32", "float64", "bfloat16"]),
    st.integers(1, 20),
)
def test_the_bins_are_those_of_the_definition(seed: int, kind: str, bins: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (int(random.integers(1, 80)), int(random.integers(2, 12))))
    if kind == "bfloat16":
        bits = (logits.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        stored, exact = bits, (bits.astype(np.uint32) << 16).view(np.float32).astype(float)
    else:
        stored = logits.astype(kind)
        exact = stored.astype(float)
    labels = pt.top_k(stored, k=1)
    truth = np.where(random.random(len(logits)) < 0.5, labels[:, 0], 0)
    found = calibrate(stored, labels, truth, bins=bins)
    expected, error = by_definition(exact, labels[:, 0].tolist(), truth.tolist(), bins)
    assert found.n.tolist() == [n for n, _, _ in expected]
    for place, (n, sure, right) in enumerate(expected):
        if n:
            assert found.confidence[place] == pytest.approx(sure, rel=1e-5)
            assert found.accuracy[place] == pytest.approx(right)
        else:
            assert math.isnan(found.confidence[place])
            assert math.isnan(found.accuracy[place])
    assert found.error == pytest.approx(error, abs=1e-5)


def test_logits_of_several_blocks_are_read_as_those_of_one(tmp_path, monkeypatch) -> None:
    from ptarmigan.report import calibration

    random = np.random.default_rng(0)
    np.save(tmp_path / "logits.npy", random.normal(0, 2, (1000, 7)).astype(np.float32))
    logits = np.load(tmp_path / "logits.npy", mmap_mode="r")
    before = logits.copy()
    labels, truth = pt.top_k(logits), random.integers(0, 7, 1000)
    whole = calibrate(logits, labels, truth)
    monkeypatch.setattr(calibration, "READ_BYTES", 4 * 7 * 13)
    parts = calibrate(logits, labels, truth)
    assert (parts.n == whole.n).all()
    assert parts.error == whole.error
    assert (logits == before).all()


def test_always_sure_and_half_right_is_half_wrong() -> None:
    logits = np.zeros((10, 4), np.float32)
    logits[:, 1] = 200
    found = calibrate(logits, np.ones(10, int), np.arange(10) % 2)
    assert found.error == 0.5
    assert found.n.tolist() == [0] * 14 + [10]
    assert found.confidence[-1] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, p, t: (x[:-1], p, t), r"expected logits of shape \(6, classes\)"),
        (lambda x, p, t: (x, p, t[:-1]), "found .* and 5"),
        (lambda x, p, t: (x[::-1], p, t), "row 0: the first label is 0, but the best .* is 2"),
        (lambda x, p, t: (x * np.nan, p, t), "row 0: expected .* finite, found nan"),
        (lambda x, p, t: (x[:, :2], p, t), "labels from 0 to 2, the logits only 2 classes"),
    ],
)
def test_logits_that_do_not_belong_to_the_submission_are_refused(change, message) -> None:
    logits = 2 * np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    labels = pt.top_k(logits, k=2)
    with pytest.raises(pt.SubmissionError, match=message):
        calibrate(*change(logits, labels, labels[:, 0]))


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_probabilities_are_calibrated_as_the_logits_that_they_are_made_of() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(0, 2, (300, 6))
    labels, truth = pt.top_k(logits), random.integers(0, 6, 300)
    expected = calibrate(logits, labels, truth)
    for shares in (softmax(logits), 7 * softmax(logits)):
        found = calibrate(shares, labels, truth, logits=False)
        assert found.error == pytest.approx(expected.error)
        assert (found.n == expected.n).all()
    prior = random.random((300, 6))
    with_prior = pt.apply_prior(logits, prior)
    labels = pt.top_k(with_prior)
    expected = calibrate(with_prior, labels, truth)
    product = pt.apply_prior(softmax(logits), prior, logits=False)
    assert calibrate(product, labels, truth, logits=False).error == pytest.approx(expected.error)


def test_logits_and_probabilities_are_not_taken_for_each_other() -> None:
    logits = np.random.default_rng(2).normal(0, 2, (300, 6))
    labels = pt.top_k(logits)
    for kind in (np.float64, np.float16):
        with pytest.raises(pt.SubmissionError, match="so they are probabilities: say so"):
            calibrate(softmax(logits).astype(kind), labels, labels[:, 0])
    row = int((logits.min(axis=1) < 0).argmax())
    with pytest.raises(pt.SubmissionError, match=f"row {row} has a negative probability"):
        calibrate(logits, labels, labels[:, 0], logits=False)
    with pytest.raises(pt.SubmissionError, match=r"row 0: expected .* above 0"):
        calibrate(np.zeros((2, 3)), [0, 0], [0, 0], logits=False)


def test_other_numbers_than_floats_are_no_logits() -> None:
    with pytest.raises(TypeError, match="int64"):
        calibrate(np.eye(3, dtype=np.int64), np.arange(3), np.arange(3))
    with pytest.raises(ValueError, match=r"expected logits of shape \(rows, classes\)"):
        calibrate(np.eye(3)[0], np.arange(3), np.arange(3))
    with pytest.raises(ValueError, match="bins=0"):
        calibrate(np.eye(3), np.arange(3), np.arange(3), bins=0)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1)), max_size=200),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_classes_are_averaged_between_powers_of_two(classes, confidence) -> None:
    bins = frequency_bins(classes, confidence)
    assert sum(one.classes for one in bins) == sum(images > 0 for images, _ in classes)
    assert bins == sorted(bins)
    for one in bins:
        assert math.log2(one.low).is_integer()
        assert one.high == 2 * one.low - 1
        errors = [error for images, error in classes if one.low <= images <= one.high]
        assert one.classes == len(errors) > 0
        assert one.error == pytest.approx(np.mean(errors))
        if len(errors) == 1:
            assert one.interval is None
            continue
        reach = {0.5: 0.674490, 0.9: 1.644854, 0.95: 1.959964}[confidence]
        reach *= np.std(errors, ddof=1) / np.sqrt(len(errors))
        expected = (max(0, one.error - reach), min(1, one.error + reach))
        assert one.interval == pytest.approx(expected, abs=1e-6)
