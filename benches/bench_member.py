"""Random reads of members, beside indexed_gzip with a seek point every MiB and rapidgzip.

The archive holds incompressible JPEGs of about 110 KB in a tar.gz at gzip's default level. All
readers return the same bytes in the same random order, from a warm page cache and on one thread;
the peers seek to the offset that our index gives, with an index of theirs that is whole. rapidgzip
runs as it comes, with chunks of 4 MiB, and with chunks of 1 MiB. The archive is larger than what it
caches.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg

MEMBERS = 2000
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


def from_file(file: Any, archive: pt.Archive) -> Callable[[int], bytes]:
    """Reads members of ``archive`` from a file of its uncompressed bytes."""
    rows = archive.members

    def read(member: int) -> bytes:
        file.seek(int(rows["tar_offset"][member]))
        data: bytes = file.read(int(rows["size"][member]))
        return data

    return read


def bench_random_reads(compare: Callable[..., None], archive: pt.Archive) -> None:
    indexed_gzip = pytest.importorskip("indexed_gzip")
    rapidgzip = pytest.importorskip("rapidgzip")
    order = np.random.default_rng(1).permutation(MEMBERS)[:READS].tolist()
    with (
        indexed_gzip.IndexedGzipFile(Path(archive.path), spacing=1 << 20) as indexed,
        rapidgzip.RapidgzipFile(archive.path, parallelization=1) as rapid,
        rapidgzip.RapidgzipFile(archive.path, parallelization=1, chunk_size=1 << 20) as fine,
    ):
        indexed.build_full_index()
        rapid.block_offsets()
        fine.block_offsets()
        peers = {
            "indexed_gzip": from_file(indexed, archive),
            "rapidgzip": from_file(rapid, archive),
            "rapidgzip in MiB": from_file(fine, archive),
        }
        expected = [archive.read(member) for member in order]
        for read in peers.values():
            assert [read(member) for member in order] == expected
        size = archive.total_bytes // len(archive) // 1000
        compare(
            f"random reads of {size} KB members",
            READS,
            "reads",
            {"ptarmigan": lambda: [archive.read(member) for member in order]}
            | {
                name: lambda read=read: [read(member) for member in order]
                for name, read in peers.items()
            },
        )


def bench_read_many(compare: Callable[..., None], archive: pt.Archive) -> None:
    order = np.random.default_rng(3).permutation(MEMBERS)[:256].tolist()
    compare(
        "read_many of 256 members on two threads",
        len(order),
        "members",
        {
            "ptarmigan": lambda: archive.read_many(order, threads=2),
            "on one": lambda: archive.read_many(order, threads=1),
        },
    )
