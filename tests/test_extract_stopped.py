"""What stops an extraction in one pass leaves whole files, and says where it was stopped."""

from __future__ import annotations

import os
import shutil
import signal

import numpy as np
import pytest

import ptarmigan as pt
from exports_made import tree
from programs import run
from ptarmigan.cli import main
from synthetic import write_tar
from tars import Dribble, gzip_member, header, noise, padded, photo_like, tar_bytes


def extract(*arguments: object) -> int:
    return main(["extract", *map(str, arguments)])


@pytest.mark.parametrize("compressed", [False, True])
def test_an_early_end_keeps_whole_members_and_is_an_error(tmp_path, compressed, capsys):
    members = [(f"p/{number}", photo_like(number, 7000 + 900 * number)) for number in range(8)]
    tar = bytes(tar_bytes(members))
    data = gzip_member(tar) if compressed else tar
    path = tmp_path / "a"
    counts = set()
    for number, cut in enumerate(np.random.default_rng(1).integers(600, len(data) - 10_240, 25)):
        path.write_bytes(data[:cut])
        out = tmp_path / str(number)
        assert extract(path, "-C", out) == 1
        files = tree(out) if out.exists() else {}
        assert files == dict(members[: len(files)])
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert message.startswith(f"ptarmigan: `{path}`: the ")
        assert "(at byte " in message or "mark of its end" in message
        if files:
            assert message.endswith(f"extracted, up to the member `p/{len(files) - 1}`\n")
        with pytest.raises(pt.ArchiveError) as caught:
            pt.extract(Dribble(data[:cut]), tmp_path / f"again {number}")
        assert caught.value.member == (f"p/{len(files) - 1}" if files else None)
        again = tmp_path / f"again {number}"
        assert (tree(again) if again.exists() else {}) == files
        counts.add(len(files))
    assert len(counts) > 5
    assert not list(tmp_path.rglob(".ptarmigan*"))
    assert not list(tmp_path.rglob("*.ptidx*"))


def test_damage_keeps_the_members_before(tmp_path, capsys):
    members = [(f"{number}.bin", noise(number, 50_000)) for number in range(10)]
    tar = bytearray(tar_bytes(members))
    wrong_sum = bytearray(gzip_member(bytes(tar)))
    wrong_sum[-8] ^= 1
    tar[5 * 50_688 + 3] ^= 1
    path = tmp_path / "a"
    for data, count, text in (
        (wrong_sum, 10, "gzip checksum is wrong"),
        (tar, 5, "damaged tar header"),
        (gzip_member(bytes(tar)), 5, "damaged tar header"),
        (b"PK\x03\x04" + bytes(5000), 0, "found zip"),
        (b"", 0, "no data"),
    ):
        path.write_bytes(data)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert extract(path, "-C", tmp_path / "out") == 1
        message = capsys.readouterr().err
        assert text in message
        assert "(at byte " in message
        assert (f"up to the member `{count - 1}.bin`" in message) == (count > 0)
        assert (tmp_path / "out").exists() == (count > 0)
        if count:
            assert tree(tmp_path / "out") == dict(members[:count])


def test_a_huge_member_of_a_stream_is_named(tmp_path):
    size = (1 << 31) + 1
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        file.write(header(b"first", 2) + padded(b"ok") + header(b"huge", size))
        file.seek(size + -size % 512, os.SEEK_CUR)
        file.write(header(b"next", 2) + padded(b"ok") + bytes(1024))
    with path.open("rb") as file, pytest.raises(pt.ArchiveError, match=r"`huge` cannot be had"):
        pt.extract(file, tmp_path / "out")
    assert tree(tmp_path / "out") == {"first": b"ok", "next": b"ok"}


KILLED = """
import os, signal, sys
import ptarmigan as pt

def stop(done, total, members):
    if members == 100:
        os.kill(os.getpid(), signal.SIGKILL)

pt.extract(sys.argv[1], sys.argv[2], progress=stop)
"""


def test_kill_leaves_whole_files_and_the_next_run_goes_on(tmp_path):
    members = {f"p/{number % 7}/{number}.jpg": noise(number, 50_000) for number in range(200)}
    path = write_tar(tmp_path / "a.tar", members, mode="w")
    out = tmp_path / "out"
    assert run(KILLED, path, out).returncode == -signal.SIGKILL
    assert len(list(out.glob(".ptarmigan-part-*"))) == 1
    assert tree(out) == dict(list(members.items())[:100])
    found = pt.extract(path, out, skip_existing=True)
    assert (found.images, found.kept) == (100, 100)
    assert tree(out) == members
    assert not list(out.glob(".ptarmigan-part-*"))
