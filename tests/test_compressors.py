"""Archives by every common gzip compressor, as its own program makes them, read as by tarfile.

Programs that are not installed are skipped; continuous integration installs all.
"""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import make_jpeg
from tars import expected_members, gzip_member, photo_like, raw_deflate, tar_bytes

Pack = Callable[[Path, Path], None]


def members() -> list[tuple[str, bytes]]:
    """JPEG files of many sizes, bytes like a photo's, words, and what is empty or all zeros."""
    words = np.random.default_rng(3).integers(0, 5000, 12_000)
    jpegs = [(f"jpeg/{side}.jpg", make_jpeg(side, side, side // 2)) for side in range(40, 500, 50)]
    photos = [(f"photo/{size}.bin", photo_like(size, size)) for size in range(500, 120_000, 9001)]
    return [
        *jpegs,
        ("words.txt", b" ".join(b"%d" % (word * 7919) for word in words)),
        ("empty", b""),
        *photos,
        ("zeros", bytes(70_000)),
        ("last.jpg", make_jpeg(1, 640, 480)),
    ]


def program(*command: str) -> Pack:
    """Compresses a file with a program that writes to standard output."""

    def pack(tar: Path, target: Path) -> None:
        with target.open("wb") as out:
            subprocess.run([*needed(command), str(tar)], stdout=out, check=True)

    return pack


def needed(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command, if its program is installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


def with_zlib(level: int, **options: int) -> Pack:
    def pack(tar: Path, target: Path) -> None:
        data = tar.read_bytes()
        target.write_bytes(gzip_member(data, raw_deflate(data, level, **options)))

    return pack


def one_after_the_other(tar: Path, target: Path) -> None:
    """Members of several compressors, cut anywhere, as `cat` puts them together."""
    data, whole = tar.read_bytes(), b""
    cuts = [0, 1, 700, 100_000, 100_512, 450_001, len(data)]
    packers = ["gzip -1", "zlib 9", "pigz -6", "zlib 0", "bgzip", "igzip -3"]
    for start, end, name in zip(cuts[:-1], cuts[1:], packers, strict=True):
        tar.with_suffix(".piece").write_bytes(data[start:end])
        GZIP[name](tar.with_suffix(".piece"), target)
        whole += target.read_bytes()
    target.write_bytes(whole)


GZIP: dict[str, Pack] = {
    "gzip -1": program("gzip", "-1", "-c"),
    "gzip -6": program("gzip", "-6", "-c"),
    "gzip -9": program("gzip", "-9", "-c"),
    "gzip --rsyncable": program("gzip", "--rsyncable", "-c"),
    "zlib 0": with_zlib(0),
    "zlib 1": with_zlib(1),
    "zlib 6": with_zlib(6),
    "zlib 9": with_zlib(9),
    "zlib huffman": with_zlib(6, strategy=zlib.Z_HUFFMAN_ONLY),
    "zlib fixed": with_zlib(6, strategy=zlib.Z_FIXED),
    "zlib small": with_zlib(9, memLevel=1),
    "pigz -6": program("pigz", "-6", "-c"),
    "pigz -9 -i": program("pigz", "-9", "-i", "-c"),
    "zopfli": program("zopfli", "--i1", "-c"),
    "libdeflate -1": program("libdeflate-gzip", "-1", "-c"),
    "libdeflate -6": program("libdeflate-gzip", "-6", "-c"),
    "libdeflate -12": program("libdeflate-gzip", "-12", "-c"),
    "igzip -0": program("igzip", "-0", "-c"),
    "igzip -3": program("igzip", "-3", "-c"),
    "bgzip": program("bgzip", "-c"),
}
GZIP["one after the other"] = one_after_the_other

# What makes one block of any length; so does zlib 1, where it is zlib-ng.
ONE_BLOCK = {"igzip -0", "zlib 1"}

OTHERS = {
    "zstd": ("zstd", "-q", "-c"),
    "xz": ("xz", "-1", "-c"),
    "bzip2": ("bzip2", "-1", "-c"),
    "lz4": ("lz4", "-q", "-c"),
}


@pytest.fixture(scope="module")
def tar(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("compressors") / "a.tar"
    path.write_bytes(tar_bytes(members()))
    return path


@pytest.mark.parametrize("name", GZIP)
def test_every_member_is_what_tarfile_finds(tar: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tar.gz"
    GZIP[name](tar, path)
    expected = expected_members(path)
    assert len(expected) == len(members())

    made = pt.Archive(path)
    assert made.complete
    assert made.names == [name for name, _ in expected]
    reopened = pt.Archive(path, build="never")
    order = np.random.default_rng(0).permutation(len(expected))
    for archive in (made, reopened):
        for number in order:
            assert archive.read(int(number)) == expected[number][1], expected[number][0]
    assert reopened.read_many(range(len(expected)), threads=2) == [data for _, data in expected]
    assert reopened.verify(progress=False).ok

    blocks = made.export_index(tmp_path / "a.gzi", spacing=16 << 10).points
    assert blocks > 3 or name in ONE_BLOCK


@pytest.mark.parametrize("name", OTHERS)
def test_other_compressors_are_named(tar: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a.tar.{name}"
    program(*OTHERS[name])(tar, path)
    with pytest.raises(pt.ArchiveError, match=rf"a\.tar\.{name}.*expected a tar.*found {name};"):
        pt.Archive(path)
    assert not path.with_suffix(".ptidx").exists()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
