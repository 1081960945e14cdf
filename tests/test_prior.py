"""Priors: probability times prior, a part of the rows at a time."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from ptarmigan import logits as logits_module
from ptarmigan import prior as prior_module
from ptarmigan.logits import LogitsFile


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def made(rows: int = 40, classes: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    prior = random.random((rows, classes)) ** 4
    prior[random.random(rows) < 0.2] = np.nan
    return random.normal(0, 3, (rows, classes)), prior


def product(logits: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return softmax(logits) * np.where(np.isnan(prior), 1, prior)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(2, 40))
def test_the_best_are_those_of_the_product(seed: int, rows: int, classes: int) -> None:
    logits, prior = made(rows, classes, seed)
    expected = np.argsort(-product(logits, prior), axis=1, kind="stable")[:, :2]
    np.testing.assert_array_equal(pt.top_k(pt.apply_prior(logits, prior), 2), expected)
    probabilities = pt.apply_prior(softmax(logits), prior, logits=False)
    np.testing.assert_array_equal(pt.top_k(probabilities, 2), expected)


def test_the_result_is_a_sum_of_logarithms_or_a_product() -> None:
    logits, prior = made()
    prior[1, 2] = 0
    with_prior = pt.apply_prior(logits, prior)
    assert (with_prior.shape, with_prior.dtype, len(with_prior)) == ((40, 30), np.float64, 40)
    with np.errstate(divide="ignore"):
        expected = logits + np.where(np.isnan(prior), 0, np.log(prior))
    np.testing.assert_allclose(np.asarray(with_prior), expected)
    scaled = np.exp(np.asarray(with_prior))
    scaled /= scaled.sum(axis=1, keepdims=True)
    expected = product(logits, prior)
    np.testing.assert_allclose(scaled, expected / expected.sum(axis=1, keepdims=True))
    probabilities = pt.apply_prior(softmax(logits), prior, logits=False)
    np.testing.assert_allclose(np.asarray(probabilities, np.float32), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(with_prior, copy=False)


def test_a_row_of_nan_and_a_row_of_ones_are_no_prior() -> None:
    logits, _ = made()
    logits = logits.astype(np.float32)
    for value in (np.nan, 1.0, 0.25):
        prior = np.full(logits.shape, value, np.float32)
        np.testing.assert_array_equal(
            pt.top_k(pt.apply_prior(logits, prior), 5), pt.top_k(logits, 5)
        )
    nans = np.full(logits.shape, np.nan, np.float32)
    np.testing.assert_array_equal(np.asarray(pt.apply_prior(logits, nans)), logits)


def test_rows_are_computed_some_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logits, prior = (part.astype(np.float32) for part in made(100, 30))
    expected = pt.top_k(pt.apply_prior(logits, prior))
    monkeypatch.setattr(logits_module, "READ_BYTES", 30 * 4 * 7)
    asked: list[int] = []

    def of_rows(rows: np.ndarray) -> np.ndarray:
        assert rows.dtype == np.int64
        asked.append(len(rows))
        return prior[rows]

    np.testing.assert_array_equal(pt.top_k(pt.apply_prior(logits, of_rows)), expected)
    assert asked == [7] * 14 + [2]
    np.testing.assert_array_equal(pt.top_k(pt.apply_prior(logits, prior)), expected)
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "prior.npy", prior)
    files = pt.apply_prior(tmp_path / "logits.npy", str(tmp_path / "prior.npy"))
    np.testing.assert_array_equal(pt.top_k(files), expected)
    with LogitsFile(tmp_path / "logits.npy") as opened:
        np.testing.assert_array_equal(pt.top_k(pt.apply_prior(opened, prior)), expected)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_multiplied_in_float32(kind: str) -> None:
    logits, prior = made(50, 20)
    if kind == "bfloat16":
        logits = (logits.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        wide = (logits.astype(np.uint32) << 16).view(np.float32)
    else:
        logits = logits.astype(np.float16)
        wide = logits.astype(np.float32)
    prior = prior.astype(np.float32)
    with_prior = pt.apply_prior(logits, prior)
    assert with_prior.dtype == np.float32
    expected = np.asarray(pt.apply_prior(wide, prior))
    np.testing.assert_array_equal(np.asarray(with_prior), expected)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((3, 1), -0.1, "row 3 has a negative prior"),
        ((3, 1), np.inf, "row 3 has an infinite prior"),
        ((3, 1), np.nan, "row 3 has a prior that is NaN for some classes"),
        ((3,), 0.0, "row 3 has a prior of 0 for every class; for no prior give a row of NaN"),
    ],
)
def test_a_wrong_prior_is_named_with_its_row(
    monkeypatch: pytest.MonkeyPatch, place: tuple[int, ...], value: float, message: str
) -> None:
    logits, prior = np.zeros((9, 4), np.float32), np.ones((9, 4), np.float32)
    prior[place] = value
    for size in (1 << 20, 32):
        monkeypatch.setattr(logits_module, "READ_BYTES", size)
        with pytest.raises(pt.SubmissionError, match=message):
            pt.top_k(pt.apply_prior(logits, prior), 1)


def test_what_does_not_fit_is_refused() -> None:
    logits, prior = made()
    with pytest.raises(ValueError, match=r"expected a prior of shape \(40, 30\)"):
        pt.apply_prior(logits, prior[:-1])
    with pytest.raises(ValueError, match=r"prior of shape \(40, 30\) for rows 0 to 39"):
        pt.top_k(pt.apply_prior(logits, lambda rows: prior[rows, :-1]))
    with pytest.raises(TypeError, match="found int64"):
        pt.apply_prior(logits, np.ones(logits.shape, np.int64))
    with pytest.raises(ValueError, match="expected logits of shape"):
        pt.apply_prior(logits[0], prior)


def test_probabilities_and_logits_are_told_apart() -> None:
    logits, prior = made()
    for kind in (np.float64, np.float32, np.float16):
        with pytest.raises(pt.SubmissionError, match="so they are probabilities"):
            pt.top_k(pt.apply_prior(softmax(logits).astype(kind), prior))
    with pytest.raises(pt.SubmissionError, match="row 0 has a negative probability"):
        pt.top_k(pt.apply_prior(logits, prior, logits=False))


def test_a_score_takes_logits_and_their_prior() -> None:
    logits, prior = made(300, 20)
    labels = np.random.default_rng(1).integers(0, 20, 300)
    expected = pt.score(pt.top_k(pt.apply_prior(logits, prior), 3), labels, 3)
    found = pt.score(logits, labels, 3, prior=prior, ids=np.arange(300))
    assert found.to_dict() == expected.to_dict()
    assert found.top_k_error != pt.score(pt.top_k(logits, 3), labels, 3).top_k_error
    known = np.arange(300) < 250
    part = pt.score(logits, labels, 3, prior=lambda rows: prior[rows], valid=known)
    assert part.n == 250


def test_the_example_in_the_docstring_holds() -> None:
    found = doctest.testmod(prior_module, extraglobs={"np": np, "top_k": pt.top_k})
    assert (found.failed, found.attempted) == (0, 3)
