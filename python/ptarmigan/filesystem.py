"""Turns an archive into a file system of fsspec: ``ptar://name::train_val_images.tar.gz``.

The protocol ``ptar`` is registered by installing this package; nothing else here imports fsspec.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import fsspec
from fsspec.archive import AbstractArchiveFileSystem
from fsspec.implementations.local import LocalFileSystem

from .archive import Archive
from .member_file import MemberFile
from .progress import OnProgress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ArchiveFileSystem"]

LARGEST_READ = 1 << 31


class ArchiveFileSystem(AbstractArchiveFileSystem):  # type: ignore[misc]
    """The members of a tar, tar.gz or directory as a read-only file system of fsspec.

    Everything that takes fsspec's URLs or file systems takes it: ``fsspec.open``, pandas, pyarrow,
    dask. It answers as fsspec's own ``tar`` does, but reads a member in the middle of a tar.gz
    without inflating what is before; only regular files and hard links are in it, and the
    directories that their names have. Of several members with one name, the last one counts.

    Args:
        fo: The archive: a path, or a URL whose file system has its files on this machine, such as
            ``filecache::https://...`` and ``simplecache::s3://...``.
        target_protocol: The protocol of ``fo``, as fsspec passes it for chained URLs.
        target_options: The options of that protocol.
        index_path: As for `Archive`.
        build: As for `Archive`.
        progress: As for `Archive`.
        threads: As for `Archive`.
        **options: As for every file system of fsspec.

    Raises:
        FileNotFoundError: If there is no such archive.
        ArchiveError: If the archive is damaged or no archive.
        IndexFileError: As for `Archive`.
        ValueError: If the archive is not on this machine.

    Example:
        >>> files = fsspec.filesystem("ptar", fo="train_val_images.tar.gz")
        >>> files.ls("train_val_images/Aves", detail=False)
        >>> fsspec.open("ptar://a/b.csv::data.tar.gz", "rt")
    """

    protocol = "ptar"
    root_marker = ""
    cachable = False

    def __init__(
        self,
        fo: str | os.PathLike[str] = "",
        target_protocol: str | None = None,
        target_options: dict[str, Any] | None = None,
        index_path: str | os.PathLike[str] | None = None,
        build: Literal["auto", "never", "rebuild"] = "auto",
        progress: bool | OnProgress | None = None,
        threads: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        # A cache may delete its files with its file system, which is kept for that reason.
        self.target, self.fo = _on_this_machine(fo, target_protocol, target_options or {})
        self.archive = Archive(
            self.fo, index_path=index_path, build=build, progress=progress, threads=threads
        )

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path)
        return _tidy(stripped)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """What is known of a file (``name``, ``size``, ``type``, ``crc32``) or a directory."""
        path = self._strip_protocol(path)
        number = self._number(path)
        if number is not None:
            return self._file_info(path, number)
        if path and path not in self._folders:
            raise FileNotFoundError(path)
        return {"name": path, "size": 0, "type": "directory"}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT002
        """The names below a directory, or what `info` says of each; a file lists itself."""
        path = self._strip_protocol(path)
        if self._number(path) is not None:
            names = [path]
        elif path in self._folders:
            names = sorted(self._folders[path])
        else:
            raise FileNotFoundError(path)
        return [self.info(name) for name in names] if detail else names

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        """The bytes of a file, or those of the slice ``start:end`` of them."""
        path = self._strip_protocol(path)
        number = self._number(path)
        whole = start is None and end is None
        if whole and number is not None and self._members["size"][number] <= LARGEST_READ:
            return self.archive.read(number)
        with self.open(path, "rb", **options) as file:
            first, last, _ = slice(start, end).indices(file.size)
            file.seek(first)
            data: bytes = file.read(max(0, last - first))
            return data

    def cat(
        self,
        path: str | list[str],
        recursive: bool = False,  # noqa: FBT002
        on_error: str = "raise",
        **options: Any,
    ) -> Any:
        """The bytes of one file, or name -> bytes of several, which are read together."""
        paths = self.expand_path(path, recursive=recursive)
        numbers = [number for name in paths if (number := self._number(name)) is not None]
        several = isinstance(path, list) and len(numbers) == len(paths)
        if several and on_error == "raise" and not options:
            return dict(zip(paths, self.archive.read_many(numbers), strict=True))
        return super().cat(path, recursive=recursive, on_error=on_error, **options)

    def close(self) -> None:
        """Does nothing: an archive holds no state that has to be written."""

    def _open(self, path: str, mode: str = "rb", **_: Any) -> MemberFile:
        if mode != "rb":
            raise ValueError(f"expected the mode `rb`, found `{mode}`: archives are read-only")
        number = self._number(path)
        if number is not None:
            return self.archive.open(number)
        if path in self._folders:
            raise IsADirectoryError(path)
        raise FileNotFoundError(path)

    def _number(self, path: str) -> int | None:
        # Most names need no table of all.
        if path and path in self.archive:
            return self.archive.index_of(path)
        return self._files.get(path)

    def _file_info(self, path: str, number: int) -> dict[str, Any]:
        row = self._members[number]
        return {
            "name": path,
            "size": int(row["size"]),
            "type": "file",
            "crc32": int(row["crc32"]),
        }

    @cached_property
    def _members(self) -> NDArray[np.void]:
        return self.archive.members

    @cached_property
    def _files(self) -> dict[str, int]:
        """Number of every file; the last one counts where several have a name."""
        tidy = {_tidy(name): number for number, name in enumerate(self.archive.names)}
        tidy.pop("", None)
        return tidy

    @cached_property
    def _folders(self) -> dict[str, set[str]]:
        """What is in every directory."""
        folders: dict[str, set[str]] = {"": set()}
        for name in self._files:
            child = name
            while child:
                parent = child.rpartition("/")[0]
                known = parent in folders
                folders.setdefault(parent, set()).add(child)
                if known:
                    break
                child = parent
        return folders


def _tidy(name: str) -> str:
    return re.sub("/+", "/", name).strip("/")


def _on_this_machine(
    fo: object, protocol: str | None, options: dict[str, Any]
) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of ``fo``, and the path of its file on this machine."""
    if not isinstance(fo, str | os.PathLike):
        raise TypeError(f"expected the path or the URL of an archive, found {type(fo).__name__}")
    if protocol is None:
        target, path = fsspec.core.url_to_fs(os.fspath(fo), **options)
    else:
        target = fsspec.filesystem(protocol, **options)
        path = target._strip_protocol(os.fspath(fo))
    if isinstance(target, LocalFileSystem):
        return target, path
    # fsspec's own mark of file systems that keep whole files here.
    if not getattr(target, "local_file", False):
        kind = target.protocol if isinstance(target.protocol, str) else target.protocol[0]
        raise ValueError(
            f"`{path}` is on a file system of the kind `{kind}`: expected an archive on this "
            f"machine; download it, or let fsspec keep a copy, as in "
            f"`ptar://NAME::filecache::{kind}://...`"
        )
    with target.open(path, "rb") as file:
        return target, os.fspath(file.name)
