"""Interleaved comparisons with peers: one table of ratios at the end of a run, with the processor.

Speeds of different runs or machines do not compare; the ratios of one run do. Every round calls all
sides in turn, so that other work on the machine meets all of them, and medians are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ptarmigan.bench import describe_machine

OURS = "ptarmigan"
ROUNDS = 7
ROWS: list[str] = []

Work = Callable[[], object]


def median_seconds(
    sides: dict[str, Work], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """The median time of each side over interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            # Idle OpenMP threads of the side before spin for some milliseconds.
            time.sleep(0.05)
            start = clock()
            work()
            times[name].append(clock() - start)
    return {name: float(np.median(side)) for name, side in times.items()}


@pytest.fixture
def compare(benchmark: Any) -> Callable[..., None]:
    """Times `ptarmigan` against peers, notes a row of rates and ratios, and runs once if disabled.

    Called with a title, the number of units that one call works on, their name, the sides, and the
    clock: processor time for one thread, wall time (the default) for several.
    """

    def compare(
        title: str,
        amount: float,
        unit: str,
        sides: dict[str, Work],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        for work in sides.values():
            work()
        seconds = median_seconds(sides, 1 if benchmark.disabled else ROUNDS, clock)
        parts = []
        for name, taken in seconds.items():
            rate = f"{name} {amount / taken:,.0f}"
            ratio = "" if name == OURS else f" ({taken / seconds[OURS]:.2f}x)"
            parts.append(rate + ratio)
            benchmark.extra_info[name] = amount / taken
        if not benchmark.disabled:
            ROWS.append(f"{title}, {unit}/s: " + ", ".join(parts))
        benchmark.pedantic(sides[OURS], rounds=1 if benchmark.disabled else 5)

    return compare


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the table."""
    if ROWS:
        terminalreporter.section(f"ptarmigan and its peers on {describe_machine()['processor']}")
        for row in ROWS:
            terminalreporter.write_line(row)
        terminalreporter.write_line("(2.00x: ptarmigan is twice as fast; medians, interleaved)")
