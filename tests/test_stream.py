"""Members from front to back, without an index, from files, folders, pipes and other streams."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from synthetic import make_jpeg, write_tar
from tars import (
    END,
    PACKINGS,
    Dribble,
    awkward_files,
    expected_members,
    gnu_tar,
    gzip_member,
    header,
    listing,
    noise,
    one_block_gzip,
    pack_awkward,
    padded,
    pax,
    photo_like,
    raw_deflate,
    tar_bytes,
    write_files,
)


def check_against_tarfile(path: Path) -> None:
    """Path, pipe-like stream and `Archive.stream` give what the standard library reads."""
    expected = expected_members(path)
    plain = [(name, data) for name, data in expected if name not in linked(path)]
    rows = {}
    for source in (path, str(path), io.BytesIO(path.read_bytes()), Dribble(path.read_bytes())):
        stream = pt.stream(source)
        members = list(stream)
        assert [member.name for member in members] == [name for name, _ in expected]
        found = [(member.name, member.data) for member in members if member.link is None]
        assert found == plain
        assert (stream.complete, stream.stopped) == (True, None)
        rows = {member.tar_offset: member for member in members if member.link is None}
    assert not Path(f"{path}.ptidx").exists()
    archive = pt.Archive(path)
    assert [name for name, _ in archive.stream()] == archive.names
    for row in archive.members[[name not in linked(path) for name in archive.names]]:
        member = rows[int(row["tar_offset"])]
        assert all(getattr(member, field) == row[field] for field in row.dtype.names)
    Path(archive.index_path).unlink()


def linked(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return {info.name for info in tar if info.islnk()}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return awkward_files()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("files"), awkward_files())


@pytest.mark.parametrize("level", [None, 1, 6, 9])
@pytest.mark.parametrize("flavour", ["gnu", "pax", "oldgnu", "ustar", "v7"])
def test_every_format_of_gnu_tar_is_streamed(
    folder: Path, tmp_path: Path, flavour: str, level: int | None
) -> None:
    check_against_tarfile(pack_awkward(folder, tmp_path, flavour, level))


@pytest.mark.parametrize("memory", [1, 8, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_RLE])
def test_every_way_of_zlib_to_write_is_streamed(
    files: dict[str, bytes], tmp_path: Path, memory: int, strategy: int
) -> None:
    tar = bytes(tar_bytes(list(files.items())))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip_member(tar, raw_deflate(tar, 6, memLevel=memory, strategy=strategy)))
    check_against_tarfile(path)


def test_gzip_members_and_long_blocks_are_streamed(tmp_path: Path) -> None:
    tar = tar_bytes([(f"{number}.bin", photo_like(number, 90_000)) for number in range(20)])
    path = tmp_path / "a.tar.gz"
    for step in (len(tar) // 2, 70_001, 511):
        pieces = [bytes(tar[start : start + step]) for start in range(0, len(tar), step)]
        path.write_bytes(b"".join(map(gzip_member, pieces)) + gzip_member(b"") + bytes(1000))
        check_against_tarfile(path)
    path.write_bytes(one_block_gzip(tar))
    check_against_tarfile(path)


def test_hard_links_say_where_they_lead(tmp_path: Path) -> None:
    source = write_files(tmp_path / "files", {"a": b"one", "b": photo_like(1, 90_000)})
    os.link(source / "b", source / "c")
    path = gnu_tar(source, tmp_path / "a.tgz", "-z", names=["a", "b", "c"])
    check_against_tarfile(path)
    first, second, link = pt.stream(path)
    assert (first.link, first.reason, second.size) == (None, None, 90_000)
    assert (link.name, link.data, link.link, link.size) == ("c", None, "b", 0)
    assert link.reason == "a hard link to `b`, which came before"
    name, data = link
    assert (name, data) == ("c", None)


def test_sparse_and_huge_members_come_without_bytes(tmp_path: Path) -> None:
    size = (1 << 31) + 1
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        file.write(header(b"holes", 512, b"S") + bytes(512) + header(b"huge", size))
        file.seek(size + -size % 512, os.SEEK_CUR)
        file.write(header(b"next", 2) + padded(b"ok") + END)
    holes, huge, last = pt.stream(path)
    assert (holes.data, holes.link) == (None, None)
    assert "sparse" in str(holes.reason)
    assert (huge.data, huge.size) == (None, size)
    assert "open it as a file" in str(huge.reason)
    assert (last.data, last.reason) == (b"ok", None)


def test_names_that_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    names = [b"caf\xe9.jpg", "né.jpg".encode(), b"\xff\xfe"]
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join(header(name, 1) + padded(b"1") for name in names) + END)
    assert [name for name, _ in pt.stream(path)] == [os.fsdecode(name) for name in names]


def test_pax_headers_are_obeyed(tmp_path: Path) -> None:
    tar = pax({"path": b"global/name"}, b"g") + header(b"first", 1) + padded(b"1")
    tar += pax({"path": "ñ".encode() * 100, "size": b"5"}) + header(b"x", 0) + padded(b"hello")
    path = tmp_path / "a.tar"
    path.write_bytes(tar + END)
    assert [tuple(member) for member in pt.stream(path)] == [
        ("global/name", b"1"),
        ("ñ" * 100, b"hello"),
    ]


def test_image_headers_come_along(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.jpg": make_jpeg(1, 40, 20, subsampling=2)})
    (member,) = pt.stream(path)
    assert (member.width, member.height, member.components, member.format) == (40, 20, 3, 1)
    assert (member.sof, member.sampling, member.precision) == (0xC0, 0x111122, 8)
    assert member.crc32 == zlib.crc32(member.data or b"")
    assert repr(member) == f"<StreamedMember name='a.jpg' size={member.size}>"


def test_a_folder_is_streamed_in_the_order_of_its_archive(
    folder: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "out").symlink_to(folder / "zeros")
    assert list(pt.stream(tmp_path / "links")) == []
    members = [tuple(member) for member in pt.stream(folder)]
    assert members == sorted(files.items(), key=lambda item: os.fsencode(item[0]))
    archive = pt.Archive(folder, index_path=tmp_path / "i")
    stream = archive.stream()
    assert [tuple(member) for member in stream] == members
    assert stream.complete


PIPE = """
import sys
import ptarmigan as pt
for name, data in pt.stream(sys.stdin.buffer):
    print(name, len(data))
"""


@pytest.mark.parametrize("peek", [0, 1000])
def test_a_pipe_is_streamed(tmp_path: Path, peek: int) -> None:
    members = {f"{number}": noise(number, 100_000) for number in range(20)}
    path = write_tar(tmp_path / "a.tar.gz", members)
    code = PIPE if not peek else PIPE.replace("for name", "sys.stdin.buffer.peek()\nfor name", 1)
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", code], input=file.read(), capture_output=True, check=True
        )
    assert done.stdout.decode().split() == [word for name in members for word in (name, "100000")]


def test_members_of_a_pipe_come_before_its_end(tmp_path: Path) -> None:
    """What the pipe has said so far is there, although it says nothing more for a while."""
    read, write = os.pipe()
    tar = bytes(tar_bytes([(str(number), noise(number, 100_000)) for number in range(30)]))
    with os.fdopen(read, "rb") as pipe, os.fdopen(write, "wb") as out:
        writer = threading.Thread(target=lambda: (out.write(tar[:2_500_000]), out.flush()))
        writer.start()
        stream = pt.stream(pipe)
        assert [next(stream).name for _ in range(10)] == [str(number) for number in range(10)]
        writer.join()
        out.write(tar[2_500_000:])
        out.close()
        assert len(list(stream)) == 20


def streamed(source: object) -> tuple[list[tuple[str, bytes | None]], Exception | None]:
    """The members, and how it ended: a warning or an error."""
    found: list[tuple[str, bytes | None]] = []
    try:
        for name, data in pt.stream(source):  # type: ignore[arg-type]
            found.append((name, data))
    except (pt.ArchiveError, pt.PartialArchiveWarning) as error:
        return found, error
    return found, None


@pytest.mark.parametrize("kind", PACKINGS)
def test_a_truncated_archive_has_its_whole_members_and_warns(tmp_path: Path, kind: str) -> None:
    members = [(f"{number}.bin", photo_like(number, 7000 + 900 * number)) for number in range(8)]
    tar = bytes(tar_bytes(members))
    packed = PACKINGS[kind](tar)
    path = tmp_path / "a"
    cuts = np.random.default_rng(1).integers(1, len(packed), 40).tolist()
    counts = set()
    for cut in [*range(0, 30, 3), *cuts, *range(len(packed) - 9, len(packed))]:
        path.write_bytes(packed[:cut])
        found, error = streamed(path)
        again, same = streamed(Dribble(packed[:cut]))
        assert (found, type(error)) == (again, type(same))
        assert found == members[: len(found)]
        counts.add(len(found))
        if error is not None:
            assert str(error).startswith(f"`{path}`: ")
        else:
            # A tar cut in its end mark is a whole one.
            assert cut > len(tar) - 10_240 or kind == "two members"
        if cut < 500:
            assert isinstance(error, pt.ArchiveError | pt.PartialArchiveWarning)
        else:
            assert not isinstance(error, pt.ArchiveError)
    assert counts == set(range(9))
    assert listing(tmp_path) == ["a"]


def test_damage_is_an_error_behind_the_whole_members(tmp_path: Path) -> None:
    members = [(f"{number}.bin", noise(number, 50_000)) for number in range(10)]
    tar = bytearray(tar_bytes(members))
    wrong_sum = bytearray(gzip_member(bytes(tar)))
    wrong_sum[-8] ^= 1
    tar[5 * 50_688 + 3] ^= 1
    for data, count, match in (
        (wrong_sum, 10, "gzip checksum is wrong"),
        (tar, 5, "damaged tar header"),
        (gzip_member(bytes(tar)), 5, "damaged tar header"),
        (b"PK\x03\x04" + bytes(5000), 0, "found zip"),
        (b"", 0, "no data"),
        (b"hello" * 1000, 0, "no tar header"),
    ):
        path = tmp_path / "a"
        path.write_bytes(data)
        for source in (path, io.BytesIO(data), Dribble(bytes(data))):
            stream, found = pt.stream(source), []
            with pytest.raises(pt.ArchiveError, match=match):
                take_all(stream, found)
            assert found == members[:count]
            assert list(stream) == []
            assert (stream.complete, stream.stopped) == (None, None)


def test_no_damaged_byte_passes_for_an_early_end(tmp_path: Path) -> None:
    """A wrong bit may make a whole stream look cut off; then there is a warning, and no error."""
    members = [(f"{number}", photo_like(number, 500 + 90 * number)) for number in range(3)]
    tar = bytes(tar_bytes(members)).rstrip(b"\0")
    packed = gzip_member(padded(tar) + END)
    path, warned = tmp_path / "a", 0
    for at in range(10, len(packed)):
        for mask in (0x01, 0x02, 0x04, 0x10, 0x40, 0xFF):
            path.write_bytes(packed[:at] + bytes([packed[at] ^ mask]) + packed[at + 1 :])
            found, error = streamed(path)
            if not isinstance(error, pt.ArchiveError):
                assert found == members[: len(found)], (at, mask)
                warned += error is not None
    assert warned > 10


def take_all(stream: Iterable[object], found: list[object]) -> None:
    for member in stream:
        found.append(tuple(member))  # type: ignore[call-overload]


def test_a_missing_archive_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        pt.stream(tmp_path / "none.tar.gz")
    assert raised.value.filename == str(tmp_path / "none.tar.gz")


def test_what_a_stream_raises_passes_through() -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise LookupError("enough")

    class Odd:
        def read(self, size: int) -> str:
            return "text"

    with pytest.raises(LookupError):
        next(pt.stream(Broken()))
    with pytest.raises(TypeError):
        next(pt.stream(Odd()))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000) | st.sampled_from([40_000, 100_000]), max_size=12),
    seed=st.integers(0, 1 << 30),
    level=st.integers(0, 9),
    pieces=st.integers(1, 4),
    most=st.integers(1, 100_000),
)
def test_any_archive_streams_as_tarfile_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    seed: int,
    level: int,
    pieces: int,
    most: int,
) -> None:
    make = [noise, photo_like, lambda _, size: bytes(size)]
    members = [
        (f"{number}/{size}", make[(seed + number) % 3](seed + number, size))
        for number, size in enumerate(sizes)
    ]
    tar = bytes(tar_bytes(members))
    step = len(tar) // pieces + 1
    parts = [tar[start : start + step] for start in range(0, len(tar), step)]
    packed = b"".join(gzip_member(part, raw_deflate(part, level)) for part in parts)
    path = tmp_path_factory.mktemp("any") / "a.tar.gz"
    path.write_bytes(packed)
    expected = expected_members(path)
    assert [tuple(member) for member in pt.stream(path)] == expected
    assert [tuple(member) for member in pt.stream(Dribble(packed, most))] == expected
