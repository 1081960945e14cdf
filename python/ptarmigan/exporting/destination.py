"""Turns bytes into files of one folder that get their names when they are whole."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

__all__ = ["Destination", "make_room"]

_STAGING: Final = ".ptarmigan-part-"
# What file systems say that have no locks.
_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Destination:
    """A folder to write into, from any number of threads; a context manager.

    A file is written in a folder of its own inside, whose name begins with ``.ptarmigan-part-``,
    and renamed: whatever stops the process, a file under its final name is whole. What a process
    that was killed has left there is removed by the next one. Nothing is written through a
    symbolic link inside the folder.

    Args:
        folder: The folder; it is made where it is missing.

    Attributes:
        folder: The argument as a `Path`.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._made = {""}
        self._numbers = itertools.count()
        with self.locked():
            self._remove_abandoned()
            self._staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.folder))
            # Held as long as this process lives, so that others know that it does.
            self._alive = os.open(self._staging, os.O_RDONLY | os.O_DIRECTORY)
            _lock(self._alive)

    def __enter__(self) -> Destination:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._staging)
        os.close(self._alive)

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A new binary file, which takes its name, also from an older file, when the block ends.

        Args:
            name: The path below the folder, with ``/``.

        Raises:
            NotADirectoryError: If a folder of the name is a file or a symbolic link.
            OSError: If it cannot be written.
        """
        self._make_folder(name.rpartition("/")[0])
        aside = self._staging / str(next(self._numbers))
        try:
            with aside.open("xb") as file:
                yield file
            aside.replace(self.folder / name)
        except BaseException as error:
            aside.unlink(missing_ok=True)
            # A full disk names no file, and a folder in the way the one that it is not about.
            if isinstance(error, OSError) and error.filename in (None, str(aside)):
                raise OSError(error.errno, error.strerror, str(self.folder / name)) from error
            raise

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Bytes of those of the files that are there already; -1 for what is no regular file.

        Raises:
            NotADirectoryError: If a folder of a name is a file or a symbolic link.
        """
        folders: dict[str, dict[str, str]] = {}
        for name in names:
            folder, _, base = name.rpartition("/")
            folders.setdefault(folder, {})[base] = name
        found: dict[str, int] = {}
        for folder, bases in folders.items():
            if not self._is_folder(folder):
                continue
            if len(bases) == 1:
                # Asked file by file, a folder is not to be listed for each.
                (name,) = bases.values()
                with suppress(FileNotFoundError):
                    found[name] = _size((self.folder / name).lstat())
                continue
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    if entry.name in bases:
                        found[bases[entry.name]] = _size(entry.stat(follow_symlinks=False))
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out that write into this folder and lock it too."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: str) -> None:
        if folder in self._made:
            return
        self._make_folder(folder.rpartition("/")[0])
        path = self.folder / folder
        try:
            path.mkdir()
        except FileExistsError:
            _check_folder(path)
        self._made.add(folder)

    def _is_folder(self, folder: str) -> bool:
        if folder in self._made:
            return True
        if not self._is_folder(folder.rpartition("/")[0]):
            return False
        path = self.folder / folder
        if not os.path.lexists(path):
            return False
        _check_folder(path)
        self._made.add(folder)
        return True

    def _remove_abandoned(self) -> None:
        for path in self.folder.glob(f"{_STAGING}*"):
            if path.is_symlink() or not path.is_dir():
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if _lock(descriptor, wait=False):
                    shutil.rmtree(path)
            finally:
                os.close(descriptor)


def _size(there: os.stat_result) -> int:
    return there.st_size if stat.S_ISREG(there.st_mode) else -1


def _check_folder(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        text = "a folder is needed there, and this is a file or a link, which nothing goes through"
        raise NotADirectoryError(errno.ENOTDIR, text, str(path))


def _lock(descriptor: int, *, wait: bool = True) -> bool:
    """Takes a lock that ends with the process; False if another has it, or there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if isinstance(error, BlockingIOError) or error.errno in _NO_LOCKS:
            return False
        raise
    return True


def make_room(
    destination: Destination,
    sizes: dict[str, int | None],
    *,
    overwrite: bool,
    skip_existing: bool,
) -> set[str]:
    """Which of the files are there already and are to be kept; refuses those in the way.

    Args:
        destination: Where the files are to go.
        sizes: Name and bytes of every file; None where the bytes are not known before.
        overwrite: Whether a file that is there is replaced.
        skip_existing: Whether a file that is there is kept if it has the right size, or any size
            where that is not known.

    Raises:
        FileExistsError: If a file is there that is neither kept nor replaced.
    """
    there = destination.sizes(sizes)
    kept = {
        name
        for name, size in there.items()
        if skip_existing and size >= 0 and sizes[name] in (size, None)
    }
    in_the_way = [name for name in there if name not in kept]
    if in_the_way and not overwrite:
        first = str(destination.folder / in_the_way[0])
        state = "are there with another size" if skip_existing else "are there already"
        text = f"{len(in_the_way):,} of the files {state}, this is the first: overwriting replaces"
        text += " them" if skip_existing else " them, skipping what exists keeps the whole ones"
        raise FileExistsError(errno.EEXIST, text, first)
    return kept
