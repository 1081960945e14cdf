"""What `import ptarmigan` costs and what it leaves alone."""

from __future__ import annotations

import statistics
import subprocess
import sys

NAMES = "Archive, Loader, decode_batch, top_k"


def fresh(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return result.stdout.strip()


def test_importing_starts_no_thread_and_loads_no_framework() -> None:
    code = (
        "import os, sys, ptarmigan\n"
        "from ptarmigan import Archive, Loader, RandomResizedCrop\n"
        "print(len(os.listdir('/proc/self/task')))\n"
        "unwanted = {'torch', 'PIL', 'rich', 'torchvision', 'zipfile', 'fsspec'}\n"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    before = fresh("import os, numpy; print(len(os.listdir('/proc/self/task')))")
    assert fresh(code).splitlines() == [before, "[]"]


def test_importing_costs_little_more_than_numpy() -> None:
    """Medians of runs in turn; a busy machine gets three attempts at the same bound."""
    clock = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    commands = [
        clock.format("import numpy"),
        clock.format("import numpy, ptarmigan; from ptarmigan import Archive, Loader"),
    ]
    extra = []
    for _ in range(3):
        times = [[float(fresh(command)) for command in commands] for _ in range(7)]
        plain, ours = (statistics.median(column) for column in zip(*times, strict=True))
        extra.append(1000 * (ours - plain))
        if extra[-1] <= 20:
            return
    raise AssertionError(f"import ptarmigan takes {extra} ms more than import numpy")
