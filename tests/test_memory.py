"""Indexing needs little memory, whatever the archive's size."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import ptarmigan as pt
from tars import gzip_member, header, noise, padded, raw_deflate

# The peak that `resource.getrusage` gives is handed down from the parent process; this one is not.
PEAK = """
import sys
import ptarmigan as pt
import ptarmigan.archive

def peak():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
"""

READER = (
    PEAK
    + """
before = peak()
result = pt.build_index(sys.stdin.buffer, sys.argv[1])
print(result.members, result.bytes, before, peak())
"""
)


def limit_mib(members: int) -> float:
    """What a pass may have: 120 MB and 200 bytes a member."""
    return (120e6 + 200 * members) / (1 << 20)


def index_pipe(index: Path, piece: bytes, count: int) -> tuple[int, int, int, int]:
    """Feeds ``piece`` many times to an indexing process; its members, bytes and peak memory."""
    command = [sys.executable, "-c", READER, str(index)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(count):
            process.stdin.write(piece)
        process.stdin.close()
        members, size, before, after = map(int, process.stdout.read().split())
    assert process.returncode == 0
    return members, size, before, after


def test_a_gigabyte_through_a_pipe_stays_small(tmp_path: Path) -> None:
    data = noise(1, 1_000_000)
    tar = b"".join(header(b"photo%d.jpg" % number, len(data)) + padded(data) for number in range(8))
    # Stored and compressed blocks by turns.
    piece = gzip_member(tar[:6_000_000], raw_deflate(tar[:6_000_000], 0))
    piece += gzip_member(tar[6_000_000:], raw_deflate(tar[6_000_000:], 1))
    count = (1 << 30) // len(piece) + 1
    members, size, before, after = index_pipe(tmp_path / "i", piece, count)
    assert members == 8 * count
    assert size == members * len(data) > 1 << 30
    assert after < limit_mib(members), f"{before} MiB before, {after} MiB after"


def test_a_gigabyte_in_one_member_stays_small(tmp_path: Path) -> None:
    size = 1 << 30
    zeros = bytes(1 << 20)
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    crc = zlib.crc32(head := header(b"zeros", size))
    packed = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", compressor.compress(head)]
    for _ in range(size >> 20):
        packed.append(compressor.compress(zeros))
        crc = zlib.crc32(zeros, crc)
    total = (size + 512) & 0xFFFFFFFF
    packed += [compressor.flush(), crc.to_bytes(4, "little"), total.to_bytes(4, "little")]
    members, found, before, after = index_pipe(tmp_path / "i", b"".join(packed), 1)
    assert (members, found) == (1, size)
    assert after < limit_mib(members), f"{before} MiB before, {after} MiB after"


def test_many_small_members_stay_small(tmp_path: Path) -> None:
    tar = b"".join(
        header(b"a/long/folder/name/%032d.jpg" % n, 10) + padded(b"0123456789")
        for n in range(20_000)
    )
    piece = gzip_member(tar)
    members, _, before, after = index_pipe(tmp_path / "i", piece, 30)
    assert members == 600_000
    assert after < limit_mib(members), f"{before} MiB before, {after} MiB after"
    assert (tmp_path / "i").stat().st_size < 160 * members
    path = tmp_path / "a.tar.gz"
    path.write_bytes(piece * 30)
    check_that_an_opened_index_is_small(path, tmp_path / "i")


def check_that_an_opened_index_is_small(path: Path, index: Path) -> None:
    code = """
import sys
import numpy as np
import ptarmigan as pt
import ptarmigan.archive

def own():
    # What is not a page of a mapped file, in MB.
    status = open("/proc/self/status").read()
    return int(status.split("RssAnon:")[1].split()[0]) / 1000

before = own()
archive = pt.Archive(sys.argv[1], index_path=sys.argv[2], build="never")
for member in np.random.default_rng(1).integers(0, len(archive), 2000).tolist():
    archive.read(member)
assert archive.index_of("a/long/folder/name/%032d.jpg" % 7) == 29 * 20_000 + 7
print(own() - before)
"""
    command = [sys.executable, "-c", code, str(path), str(index)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert float(found.stdout) < 20


def test_reading_does_not_gather_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    data = noise(2, 3_000_000)
    tar = b"".join(header(b"%d" % number, len(data)) + padded(data) for number in range(4))
    path.write_bytes(gzip_member(tar, raw_deflate(tar, 1)))
    code = (
        PEAK
        + """
archive = pt.Archive(sys.argv[1])
for _ in range(3): archive.read(0)
before = peak()
for _ in range(200): archive.read(1)
print(peak() - before)
"""
    )
    found = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)
    assert int(found.stdout) < 16
    assert pt.Archive(path).read(3) == data


def test_a_member_of_three_gibibytes_is_listed_and_its_neighbour_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    size = 3 << 30
    with path.open("wb") as file:
        file.write(header(b"huge", size))
        # A hole: the file takes no room.
        file.seek(512 + size)
        file.write(header(b"small", 5) + padded(b"hello") + bytes(1024))
    code = (
        PEAK
        + """
before = peak()
archive = pt.Archive(sys.argv[1], md5=False)
assert archive.read("small") == b"hello"
try:
    archive.read("huge")
except pt.ArchiveError as error:
    assert error.member == "huge" and "at most 2147483648" in str(error), error
else:
    raise SystemExit("it was read")
print(int(archive.members["size"][0]), before, peak())
"""
    )
    found = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)
    listed, before, after = map(int, found.stdout.split())
    assert listed == size
    assert after < limit_mib(2), f"{before} MiB before, {after} MiB after"
