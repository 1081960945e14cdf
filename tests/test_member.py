"""Members by number and by name, one or many, from any thread."""

from __future__ import annotations

import pickle
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg, write_tar
from tars import (
    END,
    expected_members,
    gzip_member,
    header,
    noise,
    padded,
    photo_like,
    raw_deflate,
    tar_bytes,
)

MEMBERS = {
    f"d{number % 3}/{number:03}.bin": photo_like(number, 997 * number) for number in range(60)
}


@pytest.fixture(scope="module", params=["a.tar", "a.tar.gz"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    mode = "w" if name.endswith(".tar") else "w:gz"
    return write_tar(tmp_path_factory.mktemp("members") / name, MEMBERS, mode=mode)


@pytest.fixture(scope="module")
def archive(path: Path) -> pt.Archive:
    return pt.Archive(path)


def test_members_are_read_by_number_and_by_name(archive: pt.Archive) -> None:
    for number, (name, data) in enumerate(MEMBERS.items()):
        assert archive.index_of(name) == number
        assert archive.read(name) == archive.read(name.encode()) == data
        assert archive.read(number) == archive.read(number - len(archive)) == data
        assert archive.read(np.int64(number)) == data


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
def test_many_members_come_in_the_order_asked_for(archive: pt.Archive, threads: int | None) -> None:
    order = np.random.default_rng(1).integers(-len(archive), len(archive), 300)
    expected = list(MEMBERS.values())
    found = archive.read_many(order, threads=threads)
    assert found == [expected[number] for number in order]
    assert archive.read_many(["d1/001.bin", 5, b"d2/002.bin"], threads=threads) == [
        expected[1],
        expected[5],
        expected[2],
    ]


def far_matching(folder: Path, memory: int, pieces: int) -> tuple[pt.Archive, list[bytes]]:
    """A tar.gz whose members repeat much of the 32 KiB before them, in small or large blocks."""
    random = np.random.default_rng(memory)
    data = bytearray(noise(memory, 30_000))
    members = []
    for number in range(150):
        start = len(data)
        while len(data) < start + int(random.integers(0, 9000)):
            distance = int(random.integers(300, 30_000))
            data += data[-distance:][: int(random.integers(4, 300))]
            data += random.bytes(int(random.integers(0, 200)))
        members.append((str(number), bytes(data[start:])))
    tar = bytes(tar_bytes(members))
    step = len(tar) // pieces + 1
    parts = [tar[start : start + step] for start in range(0, len(tar), step)]
    packed = [gzip_member(part, raw_deflate(part, 6, memLevel=memory)) for part in parts]
    path = folder / "far.tar.gz"
    path.write_bytes(b"".join(packed))
    return pt.Archive(path), [contents for _, contents in expected_members(path)]


@pytest.mark.parametrize(("memory", "pieces"), [(1, 1), (2, 5), (5, 1), (8, 1), (9, 40)])
def test_any_choice_of_members_reads_together_as_one_by_one(
    tmp_path: Path, memory: int, pieces: int
) -> None:
    archive, expected = far_matching(tmp_path, memory, pieces)
    random = np.random.default_rng(5)
    choices = [range(len(archive)), range(0, len(archive), 2), [7], [7, 7, 8, 7], []]
    choices += [random.integers(0, len(archive), size).tolist() for size in (2, 5, 20, 80, 400)]
    for chosen in choices:
        for threads in (1, 3):
            found = archive.read_many(chosen, threads=threads)
            assert found == [expected[number] for number in chosen]
    assert [archive.read(number) for number in range(len(archive))] == expected


def test_links_and_empty_members_are_read_together_with_others(tmp_path: Path) -> None:
    tar = b"".join(
        header(b"%d" % number, size) + padded(noise(number, size))
        for number, size in enumerate([5000, 0, 70_000, 1, 0, 30_000])
    )
    tar += header(b"link", 0, b"1", link=b"2") + header(b"again", 0, b"1", link=b"link") + END
    for name, data in (("a.tar", tar), ("a.tar.gz", gzip_member(tar))):
        path = tmp_path / name
        path.write_bytes(data)
        expected = dict(expected_members(path))
        archive = pt.Archive(path)
        for names in (list(expected), list(expected)[::-1] * 2, ["link", "2", "1", "again"]):
            assert archive.read_many(names) == [expected[member] for member in names]


def test_a_member_that_is_not_there_is_a_key_error(archive: pt.Archive) -> None:
    for number in (len(archive), -len(archive) - 1, 1 << 70):
        with pytest.raises(pt.MemberNotFoundError, match="there is no member"):
            archive.read(number)
    with pytest.raises(KeyError, match=r"close to it are `d1/001\.bin`") as raised:
        archive.read("wrong/001.bin")
    assert isinstance(raised.value, pt.MemberNotFoundError)
    assert raised.value.member == "wrong/001.bin"
    assert raised.value.path == archive.path
    with pytest.raises(pt.MemberNotFoundError, match=r"d1/031\.bin"):
        archive.index_of("d1/31.bin")
    with pytest.raises(pt.MemberNotFoundError):
        archive.read_many([0, "none"])
    with pytest.raises(TypeError):
        archive.read(1.5)  # type: ignore[arg-type]
    assert 3 not in archive


def test_the_table_says_where_members_are(archive: pt.Archive, path: Path) -> None:
    rows = archive.members
    assert rows.flags.c_contiguous
    assert rows.flags.writeable
    assert rows.ctypes.data % 64 == 0
    assert rows["size"].tolist() == [len(data) for data in MEMBERS.values()]
    assert rows["crc32"].tolist() == [zlib.crc32(data) for data in MEMBERS.values()]
    if archive.kind == "tar":
        raw = path.read_bytes()
        for row, data in zip(rows, MEMBERS.values(), strict=True):
            start = int(row["tar_offset"])
            assert raw[start : start + len(data)] == data


def test_the_table_has_what_the_image_headers_say(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    members = {
        "444.jpg": make_jpeg(1, 31, 17),
        "420.jpg": make_jpeg(2, 40, 20, subsampling=2, progressive=True),
        "grey.jpg": make_jpeg(3, 8, 9, mode="L"),
        "cmyk.jpg": make_jpeg(4, 10, 11, mode="CMYK"),
        "turned.jpg": make_jpeg(5, 30, 20, exif=exif.tobytes()),
        "restarts.jpg": make_jpeg(6, 64, 64, restart_marker_blocks=4),
        "text.jpg": b"this is no image",
        "empty.jpg": b"",
        "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x07\0\0\0\x09\x08\x02\0\0\0",
    }
    archive = pt.Archive(write_tar(tmp_path / "a.tar.gz", members))
    rows = {name: archive.members[number] for number, name in enumerate(archive.names)}

    def row(name: str, *fields: str) -> list[int]:
        return [int(rows[name][field]) for field in fields]

    size = ("format", "width", "height", "components", "precision")
    assert row("444.jpg", *size, "sof", "sampling") == [1, 31, 17, 3, 8, 0xC0, 0x111111]
    assert row("420.jpg", *size, "sof", "sampling") == [1, 40, 20, 3, 8, 0xC2, 0x111122]
    assert row("grey.jpg", *size) == [1, 8, 9, 1, 8]
    assert row("cmyk.jpg", *size, "adobe") == [1, 10, 11, 4, 8, 1]
    assert row("turned.jpg", *size, "orientation") == [1, 30, 20, 3, 8, 6]
    assert row("restarts.jpg", "restart_interval") == [4]
    assert row("text.jpg", *size, "sof") == [0] * 6
    assert row("empty.jpg", *size) == [0] * 5
    assert row("picture.png", *size) == [2, 7, 9, 0, 0]


def test_many_threads_share_one_archive(archive: pt.Archive) -> None:
    names = list(MEMBERS)
    wrong: list[object] = []

    def read(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            for _ in range(20):
                picked = random.integers(0, len(names), 10).tolist()
                if archive.read_many(picked) != [MEMBERS[names[number]] for number in picked]:
                    wrong.append(picked)
                wrong.extend(n for n in picked if archive.read(n) != MEMBERS[names[n]])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_pickled_archive_is_opened_anew(archive: pt.Archive, tmp_path: Path) -> None:
    data = pickle.dumps(archive)
    assert len(data) < 1000
    copy = pickle.loads(data)  # noqa: S301
    assert copy.names == archive.names
    assert copy.fingerprint == archive.fingerprint
    assert copy.read(5) == archive.read(5)
    members = {"a": noise(1, 1000)}
    other = pt.Archive(write_tar(tmp_path / "b.tar.gz", members), index_path=tmp_path / "i")
    data = pickle.dumps(other)
    (tmp_path / "i").unlink()
    with pytest.raises(pt.IndexFileError, match="no index"):
        pickle.loads(data)  # noqa: S301


def test_verifying_reports_progress_in_members(archive: pt.Archive) -> None:
    reports: list[tuple[int, int | None, int]] = []
    report = archive.verify(lambda *told: reports.append(told))
    assert report.ok
    assert report.members == len(MEMBERS)
    assert report.bytes == sum(map(len, MEMBERS.values()))
    assert report.md5 == archive.md5
    assert reports[-1] == (len(MEMBERS), len(MEMBERS), len(MEMBERS))

    def stop(*_: object) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError):
        archive.verify(stop)


def test_the_first_bad_member_of_many_is_named(tmp_path: Path) -> None:
    members = {str(number): noise(number, 40_000) for number in range(8)}
    path = write_tar(tmp_path / "a.tar", members, mode="w")
    archive = pt.Archive(path)
    data = bytearray(path.read_bytes())
    for number in (5, 3):
        data[int(archive.members["tar_offset"][number]) + 7] ^= 1
    path.write_bytes(data)
    for threads in (1, 2, 5):
        for order in (range(8), range(7, -1, -1), [5, 3, 4, 3]):
            with pytest.raises(pt.ArchiveError, match="checksum") as raised:
                archive.read_many(order, threads=threads)
            assert raised.value.member == "3"
    assert archive.read_many([4, 2, 6, 7]) == [members[str(number)] for number in (4, 2, 6, 7)]
    report = archive.verify()
    assert [name for name, _ in report.bad] == ["3", "5"]
    assert report.bytes == 6 * 40_000


@pytest.mark.parametrize("cut", [0, 1])
def test_a_member_that_is_cut_off_is_named_among_many(tmp_path: Path, cut: int) -> None:
    members = {str(number): noise(number, 40_000) for number in range(8)}
    path = write_tar(tmp_path / "a.tar.gz", members)
    archive = pt.Archive(path)
    packed = bytearray(path.read_bytes())
    middle = len(packed) // 2
    if cut:
        del packed[middle:]
    else:
        packed[middle : middle + 100] = bytes(100)
    path.write_bytes(packed)

    def failing(number: int) -> str | None:
        try:
            assert archive.read(number) == members[str(number)]
        except pt.ArchiveError as error:
            return str(error)
        return None

    first = next(filter(None, map(failing, range(8))))
    for threads in (1, 4):
        with pytest.raises(pt.ArchiveError) as raised:
            archive.read_many(range(7, -1, -1), threads=threads)
        assert str(raised.value) == first


@pytest.mark.parametrize("level", [0, 1, 6])
def test_small_members_beside_a_big_one_are_short_reads(tmp_path: Path, level: int) -> None:
    files = {"a": b"hello", "b": b"world" * 9, "big": photo_like(1, 12 << 20), "c": b"hello"}
    path = tmp_path / "a.tar.gz"
    tar = bytes(tar_bytes(list(files.items())))
    path.write_bytes(gzip_member(tar, raw_deflate(tar, level)))
    archive = pt.Archive(path)
    assert archive.read_many(list(files)) == list(files.values())
