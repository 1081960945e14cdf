"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

import os

import numpy as np
from numpy.typing import NDArray

__version__: str

# predictions
def top_k(
    logits: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint16],
    out: NDArray[np.int32],
    *,
    brain: bool,
    threads: int | None,
) -> None: ...
def read_submission(
    path: str | os.PathLike[str], *, k: int | None, categories: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
def write_submission(
    path: str | os.PathLike[str],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    categories: int | None,
) -> None: ...
def score_strict(
    predicted: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    k: int,
    source: str | None,
    categories: int | None,
) -> tuple[list[int], list[int] | None, list[int] | None, list[tuple[int, list[int]]]]: ...
def score_official(
    predicted: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    k: int,
) -> tuple[list[int], list[int] | None, list[int] | None, list[tuple[str, list[int]]]]: ...
def score_groups(
    classes: list[list[int]], group_of: list[int], groups: int
) -> list[tuple[list[int], int, list[float]]]: ...
