"""The index file is what docs/index-format.md says: read here with nothing but that page."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

import ptarmigan as pt
from synthetic import write_tar
from tars import gunzip, noise, photo_like

DATA = Path(__file__).parent / "data"


class Reader:
    """An index file, by the book."""

    def __init__(self, path: Path) -> None:
        file = path.read_bytes()
        assert file[:8] == b"PTIDX\r\n\x1a"
        (self.version, self.flags, self.kind, sections) = struct.unpack_from("<4I", file, 8)
        (self.members, self.bytes, self.size) = struct.unpack_from("<3Q", file, 24)
        (self.head, self.tail, self.samples, page) = struct.unpack_from("<4I", file, 48)
        self.md5, self.stamp = file[64:80], file[40:60]
        (self.fingerprint, body, checksums) = struct.unpack_from("<QQI", file, 80)
        table = 104 + 16 * sections
        assert struct.unpack_from("<I", file, table)[0] == crc32(file[:table])
        start = table + 4
        self.body, pages = file[start : start + body], file[start + body :]
        assert crc32(pages) == checksums
        found = [crc32(self.body[at : at + page]) for at in range(0, body, page)]
        assert list(struct.unpack(f"<{len(pages) // 4}I", pages)) == found
        self.sections: list[tuple[int, int, int]] = []
        at = 0
        for number in range(sections):
            row, width, count = struct.unpack_from("<IIQ", file, 104 + 16 * number)
            assert row == number
            self.sections.append((at, width, count))
            at += 8 * -(-count // 64) + width * count if number <= 16 else count
        assert at == body

    def column(self, section: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        at, width, count = self.sections[section]
        blocks = -(-count // 64)
        least = np.frombuffer(self.body, "<u8", blocks, at)
        rows = np.zeros((count, 8), np.uint8)
        own = np.frombuffer(self.body, np.uint8, width * count, at + 8 * blocks)
        rows[:, :width] = own.reshape(count, width)
        return np.repeat(least, 64)[:count] + rows.view("<u8").ravel()

    def blob(self, section: int) -> bytes:
        at, _, count = self.sections[section]
        return self.body[at : at + count]

    def pieces(self, ends: int, pieces: int) -> list[bytes]:
        blob, start, found = self.blob(pieces), 0, []
        for end in self.column(ends).tolist():
            found.append(blob[start:end])
            start = end
        return found

    def names(self) -> list[bytes]:
        directories = self.pieces(16, 17)
        rests = [self.rest(form) for form in self.pieces(11, 18)]
        numbers = self.column(10).tolist()
        return [directories[number] + rest for number, rest in zip(numbers, rests, strict=True)]

    @staticmethod
    def rest(form: bytes) -> bytes:
        digits = form[1:].hex()
        if form[0] == 0:
            return form[1:]
        if form[0] == 2:
            ends = (0, 8, 12, 16, 20, 32)
            digits = "-".join(digits[a:b] for a, b in pairwise(ends))
        return digits.encode() + b".jpg"


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def many_members() -> dict[str, bytes]:
    hexadecimal = {
        f"t/{n % 7}/{md5(bytes([n])).hex()}.jpg": photo_like(n, 900 * n + 1) for n in range(150)
    }
    uuid = "01234567-89ab-cdef-0123-456789abcdef.jpg"
    others = {f"u/{uuid}": b"x", "plain": b"", "deep/er/ü.jpg": noise(9, 70_000)}
    return hexadecimal | others


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar"])
def test_the_page_describes_the_file(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "a.tar.gz", many_members())
    if name == "a.tar":
        path = tmp_path / name
        path.write_bytes(gunzip(tmp_path / "a.tar.gz"))
    archive = pt.Archive(path)
    reader = Reader(Path(archive.index_path))
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        files = [member for member in tar if member.isfile()]
        contents = [tar.extractfile(member).read() for member in files]  # type: ignore[union-attr]
    assert (reader.version, reader.flags, reader.kind) == (1, 3, int(name == "a.tar.gz"))
    assert reader.members == len(files) == len(archive)
    assert reader.bytes == sum(map(len, contents))
    assert (reader.size, reader.md5) == (len(data), md5(data))
    assert (reader.head, reader.tail) == (crc32(data[: 1 << 16]), crc32(data[-(1 << 16) :]))
    digest = md5(reader.stamp)
    assert reader.fingerprint == archive.fingerprint == struct.unpack("<Q", digest[:8])[0]
    assert [name.decode() for name in reader.names()] == [member.name for member in files]
    assert reader.column(0).tolist() == [member.offset_data for member in files]
    assert reader.column(1).tolist() == [member.size for member in files]
    assert reader.column(2).tolist() == [crc32(content) for content in contents]
    for section, field in [(0, "tar_offset"), (7, "width"), (8, "height")]:
        assert (reader.column(section) == archive.members[field]).all()
    hashes = [crc32(name) for name in reader.names()]
    order = reader.column(15).tolist()
    assert reader.column(14).tolist() == sorted(hashes) == [hashes[member] for member in order]
    assert (reader.column(4).max() > 0) == (name == "a.tar.gz")
    assert reader.blob(21) == b""


def test_samples_are_where_the_page_says(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a": noise(1, 19 << 20)})
    data = path.read_bytes()
    reader = Reader(Path(pt.Archive(path).index_path))
    starts = range(2 << 20, len(data) - 4095, 2 << 20)
    crcs = [crc32(data[start : start + 4096]) for start in starts]
    assert reader.samples == crc32(struct.pack(f"<{len(crcs)}I", *crcs))


def test_the_committed_index_of_format_1_opens() -> None:
    """It was written once, by the first version that had this format; never write it again."""
    expected = json.loads((DATA / "format1.json").read_text())
    archive = pt.Archive(
        DATA / "format1.tar.gz", index_path=DATA / "format1.ptidx", build="never", progress=False
    )
    assert archive.names == [row["name"] for row in expected["members"]]
    assert (archive.md5, archive.fingerprint, archive.complete) == (
        expected["md5"],
        expected["fingerprint"],
        True,
    )
    for number, row in enumerate(expected["members"]):
        content = archive.read(number)
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert archive.index_of(row["name"]) == row["index_of"]
        found = archive.members[number]
        for field in ("width", "height", "components", "sof", "tar_offset", "size"):
            assert found[field] == row[field], (number, field)
