"""Turns an archive, read once from front to back, into its members: no index, no second read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from . import _core
from .errors import PartialArchiveWarning
from .source import BinaryReader, pipe_of

if TYPE_CHECKING:
    from ._core import StreamedMember

__all__ = ["MemberStream", "stream"]


def stream(source: str | os.PathLike[str] | BinaryReader) -> MemberStream:
    """The members of an archive from front to back, as fast as it is inflated; needs no index.

    Yields members in the archive's order, each as soon as it is whole. A member unpacks to
    ``name, data`` and has these attributes:

    * ``name``: as in `Archive.names`.
    * ``data``: its bytes, or None where they cannot be had: of a hard link, because what it leads
      to has gone by (``link`` is that name), of a sparse file, and of more than 2 GiB.
    * ``reason``: why ``data`` is None, else None.
    * ``size``, ``crc32``, ``tar_offset``, ``width``, ``height`` and the other columns of
      `Archive.members`: of what is stored.

    A path or a pipe is read and inflated ahead by threads of its own, by a few MiB or one member;
    they end when the stream ends, is closed or is dropped. Other binary streams are read by the
    thread that iterates. Members of a tar.gz are not verified one by one; gzip's own checksum comes
    last, so that a damaged archive raises after the members before.

    Args:
        source: The path of an archive or of a directory, or a binary stream of an archive:
            ``sys.stdin.buffer``, a socket's file, an HTTP response. A stream is read to its end
            and not closed.

    Returns:
        An iterator, which is a context manager too.

    Raises:
        FileNotFoundError: If there is no such archive.
        ArchiveError: While iterating, after the members that are whole, if the archive is damaged
            or is none. One that only ends too early gives a `PartialArchiveWarning`.

    Example:
        >>> for name, data in stream("train_val_images.tar.gz"):
        ...     print(name, len(data))
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return MemberStream(_core.Stream.of_path(path), path)
    name = str(getattr(source, "name", "stream"))
    pipe, head = pipe_of(source)
    if pipe is not None:
        return MemberStream(_core.Stream.of_pipe(head, pipe, name), name)
    return MemberStream(_core.Stream.of_object(source, name), name)


class MemberStream:
    """The members of an archive from front to back; made by `stream` and `Archive.stream`."""

    def __init__(self, core: _core.Stream, path: str) -> None:
        self._core = core
        self.path = path

    def __iter__(self) -> Iterator[StreamedMember]:
        return self

    def __next__(self) -> StreamedMember:
        ended = self._core.end is not None
        member = self._core.next()
        if member is not None:
            return member
        if self.stopped is not None and not ended:
            message = f"`{self.path}`: {self.stopped}; these were its whole members"
            warnings.warn(message, PartialArchiveWarning, stacklevel=2)
        raise StopIteration

    def __enter__(self) -> MemberStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops reading; there are no more members then."""
        self._core.close()

    @property
    def complete(self) -> bool | None:
        """Whether the tar ended with its end-of-archive mark; None before the end."""
        return None if self._core.end is None else self._core.end[0]

    @property
    def stopped(self) -> str | None:
        """Why the archive ended too early; None if it did not, and before the end."""
        return None if self._core.end is None else self._core.end[1]
