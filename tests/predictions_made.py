"""Makes what is scored: a small data set, the truth of its test split, logits that are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ptarmigan.cli import main
from ptarmigan.synth import SyntheticDataset, write_dataset

SOLUTION = "test2017_solution.csv"


def small_data(root: Path) -> SyntheticDataset:
    """A data set of 30 test images and more categories than a row has labels."""
    return write_dataset(root, scale=0.003, images=90, max_side=48, test_images=30)


def truth_in(solution: Path) -> np.ndarray:
    """(N, 2): id and category."""
    return np.loadtxt(solution, np.int64, delimiter=",", skiprows=1, usecols=(0, 1))


def perfect_logits(labels: np.ndarray, classes: int) -> np.ndarray:
    """(N, classes) float32 of which the best of each row is its label."""
    logits = np.random.default_rng(0).random((len(labels), classes), np.float32)
    logits[np.arange(len(labels)), labels] += 2
    return logits


def run(*arguments: object) -> int:
    """The exit status of a command."""
    return main([str(argument) for argument in arguments])
