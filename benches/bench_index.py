"""One indexing pass over a tar.gz of photo-like files, beside `md5sum`, which only sums."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import ptarmigan as pt
from synthetic import make_jpeg

MEMBERS = 1200


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    photos = folder / "photos"
    photos.mkdir()
    pictures = [make_jpeg(number, 345, 259, quality=96) for number in range(20)]
    for number in range(MEMBERS):
        (photos / f"{number:032x}.jpg").write_bytes(pictures[number % 20])
    path = folder / "photos.tar.gz"
    subprocess.run(["tar", "czf", str(path), "-C", str(folder), "photos"], check=True)
    return path


def bench_one_pass(compare: Callable[..., None], path: Path) -> None:
    index = path.with_name("index")
    compare(
        "one pass over a tar.gz: md5, checksums, census, seek points",
        path.stat().st_size / 1e6,
        "MB",
        {
            "ptarmigan": lambda: pt.build_index(path, index, progress=False),
            "md5sum": lambda: subprocess.run(
                ["md5sum", str(path)], check=True, stdout=subprocess.DEVNULL
            ),
        },
    )
