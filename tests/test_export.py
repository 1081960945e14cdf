"""zlib, gztool, rapidgzip and ratarmount find the archive's own bytes with an exported index."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from gztool_index import WINDOW, decode, read_points
from ptarmigan.cli import main
from tars import (
    expected_members,
    gzip_member,
    listing,
    one_block_gzip,
    open_anyway,
    photo_like,
    raw_deflate,
    recompress,
    tar_bytes,
    write_files,
)

KIB = 1 << 10


def contents() -> list[tuple[str, bytes]]:
    """Photos, a member far longer than the spacing, words, and many short members."""
    words = np.random.default_rng(5).integers(0, 5000, 150_000)
    sizes = range(30_000, 400_000, 37_003)
    return [
        *((f"photos/{size}.jpg", photo_like(size, size)) for size in sizes),
        ("long.bin", photo_like(1, 1_500_000)),
        ("words.txt", b" ".join(b"%d" % (word * 7919) for word in words)),
        *((f"short/{number}.bin", photo_like(number, 3000 + number)) for number in range(200)),
        ("empty", b""),
    ]


def by_tool(*command: str) -> object:
    def pack(path: Path, tar: bytearray) -> None:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        plain = path.with_suffix(".plain")
        plain.write_bytes(tar)
        with path.open("wb") as out:
            subprocess.run([*command, str(plain)], stdout=out, check=True)
        plain.unlink()

    return pack


def in_members(path: Path, tar: bytearray) -> None:
    pieces = [tar[at : at + 300_001] for at in range(0, len(tar), 300_001)]
    path.write_bytes(b"".join([gzip_member(b""), *map(gzip_member, pieces), gzip_member(b"")]))


def stored(path: Path, tar: bytearray) -> None:
    path.write_bytes(gzip_member(tar, raw_deflate(tar, 0)))


def in_one_block(path: Path, tar: bytearray) -> None:
    path.write_bytes(one_block_gzip(tar))


PACKERS = {
    "gzip-1": by_tool("gzip", "-1", "-c"),
    "gzip-6": by_tool("gzip", "-6", "-c"),
    "bgzip": by_tool("bgzip", "-c"),
    "members": in_members,
    "stored": stored,
    "one-block": in_one_block,
}


@pytest.fixture(scope="module", params=PACKERS)
def packed(request, tmp_path_factory) -> tuple[str, Path, bytes]:
    """How it was packed, an archive, and its tar."""
    path = tmp_path_factory.mktemp("export") / "a.tar.gz"
    tar = tar_bytes(contents())
    PACKERS[request.param](path, tar)
    pt.Archive(path)
    return request.param, path, bytes(tar)


def ranges(length: int, count: int) -> list[tuple[int, int]]:
    """Random (start, size) within ``length`` bytes."""
    chance = random.Random(7)
    starts = [chance.randrange(length) for _ in range(count)]
    return [(start, chance.choice([1, 100, 5000, 100_000])) for start in starts]


@pytest.mark.parametrize("spacing", [1, 100 * KIB, 4 << 20])
def test_zlib_decodes_from_every_point(packed, tmp_path: Path, spacing: int) -> None:
    how, path, tar = packed
    found = pt.Archive(path, build="never").export_index(tmp_path / "a.gzi", spacing=spacing)
    points, total = read_points(tmp_path / "a.gzi")
    assert total == found.tar_bytes == len(tar)
    assert found.points == len(points)
    assert found.bytes == (tmp_path / "a.gzi").stat().st_size
    assert points[0].out == 0
    assert not points[0].window
    assert all(one.out < two.out and one.bit < two.bit for one, two in itertools.pairwise(points))
    # Every block; about every 100 KiB; the start and perhaps one.
    least, most = {1: (80, 1000), 100 * KIB: (15, 80), 4 << 20: (1, 3)}[spacing]
    assert (least <= len(points) <= most) or (how == "one-block" and len(points) == 1)

    compressed = path.read_bytes()
    for point in points:
        data = decode(compressed, point, 200_000)
        assert data == tar[point.out : point.out + len(data)]
        member_end = how in {"bgzip", "members"} or point.out + len(data) == len(tar)
        assert len(data) == 200_000 or member_end
        before = tar[max(0, point.out - WINDOW) : point.out].rjust(WINDOW, b"\0")
        assert all(byte in (0, true) for byte, true in zip(point.window, before, strict=False))


def test_windows_hold_only_what_is_referred_to(tmp_path: Path) -> None:
    photos = [(f"{number}.jpg", photo_like(number, 300_000)) for number in range(8)]
    (tmp_path / "a.tar").write_bytes(tar_bytes(photos))
    archive = pt.Archive(recompress(tmp_path / "a.tar", tmp_path / "a.tar.gz", level=6))
    archive.export_index(tmp_path / "a.gzi", spacing=256 * KIB)
    points, _ = read_points(tmp_path / "a.gzi")
    used = [sum(byte != 0 for byte in point.window) for point in points]
    assert any(used)
    assert max(used) < WINDOW / 2
    gaps = [two.out - one.out for one, two in itertools.pairwise(points)]
    assert max(gaps) < 320 * KIB
    assert sum(gaps) / len(gaps) > 128 * KIB


def test_what_lies_between_points_is_not_read(tmp_path: Path) -> None:
    photos = [(f"{number}.jpg", photo_like(number, 250_000)) for number in range(24)]
    (tmp_path / "a.tar").write_bytes(tar_bytes(photos))
    path = recompress(tmp_path / "a.tar", tmp_path / "a.tar.gz", level=6)
    pt.Archive(path).export_index(tmp_path / "a.gzi", spacing=1 << 20)
    points, _ = read_points(tmp_path / "a.gzi")
    raw = bytearray(path.read_bytes())
    for one, two in itertools.pairwise(points[:-1]):
        # Not where a sample of the file is compared with the index: at multiples of 1 MiB.
        middle = (one.byte + two.byte) // 2
        place = middle if middle % (1 << 20) > 8 * KIB else middle + 8 * KIB
        raw[place : place + 1000] = bytes(1000)
    path.write_bytes(raw)
    archive = pt.Archive(path, build="never")
    assert not archive.verify(progress=False).ok
    archive.export_index(tmp_path / "b.gzi", spacing=1 << 20)
    assert (tmp_path / "b.gzi").read_bytes() == (tmp_path / "a.gzi").read_bytes()


def test_damage_gives_an_error_or_an_index(packed, tmp_path: Path) -> None:
    _, path, _ = packed
    whole = path.read_bytes()
    index = Path(f"{path}.ptidx").read_bytes()
    pt.Archive(path, build="never").export_index(tmp_path / "whole.gzi", spacing=256 * KIB)
    chance = random.Random(11)
    copy, target = tmp_path / "a.tar.gz", tmp_path / "a.gzi"
    for trial in range(60):
        archive, beside = bytearray(whole), bytearray(index)
        damaged = archive if trial % 2 else beside
        for _ in range(1 + trial % 3):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        copy.write_bytes(archive)
        Path(f"{copy}.ptidx").write_bytes(beside)
        try:
            pt.Archive(copy, build="never").export_index(target, spacing=256 * KIB)
        except (pt.ArchiveError, pt.IndexFileError):
            continue
        # An index's pages have checksums.
        if damaged is beside:
            assert target.read_bytes() == (tmp_path / "whole.gzi").read_bytes()


def test_rapidgzip_seeks_with_an_exported_index(packed, tmp_path: Path) -> None:
    rapidgzip = pytest.importorskip("rapidgzip")
    _, path, tar = packed
    pt.Archive(path).export_index(tmp_path / "a.gzi", spacing=64 * KIB)
    points, _ = read_points(tmp_path / "a.gzi")
    # It passes over points that are nearer to one another than a chunk.
    with rapidgzip.RapidgzipFile(str(path), parallelization=2, chunk_size=32 * KIB) as file:
        file.import_index(str(tmp_path / "a.gzi"))
        assert file.block_offsets_complete()
        offsets = file.block_offsets()
        assert offsets.pop(path.stat().st_size * 8) == len(tar)
        assert offsets.items() <= {point.bit: point.out for point in points}.items()
        assert len(offsets) > len(points) * 0.7
        for start, size in ranges(len(tar), 100):
            file.seek(start)
            assert file.read(size) == tar[start : start + size]
        file.seek(0)
        assert file.read() == tar


def test_gztool_extracts_with_an_exported_index(packed, tmp_path: Path) -> None:
    if shutil.which("gztool") is None:
        pytest.skip("gztool is not installed")
    _, path, tar = packed
    index = tmp_path / "a.gzi"
    pt.Archive(path).export_index(index, spacing=64 * KIB)
    points, _ = read_points(index)
    command = ["gztool", "-ll", "-I", index]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.findall(r"#\d+: @ (\d+) / (\d+) \(", listed.stdout + listed.stderr)
    assert found == [(str(point.byte), str(point.out)) for point in points]
    for start, size in ranges(len(tar), 20):
        # -W: it must not write an index of its own.
        command = ["gztool", "-W", "-v0", "-I", index, "-b", str(start), "-r", str(size), path]
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stdout == tar[start : start + size]


def test_ratarmount_reads_members_with_an_exported_index(tmp_path: Path) -> None:
    pytest.importorskip("rapidgzip")
    formats = pytest.importorskip("ratarmountcore.mountsource.formats.tar")
    (tmp_path / "a.tar").write_bytes(tar_bytes(contents()))
    path = recompress(tmp_path / "a.tar", tmp_path / "a.tar.gz", level=6)
    pt.Archive(path).export_index(tmp_path / "a.gzi", spacing=100 * KIB)
    points, _ = read_points(tmp_path / "a.gzi")
    # It takes rapidgzip for files of four spacings and more.
    options = {"indexFilePath": str(tmp_path / "a.sqlite"), "gzipSeekPointSpacing": 64 * KIB}
    with formats.SQLiteIndexedTar(str(path), writeIndex=True, **options) as made:
        made.tarFileObject.close()
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        assert database.execute("DELETE FROM gztoolindex").rowcount > 0
        blob = (tmp_path / "a.gzi").read_bytes()
        database.execute("INSERT INTO gztoolindex VALUES (?)", (blob,))
    database.close()
    with formats.SQLiteIndexedTar(str(path), writeIndex=False, **options) as mounted:
        offsets = mounted.tarFileObject.block_offsets()
        del offsets[path.stat().st_size * 8]
        assert offsets.items() <= {point.bit: point.out for point in points}.items()
        for name, data in expected_members(path):
            with mounted.open(mounted.lookup(f"/{name}")) as file:
                assert file.read() == data, name
        mounted.tarFileObject.close()


@pytest.fixture
def archive(tmp_path: Path) -> pt.Archive:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip_member(tar_bytes([("one.bin", photo_like(1, 200_000))])))
    return pt.Archive(path)


def test_what_is_not_compressed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_bytes([("one", b"1")]))
    write_files(tmp_path / "folder", {"one": b"1"})
    for name in ("a.tar", "folder"):
        with pytest.raises(ValueError, match=r"only the index of a tar\.gz"):
            pt.Archive(tmp_path / name).export_index(tmp_path / "a.gzi")
    assert not (tmp_path / "a.gzi").exists()


def test_an_index_of_a_part_is_refused(archive: pt.Archive, tmp_path: Path) -> None:
    part = tmp_path / "part.tar.gz"
    part.write_bytes(Path(archive.path).read_bytes()[:100_000])
    with pytest.raises(pt.ArchiveError, match=r"part\.tar\.gz.*truncated.*whole"):
        open_anyway(part).export_index(tmp_path / "a.gzi")
    assert not (tmp_path / "a.gzi").exists()


def test_an_archive_is_never_written_over(archive: pt.Archive, tmp_path: Path) -> None:
    (tmp_path / "link").hardlink_to(archive.path)
    before = {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)}
    for name in before:
        with pytest.raises(ValueError, match="itself"):
            archive.export_index(tmp_path / name)
    assert before == {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)}


def test_arguments_that_can_never_work_are_refused(archive: pt.Archive, tmp_path: Path) -> None:
    before = listing(tmp_path)
    for spacing in (0, -1, 1 << 64):
        with pytest.raises(ValueError, match="spacing"):
            archive.export_index(tmp_path / "a.gzi", spacing=spacing)
    with pytest.raises(ValueError, match='expected format="gztool", found `gzidx`'):
        archive.export_index(tmp_path / "a.gzi", format="gzidx")
    with pytest.raises(FileNotFoundError, match=r"nowhere.a\.gzi"):
        archive.export_index(tmp_path / "nowhere" / "a.gzi")
    assert listing(tmp_path) == before


def test_an_export_that_is_stopped_leaves_the_old_file(archive: pt.Archive, tmp_path: Path) -> None:
    target = tmp_path / "a.gzi"
    target.write_bytes(b"old")
    before = listing(tmp_path)

    def stop(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        archive.export_index(target, progress=stop)
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == before
    reports: list[tuple[int, int | None, int]] = []
    archive.export_index(target, progress=lambda *report: reports.append(report))
    assert reports[-1] == (archive.archive_bytes, archive.archive_bytes, 1)
    assert read_points(target)[1] > 200_000
    assert listing(tmp_path) == before


def test_the_command_exports(archive: pt.Archive, tmp_path: Path, capsys) -> None:
    target = tmp_path / "a.gzi"
    command = ["index", archive.path, "--export", "gztool", str(target)]
    assert main(command) == 0
    points, total = read_points(target)
    assert f"exported {len(points)} points" in capsys.readouterr().out
    target.unlink()
    assert main(["index", "--spacing", "1", "--json", *command[1:]]) == 0
    found = json.loads(capsys.readouterr().out)["export"]
    assert found["file"] == str(target)
    assert (found["format"], found["points"], found["tar_bytes"]) == ("gztool", len(points), total)
    assert read_points(target) == (points, total)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--export", "gzidx", "a.gzi"], "gzidx"),
        (["--export", "gztool", "a.gzi", "--spacing", "0"], "at least 1 MiB"),
        (["--spacing", "4"], "--export"),
    ],
)
def test_a_wrong_command_is_refused_before_the_pass(
    tmp_path: Path, capsys, options: list[str], message: str
) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip_member(tar_bytes([("one", b"1")])))
    assert main(["index", str(path), *options]) == 2
    assert message in capsys.readouterr().err
    assert listing(tmp_path) == ["a.tar.gz"]
    assert main(["index", "-", "--export", "gztool", "a.gzi", "--index", "a.ptidx"]) == 2
    assert "standard input" in capsys.readouterr().err
