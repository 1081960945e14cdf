"""Damaged and malicious archives: an error that names the place, or the right bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from tars import (
    BLOCK,
    END,
    PACKINGS,
    expected_members,
    gzip_member,
    header,
    listing,
    noise,
    open_anyway,
    padded,
    pax,
    photo_like,
    raw_deflate,
    tar_bytes,
)

MEMBERS = {f"{number}.bin": photo_like(number, 7000 + 900 * number) for number in range(8)}


@pytest.fixture(scope="module")
def tar() -> bytes:
    return bytes(tar_bytes(list(MEMBERS.items())))


def expect_refusal(path: Path, match: str) -> pt.ArchiveError:
    with pytest.raises(pt.ArchiveError, match=match) as raised:
        pt.Archive(path)
    assert raised.value.path == str(path)
    assert raised.value.offset is not None
    assert 0 <= raised.value.offset <= path.stat().st_size
    assert listing(path.parent) == [path.name]
    return raised.value


def expect_part(path: Path, match: str, names: list[str]) -> None:
    with pytest.warns(pt.PartialArchiveWarning, match=match):
        archive = pt.Archive(path)
    assert not archive.complete
    assert archive.names == names
    Path(archive.index_path).unlink()
    assert listing(path.parent) == [path.name]


@pytest.mark.parametrize("kind", PACKINGS)
def test_a_truncated_archive_has_its_whole_members_wherever_it_is_cut(
    tmp_path: Path, tar: bytes, kind: str
) -> None:
    packed = PACKINGS[kind](tar)
    path = tmp_path / "a"
    cuts = np.random.default_rng(1).integers(1, len(packed), 60).tolist()
    found = []
    for cut in [*range(1, 30), *cuts, *range(len(packed) - 20, len(packed))]:
        path.write_bytes(packed[:cut])
        try:
            archive = open_anyway(path)
        except pt.ArchiveError as error:
            # Nothing of a tar has come yet.
            assert error.path == str(path)  # noqa: PT017
            assert cut < 600
            assert listing(tmp_path) == ["a"]
            continue
        # A tar cut in its end mark is a whole one.
        assert archive.stopped is not None or cut > len(tar) - 10_240 or kind == "two members"
        assert archive.names == list(MEMBERS)[: len(archive)]
        for name in archive.names:
            assert archive.read(name) == MEMBERS[name]
        found.append(len(archive))
        Path(archive.index_path).unlink()
    assert sorted(set(found)) == list(range(len(MEMBERS) + 1))


@settings(max_examples=150, deadline=None)
@given(
    at=st.floats(0, 1),
    bit=st.integers(0, 7),
    more=st.booleans(),
    compress=st.booleans(),
)
def test_a_flipped_bit_gives_an_error_or_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, at: float, bit: int, *, more: bool, compress: bool
) -> None:
    tar = bytes(tar_bytes(list(MEMBERS.items())))
    packed = bytearray(gzip_member(tar) if compress else tar)
    place = min(int(at * len(packed)), len(packed) - 1)
    packed[place] ^= 1 << bit
    if more:
        packed[-1 - place] ^= 1 << bit
    path = tmp_path_factory.mktemp("flip") / "a"
    path.write_bytes(packed)
    try:
        archive = open_anyway(path)
    except pt.ArchiveError:
        assert listing(path.parent) == ["a"]
        return
    if not compress:
        # Nothing in a tar guards its data; the index is made of what is there.
        return
    # A damaged code may look like a stream that goes on; then the gzip checksum is not met, and
    # only members with a header behind them count.
    assert archive.stopped is not None or archive.names == list(MEMBERS)
    assert archive.names == list(MEMBERS)[: len(archive)]
    for name in archive.names:
        # Two wrong bits, one of them in data and one at the end, are more than can be told before
        # the checksum has come.
        assert archive.read(name) == MEMBERS[name] or (more and archive.stopped is not None)


@settings(max_examples=100, deadline=None)
@given(at=st.floats(0, 1), value=st.integers(0, 255), compress=st.booleans())
def test_a_flip_under_an_index_gives_an_error_or_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, at: float, value: int, *, compress: bool
) -> None:
    members = {str(number): noise(number, 60_000) for number in range(4)}
    tar = bytes(tar_bytes(list(members.items())))
    packed = bytearray(gzip_member(tar) if compress else tar)
    path = tmp_path_factory.mktemp("flip") / "a"
    path.write_bytes(packed)
    archive = pt.Archive(path)
    packed[min(int(at * len(packed)), len(packed) - 1)] = value
    path.write_bytes(packed)
    for name, data in members.items():
        try:
            assert archive.read(name) == data
        except pt.ArchiveError as error:
            assert error.member == name  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_to_headers_is_survived(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    blocks = [
        header(b"first", 3),
        padded(b"abc"),
        pax({"path": b"second", "size": b"4"}),
        header(b"short", 0),
        padded(b"wxyz"),
        header(b"././@LongLink", 4, b"L"),
        padded(b"long"),
        header(b"short", 1),
        padded(b"!"),
        header(b"link", 0, b"1", link=b"first"),
        END,
    ]
    packed = bytearray(b"".join(blocks))
    for _ in range(data.draw(st.integers(1, 6))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    for start in range(0, len(packed), BLOCK):
        if data.draw(st.booleans()):
            # A right checksum, so that the other fields are what is looked at.
            block = packed[start : start + BLOCK]
            block[148:156] = b" " * 8
            packed[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    path = tmp_path_factory.mktemp("headers") / "a.tar"
    path.write_bytes(packed)
    try:
        archive = open_anyway(path)
    except pt.ArchiveError:
        return
    for number in range(len(archive)):
        try:
            archive.read(number)
        except pt.ArchiveError as error:
            # Only a link without target cannot be read; it has no size.
            assert "hard link" in str(error)  # noqa: PT017
            assert archive.members["size"][number] == 0


def test_sizes_that_lie_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    good = header(b"good", 5) + padded(b"hello")
    for size in [10_000, b"77777777777\0"]:
        path.write_bytes(good + header(b"bad", size) + bytes(4 * BLOCK))
        expect_part(path, "`bad` lacks", ["good"])
    for size, match in [
        (b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7, "more than any tar"),
        (b"\x80" + bytes(3) + b"\xff" + b"\xff" * 7, "no number"),
        (b"\xff" * 12, "no number"),
        (b"-0000000001\0", "no number"),
        (b"hello world\0", "no number"),
    ]:
        path.write_bytes(good + header(b"bad", size) + bytes(4 * BLOCK))
        expect_refusal(path, match)
    path.write_bytes(good + pax({"size": b"99999999999999999999"}) + header(b"bad", 1) + END)
    expect_refusal(path, "size")
    path.write_bytes(good + pax({"size": b"9223372036854775807"}) + header(b"bad", 1) + END)
    expect_refusal(path, "more than any tar")


def test_a_size_that_is_too_small_meets_a_bad_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"a", 100) + noise(1, 2048) + END)
    error = expect_refusal(path, "damaged tar header")
    assert error.offset == 2 * BLOCK


def test_extended_headers_are_bounded_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    member = header(b"a", 1) + padded(b"1")
    long = noise(1, 5000).replace(b"\0", b"1")
    twice = (header(b"L", 3, b"L") + padded(b"abc")) * 2
    for tar, match in [
        (header(b"x", 2 << 20, b"x") + bytes(2 << 20) + member, "at most 1048576"),
        (header(b"L", 5000, b"L") + padded(long) + member, "name of 5000 bytes"),
        (twice + member, "two extended headers"),
        (pax({"path": b"a"}) * 2 + member, "two extended headers"),
        (pax({"path": b"a\0b"}) + member, "zero byte"),
        (header(b"x", 10, b"x") + padded(b"99 path=a\n") + member, "wrong length"),
        (header(b"x", 30, b"x") + padded(b"9" * 19 + b" path=abc\n") + member, "wrong length"),
        (header(b"x", 60, b"x") + padded(b"9" * 50 + b" path=a\n") + member, "wrong length"),
        (header(b"x", 10, b"x") + padded(b"10 path a\n") + member, "without `=`"),
        (header(b"x", 10, b"x") + padded(b"10 path=ab") + member, "without end"),
        (pax({"path": b"a"}) + bytes(2 * BLOCK), "without its member"),
    ]:
        path.write_bytes(tar)
        expect_refusal(path, match)
    for tar, match in [
        (pax({"path": b"a"}), "extended header"),
        (header(b"x", 1000, b"x") + b"10 path=a\n", "truncated"),
        (header(b"S", 512, b"S", extended=b"\1"), "sparse map"),
    ]:
        path.write_bytes(tar)
        expect_part(path, match, [])


def test_data_behind_the_end_must_be_another_tar(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"a", 1) + padded(b"1") + END + noise(1, 512))
    assert expect_refusal(path, "behind the end").offset == 4 * BLOCK


@pytest.mark.parametrize(
    ("garbage", "match"),
    [(b"garbage", "another gzip member"), (b"\0\0\0x", "0x78"), (b"\x1f\x8b\x07", "method 8")],
)
def test_garbage_behind_a_gzip_member_is_refused(
    tmp_path: Path, tar: bytes, garbage: bytes, match: str
) -> None:
    path = tmp_path / "a.tar.gz"
    packed = gzip_member(tar)
    path.write_bytes(packed + garbage)
    assert (expect_refusal(path, match).offset or 0) >= len(packed)


def test_wrong_gzip_checksums_are_refused(tmp_path: Path, tar: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    packed = gzip_member(tar)
    path.write_bytes(packed[:-8] + struct.pack("<I", 1) + packed[-4:])
    assert expect_refusal(path, "gzip checksum is wrong").offset == len(packed) - 8
    path.write_bytes(packed[:-4] + struct.pack("<I", 1))
    assert expect_refusal(path, "gzip length is wrong").offset == len(packed) - 4
    path.write_bytes(packed[:3] + b"\xe0" + packed[4:])
    expect_refusal(path, "reserved flags")
    path.write_bytes(packed[:3] + b"\x08" + packed[4:10] + b"n" * (2 << 20))
    expect_refusal(path, "gzip header of more than")


def test_a_million_empty_blocks_and_members_are_passed_quickly(tmp_path: Path) -> None:
    tar = bytes(tar_bytes([("a", b"hello"), ("b", photo_like(1, 50_000))]))
    # A stored block of no bytes: three bits, padding, and the lengths 0 and 0xffff.
    empty = b"\0\0\0\xff\xff"
    path = tmp_path / "a.tar.gz"
    path.write_bytes(
        gzip_member(tar[:2000], empty * 200_000 + raw_deflate(tar[:2000]))
        + gzip_member(b"") * 20_000
        + gzip_member(tar[2000:])
    )
    archive = pt.Archive(path)
    assert archive.read("a") == b"hello"
    assert archive.read("b") == photo_like(1, 50_000)


def test_names_are_never_paths(tmp_path: Path) -> None:
    names = ["../up", "/etc/passwd", "a/../../b", "", ".", "c\\d"]
    tar = b"".join(header(name.encode(), 1) + padded(b"1") for name in names) + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    archive = pt.Archive(path)
    assert archive.names == names
    assert all(archive.read(name) == b"1" for name in names)
    assert listing(tmp_path) == ["a.tar", "a.tar.ptidx"]


def test_a_hard_link_may_name_its_target_with_or_without_a_dot(tmp_path: Path) -> None:
    tar = header(b"a", 3) + padded(b"one") + header(b"./b", 3) + padded(b"two")
    tar += header(b"to a", 0, b"1", link=b"./a") + header(b"to b", 0, b"1", link=b"b") + END
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    assert expected_members(path)[2:] == [("to a", b"one"), ("to b", b"two")]
    archive = pt.Archive(path)
    assert archive.read_many(["to a", "to b"]) == [b"one", b"two"]
