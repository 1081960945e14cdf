"""Archives of every flavour hold what other readers find in them."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from synthetic import write_tar
from tars import (
    END,
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


def check_against_tarfile(path: Path, archive: pt.Archive | None = None) -> pt.Archive:
    """Every member, by number and by name, is what the standard library reads."""
    archive = archive or pt.Archive(path)
    expected = expected_members(path)
    assert archive.names == [name for name, _ in expected]
    assert len(archive) == len(expected)
    assert archive.read_many(range(len(archive))) == [data for _, data in expected]
    last = dict(expected)
    for number, (name, data) in enumerate(expected):
        assert archive.read(number) == data
        assert archive.read(name) == last[name]
        assert name in archive
    assert archive.complete
    assert archive.md5 == hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324
    assert archive.verify(progress=False).ok
    return archive


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return awkward_files()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("files"), awkward_files())


@pytest.mark.parametrize("level", [None, 1, 6, 9])
@pytest.mark.parametrize("flavour", ["gnu", "pax", "oldgnu", "ustar", "v7"])
def test_every_format_of_gnu_tar_is_read(
    folder: Path, files: dict[str, bytes], tmp_path: Path, flavour: str, level: int | None
) -> None:
    archive = check_against_tarfile(pack_awkward(folder, tmp_path, flavour, level))
    assert archive.read_many(archive.names) == [files[name] for name in archive.names]


@pytest.mark.parametrize("length", [101, 103, 105, 155, 200, 255])
def test_ustar_prefixes_are_joined(tmp_path: Path, length: int) -> None:
    stem = "n" * 60
    name = "p" * (length - len(stem) - 1) + "/" + stem
    if length - len(stem) - 1 > 155:
        name = "p" * 154 + "/" + "n" * (length - 155)
    data = tar_bytes([(name, b"one")], format=tarfile.USTAR_FORMAT)
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    assert check_against_tarfile(path).names == [name]


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("level", [0, 1, 5, 9])
@pytest.mark.parametrize("memory", [1, 8, 9])
@pytest.mark.parametrize(
    "strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE]
)
def test_every_way_of_zlib_to_write_is_read(
    files: dict[str, bytes], tmp_path: Path, kind: int, level: int, memory: int, strategy: int
) -> None:
    tar = bytes(tar_bytes(list(files.items()), format=kind))
    path = tmp_path / "a.tar.gz"
    body = raw_deflate(tar, level, memLevel=memory, strategy=strategy)
    path.write_bytes(gzip_member(tar, body))
    check_against_tarfile(path)


def test_gzip_members_one_after_the_other_are_one_archive(tmp_path: Path) -> None:
    members = [(f"{number}.bin", photo_like(number, 30_000)) for number in range(20)]
    tar = bytes(tar_bytes(members))
    path = tmp_path / "a.tar.gz"
    for step in (len(tar) // 2, 70_001, 512, 100):
        pieces = [tar[start : start + step] for start in range(0, len(tar), step)]
        extra = [gzip_member(b"") if number % 3 == 0 else b"" for number in range(len(pieces))]
        packed = b"".join(
            more + gzip_member(piece) for piece, more in zip(pieces, extra, strict=True)
        )
        path.write_bytes(packed + bytes(1000))
        check_against_tarfile(path, pt.Archive(path, build="rebuild"))


def test_gzip_headers_with_every_field_are_read(tmp_path: Path) -> None:
    tar = bytes(tar_bytes([("a", photo_like(1, 5000))]))
    member = gzip_member(tar)
    fields = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff" + b"\x05\0extra" + b"name\0" + b"comment\0"
    checksum = (zlib.crc32(fields) & 0xFFFF).to_bytes(2, "little")
    path = tmp_path / "a.tar.gz"
    path.write_bytes(fields + checksum + member[10:])
    check_against_tarfile(path)
    path.write_bytes(fields + b"\0\0" + member[10:])
    with pytest.raises(pt.ArchiveError, match="header's checksum"):
        pt.Archive(path, build="rebuild")


def test_one_giant_block_is_read_from_near_each_member(tmp_path: Path) -> None:
    members = [(f"{number}.bin", noise(number, 300_000)) for number in range(12)]
    members += [(f"small/{number}", noise(number, 50)) for number in range(50)]
    members += [("long", noise(99, 2_500_000)), ("last", noise(7, 10_000))]
    tar = tar_bytes(members)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(one_block_gzip(tar))
    archive = check_against_tarfile(path)
    # Eight or nine bits a byte, at most half a MiB of output before a member.
    assert archive.index_size < 100_000


def test_names_that_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    names = [b"caf\xe9.jpg", "né.jpg".encode(), b"\xff\xfe", "日本.jpg".encode()]
    tar = b"".join(header(name, 2) + padded(name[:2]) for name in names) + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.names == [os.fsdecode(name) for name in names]
    for name in names:
        assert archive.read(name) == name[:2]
        assert archive.read(os.fsdecode(name)) == name[:2]


def test_the_last_of_several_members_has_the_name(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"x": b"unused"})
    tar = tar_bytes([("a", b"first"), ("b", b"other"), ("a", b"second"), ("a", b"third")])
    path.write_bytes(gzip.compress(bytes(tar)))
    archive = check_against_tarfile(path)
    assert archive.index_of("a") == 3
    assert [archive.read(number) for number in (0, 2, 3)] == [b"first", b"second", b"third"]


def test_hard_links_have_the_bytes_of_their_target(tmp_path: Path) -> None:
    source = write_files(tmp_path / "files", {"a": b"one", "sub/b": photo_like(1, 90_000)})
    os.link(source / "sub/b", source / "z")
    os.link(source / "sub/b", source / ("long" * 30))
    (source / "soft").symlink_to("a")
    os.mkfifo(source / "pipe")
    path = gnu_tar(source, tmp_path / "a.tgz", "-z")
    archive = check_against_tarfile(path)
    assert len(archive) == 4
    assert "./soft" not in archive
    assert "./pipe" not in archive
    rows = archive.members
    assert rows["size"].tolist().count(90_000) == 3


def test_a_hard_link_takes_the_target_before_it(tmp_path: Path) -> None:
    tar = header(b"a", 3) + padded(b"old")
    tar += header(b"link", 0, b"1", link=b"a")
    tar += header(b"second", 0, b"1", link=b"link")
    tar += header(b"a", 3) + padded(b"new")
    tar += header(b"lost", 0, b"1", link=b"nowhere") + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.read("link") == b"old"
    assert archive.read("second") == b"old"
    assert archive.read("a") == b"new"
    with pytest.raises(pt.ArchiveError, match="hard link") as raised:
        archive.read("lost")
    assert raised.value.member == "lost"
    assert [name for name, _ in archive.verify().bad] == ["lost"]


def test_pax_headers_override_the_header_proper(tmp_path: Path) -> None:
    tar = pax({"path": b"global/name"}, b"g")
    tar += header(b"first", 1) + padded(b"1")
    tar += pax({"path": "ñ".encode() * 100, "size": b"5"})
    tar += header(b"short", 0) + padded(b"hello")
    tar += pax({"size": b"3", "mtime": b"1.5"})
    tar += header(b"unreadable size", b"99999999999\0") + padded(b"abc")
    tar += END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.names == ["global/name", "ñ" * 100, "global/name"]
    assert [archive.read(number) for number in range(3)] == [b"1", b"hello", b"abc"]


def test_pax_and_gnu_long_names_may_come_together(tmp_path: Path) -> None:
    long = b"l" * 150
    tar = pax({"path": b"from pax"})
    tar += header(b"././@LongLink", len(long) + 1, b"L") + padded(long + b"\0")
    tar += header(b"short", 2) + padded(b"ok")
    tar += header(b"././@LongLink", len(long) + 1, b"L") + padded(long + b"\0")
    tar += header(b"short", 2) + padded(b"OK") + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.names == ["from pax", long.decode()]
    assert archive.read_many([0, 1]) == [b"ok", b"OK"]


def test_sizes_in_base_256_are_read(tmp_path: Path) -> None:
    size = b"\x80" + (5).to_bytes(11, "big")
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"a", size) + padded(b"hello") + END)
    assert pt.Archive(path).read("a") == b"hello"


def test_sparse_members_are_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "files"
    source.mkdir()
    with (source / "holes").open("wb") as file:
        file.seek(5_000_000)
        file.write(b"end")
    (source / "whole").write_bytes(b"fine")
    for number, options in enumerate(
        [
            ("--format=gnu",),
            ("--format=pax", "--sparse-version=0.0"),
            ("--format=pax", "--sparse-version=0.1"),
            ("--format=pax", "--sparse-version=1.0"),
        ]
    ):
        path = gnu_tar(source, tmp_path / f"{number}.tar", "-S", *options, names=["holes", "whole"])
        archive = pt.Archive(path)
        assert archive.names == ["holes", "whole"]
        assert archive.read("whole") == b"fine"
        with pytest.raises(pt.ArchiveError, match="sparse") as raised:
            archive.read("holes")
        assert raised.value.member == "holes"


def test_a_long_sparse_map_is_passed_over(tmp_path: Path) -> None:
    tar = header(b"holes", 512, b"S", extended=b"\1")
    more = bytearray(512)
    more[504] = 1
    tar += bytes(more) + bytes(512) + b"x" * 512 + header(b"next", 2) + padded(b"ok") + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.names == ["holes", "next"]
    assert archive.read(1) == b"ok"


def test_concatenated_tars_are_one_archive(tmp_path: Path) -> None:
    first, second = tar_bytes([("a", b"1")]), tar_bytes([("b", b"2")])
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(first)) + gzip.compress(bytes(second)))
    assert pt.Archive(path).names == ["a", "b"]


def test_a_tar_without_its_end_mark_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"a", 1) + padded(b"1"))
    with pytest.warns(pt.PartialArchiveWarning, match="lacks the mark of its end.* first 1 member"):
        archive = pt.Archive(path)
    assert archive.read("a") == b"1"
    assert not archive.complete
    assert str(archive.stopped).startswith("the tar lacks")
    path.write_bytes(gzip.compress(path.read_bytes()))
    archive = pt.Archive(path, build="rebuild")
    assert (archive.complete, archive.stopped) == (False, None)


def test_an_archive_without_members_is_an_empty_one(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {})
    archive = pt.Archive(path)
    assert len(archive) == 0
    assert archive.names == []
    assert archive.members.shape == (0,)
    assert archive.read_many([]) == []
    assert "x" not in archive
    assert archive.verify().ok
    with pytest.raises(pt.MemberNotFoundError):
        archive.read(0)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("zstd", lambda data: b"\x28\xb5\x2f\xfd" + data),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("zip", lambda data: b"PK\x03\x04" + data),
    ],
)
def test_other_formats_are_named(tmp_path: Path, name: str, pack: object) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(pack(bytes(tar_bytes([("a", b"1")]))))  # type: ignore[operator]
    with pytest.raises(pt.ArchiveError, match=f"found {name}") as raised:
        pt.Archive(path)
    assert raised.value.path == str(path)
    assert raised.value.offset == 0


@pytest.mark.parametrize("data", [b"", b"hello", b"x" * 512, gzip.compress(b"", mtime=0), b"\x1f"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(data)
    with pytest.raises(pt.ArchiveError):
        pt.Archive(path)
    assert listing(tmp_path) == ["a.tar.gz"]


def test_a_missing_archive_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        pt.Archive(tmp_path / "none.tar.gz")
    assert raised.value.filename == str(tmp_path / "none.tar.gz")
    with pytest.raises(FileNotFoundError):
        pt.build_index(tmp_path / "none.tar.gz")
    assert listing(tmp_path) == []


def test_arguments_that_can_never_work_are_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a": b"1"})
    with pytest.raises(ValueError, match="build"):
        pt.Archive(path, build="perhaps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="md5"):
        pt.Archive(path, expected_md5="123")
    with pytest.raises(ValueError, match="thread"):
        pt.Archive(path, threads=0)
    with pytest.raises(ValueError, match="index_path"):
        pt.build_index(io.BytesIO(path.read_bytes()))


def test_an_archive_shows_what_it_is(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a": b"12345", "b": b"678"})
    archive = pt.Archive(path)
    assert repr(archive) == f"Archive({str(path)!r}, members=2, kind='tar.gz')"
    assert (archive.path, archive.index_path) == (str(path), str(path) + ".ptidx")
    assert (archive.total_bytes, archive.archive_bytes) == (8, path.stat().st_size)
    assert archive.fingerprint == pt.Archive(path).fingerprint


def test_every_photo_packed_by_gnu_tar_reads_as_the_file(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.tar.gz"
    subprocess.run(["tar", "czf", str(path), "-C", str(corpus), "photos"], check=True)
    archive = pt.Archive(path)
    files = [file for file in (corpus / "photos").rglob("*") if file.is_file()]
    assert sorted(archive.names) == sorted(str(file.relative_to(corpus)) for file in files)
    for file in files:
        assert archive.read(str(file.relative_to(corpus))) == file.read_bytes()
    assert archive.verify().ok


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000) | st.sampled_from([40_000, 100_000]), max_size=12),
    seed=st.integers(0, 1 << 30),
    level=st.integers(0, 9),
    pieces=st.integers(1, 4),
)
def test_any_archive_reads_as_tarfile_does(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int, level: int, pieces: int
) -> None:
    make = [noise, photo_like, lambda _, size: bytes(size)]
    members = [
        (f"{number}/{size}", make[(seed + number) % 3](seed + number, size))
        for number, size in enumerate(sizes)
    ]
    tar = bytes(tar_bytes(members))
    path = tmp_path_factory.mktemp("any") / "a.tar.gz"
    step = len(tar) // pieces + 1
    parts = [tar[start : start + step] for start in range(0, len(tar), step)]
    path.write_bytes(b"".join(gzip_member(part, raw_deflate(part, level)) for part in parts))
    archive = pt.Archive(path)
    assert archive.names == [name for name, _ in members]
    assert archive.read_many(range(len(members))) == [data for _, data in members]
