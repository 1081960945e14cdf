"""Indexes that lie, with checksums that are right: errors, or the members' own bytes."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from flavours import pack


def forge(index: bytes, at: int, value: int) -> bytes:
    """An index with another byte in its body and checksums that are right all the same."""
    sections = int.from_bytes(index[20:24], "little")
    start = 104 + 16 * sections + 4
    length = int.from_bytes(index[88:96], "little")
    body = bytearray(index[start : start + length])
    body[at % length] = value
    pages = [bytes(body[page : page + 32_768]) for page in range(0, length, 32_768)]
    sums = b"".join(zlib.crc32(page).to_bytes(4, "little") for page in pages)
    head = bytearray(index[: start - 4])
    head[96:100] = zlib.crc32(sums).to_bytes(4, "little")
    return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + bytes(body) + sums


@pytest.mark.parametrize("flavour", ["tar", "tar.gz", "one block", "many members"])
def test_an_index_that_lies_gives_errors_or_the_right_bytes(tmp_path: Path, flavour: str) -> None:
    """No checksum of the index helps against a forged one; those of the members do."""
    archive, members = pack(tmp_path, flavour)
    place = Path(archive.index_path)
    whole, path = place.read_bytes(), archive.path
    right = {zlib.crc32(data): data for data in members.values()}
    random = np.random.default_rng(3)
    refused = 0
    # The columns are at the start, so this is where a wrong byte says something wrong.
    for at in [*range(0, 700, 3), *random.integers(0, len(whole), 60).tolist()]:
        place.unlink()
        place.write_bytes(forge(whole, at, int(random.choice([0, 1, 127, 128, 255]))))
        try:
            archive = pt.Archive(path, build="never")
        except pt.IndexFileError:
            refused += 1
            continue
        for number in range(len(archive)):
            for read in (
                lambda n, archive=archive: archive.open(n).read(),
                lambda n, archive=archive: archive.read_many([n, n])[0],
                lambda n, archive=archive: archive.open(n).read(1000),
            ):
                try:
                    data = read(number)
                except pt.PtarmiganError:
                    refused += 1
                    continue
                # A checksum that was forged is that of no member.
                assert len(data) <= 1000 or zlib.crc32(data) in right
        try:
            archive.read_many(range(len(archive)))
        except pt.PtarmiganError:
            refused += 1
    assert refused > 50
