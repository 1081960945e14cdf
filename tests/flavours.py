"""Turns the same members into an archive of every flavour."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import ptarmigan as pt
from tars import gzip_member, one_block_gzip, photo_like, tar_bytes, write_files

MEMBERS = {
    "first": photo_like(1, 150_000),
    "empty": b"",
    "one": b"1",
    "long": photo_like(2, 600_000),
    "zeros": bytes(900_000),
    "text": b"A ptarmigan has feathers on its feet.\n" * 4000,
}
FLAVOURS = ("tar", "tar.gz", "one block", "two members", "many members", "folder")


Packed = tuple[pt.Archive, dict[str, bytes]]


def pack(folder: Path, flavour: str) -> Packed:
    """An archive of `MEMBERS`, and what is in it."""
    if flavour == "folder":
        return pt.Archive(write_files(folder / "files", MEMBERS)), MEMBERS
    tar = tar_bytes(list(MEMBERS.items()))
    path = folder / "a"
    if flavour == "one block":
        # That writes repeats into the members.
        packed = one_block_gzip(tar)
        path.write_bytes(packed)
        with tarfile.open(fileobj=io.BytesIO(bytes(tar))) as reader:
            files = {info.name: reader.extractfile(info) for info in reader}
            members = {name: file.read() for name, file in files.items() if file is not None}
        return pt.Archive(path), members
    whole = bytes(tar)
    step = {"two members": len(whole) // 2, "many members": 30_011}.get(flavour, len(whole))
    pieces = [whole[start : start + step] for start in range(0, len(whole), step)]
    if flavour == "tar":
        path.write_bytes(whole)
    else:
        empty = gzip_member(b"") + bytes(700)
        path.write_bytes(b"".join(gzip_member(piece) + empty for piece in pieces))
    return pt.Archive(path), MEMBERS
