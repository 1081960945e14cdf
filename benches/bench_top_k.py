"""Rows ranked per second: `top_k` beside torch.topk, NumPy's argpartition and summing the rows.

Summing reads every logit once and is what memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import ptarmigan as pt

ROWS, CLASSES, K = 8192, 5089, 5

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((ROWS, CLASSES), np.float32)


@pytest.fixture(params=[1, None], ids=["1-thread", "all-threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[Any]:
    default = torch.get_num_threads()
    torch.set_num_threads(request.param or default)
    yield request.param
    torch.set_num_threads(default)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def bench_top_k(
    compare: Callable[..., None], logits: np.ndarray, threads: int | None, dtype: str
) -> None:
    tensor = torch.from_numpy(logits).to(getattr(torch, dtype))
    found = pt.top_k(tensor[:99], K)
    expected = np.argsort(-tensor[:99].float().numpy(), kind="stable")[:, :K]
    np.testing.assert_array_equal(found, expected)
    sides: dict[str, Callable[[], object]] = {
        "ptarmigan": lambda: pt.top_k(tensor, K, threads=threads),
        "torch.topk": lambda: torch.topk(tensor, K),
    }
    if dtype == "float32":
        sides["torch.sum"] = lambda: tensor.sum(dim=1)
    compare(f"top-5 of {ROWS} x {CLASSES} {dtype}, threads={threads or 'all'}", ROWS, "rows", sides)


def bench_argpartition(compare: Callable[..., None], logits: np.ndarray) -> None:
    part = logits[: ROWS // 8]
    compare(
        f"top-5 of {len(part)} x {CLASSES} float32, threads=1",
        len(part),
        "rows",
        {
            "ptarmigan": lambda: pt.top_k(part, K, threads=1),
            "numpy.argpartition": lambda: np.argpartition(part, CLASSES - K, axis=1),
        },
    )
