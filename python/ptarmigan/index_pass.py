"""Turns an archive, read once from front to back, into its index file and a summary."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import _core
from .progress import OnProgress, progress_reporter
from .source import BinaryReader, pipe_of

__all__ = ["IndexResult", "build_index", "default_index_path", "published_md5"]


_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class IndexResult(NamedTuple):
    """What `build_index` found.

    Attributes:
        members: Number of members.
        bytes: Bytes of all members.
        md5: The archive file's md5, 32 hexadecimal digits; None for a directory or with
            ``md5=False``.
        complete: Whether the tar ended with its end-of-archive mark.
        stopped: Why the index holds only a part of the archive; None if it holds all.
        seconds: How long it took.
    """

    members: int
    bytes: int
    md5: str | None
    complete: bool
    stopped: str | None
    seconds: float


def default_index_path(path: str | os.PathLike[str]) -> str:
    """Where the index of an archive lies unless the caller says otherwise."""
    return os.fspath(_core.default_index_path(os.fspath(path)))


def build_index(
    source: str | os.PathLike[str] | BinaryReader,
    index_path: str | os.PathLike[str] | None = None,
    *,
    expected_md5: str | None = None,
    md5: bool = True,
    progress: bool | OnProgress | None = None,
) -> IndexResult:
    """Indexes an archive in one pass from front to back, without opening it.

    The index appears under its name when it is whole; whatever goes wrong before leaves an older
    index as it was. A pass over a file keeps a journal beside the index, ``<index>.journal``: after
    Ctrl-C, ``kill -9`` or a crash the next call goes on where this one was, and ends with the same
    index. A file that ends too early gives an index of the members that are whole, with
    ``stopped`` saying why; when the file has grown, the next call goes on from there.

    Args:
        source: The path of an archive, or a binary stream of one: a pipe, a socket's file, an HTTP
            response. A stream is read to its end and not closed.
        index_path: The index file; by default ``<source>.ptidx``. A stream needs one.
        expected_md5: The md5 that the archive must have, as for `Archive`.
        md5: Whether to compute the md5; False leaves it out.
        progress: As for `Archive`; bytes in all are None for a stream.

    Returns:
        What was found. ``Archive(path, index_path=index_path)`` accepts the index for a file with
        the same bytes.

    Raises:
        FileNotFoundError: If there is no such archive.
        ArchiveError: If the archive is damaged or no archive, or its md5 is not the expected one.
        OSError: If the index cannot be written.
        ValueError: If an argument can never work.
    """
    start = time.perf_counter()
    check_md5_is_wanted(expected_md5, md5=md5)
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        index = None if index_path is None else os.fspath(index_path)
        if expected_md5 is None and md5:
            expected_md5 = published_md5(path)
        given = None if index_path is None else os.fspath(index_path)
        with (
            progress_reporter(progress, f"indexing {Path(path).name}") as report,
            in_usual_place(path, given),
        ):
            found = _core.build_index(path, index, expected_md5, md5, report)
    else:
        if index_path is None:
            raise ValueError("the index of a stream has no default place: give `index_path`")
        place = os.fspath(index_path)
        name = str(getattr(source, "name", "stream"))
        pipe, head = pipe_of(source)
        with progress_reporter(progress, f"indexing {name}") as report:
            found = _core.build_index_from(
                head, pipe, source, name, place, expected_md5, md5, report
            )
    seconds = time.perf_counter() - start
    return IndexResult(
        found.members, found.bytes, found.md5, found.complete, found.stopped, seconds
    )


@contextmanager
def in_usual_place(path: str, index: str | None) -> Iterator[None]:
    """Has the error of an index that may not be written beside its archive say what to do.

    Args:
        path: The archive's path.
        index: Where the caller wants the index, or None: beside it.
    """
    try:
        yield
    except OSError as error:
        usual = default_index_path(path)
        if index is None and error.errno in _NOT_ALLOWED and str(error.filename).startswith(usual):
            what = "; give the index another place with `index_path=`, or `--index`"
            raise OSError(error.errno, f"{error.strerror}{what}", usual) from error
        raise


def check_md5_is_wanted(expected_md5: str | None, *, md5: bool) -> None:
    if expected_md5 is not None and not md5:
        raise ValueError("an expected md5 cannot be checked with md5=False; leave one of them out")


def published_md5(path: str | os.PathLike[str]) -> str | None:
    """The md5 that a competition page gives for this file, known by its name and size."""
    from .published import PUBLISHED

    known = {
        (file.name, file.size): file.md5
        for release in PUBLISHED.values()
        for file in release.files
        if file.size is not None
    }
    file = Path(path)
    try:
        return known.get((file.name, file.stat().st_size))
    except OSError:
        return None
