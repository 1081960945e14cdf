"""Turns files into archives of every flavour, and archives into what other readers find in them."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import tarfile
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import ptarmigan as pt
from synthetic import make_jpeg

BLOCK = 512


def noise(seed: int, size: int) -> bytes:
    """Bytes that do not compress, as those of a photo."""
    return np.random.default_rng(seed).bytes(size)


def photo_like(seed: int, size: int) -> bytes:
    """Bytes that compress a little: noise with repeated runs, near and far."""
    random = np.random.default_rng(seed)
    data = bytearray(random.bytes(min(size, 2000)))
    while len(data) < size:
        if random.random() < 0.3:
            start = len(data) - int(random.integers(1, min(len(data), 32000)))
            data += data[start : start + int(random.integers(4, 300))]
        else:
            data += random.bytes(int(random.integers(1, 3000)))
    return bytes(data[:size])


def gnu_tar(folder: Path, archive: Path, *options: str, names: Iterable[str] = (".",)) -> Path:
    """Packs what is in ``folder`` with the ``tar`` of the system."""
    command = ["tar", "-C", str(folder), *options, "-cf", str(archive), "--", *names]
    subprocess.run(command, check=True, capture_output=True)
    return archive


def pack_awkward(folder: Path, target: Path, flavour: str, level: int | None) -> Path:
    """Packs those of `awkward_files`, which ``folder`` holds, that a format of GNU tar can name."""
    limit = {"ustar": 99, "v7": 99}.get(flavour, 10_000)
    names = sorted(name for name in awkward_files() if len(name) <= limit)
    path = gnu_tar(folder, target / "a.tar", f"--format={flavour}", names=names)
    return path if level is None else recompress(path, target / "a.tar.gz", level=level)


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Writes name -> bytes below ``folder``."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def expected_members(archive: Path) -> list[tuple[str, bytes]]:
    """(name, bytes) of every regular file and hard link, as the standard library finds them."""
    found = []
    with tarfile.open(archive, "r:*") as tar:
        for info in tar:
            if info.isreg() or info.islnk():
                stream = tar.extractfile(info)
                assert stream is not None
                found.append((info.name, stream.read()))
    return found


def tar_bytes(members: list[tuple[str, bytes]], **options: object) -> bytearray:
    """An uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return bytearray(buffer.getvalue())


def header(name: bytes, size: int | bytes, kind: bytes = b"0", **fields: bytes) -> bytes:
    """One ustar header, with any size field and the right checksum."""
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    digits = size if isinstance(size, bytes) else b"%011o\0" % size
    block[124 : 124 + len(digits)] = digits
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = fields.get("magic", b"ustar\x0000")
    link = fields.get("link", b"")
    block[157 : 157 + len(link)] = link
    prefix = fields.get("prefix", b"")
    block[345 : 345 + len(prefix)] = prefix
    block[482:483] = fields.get("extended", b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def pax(records: dict[str, bytes], kind: bytes = b"x") -> bytes:
    """A pax extended header."""
    body = b""
    for key, value in records.items():
        rest = b" " + key.encode() + b"=" + value + b"\n"
        length = len(rest)
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        body += b"%d" % length + rest
    return header(b"pax", len(body), kind) + padded(body)


END = bytes(2 * BLOCK)


def raw_deflate(data: bytes, level: int = 6, **options: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, **options)
    return compressor.compress(data) + compressor.flush()


def gzip_member(data: bytes, deflated: bytes | None = None) -> bytes:
    """One gzip member around raw deflate data."""
    body = raw_deflate(data) if deflated is None else deflated
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + trailer


# Ways to pack a tar, by name.
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip_member,
    "two members": lambda tar: gzip_member(tar[:30_000]) + gzip_member(tar[30_000:]),
    "stored": lambda tar: gzip_member(tar, raw_deflate(tar, 0)),
}


def one_block_gzip(tar: bytearray, step: int = 1000) -> bytes:
    """A gzip member of one single block with fixed codes, however long.

    Every ``step`` bytes inside members' data 20 bytes are made to repeat what was 20,000 before,
    and are written as a match; ``tar`` is changed accordingly.
    """
    bits: list[np.ndarray] = [np.array([1, 1, 0], np.uint8)]

    def number(value: int, width: int) -> np.ndarray:
        return np.array([value >> place & 1 for place in range(width)], np.uint8)

    def code(value: int, width: int) -> np.ndarray:
        return number(value, width)[::-1]

    # RFC 1951 3.2.6: 8 bits from 0x30 for 0..143, 9 bits from 0x190 for the rest.
    table = np.zeros((256, 9), np.uint8)
    widths = np.where(np.arange(256) < 144, 8, 9)
    for byte in range(256):
        value = 0x30 + byte if byte < 144 else 0x190 + byte - 144
        table[byte, : widths[byte]] = code(value, int(widths[byte]))
    used = np.arange(9) < widths[:, None]

    def literals(data: bytes) -> np.ndarray:
        indices = np.frombuffer(data, np.uint8)
        return table[indices][used[indices]]

    match = np.concatenate([code(13, 7), number(1, 2), code(28, 5), number(20000 - 16385, 13)])
    done = 0
    inside = np.zeros(len(tar), bool)
    with tarfile.open(fileobj=io.BytesIO(bytes(tar))) as reader:
        for info in reader:
            inside[info.offset_data : info.offset_data + info.size] = True
    for at in range(20_000 + step, len(tar) - 20, step):
        if inside[at : at + 20].all():
            tar[at : at + 20] = tar[at - 20_000 : at - 19_980]
            bits += [literals(bytes(tar[done:at])), match]
            done = at + 20
    bits += [literals(bytes(tar[done:])), code(0, 7)]
    packed = np.packbits(np.concatenate(bits), bitorder="little").tobytes()
    return gzip_member(bytes(tar), packed)


def recompress(archive: Path, target: Path, *, level: int) -> Path:
    """The tar ``archive``, compressed by the ``gzip`` of the system."""
    with target.open("wb") as out:
        command = ["gzip", f"-{level}", "-c", str(archive)]
        subprocess.run(command, stdout=out, check=True)
    return target


def gunzip(archive: Path) -> bytes:
    with gzip.open(archive) as file:
        return file.read()


def open_anyway(path: Path, **options: Any) -> pt.Archive:
    """Opens an archive, whole or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pt.PartialArchiveWarning)
        return pt.Archive(path, **options)


def listing(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


class Dribble:
    """A stream that gives few bytes at a time, and says how often it was asked."""

    def __init__(self, data: bytes, most: int = 5000) -> None:
        self.rest = io.BytesIO(data)
        self.most = most
        self.calls = 0

    def read(self, size: int) -> bytes:
        self.calls += 1
        return self.rest.read(min(size, self.most))


def awkward_files() -> dict[str, bytes]:
    """Names around every limit of the tar formats, data of every kind."""
    found = {f"plain/{size}.bin": photo_like(size, size) for size in (0, 1, 511, 512, 513, 70_000)}
    found["text.txt"] = b"The ptarmigan changes its feathers three times a year.\n" * 3000
    found["zeros"] = bytes(300_000)
    found["photo.jpg"] = make_jpeg(1, 320, 240)
    for length in (99, 100, 101, 103, 105, 154, 155, 156, 255, 256, 257, 300):
        folder = "d" * 90 + "/"
        stem = "n" * (length % 90 + 1)
        name = (folder * (length // 91 + 1))[: length - len(stem) - 1].rstrip("/") + "/" + stem
        name = name + "x" * (length - len(name))
        assert len(name) == length
        found[name] = noise(length, 100 + length)
    return found
