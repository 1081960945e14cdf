"""Turns one member of an archive into a binary file that can be read and sought in."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from . import _core

__all__ = ["MemberFile"]

BUFFER_BYTES = 64 << 10


class MemberFile(io.BufferedReader):
    """A member of an archive as a binary file, read-only and seekable; see `Archive.open`.

    It behaves as the files of ``tarfile.extractfile`` and ``zipfile.ZipFile.open`` do. ``name`` is
    the member's, ``size`` its number of bytes, ``mode`` is ``"rb"``. It stays open when the archive
    object is gone.
    """

    def __init__(self, core: _core.MemberFile, name: str) -> None:
        super().__init__(_RawMember(core, name), buffer_size=BUFFER_BYTES)
        self.size = core.size

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r} size={self.size:,}>"


class _RawMember(io.RawIOBase):
    """The position; the bytes come from the core, which has a lock of its own."""

    mode = "rb"

    def __init__(self, core: _core.MemberFile, name: str) -> None:
        self._core = core
        self._position = 0
        self.name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._check_open()
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._core.size}
        if whence not in bases:
            raise ValueError(f"expected whence 0, 1 or 2, found {whence!r}")
        position = bases[whence] + offset
        if position < 0:
            raise ValueError(f"expected a position in the member, found {position}")
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._check_open()
        out = memoryview(buffer).cast("B")
        if out.readonly:
            raise TypeError("expected a buffer that can be written to")
        if not out or self._position >= self._core.size:
            return 0
        count = self._core.read_at(self._position, np.frombuffer(out, np.uint8))
        self._position += count
        return count

    def readall(self) -> bytes:
        self._check_open()
        if self._position >= self._core.size:
            return b""
        data = self._core.read_rest(self._position)
        self._position += len(data)
        return data

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
