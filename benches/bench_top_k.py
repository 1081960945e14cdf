"""Rows ranked per second: `top_k` beside torch.topk and NumPy's argpartition.

The last one prints the ratios of one run, the only figures that mean anything on another machine:

    python -m pytest benches/bench_top_k.py --benchmark-only -s -k ratios
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
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
def threads(request: pytest.FixtureRequest) -> Any:
    default = torch.get_num_threads()
    torch.set_num_threads(request.param or default)
    yield request.param
    torch.set_num_threads(default)


def note_rate(benchmark: Any, rows: int) -> None:
    if benchmark.stats is not None:
        benchmark.extra_info["rows_per_second"] = rows / benchmark.stats.stats.min


@pytest.mark.benchmark(group="top-5 of 8192 x 5089")
@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_ptarmigan(benchmark: Any, logits: np.ndarray, threads: int | None, name: str) -> None:
    tensor = torch.from_numpy(logits).to(getattr(torch, name))
    found = benchmark(pt.top_k, tensor, K, threads=threads)
    assert found.shape == (ROWS, K)
    note_rate(benchmark, ROWS)


@pytest.mark.benchmark(group="top-5 of 8192 x 5089")
def test_torch_topk(benchmark: Any, logits: np.ndarray, threads: int | None) -> None:
    benchmark(torch.topk, torch.from_numpy(logits), K)
    note_rate(benchmark, ROWS)


@pytest.mark.benchmark(group="top-5 of 8192 x 5089")
def test_numpy_argpartition(benchmark: Any, logits: np.ndarray) -> None:
    part = logits[: ROWS // 8]
    benchmark(np.argpartition, part, CLASSES - K, axis=1)
    note_rate(benchmark, len(part))


def best(work: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def test_ratios(benchmark: Any, logits: np.ndarray, threads: int | None) -> None:
    """Turn by turn in one run, so that a busy machine is busy for all of them."""
    tensor = torch.from_numpy(logits)
    found = benchmark.pedantic(pt.top_k, args=(logits, K), kwargs={"threads": threads})
    np.testing.assert_array_equal(found[:99], np.argsort(-logits[:99], kind="stable")[:, :K])
    rounds = 5 if benchmark.enabled else 1
    rates = {"ptarmigan": 0.0, "torch.topk": 0.0, "torch sum of the rows": 0.0}
    for _ in range(rounds):
        for name, work in (
            ("ptarmigan", lambda: pt.top_k(logits, K, threads=threads)),
            ("torch.topk", lambda: torch.topk(tensor, K)),
            ("torch sum of the rows", lambda: tensor.sum(dim=1)),
        ):
            rates[name] = max(rates[name], ROWS / best(work, 1))
    cpu = next(
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    print(f"\n{cpu}, threads={threads or 'all'}")
    for name, rate in rates.items():
        ratio = rates["ptarmigan"] / rate
        print(f"  {name:<24}{rate:>12,.0f} rows/s   ptarmigan is {ratio:.2f} times as fast")
        benchmark.extra_info[name] = rate
