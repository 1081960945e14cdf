"""Members as files: whatever is read and sought, it is as from a file with the same bytes."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ptarmigan as pt
from flavours import FLAVOURS, MEMBERS, Packed, pack
from forks import in_child
from synthetic import make_jpeg, write_tar
from tars import (
    gzip_member,
    header,
    noise,
    padded,
    photo_like,
    raw_deflate,
    tar_bytes,
    write_files,
)


@pytest.fixture(scope="module", params=FLAVOURS)
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack(tmp_path_factory.mktemp("files"), request.param)


def test_a_member_is_a_binary_file(packed: Packed) -> None:
    archive, members = packed
    for name, data in members.items():
        with archive.open(name) as file:
            assert isinstance(file, io.BufferedReader)
            assert (file.name, file.mode, file.size) == (name, "rb", len(data))
            assert file.readable()
            assert file.seekable()
            assert not file.writable()
            assert file.read() == data
            assert file.read() == b""
            assert file.tell() == len(data)
            assert file.seek(-1, os.SEEK_END) == len(data) - 1 if data else True
        assert file.closed
        with pytest.raises(ValueError, match="closed"):
            file.read()
        number = archive.index_of(name)
        with archive.open(number - len(archive)) as file:
            assert list(file) == list(io.BytesIO(data))
    assert repr(archive.open("one")) == "<MemberFile name='one' size=1>"


@pytest.mark.parametrize("step", [1000, 65_536, 100_000, 262_144])
def test_a_member_is_read_in_pieces_of_any_size(packed: Packed, step: int) -> None:
    archive, members = packed
    for name, data in members.items():
        with archive.open(name) as file:
            assert b"".join(iter(lambda: file.read(step), b"")) == data
            file.seek(0)
            buffer = bytearray(len(data) + 5)
            assert file.readinto(buffer) == len(data)
            assert bytes(buffer) == data + bytes(5)
        with archive.open(name) as file:
            assert b"".join(iter(lambda: file.raw.read(step), b"")) == data


moves = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 400_000)),
    st.tuples(st.just("read1"), st.integers(0, 100_000)),
    st.tuples(st.just("readinto"), st.integers(0, 200_000)),
    st.tuples(st.just("readline"), st.integers(-1, 1000)),
    st.tuples(st.just("set"), st.integers(0, 1_000_000)),
    st.tuples(st.just("current"), st.integers(-300_000, 300_000)),
    st.tuples(st.just("end"), st.integers(-1_000_000, 1000)),
)


def act(file: io.BytesIO | io.BufferedReader, move: str, number: int) -> object:
    """What one call gives; a seek gives the new position, or that there is none such."""
    if move == "readinto":
        buffer = bytearray(number)
        count = file.readinto(buffer)
        return count, bytes(buffer), file.tell()
    if move in ("read", "readline"):
        return getattr(file, move)(number), file.tell()
    whence = {"set": os.SEEK_SET, "current": os.SEEK_CUR, "end": os.SEEK_END}[move]
    return file.seek(max(number, -file.tell()) if move == "current" else number, whence)


@settings(max_examples=60, deadline=None)
@given(flavour=st.sampled_from(FLAVOURS), name=st.sampled_from(sorted(MEMBERS)), data=st.data())
def test_any_reads_and_seeks_are_those_of_a_file_in_memory(
    tmp_path_factory: pytest.TempPathFactory, flavour: str, name: str, data: st.DataObject
) -> None:
    if flavour not in PACKED:
        PACKED[flavour] = pack(tmp_path_factory.mktemp("any"), flavour)
    archive, members = PACKED[flavour]
    ours, theirs = archive.open(name), io.BytesIO(members[name])
    for move, number in data.draw(st.lists(moves, max_size=12)):
        if move == "end" and number < -len(members[name]):
            number = -len(members[name])
        if move == "read1":
            # How much comes is not promised, only that it is what comes next.
            at = theirs.tell()
            found = ours.read1(number)
            assert members[name][at : at + len(found)] == found
            assert bool(found) == (number > 0 and at < len(members[name]))
            theirs.seek(at + len(found))
            continue
        assert act(ours, move, number) == act(theirs, move, number)
        assert ours.tell() == theirs.tell()


PACKED: dict[str, Packed] = {}


def test_seeking_beyond_the_ends_is_as_in_other_files(packed: Packed) -> None:
    archive, members = packed
    file = archive.open("first")
    assert file.seek(10_000_000) == 10_000_000
    assert file.read(5) == b""
    with pytest.raises(ValueError, match="position"):
        file.seek(-1)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 7)
    assert file.seek(5) == 5
    assert file.read(5) == members["first"][5:10]
    with pytest.raises(io.UnsupportedOperation):
        file.write(b"x")
    with pytest.raises(TypeError):
        file.raw.readinto(b"12345")  # type: ignore[arg-type]
    with pytest.raises(pt.MemberNotFoundError):
        archive.open("none")


def test_other_libraries_read_members(tmp_path: Path) -> None:
    arrays, text = io.BytesIO(), "café\nthé\n"
    np.save(arrays, np.arange(100_000, dtype=np.float32).reshape(100, 1000))
    several = io.BytesIO()
    np.savez_compressed(several, a=np.eye(3))
    members = {
        "a.npy": arrays.getvalue(),
        "a.npz": several.getvalue(),
        "a.jpg": make_jpeg(1, 200, 100),
        "a.txt": text.encode(),
        "inner.tar.gz": gzip.compress(bytes(tar_bytes([("deep", b"down")]))),
    }
    archive = pt.Archive(write_tar(tmp_path / "a.tar.gz", members))
    with archive.open("a.npy") as file:
        assert np.array_equal(np.load(file), np.load(io.BytesIO(members["a.npy"])))
    with archive.open("a.npz") as file, np.load(file) as found:
        assert np.array_equal(found["a"], np.eye(3))
    with archive.open("a.jpg") as file, Image.open(file) as image:
        expected = np.asarray(Image.open(io.BytesIO(members["a.jpg"])))
        assert np.array_equal(np.asarray(image), expected)
        assert image.format == "JPEG"
    with io.TextIOWrapper(archive.open("a.txt"), encoding="utf-8") as file:
        assert file.readlines() == text.splitlines(keepends=True)
    with archive.open("inner.tar.gz") as file, tarfile.open(fileobj=file) as tar:
        inner = tar.extractfile("deep")
        assert inner is not None
        assert inner.read() == b"down"


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "folder"])
def test_a_wrong_checksum_is_found_at_the_end(tmp_path: Path, kind: str) -> None:
    data = noise(1, 300_000)
    if kind == "folder":
        path = write_files(tmp_path / "files", {"a": data, "b": data})
        archive = pt.Archive(path)
        changed = bytearray(data)
        changed[1000] ^= 1
        (path / "a").write_bytes(changed)
    else:
        path = tmp_path / "a"
        tar = bytes(tar_bytes([("a", data), ("b", noise(2, 300_000))]))
        # Stored, so that a changed byte is not noticed by inflating.
        packed = bytearray(gzip_member(tar, raw_deflate(tar, 0)) if kind == "tar.gz" else tar)
        path.write_bytes(packed)
        archive = pt.Archive(path)
        packed[2000] ^= 1
        path.write_bytes(packed)
    file = archive.open("a")
    assert len(file.read(200_000)) == 200_000
    for _ in range(2):
        with pytest.raises(pt.ArchiveError, match="checksum is wrong") as raised:
            file.read()
        assert raised.value.member == "a"
        assert raised.value.path == str(path)
        file.seek(200_000)
    file = archive.open("a")
    file.seek(-10, os.SEEK_END)
    if kind == "tar.gz":
        with pytest.raises(pt.ArchiveError, match="checksum"):
            file.read()
    else:
        assert file.read() == data[-10:]
    with archive.open("b") as other:
        assert len(other.read()) == 300_000


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a": noise(3, 500_000), "b": b"1"})
    archive = pt.Archive(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
    member = archive.open("a")
    assert member.read(1000) == noise(3, 500_000)[:1000]
    with pytest.raises(pt.ArchiveError, match="shorter than its index says") as raised:
        member.read()
    assert raised.value.member == "a"


def test_what_cannot_be_read_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    lost = header(b"lost", 0, b"1", link=b"nowhere") + header(b"holes", 0, b"S")
    path.write_bytes(lost + bytes(1024))
    archive = pt.Archive(path)
    with pytest.raises(pt.ArchiveError, match="hard link") as raised:
        archive.open("lost")
    assert raised.value.member == "lost"
    with pytest.raises(pt.ArchiveError, match="sparse"):
        archive.open("holes")
    files = write_files(tmp_path / "files", {"a": b"12345", "b": b"1"})
    folder = pt.Archive(files)
    (files / "a").write_bytes(b"123456")
    with pytest.raises(pt.ArchiveError, match="6 bytes"):
        folder.open("a")
    (files / "a").unlink()
    (files / "a").symlink_to("b")
    with pytest.raises(pt.ArchiveError, match="something else"):
        folder.open("a")


def test_threads_may_share_a_file(packed: Packed) -> None:
    archive, members = packed
    file = archive.open("long")
    pieces: list[bytes] = []

    def read() -> None:
        while piece := file.read(7000):
            pieces.append(piece)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Every piece once, in whatever order the threads noted them down.
    data = members["long"]
    expected = [data[start : start + 7000] for start in range(0, len(data), 7000)]
    assert sorted(pieces) == sorted(expected)


def test_a_file_is_read_on_in_both_processes_of_a_fork(packed: Packed) -> None:
    archive, members = packed
    file, data = archive.open("long"), members["long"]
    assert file.read(100_000) == data[:100_000]

    def read_on() -> None:
        assert file.read() == data[100_000:]

    assert in_child(read_on) == 0
    assert file.read(50_000) == data[100_000:150_000]
    assert file.read() == data[150_000:]


def test_a_file_outlives_its_archive(tmp_path: Path) -> None:
    data = photo_like(4, 300_000)
    path = write_tar(tmp_path / "a.tar.gz", {"a": data})
    file = pt.Archive(path).open("a")
    path.unlink()
    assert file.read() == data


def test_a_member_of_more_than_two_gib_is_read_in_little_memory(tmp_path: Path) -> None:
    """2.5 GiB of zeros with a few other bytes near the end, from a tar.gz and a sparse tar."""
    size, mark = 5 << 29, b"here"
    place = size - 1_000_000
    tail = bytes(1_000_000 - len(mark)) + bytes(-size % 512) + header(b"b", 1) + padded(b"1")
    path = tmp_path / "a.tar.gz"
    # A pax size is not needed: 11 octal digits reach 8 GiB.
    head = header(b"a", size)
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    crc, zeros = zlib.crc32(head), bytes(1 << 24)
    with path.open("wb") as out:
        out.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + compressor.compress(head))
        left = place
        while left:
            piece = zeros[:left]
            out.write(compressor.compress(piece))
            crc, left = zlib.crc32(piece, crc), left - len(piece)
        end = mark + tail + bytes(1024)
        out.write(compressor.compress(end) + compressor.flush())
        length = len(head) + place + len(end)
        out.write(zlib.crc32(end, crc).to_bytes(4, "little"))
        out.write((length & 0xFFFFFFFF).to_bytes(4, "little"))
    plain = tmp_path / "a.tar"
    with plain.open("wb") as out:
        out.write(head)
        out.seek(len(head) + place)
        out.write(end)
    for archive in (pt.Archive(path, md5=False), pt.Archive(plain, md5=False)):
        with pytest.raises(pt.ArchiveError, match="open it as a file"):
            archive.read("a")
        with archive.open("a") as file:
            assert file.size == size
            file.seek(place - 2)
            assert file.read(8) == b"\0\0here\0\0"
            assert file.seek(0, os.SEEK_END) == size
            file.seek(1000)
            assert file.read(10) == bytes(10)
