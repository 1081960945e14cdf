"""Random reads of members, beside indexed_gzip.

The archive holds incompressible JPEGs of about 110 KB in a tar.gz at gzip's default level. Both
readers return the same bytes in the same random order, from a warm page cache; indexed_gzip seeks
to the offset that our index gives, with seek points every MiB. Compare only within one run:

    python -m pytest benches/bench_member.py --benchmark-only
"""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg

MEMBERS = 600
READS = 40
LEAST_RATIO = 10.0


def cpu_model() -> str:
    """What /proc/cpuinfo calls this machine's processor."""
    text = Path("/proc/cpuinfo").read_text()
    lines = [line for line in text.splitlines() if line.startswith("model name")]
    return lines[0].split(":")[1].strip() if lines else platform.processor()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> pt.Archive:
    folder = tmp_path_factory.mktemp("bench")
    photos = folder / "photos"
    photos.mkdir()
    for number in range(MEMBERS):
        # Twenty pictures are enough: their bytes do not meet within a window of 32 KiB.
        if number < 20:
            data = make_jpeg(number, 345, 259, quality=96)
        else:
            data = (photos / f"{number % 20:04}.jpg").read_bytes()
        (photos / f"{number:04}.jpg").write_bytes(data)
    path = folder / "photos.tar.gz"
    subprocess.run(["tar", "czf", str(path), "-C", str(folder), "photos"], check=True)
    archive = pt.Archive(path)
    size = archive.total_bytes / len(archive)
    print(
        f"\n{cpu_model()}: {len(archive)} members of {size / 1000:.0f} KB, {path.stat().st_size} B"
    )
    return archive


@pytest.fixture(scope="module")
def order() -> list[int]:
    return np.random.default_rng(1).permutation(MEMBERS)[:READS].tolist()


@pytest.fixture(scope="module")
def read_indexed_gzip(archive: pt.Archive) -> Iterator[Callable[[int], bytes]]:
    indexed_gzip = pytest.importorskip("indexed_gzip")
    rows = archive.members
    with indexed_gzip.IndexedGzipFile(archive.path, spacing=1 << 20) as file:
        file.build_full_index()

        def read(member: int) -> bytes:
            file.seek(int(rows["tar_offset"][member]))
            data: bytes = file.read(int(rows["size"][member]))
            return data

        yield read


@pytest.mark.benchmark(group="random member reads")
def test_ptarmigan(benchmark: Callable[..., object], archive: pt.Archive, order: list[int]) -> None:
    benchmark(lambda: [archive.read(member) for member in order])


@pytest.mark.benchmark(group="random member reads")
def test_indexed_gzip(
    benchmark: Callable[..., object],
    read_indexed_gzip: Callable[[int], bytes],
    order: list[int],
) -> None:
    benchmark(lambda: [read_indexed_gzip(member) for member in order])


@pytest.mark.benchmark(group="ratio of random member reads")
def test_ratio(
    benchmark: Callable[..., object],
    archive: pt.Archive,
    read_indexed_gzip: Callable[[int], bytes],
    order: list[int],
) -> None:
    """Alternates the two, so that other work on the machine meets both, and compares medians."""
    ours: list[float] = []
    theirs: list[float] = []

    def both() -> None:
        start = time.perf_counter()
        found = [archive.read(member) for member in order]
        middle = time.perf_counter()
        expected = [read_indexed_gzip(member) for member in order]
        theirs.append(time.perf_counter() - middle)
        ours.append(middle - start)
        assert found == expected

    benchmark(both)
    rate = READS / float(np.median(ours))
    ratio = float(np.median(theirs) / np.median(ours))
    benchmark.extra_info["ratio"] = ratio  # type: ignore[attr-defined]
    benchmark.extra_info["cpu"] = cpu_model()  # type: ignore[attr-defined]
    print(f"\n{cpu_model()}: {rate:.0f} reads/s, {ratio:.1f} times indexed_gzip")
    if len(ours) > 1:
        assert ratio >= LEAST_RATIO
