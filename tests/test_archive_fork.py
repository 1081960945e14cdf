"""One archive in many processes: forked, spawned, and forked while threads read."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest

import ptarmigan as pt
from forks import in_child
from synthetic import write_tar
from tars import photo_like

MEMBERS = {f"{number}.bin": photo_like(number, 40_000 + number) for number in range(30)}


def read_all(archive: pt.Archive) -> bool:
    """Whether every member is right; runs in another process."""
    one_by_one = [archive.read(name) for name in MEMBERS] == list(MEMBERS.values())
    return one_by_one and archive.read_many(range(len(archive))) == list(MEMBERS.values())


@pytest.fixture
def archive(tmp_path: Path) -> pt.Archive:
    return pt.Archive(write_tar(tmp_path / "a.tar.gz", MEMBERS))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_archive_goes_to_other_processes(archive: pt.Archive, method: str) -> None:
    assert read_all(archive)
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(read_all, [archive] * 4) == [True] * 4
    assert read_all(archive)


def test_a_fork_while_threads_read_does_not_hang(archive: pt.Archive) -> None:
    stop = threading.Event()
    wrong: list[str] = []

    def read() -> None:
        while not stop.is_set():
            wrong.extend(name for name, data in MEMBERS.items() if archive.read(name) != data)

    def check() -> None:
        assert read_all(archive)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert in_child(check) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
