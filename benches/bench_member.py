"""Random reads of members, beside indexed_gzip with a seek point every MiB.

The archive holds incompressible JPEGs of about 110 KB in a tar.gz at gzip's default level. Both
readers return the same bytes in the same random order, from a warm page cache; indexed_gzip seeks
to the offset that our index gives.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg

MEMBERS = 600
READS = 40


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> pt.Archive:
    folder = tmp_path_factory.mktemp("bench")
    photos = folder / "photos"
    photos.mkdir()
    # Twenty pictures are enough: their bytes do not meet within a window of 32 KiB.
    pictures = [make_jpeg(number, 345, 259, quality=96) for number in range(20)]
    for number in range(MEMBERS):
        (photos / f"{number:04}.jpg").write_bytes(pictures[number % 20])
    path = folder / "photos.tar.gz"
    subprocess.run(["tar", "czf", str(path), "-C", str(folder), "photos"], check=True)
    return pt.Archive(path)


def bench_random_reads(compare: Callable[..., None], archive: pt.Archive) -> None:
    indexed_gzip = pytest.importorskip("indexed_gzip")
    order = np.random.default_rng(1).permutation(MEMBERS)[:READS].tolist()
    rows = archive.members
    with indexed_gzip.IndexedGzipFile(Path(archive.path), spacing=1 << 20) as file:
        file.build_full_index()

        def read(member: int) -> bytes:
            file.seek(int(rows["tar_offset"][member]))
            data: bytes = file.read(int(rows["size"][member]))
            return data

        assert [archive.read(member) for member in order] == [read(member) for member in order]
        size = archive.total_bytes // len(archive) // 1000
        compare(
            f"random reads of {size} KB members",
            READS,
            "reads",
            {
                "ptarmigan": lambda: [archive.read(member) for member in order],
                "indexed_gzip": lambda: [read(member) for member in order],
            },
        )
