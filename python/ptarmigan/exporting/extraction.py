"""Turns members of an archive into files, as ``tar`` does, several at a time."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..archive import Archive
from ..errors import ArchiveError, DecodeError
from ..inaturalist import INaturalist
from ..progress import progress_reporter
from ..samples import Samples
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination, make_room
from .places import CREDITS, Place, places_of
from .reading import groups_of, in_order, thread_count
from .selection import part_of
from .sources import is_official

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..annotations import Table
    from ..progress import OnProgress
    from ..source import BinaryReader

__all__ = ["Written", "check_is_not_credits", "extract", "extract_members", "write_places"]

# A larger member is copied a piece at a time.
_LARGE: Final = 16 << 20
_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        destination: The folder or file.
        images: Photos written now; of an archive, members.
        bytes: Their bytes.
        kept: Files that were there already and were kept.
        skipped: (member, reason) of the photos that could not be decoded.
        credits: The path of ``CREDITS.csv``; None where there are no annotations.
        seconds: How long it took.
        files: Names of the files that hold the photos, where one holds many.
    """

    destination: str
    images: int
    bytes: int
    kept: int
    skipped: list[tuple[str, str]]
    credits: str | None
    seconds: float
    files: tuple[str, ...] = ()


def extract(
    source: Archive | Samples | str | os.PathLike[str] | BinaryReader,
    dest: str | os.PathLike[str],
    members: Iterable[int | str | bytes] | None = None,
    *,
    strip_components: int = 0,
    overwrite: bool = False,
    skip_existing: bool = False,
    threads: int | None = None,
    progress: bool | OnProgress | None = None,
) -> Written:
    """Writes members of an archive, or the photos of a data set, to files under their own names.

    Names are treated as ``tar`` does: a leading ``/`` is dropped, ``..`` is refused, and nothing
    goes through a symbolic link below ``dest``. All names are looked at before the first file is
    written. A file is written aside and renamed, so that one under its name is whole; its mode is
    what the process gives new files and its time is now. Every member's checksum is compared.

    The path of an archive that has no index yet, or a binary stream of one, is read once from front
    to back, and its members are written as they go by: see `docs/exporting.md` for what is
    different then.

    Photos of an `INaturalist` get a ``CREDITS.csv`` beside them, first of all; and the terms of the
    data set are shown, once a user.

    Args:
        source: An archive, its path or a binary stream of it, or a data set whose photos are
            wanted.
        dest: The folder to write into; it is made where it is missing.
        members: Numbers or names of the members that are wanted; by default all. With a data set,
            those of its photos that are among them. Numbers need an index.
        strip_components: How many leading parts of the names are dropped; members that have no more
            parts are left out.
        overwrite: Whether files that are there are replaced.
        skip_existing: Whether files that are there with the right size are kept, to go on with an
            extraction that was stopped.
        threads: How many threads; by default the archive's, or one a processor.
        progress: As for `Archive`; bytes are those of the members.

    Raises:
        ArchiveError: If a member is damaged or its name is refused, or an archive without an index
            ends early.
        FileExistsError: If a file is there already; with an index nothing is written then.
        MemberNotFoundError: If there is no such member.
        NotADirectoryError: If a folder that is needed is a file or a symbolic link.
        OSError: If a file cannot be written.
        ValueError: If an argument can never work.
    """
    if not isinstance(source, Archive | Samples):
        from .one_pass import extract_passing, has_no_index

        if not isinstance(source, str | os.PathLike) or has_no_index(Path(source)):
            return extract_passing(
                source,
                dest,
                members=members,
                strip_components=strip_components,
                overwrite=overwrite,
                skip_existing=skip_existing,
                threads=threads,
                progress=progress,
            )
        source = Archive(source, progress=progress)
    archive = source if isinstance(source, Archive) else source.archive
    chosen = None if members is None else {_number(archive, member) for member in members}
    if isinstance(source, Samples):
        own = set(source.members.tolist())
        chosen = own if chosen is None else own & chosen
    if chosen is None:
        # Of several members with one name the last one counts.
        chosen = set({name: number for number, name in enumerate(archive.names)}.values())
    return extract_members(
        archive,
        sorted(chosen),
        dest,
        credited=source if isinstance(source, INaturalist) else None,
        strip_components=strip_components,
        overwrite=overwrite,
        skip_existing=skip_existing,
        threads=threads,
        progress=progress,
    )


def _number(archive: Archive, member: int | str | bytes) -> int:
    return archive._number(member)


def extract_members(
    archive: Archive,
    members: list[int],
    dest: str | os.PathLike[str],
    *,
    credited: INaturalist | None,
    strip_components: int,
    overwrite: bool,
    skip_existing: bool,
    threads: int | None,
    progress: bool | OnProgress | None,
) -> Written:
    """Writes these members; the credits are those of them that a data set has."""
    start = time.perf_counter()
    count = thread_count(threads, archive.threads)
    places = places_of(archive, members, strip_components)
    sizes = archive.members["size"]
    if credited is not None:
        for place in places:
            check_is_not_credits(archive.path, place.name)
        check_credits(Path(dest))
    if credited is not None or is_official(Path(archive.path)):
        show_once()
    with Destination(dest) as destination:
        wanted: dict[str, int | None] = {name: int(sizes[member]) for member, name in places}
        kept = make_room(destination, wanted, overwrite=overwrite, skip_existing=skip_existing)
        credits_ = None if credited is None else add_credits(destination, _rows(credited, places))
        left = [place for place in places if place.name not in kept]
        with progress_reporter(progress, f"extracting {Path(archive.path).name}") as report:
            found = write_places(archive, left, destination, threads=count, report=report)
    seconds = time.perf_counter() - start
    return Written(os.fspath(dest), found.images, found.bytes, len(kept), [], credits_, seconds)


def check_is_not_credits(path: str, name: str) -> None:
    """Refuses a member that would become the file with the credits."""
    if name == CREDITS:
        raise ArchiveError(f"`{path}`: a member would become `{CREDITS}`; leave it out")


def _rows(dataset: INaturalist, places: list[Place]) -> Table:
    import numpy as np

    return part_of(dataset._table, np.isin(dataset.members, [place.member for place in places]))


class _Group(NamedTuple):
    """What became of some neighbouring members."""

    images: int
    bytes: int
    read: int
    skipped: list[tuple[str, str]]

    def plus(self, other: _Group) -> _Group:
        """This and another one together."""
        return _Group(
            self.images + other.images,
            self.bytes + other.bytes,
            self.read + other.read,
            self.skipped + other.skipped,
        )


def write_places(
    archive: Archive,
    places: list[Place],
    destination: Destination,
    *,
    threads: int,
    report: OnProgress | None,
    convert: Callable[[bytes, str, str], bytes] | None = None,
    skip_errors: bool = False,
) -> _Group:
    """Reads members and writes them to their files, on several threads, in bounded memory.

    Args:
        archive: The archive.
        places: What goes where.
        destination: The folder.
        threads: How many threads.
        report: Called with (bytes read, bytes in all, members read), or None.
        convert: Called on the threads with a member's bytes and name and the archive's path; gives
            the file's bytes.
        skip_errors: Whether a member that ``convert`` cannot decode is left out.

    Returns:
        What was written and what was left out.
    """
    names = archive.names
    sizes = archive.members["size"]

    def work(group: list[int]) -> _Group:
        rows = [places[place] for place in group]
        members = [row.member for row in rows]
        read = int(sizes[members].sum())
        if convert is None and read > _LARGE and len(rows) == 1:
            with archive.open(members[0]) as member, destination.file(rows[0].name) as file:
                shutil.copyfileobj(member, file, _PIECE)
            return _Group(1, read, read, [])
        skipped = []
        written = 0
        for row, data in zip(rows, archive.read_many(members, threads=1), strict=True):
            try:
                out = data if convert is None else convert(data, names[row.member], archive.path)
            except DecodeError as error:
                if not skip_errors:
                    raise
                skipped.append((names[row.member], str(error)))
                continue
            with destination.file(row.name) as file:
                file.write(out)
            written += len(out)
        return _Group(len(rows) - len(skipped), written, read, skipped)

    total = int(sizes[[place.member for place in places]].sum())
    done = _Group(0, 0, 0, [])
    groups = groups_of(archive, [place.member for place in places])
    with in_order(work, groups, threads) as results:
        for result in results:
            done = done.plus(result)
            if report is not None:
                report(done.read, total, done.images + len(done.skipped))
    return done
