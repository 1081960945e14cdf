"""From logits to a score in one go, and what importing the module costs."""

from __future__ import annotations

import doctest
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt


def test_logits_become_a_submission_and_a_score(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images, classes = 500, 300
    ids = random.permutation(10_000)[:images]
    labels = random.integers(0, classes, images)
    logits = random.normal(size=(images, classes)).astype(np.float32)
    logits[np.arange(images), labels] += 2.5
    predicted = pt.top_k(logits)
    pt.write_submission(tmp_path / "submission.csv", ids, predicted, categories=classes)
    rank = (logits > logits[np.arange(images), labels][:, np.newaxis]).sum(axis=1)
    for official in (False, True):
        score = pt.score(tmp_path / "submission.csv", (ids, labels), official=official)
        assert score.top_1_error == (rank > 0).mean()
        assert score.top_k_error == (rank > 4).mean()
        assert 0 < score.top_k_error < score.top_1_error < 1


def test_half_precision_changes_only_what_rounding_changes(tmp_path: Path) -> None:
    logits = np.random.default_rng(1).integers(-100, 100, (50, 400)).astype(np.float32)
    expected = pt.top_k(logits)
    np.testing.assert_array_equal(pt.top_k(logits.astype(np.float16)), expected)
    brain = (logits.view(np.uint32) >> 16).astype(np.uint16)
    np.testing.assert_array_equal(pt.top_k(brain), expected)


def test_many_threads_of_the_caller_may_rank_at_once() -> None:
    logits = np.random.default_rng(1).normal(size=(4000, 500)).astype(np.float32)
    expected = pt.top_k(logits, threads=1)
    found: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: found.append(pt.top_k(logits))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 8
    for each in found:
        np.testing.assert_array_equal(each, expected)


def test_the_module_imports_neither_torch_nor_pandas_nor_starts_a_thread() -> None:
    program = (
        "import sys, threading, ptarmigan.predictions\n"
        "assert not {'torch', 'PIL', 'pandas', 'rich'} & set(sys.modules)\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("module", ["predictions", "scores", "truth", "logits"])
def test_the_examples_in_the_docstrings_hold(module: str) -> None:
    import importlib

    loaded = importlib.import_module(f"ptarmigan.{module}")
    assert doctest.testmod(loaded, extraglobs={"np": np}).failed == 0
