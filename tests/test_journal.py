"""A pass that was ended goes on where it was, and ends with the very same index."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan.index_pass import published_md5
from synthetic import write_tar
from tars import (
    expected_members,
    gunzip,
    listing,
    noise,
    one_block_gzip,
    open_anyway,
    photo_like,
    tar_bytes,
)

# 20 runs of the test suite; the project's own figure is of 200.
KILLS = int(os.environ.get("PTARMIGAN_TEST_KILLS", "20"))

# Rests now and then, so that there is time to kill the pass and several checkpoints are due.
SLOW = """
import sys, time
import ptarmigan as pt
def slowly(done, total, members):
    time.sleep(0.09)
pt.build_index(sys.argv[1], progress=slowly)
"""


def photos(count: int, size: int) -> dict[str, bytes]:
    random = np.random.default_rng(count)
    sizes = random.integers(size // 4, size, count)
    return {
        f"train/{number % 17}/{number:032x}.jpg": photo_like(number % 40, int(length))
        for number, length in enumerate(sizes)
    }


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("big")
    path = folder / "a.tar.gz"
    data = tar_bytes(list(photos(3000, 150_000).items()))
    # Level 1 is quick to make; the stream is mostly codes, not stored blocks.
    path.write_bytes(gzip.compress(bytes(data), 1, mtime=0))
    return path


def whole_index(path: Path) -> bytes:
    place = path.with_name("whole.ptidx")
    pt.build_index(path, place)
    data = place.read_bytes()
    place.unlink()
    return data


def test_kills_at_any_moment_end_in_the_same_index(big: Path) -> None:
    expected = whole_index(big)
    index, journal = Path(f"{big}.ptidx"), Path(f"{big}.ptidx.journal")
    random = np.random.default_rng(int(time.time()))
    resumed = 0
    for number in range(KILLS):
        index.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", SLOW, str(big)], stdout=subprocess.DEVNULL
        )
        time.sleep(float(random.uniform(0.05, 2.5)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if index.exists():
            assert index.read_bytes() == expected, number
            continue
        before = journal.stat().st_size if journal.exists() else 0
        if random.integers(2):
            # The second pass may be killed too: it writes its own journal first.
            continue
        pt.build_index(big)
        resumed += before > 1000
        assert index.read_bytes() == expected, number
        assert listing(big.parent) == sorted([big.name, index.name]), number
    index.unlink(missing_ok=True)
    pt.build_index(big)
    assert index.read_bytes() == expected
    assert resumed > 0 or KILLS < 10


def interrupted(path: Path, share: float) -> int:
    """Ends a pass at this share of the file; returns how many bytes it had dealt with."""
    size = path.stat().st_size
    seen = 0

    def stop(done: int, total: int | None, members: int) -> None:
        nonlocal seen
        seen = done
        if done >= share * size:
            raise InterruptedError
        time.sleep(0.09)

    with pytest.raises(InterruptedError):
        pt.build_index(path, progress=stop)
    return seen


def test_a_pass_goes_on_from_its_journal(big: Path) -> None:
    expected = whole_index(big)
    index, journal = Path(f"{big}.ptidx"), Path(f"{big}.ptidx.journal")
    index.unlink(missing_ok=True)
    assert interrupted(big, 0.5) < big.stat().st_size
    assert journal.exists()
    first: list[int] = []
    pt.build_index(big, progress=lambda done, *_: first.append(done))
    assert first[0] > 0.2 * big.stat().st_size
    assert index.read_bytes() == expected
    assert not journal.exists()


def test_a_damaged_journal_is_used_up_to_the_damage(tmp_path: Path, big: Path) -> None:
    path = tmp_path / "a.tar.gz"
    os.link(big, path)
    expected = whole_index(path)
    index, journal = Path(f"{path}.ptidx"), Path(f"{path}.ptidx.journal")
    interrupted(path, 0.5)
    data = journal.read_bytes()
    random = np.random.default_rng(4)
    for at in [0, 9, 15, 30, *random.integers(0, len(data), 8).tolist()]:
        journal.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        pt.build_index(path)
        assert index.read_bytes() == expected, at
    for length in [0, 5, 12, len(data) // 2, len(data) - 1]:
        journal.write_bytes(data[:length])
        pt.build_index(path)
        assert index.read_bytes() == expected, length
        assert not journal.exists()


def test_a_journal_of_another_archive_is_not_used(tmp_path: Path, big: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(big.read_bytes())
    interrupted(path, 0.5)
    other = write_tar(tmp_path / "b.tar.gz", {"a": noise(1, 3 << 20)})
    path.write_bytes(other.read_bytes())
    archive = pt.Archive(path)
    assert archive.names == ["a"]
    assert archive.md5 == pt.Archive(other).md5


@pytest.mark.parametrize("kind", ["tar.gz", "tar", "one block", "two members"])
def test_an_archive_that_grows_is_read_as_far_as_it_goes(tmp_path: Path, kind: str) -> None:
    members = photos(60, 60_000)
    tar = tar_bytes(list(members.items()))
    data = {
        "tar.gz": lambda: gzip.compress(bytes(tar), mtime=0),
        "tar": lambda: bytes(tar),
        "one block": lambda: one_block_gzip(tar),
        "two members": lambda: (
            gzip.compress(bytes(tar[:700_001])) + gzip.compress(bytes(tar[700_001:]))
        ),
    }[kind]()
    path = tmp_path / "a"
    path.write_bytes(data)
    # The tar in a giant block has changes: what the standard library reads is right.
    members = dict(expected_members(path))
    expected = whole_index(path)
    index = Path(f"{path}.ptidx")
    counts = []
    for share in (0.2, 0.21, 0.5, 0.9, 1):
        path.write_bytes(data[: int(share * len(data))])
        archive = open_anyway(path)
        assert (archive.stopped is None) == (share == 1)
        assert archive.names == list(members)[: len(archive)]
        assert archive.read_many(archive.names) == list(members.values())[: len(archive)]
        counts.append(len(archive))
        if share < 1:
            # What is there stays good while the file grows.
            path.write_bytes(data[: int((share + 0.05) * len(data))])
            again = open_anyway(path, build="never")
            assert again.names == archive.names
            assert again.read_many(again.names[::3]) == archive.read_many(archive.names[::3])
    assert counts == sorted(counts)
    assert counts[0] > 3
    assert counts[-1] == len(members)
    assert index.read_bytes() == expected
    assert listing(tmp_path) == ["a", "a.ptidx"]


def test_a_part_says_why_and_how_much(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", photos(20, 50_000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.warns(pt.PartialArchiveWarning, match=r"truncated.*byte \d+.*first \d+ members"):
        archive = pt.Archive(path)
    assert not archive.complete
    assert pt.build_index(path).stopped == archive.stopped
    with pytest.raises(pt.ArchiveError, match="go on with the download"):
        pt.build_index(path, expected_md5="0" * 32)
    command = [sys.executable, "-m", "ptarmigan", "index", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"its first {len(archive)} members are used" in done.stderr
    path.write_bytes(data)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "20 members" in done.stdout
    assert "kept" not in done.stdout
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "kept" in done.stdout


def test_a_part_of_another_archive_is_stale(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", photos(20, 50_000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    open_anyway(path)
    path.write_bytes(noise(1, len(data)))
    with pytest.raises(pt.IndexFileError, match="does not belong"):
        pt.Archive(path)


def test_two_passes_at_once_do_not_disturb_each_other(big: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    os.link(big, path)
    expected = whole_index(path)
    passes = [
        subprocess.Popen([sys.executable, "-c", SLOW, str(path)], stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait() for process in passes] == [0, 0, 0]
    assert Path(f"{path}.ptidx").read_bytes() == expected
    assert listing(tmp_path) == ["a.tar.gz", "a.tar.gz.ptidx"]


def test_without_md5(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", photos(20, 50_000))
    with_md5 = pt.Archive(path)
    without = pt.Archive(path, md5=False, build="rebuild")
    assert without.md5 is None
    assert without.fingerprint == with_md5.fingerprint
    assert without.verify().ok
    with pytest.raises(ValueError, match="md5=False"):
        pt.Archive(path, md5=False, expected_md5="0" * 32)
    with pytest.raises(ValueError, match="no md5"):
        pt.Archive(path, expected_md5="0" * 32)
    raw = tmp_path / "raw.tar"
    raw.write_bytes(gunzip(path))
    assert pt.build_index(raw, md5=False).md5 is None


def test_the_official_archives_are_known_by_name_and_size(tmp_path: Path) -> None:
    path = tmp_path / "test2017.tar.gz"
    with path.open("wb") as file:
        file.truncate(56_064_473_151)
    assert published_md5(path) == "7d9b096fa1cd94d67a0fa779ea301234"
    with path.open("wb") as file:
        file.truncate(56_064_473_150)
    assert published_md5(path) is None
    assert published_md5(tmp_path / "train_val_images.tar.gz") is None
