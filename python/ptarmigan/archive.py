"""Turns an archive as downloaded into members that can be read at random, by number or by name."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable
from operator import index as as_index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from . import _core
from .arrays import aligned_empty
from .errors import MemberNotFoundError, PartialArchiveWarning
from .export import ExportResult, export_index
from .index_pass import (
    IndexResult,
    build_index,
    check_md5_is_wanted,
    default_index_path,
    in_usual_place,
    published_md5,
)
from .member_file import MemberFile
from .member_stream import MemberStream, stream
from .member_table import FORMATS, MEMBER_DTYPE
from .progress import OnProgress, progress_reporter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FORMATS",
    "MEMBER_DTYPE",
    "Archive",
    "IndexResult",
    "VerifyReport",
    "build_index",
    "default_index_path",
]


class VerifyReport(NamedTuple):
    """What `Archive.verify` found.

    Attributes:
        members: Number of members read.
        bytes: Bytes of the members that are as they should be.
        bad: (name, reason) of those that are not, in the archive's order.
        md5: The archive file's md5 now; None for a directory.
        md5_ok: Whether it is the md5 that the index has, if it has one.
        seconds: How long it took.
    """

    members: int
    bytes: int
    bad: list[tuple[str, str]]
    md5: str | None
    md5_ok: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every checksum is right."""
        return not self.bad and self.md5_ok


class Archive:
    """A tar, tar.gz or directory whose members are read at random, without unpacking.

    The first opening reads the whole archive once and leaves a small index beside it; from then on
    opening takes milliseconds and a member is one short read. Members are the regular files (hard
    links included) in the archive's order; where several have one name, the last one has it.

    Reads may come from any number of threads, and from processes forked or spawned at any time; a
    pickled archive is path and options, and is opened anew where it is unpickled.

    A file that ends too early, because it is still being downloaded or copied, is read up to there,
    with a `PartialArchiveWarning`; ``stopped`` says why.

    Args:
        path: The archive: a tar, a gzip-compressed tar (of any number of gzip members), or a
            directory of files.
        index_path: The index file; by default ``<path>.ptidx``.
        build: ``"auto"`` makes the index where there is none; ``"never"`` expects one;
            ``"rebuild"`` makes it anew, and keeps the old one until the new one is whole.
        expected_md5: The md5 that the archive must have, 32 hexadecimal digits. A pass over a file
            that has the name and the size of an official archive expects the published one.
        md5: Whether an indexing pass computes the md5; False leaves it out.
        progress: What happens while an index is made: None shows a bar on a terminal if it takes
            longer than a second, True and False force it, a function is called with (bytes done,
            bytes in all, members so far) and may raise to stop.
        threads: How many threads `read_many` and `verify` use; by default one a processor.

    Raises:
        FileNotFoundError: If there is no such archive.
        ArchiveError: If the archive is damaged or no archive, or its md5 is not the expected one.
        IndexFileError: If the index is missing (``build="never"``), damaged, of another version or
            of another archive.
        ValueError: If an argument can never work.

    Example:
        >>> archive = Archive("train_val_images.tar.gz")
        >>> data = archive.read(archive.names[0])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        index_path: str | os.PathLike[str] | None = None,
        build: Literal["auto", "never", "rebuild"] = "auto",
        expected_md5: str | None = None,
        md5: bool = True,
        progress: bool | OnProgress | None = None,
        threads: int | None = None,
    ) -> None:
        self.threads = _checked_threads(threads)
        check_md5_is_wanted(expected_md5, md5=md5)
        self._given = os.fspath(path)
        # Files are opened later as well: for `verify`, `stream`, the members of a folder.
        path = _absolute(self._given)
        index = None if index_path is None else _absolute(os.fspath(index_path))
        place = Path(index or default_index_path(path))
        if expected_md5 is None and md5 and (build == "rebuild" or not place.exists()):
            expected_md5 = published_md5(path)
        with (
            progress_reporter(progress, f"indexing {Path(path).name}") as report,
            in_usual_place(path, index),
        ):
            self._core = _core.Archive.open(path, index, build, expected_md5, md5, report)
        if self.stopped is not None:
            message = f"`{path}`: {self.stopped}; its first {len(self):,} members are used"
            warnings.warn(message, PartialArchiveWarning, stacklevel=2)
        self._names: list[str] | None = None

    def __len__(self) -> int:
        return len(self._core)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str | bytes) and self._core.find(os.fsencode(name)) is not None

    def __repr__(self) -> str:
        return f"Archive({self.path!r}, members={len(self):,}, kind={self.kind!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._place, self.index_path, self.threads)

    @property
    def path(self) -> str:
        """The archive's path, as given."""
        return self._given

    @property
    def _place(self) -> str:
        """The archive's path, whatever the working directory is."""
        return os.fspath(self._core.path)

    @property
    def index_path(self) -> str:
        """The index file's path, absolute."""
        return os.fspath(self._core.index_path)

    @property
    def index_size(self) -> int:
        """Bytes of the index file."""
        return self._core.index_size

    @property
    def kind(self) -> str:
        """``"tar"``, ``"tar.gz"`` or ``"folder"``."""
        return self._core.kind

    @property
    def md5(self) -> str | None:
        """The archive file's md5, 32 hexadecimal digits; None for a directory or if left out."""
        return self._core.md5

    @property
    def complete(self) -> bool:
        """Whether the tar ended with its end-of-archive mark; without it, it may be truncated."""
        return self._core.complete

    @property
    def stopped(self) -> str | None:
        """Why the index holds only a part of the archive; None if it holds all.

        A file that is cut off, or still being downloaded, is read up to there. Opening it again
        with ``build="auto"`` goes on when the file has grown.
        """
        return self._core.stopped

    @property
    def total_bytes(self) -> int:
        """Bytes of all members together."""
        return self._core.total_bytes

    @property
    def archive_bytes(self) -> int:
        """Bytes of the archive file; 0 for a directory."""
        return self._core.archive_bytes

    @property
    def fingerprint(self) -> int:
        """A 64-bit number that tells this archive's content from another's."""
        return self._core.fingerprint

    @property
    def names(self) -> list[str]:
        """The members' names in the archive's order; the list is made once and must not be changed.

        Bytes that are not UTF-8 are escaped as `os.fsdecode` does.
        """
        if self._names is None:
            joined = self._core.joined_names().decode("utf-8", "surrogateescape")
            self._names = joined.split("\0") if len(self) else []
        return self._names

    @property
    def members(self) -> NDArray[np.void]:
        """One row a member: where it is and what its image's header says; a new array every time.

        Fields: ``tar_offset``, ``size`` (bytes), ``crc32``, ``width``, ``height`` (pixels, as
        stored), ``components``, ``sampling`` (one byte a component, the first one lowest:
        horizontal * 16 + vertical), ``sof`` (0xC0 baseline, 0xC2 progressive), ``precision``
        (bits), ``orientation`` (EXIF; 0 none), ``restart_interval`` (MCUs), ``adobe`` (transform
        plus 1; 0 none), ``format`` (see ``FORMATS`` of this module). Zero where the file does not
        say.
        """
        buffer = aligned_empty(len(self) * MEMBER_DTYPE.itemsize, np.uint8)
        self._core.fill_members(buffer)
        rows: NDArray[np.void] = buffer.view(MEMBER_DTYPE)
        return rows

    def index_of(self, name: str | bytes) -> int:
        """The number of the member ``name``; of the last one, where several have this name.

        Raises:
            MemberNotFoundError: If there is none.
        """
        number = self._core.find(os.fsencode(name))
        if number is None:
            raise self._no_such_name(os.fsdecode(name))
        return number

    def read(self, member: int | str | bytes) -> bytes:
        """The bytes of one member, given by number (negative from the end) or name.

        Raises:
            MemberNotFoundError: If there is no such member.
            ArchiveError: If its bytes do not have the checksum that the index has.
        """
        return self._core.read(self._number(member))

    def read_many(
        self, members: Iterable[int | str | bytes], *, threads: int | None = None
    ) -> list[bytes]:
        """The bytes of several members, in the order given; they are read in the archive's order.

        Args:
            members: Numbers or names.
            threads: How many threads share the work; by default the archive's ``threads``.

        Raises:
            MemberNotFoundError: If there is no such member.
            ArchiveError: If the bytes of one do not have the checksum that the index has.
        """
        threads = _checked_threads(threads) or self.threads
        return self._core.read_many([self._number(member) for member in members], threads)

    def open(self, member: int | str | bytes) -> MemberFile:
        """One member as a binary file: of any size, in little memory.

        The file can be read, sought in, iterated over and wrapped, as those of
        ``tarfile.extractfile`` and ``zipfile.ZipFile.open`` can. A compressed member is inflated as
        far as it is read; seeking back further than some tens of KiB begins at its start again. A
        file may be shared by threads, and be read on after a fork.

        Args:
            member: Number (negative from the end) or name.

        Raises:
            MemberNotFoundError: If there is no such member.
            ArchiveError: If it cannot be read. A wrong checksum is found by the read that reaches
                the member's last byte; in an uncompressed archive, if all before was read in order.

        Example:
            >>> with archive.open("readme.txt") as file:
            ...     text = io.TextIOWrapper(file).read()
        """
        number = self._number(member)
        return MemberFile(self._core.open_member(number), self._name(number))

    def stream(self) -> MemberStream:
        """All members from front to back: `ptarmigan.stream` of this archive's path."""
        return stream(self._place)

    def verify(self, progress: OnProgress | bool | None = None) -> VerifyReport:
        """Reads every member and the whole file and compares all checksums with the index.

        Args:
            progress: As for the class; a function is called with (members done, members in all,
                members done).
        """
        start = time.perf_counter()
        description = f"verifying {Path(self.path).name}"
        with progress_reporter(progress, description, unit="members") as report:
            found = self._core.verify(self.threads, report)
        bad = [(self._name(number), reason) for number, reason in found.bad]
        seconds = time.perf_counter() - start
        return VerifyReport(found.members, found.bytes, bad, found.md5, found.md5_ok, seconds)

    def export_index(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["gztool"] = "gztool",  # noqa: A002 (the word for it in Pillow and pandas)
        spacing: int = 4 << 20,
        progress: OnProgress | bool | None = None,
    ) -> ExportResult:
        """Writes an index of a tar.gz that other programs read.

        ``"gztool"`` is format 0 of gztool's ``.gzi``, which gztool, rapidgzip and ratarmount
        import. It holds seek points and no names.

        Args:
            path: The file to write; it appears under its name when it is whole.
            format: The only one is ``"gztool"``.
            spacing: Bytes of the uncompressed tar between two points, about: points are only where
                a deflate block begins, and some compressors write one block of any length.
            progress: As for the class; a function is called with (bytes of the archive file done,
                bytes in all, members so far).

        Returns:
            How many points and bytes were written.

        Raises:
            ArchiveError: If the index holds only a part of the archive, or the archive is damaged.
            IndexFileError: If the index is damaged or does not fit the archive.
            OSError: If the file cannot be written.
            ValueError: If the archive is not compressed, or an argument can never work.
        """
        return export_index(self._core, path, format, spacing, progress)

    def _name(self, number: int) -> str:
        return self._core.name(number).decode("utf-8", "surrogateescape")

    def _number(self, member: int | str | bytes) -> int:
        if isinstance(member, str | bytes):
            return self.index_of(member)
        number = as_index(member)
        count = len(self)
        if not -count <= number < count:
            error = MemberNotFoundError(
                f"`{self.path}`: there is no member {number}; the archive has {count}"
            )
            error.path = self.path
            raise error
        return number % count

    def _no_such_name(self, name: str) -> MemberNotFoundError:
        import difflib

        message = f"`{self.path}`: there is no member `{name}`"
        base = name.rsplit("/", 1)[-1]
        # Close matches cost a comparison a name, so only few names get them; a right file name in
        # a wrong folder is the usual slip, and finding that is cheap.
        close = [known for known in self.names if known.rsplit("/", 1)[-1] == base][:3]
        if not close and len(self) <= 10_000:
            close = difflib.get_close_matches(name, self.names, 3)
        if close:
            message += "; close to it are " + ", ".join(f"`{known}`" for known in close)
        error = MemberNotFoundError(message)
        error.path = self.path
        error.member = name
        return error


def _absolute(path: str) -> str:
    # No path at all is the core's error, not the working directory.
    return str(Path(path).absolute()) if path else path


def _reopen(path: str, index_path: str, threads: int | None) -> Archive:
    return Archive(path, index_path=index_path, build="never", threads=threads)


def _checked_threads(threads: int | None) -> int | None:
    if threads is None:
        return None
    if as_index(threads) < 1:
        raise ValueError(f"expected at least one thread, found threads={threads}")
    return as_index(threads)
