"""Turns members that go by into files, by the rules that hold where all names are known before."""

from __future__ import annotations

import shutil
import zlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from .destination import make_room
from .places import Place, inner_parts, places_of, refuse_collisions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .._core import StreamedMember
    from .destination import Destination

__all__ = ["PassedFiles", "Passing"]

_PIECE: Final = 1 << 20


class Passing(NamedTuple):
    """Some members of an archive that goes by."""

    path: str
    names: tuple[str, ...] = ()


class _File(NamedTuple):
    """What became of a member.

    Attributes:
        member: Its name.
        size: Its bytes.
        crc32: Of its bytes.
        state: ``"kept"`` is a file that was there, ``"in the way"`` one that is there with another
            size; an ``"owed"`` member came by without its bytes.
        reason: Why it is owed.
    """

    member: str
    size: int
    crc32: int
    state: Literal["written", "kept", "in the way", "owed"]
    reason: str = ""


class PassedFiles:
    """The files that members become, one after the other; of those with one name the last one.

    Args:
        path: The archive's path, for messages.
        begin: Makes the destination; called before the first file.
        strip_components: As for `ptarmigan.extract`.
        overwrite: As for `ptarmigan.extract`.
        skip_existing: As for `ptarmigan.extract`.
    """

    def __init__(
        self,
        path: str,
        begin: Callable[[], Destination],
        *,
        strip_components: int,
        overwrite: bool,
        skip_existing: bool,
    ) -> None:
        self.path = path
        self._begin = begin
        self._made: Destination | None = None
        self._strip = strip_components
        self._overwrite = overwrite
        self._skip_existing = skip_existing
        self._files: dict[str, _File] = {}
        # A file of every folder.
        self._folders: dict[str, str] = {}
        self._own: dict[str, int] = {}
        self.bytes = 0

    @property
    def destination(self) -> Destination:
        """The folder; it is made when it is first asked for."""
        if self._made is None:
            self._made = self._begin()
        return self._made

    @property
    def written(self) -> int:
        """How many files were written."""
        return len(self._own)

    @property
    def kept(self) -> int:
        """How many files were there and were kept."""
        return sum(file.state == "kept" for file in self._files.values())

    def owed(self) -> dict[str, tuple[str, str]]:
        """File -> (member, reason) of the members whose bytes did not come by."""
        return {
            name: (file.member, file.reason)
            for name, file in self._files.items()
            if file.state == "owed"
        }

    def place(self, member: str) -> str | None:
        """The file that a member becomes; None if no part of its name is left."""
        places = places_of(Passing(self.path, (member,)), [0], self._strip)
        return places[0].name if places else None

    def add(self, member: StreamedMember) -> None:
        """Writes a member, or sees that its file is there.

        Raises:
            ArchiveError: If its name is refused.
            FileExistsError: If its file is there already.
            NotADirectoryError: If a folder that it needs is a file or a symbolic link.
            OSError: If it cannot be written.
        """
        name = self.place(member.name)
        if name is None:
            return
        self._check_collision(name, member.name)
        if member.data is not None:
            if self.make_room(name, member.size, member.crc32, member.name):
                with self.destination.file(name) as file:
                    file.write(member.data)
        elif member.link is None or not self._add_link(name, member.name, member.link):
            self._files[name] = _File(member.name, 0, 0, "owed", member.reason or "")

    def make_room(self, name: str, size: int, crc32: int, member: str | None = None) -> bool:
        """Whether a file is to be written now, which then counts as written."""
        known = self._files.get(name)
        member = member or (known.member if known else name)
        state: Literal["written", "kept", "in the way"] = "written"
        if name not in self._own:
            options = {"overwrite": self._overwrite, "skip_existing": self._skip_existing}
            try:
                kept = make_room(self.destination, {name: size}, **options)
            except FileExistsError:
                # Another member of this name may come, which has the right size.
                if not self._skip_existing:
                    raise
                state = "in the way"
            else:
                state = "kept" if kept else "written"
        self._files[name] = _File(member, size, crc32, state)
        if state == "written":
            self.bytes += size - self._own.get(name, 0)
            self._own[name] = size
        return state == "written"

    def check(self) -> None:
        """Sees that no file was in the way to the last; makes the destination in any case.

        Raises:
            FileExistsError: If one was.
        """
        sizes: dict[str, int | None] = {
            name: file.size for name, file in self._files.items() if file.state == "in the way"
        }
        make_room(self.destination, sizes, overwrite=False, skip_existing=True)

    def _add_link(self, name: str, member: str, target: str) -> bool:
        """Copies the file that a hard link leads to, if it was extracted and is as it was."""
        parts = inner_parts(target)[self._strip :]
        origin = self._files.get("/".join(parts))
        if origin is None or origin.state not in ("written", "kept"):
            return False
        if origin.member.removeprefix("./") != target.removeprefix("./"):
            return False
        path = self.destination.folder.joinpath(*parts)
        if not _has_sum(path, origin.crc32):
            return False
        if self.make_room(name, origin.size, origin.crc32, member):
            with self.destination.file(name) as out, path.open("rb") as file:
                shutil.copyfileobj(file, out, _PIECE)
        return True

    def _check_collision(self, name: str, member: str) -> None:
        """Remembers a name; refuses one that others have or need as a folder."""
        known = self._files.get(name)
        if known is not None:
            if known.member != member:
                self._refuse((name, known.member), (name, member))
            return
        if name in self._folders:
            below = self._folders[name]
            self._refuse((name, member), (below, self._files[below].member))
        folder = name.rpartition("/")[0]
        while folder and folder not in self._folders:
            if folder in self._files:
                self._refuse((folder, self._files[folder].member), (name, member))
            folder = folder.rpartition("/")[0]
        folder = name.rpartition("/")[0]
        while folder and folder not in self._folders:
            self._folders[folder] = name
            folder = folder.rpartition("/")[0]

    def _refuse(self, *pair: tuple[str, str]) -> None:
        passing = Passing(self.path, tuple(member for _, member in pair))
        places = [Place(number, name) for number, (name, _) in enumerate(pair)]
        refuse_collisions(passing, places)


def _has_sum(path: Path, crc32: int) -> bool:
    found = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                found = zlib.crc32(piece, found)
    except FileNotFoundError:
        return False
    return found == crc32
