"""Turns an archive that goes by once, from front to back, into files: no index, no second read."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..archive import Archive, default_index_path
from ..errors import AnnotationError, ArchiveError, MemberNotFoundError
from ..member_stream import MemberStream, stream
from ..patterns import matcher
from ..progress import progress_reporter
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination
from .extraction import Written, check_is_not_credits, write_places
from .passed_files import PassedFiles, Passing
from .places import Place, inner_parts, members_matching, places_of
from .reading import thread_count
from .selection import part_of
from .sources import is_official

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .._core import StreamedMember
    from ..annotations import Table
    from ..progress import OnProgress
    from ..release import Release
    from ..source import BinaryReader

__all__ = ["Annotated", "Unindexed", "extract_passing", "has_no_index"]


class Unindexed(Exception):  # noqa: N818 - no error: it says where the photos are
    """An archive was found that has no index yet, so that it is better read once than twice.

    Attributes:
        path: The archive.
        annotations: Folder, release and split of its annotations, or None.
    """

    def __init__(self, path: Path, annotations: tuple[Path, Release, str] | None = None) -> None:
        super().__init__(path)
        self.path = path
        self.annotations = annotations


def has_no_index(path: Path) -> bool:
    """Whether a path is an archive file without an index in the usual place."""
    return path.is_file() and not Path(default_index_path(path)).exists()


class Annotated(NamedTuple):
    """What annotations say of the members of an archive.

    Attributes:
        table: The images that the archive must have.
        wanted: (N,) bool, those whose photos are wanted.
        whole: Whether members that are no images of the table are wanted too.
        by_base_name: Whether a photo is known by its base name alone.
    """

    table: Table
    wanted: NDArray[np.bool_]
    whole: bool
    by_base_name: bool


def extract_passing(
    source: str | os.PathLike[str] | BinaryReader,
    dest: str | os.PathLike[str],
    *,
    patterns: Sequence[str] = (),
    members: Iterable[int | str | bytes] | None = None,
    annotated: Annotated | None = None,
    limit: int | None = None,
    strip_components: int = 0,
    overwrite: bool = False,
    skip_existing: bool = False,
    threads: int | None = None,
    progress: bool | OnProgress | None = None,
) -> Written:
    """Writes members of an archive to files while it is read, once, from front to back.

    The files are those that `ptarmigan.extract` makes of an `Archive`. What stops it is found when
    the member comes by that is refused, whose file is there already, or behind which the archive is
    damaged: the files before stay, and each of them is whole. gzip's checksum is behind the members
    that it covers.

    Memory holds the largest member. What cannot be had while it goes by is read through a passing
    index afterwards, where ``source`` is a path: hard links to members that are not extracted, and
    members of more than 2 GiB.

    Args:
        source: The path of an archive, or a binary stream of one, which is read as far as needed
            and not closed.
        dest: The folder to write into; it is made where it is missing.
        patterns: As for `members_matching`; all of them must match.
        members: Names of the members that are wanted, instead of patterns.
        annotated: The annotations; then there is a ``CREDITS.csv``, and images that the archive
            lacks are an error.
        limit: The first so many members; reading ends with the last one, as soon as every pattern
            has matched.
        strip_components: As for `ptarmigan.extract`.
        overwrite: As for `ptarmigan.extract`.
        skip_existing: As for `ptarmigan.extract`; a file of another size is an error at the end.
        threads: How many threads read what did not come by; by default one a processor.
        progress: As for `Archive`; bytes are those of the members, and None in all.

    Raises:
        AnnotationError: If annotated images did not come by.
        ArchiveError: If the archive ends early or is damaged, or a name is refused.
        FileExistsError: If a file is there already.
        MemberNotFoundError: If a pattern matches nothing, or there is no such member.
        NotADirectoryError: If a folder that is needed is a file or a symbolic link.
        OSError: If a file cannot be written.
        ValueError: If an argument can never work.
    """
    start = time.perf_counter()
    count = thread_count(threads)
    places_of(Passing(""), (), strip_components)
    if annotated is not None:
        check_credits(Path(dest))
    with ExitStack() as stack:
        passing = stack.enter_context(stream(source))
        path = passing.path
        choice = _Choice(path, patterns, members)
        photos = None if annotated is None else _Photos(path, annotated)
        credits_: str | None = None

        def begin() -> Destination:
            nonlocal credits_
            if photos is not None or is_official(Path(path)):
                show_once()
            destination = stack.enter_context(Destination(dest))
            if photos is not None:
                credits_ = add_credits(destination, photos.credited(choice, strip_components))
            return destination

        files = PassedFiles(
            path,
            begin,
            strip_components=strip_components,
            overwrite=overwrite,
            skip_existing=skip_existing,
        )
        report = stack.enter_context(progress_reporter(progress, f"extracting {Path(path).name}"))
        ended = _write_wanted(_whole_members(passing), choice, photos, files, limit, report)
        _write_owed(source, files, count)
        if ended:
            choice.check()
            if photos is not None:
                photos.check()
        files.check()
    seconds = time.perf_counter() - start
    return Written(os.fspath(dest), files.written, files.bytes, files.kept, [], credits_, seconds)


def _write_wanted(
    members: Iterable[StreamedMember],
    choice: _Choice,
    photos: _Photos | None,
    files: PassedFiles,
    limit: int | None,
    report: OnProgress | None,
) -> bool:
    """Writes what is wanted of the members that go by; False if reading ended with the last one."""
    chosen: set[str] = set()
    for member in members:
        name = member.name
        # Both look at every member: each finds out what does not come by.
        matched = choice.takes(name)
        if photos is not None and not photos.takes(name):
            continue
        if matched and (name in chosen or limit is None or len(chosen) < limit):
            if limit is not None:
                chosen.add(name)
            if photos is not None and (place := files.place(name)) is not None:
                check_is_not_credits(files.path, place)
            files.add(member)
            if report is not None:
                report(files.bytes, None, files.written)
        if len(chosen) == limit and not choice.missing:
            return False
    return True


def _whole_members(passing: MemberStream) -> Iterator[StreamedMember]:
    """The members of a stream; an early end is an error here, because nobody goes on from it."""
    last = None
    offset = None
    try:
        # The iterator itself would warn of an early end.
        for member in iter(passing._core.next, None):
            last = member.name
            yield member
    except ArchiveError as error:
        reason, offset = str(error), error.offset
        doubt = " and may be damaged too"
    else:
        if passing.stopped is None:
            return
        reason, doubt = f"`{passing.path}`: {passing.stopped}", ""
    if last is not None:
        reason += f"; what came before is extracted{doubt}, up to the member `{last}`"
    early = ArchiveError(reason)
    early.path, early.member, early.offset = passing.path, last, offset
    raise early


def _write_owed(
    source: str | os.PathLike[str] | BinaryReader, files: PassedFiles, threads: int
) -> None:
    """Writes the members that came by without their bytes."""
    owed = files.owed()
    if not owed:
        return
    if not isinstance(source, str | os.PathLike):
        name, reason = next(iter(owed.values()))
        text = f"`{files.path}`: member `{name}` cannot be had from a stream: it is {reason}; "
        error = ArchiveError(f"{text}the other members are extracted, {len(owed):,} are not")
        error.path, error.member = files.path, name
        raise error
    with tempfile.TemporaryDirectory(prefix="ptarmigan-") as folder:
        archive = Archive(source, index_path=Path(folder) / "index", md5=False, progress=False)
        numbers = {place: archive.index_of(name) for place, (name, _) in owed.items()}
        sizes = archive.members["size"]
        left = [
            Place(number, place)
            for place, number in numbers.items()
            if files.make_room(place, int(sizes[number]), 0)
        ]
        write_places(archive, left, files.destination, threads=threads, report=None)


class _Choice:
    """Which names are wanted of those that go by."""

    def __init__(
        self, path: str, patterns: Sequence[str], names: Iterable[int | str | bytes] | None
    ) -> None:
        self._path = path
        self._names = None if names is None else {_name(name) for name in names}
        self._patterns = {pattern: matcher(pattern) for pattern in patterns}
        self.missing = set(self._names or ()) | set(patterns)

    def takes(self, name: str) -> bool:
        """Whether this member is wanted; remembers what was asked for that it is."""
        if self._names is not None:
            self.missing.discard(name)
            return name in self._names
        if not self.missing:
            return self.matches(name)
        found = [pattern for pattern, matches in self._patterns.items() if matches(name)]
        self.missing.difference_update(found)
        return bool(found) or not self._patterns

    def matches(self, name: str) -> bool:
        """Whether a member of this name would be wanted."""
        if self._names is not None:
            return name in self._names
        return not self._patterns or any(matches(name) for matches in self._patterns.values())

    def check(self) -> None:
        """Sees that all that was asked for has come by.

        Raises:
            MemberNotFoundError: If it has not.
        """
        for pattern in self._patterns:
            if pattern in self.missing:
                members_matching(Passing(self._path), [pattern])
        if self.missing:
            name = min(self.missing)
            error = MemberNotFoundError(f"`{self._path}`: there is no member `{name}`")
            error.path, error.member = self._path, name
            raise error


def _name(member: int | str | bytes) -> str:
    if not isinstance(member, str | bytes):
        text = "members of an archive without an index are given by name"
        raise ValueError(f"{text}, found {member!r}: open it as `ptarmigan.Archive` for numbers")
    return os.fsdecode(member)


class _Photos:
    """Which images of the annotations go by."""

    def __init__(self, path: str, annotated: Annotated) -> None:
        import numpy as np

        self._path = path
        self._annotated = annotated
        self._names = [self._key(name) for name in annotated.table.file_names]
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._seen = np.zeros(len(self._names), np.bool_)

    def takes(self, name: str) -> bool:
        """Whether a member is wanted for what the annotations say; remembers it."""
        row = self._rows.get(self._key(name))
        if row is None:
            return self._annotated.whole
        self._seen[row] = True
        return self._annotated.whole or bool(self._annotated.wanted[row])

    def credited(self, choice: _Choice, strip_components: int) -> Table:
        """The images that are to be extracted, if all that are wanted come by."""
        import numpy as np

        def becomes_file(name: str) -> bool:
            return choice.matches(name) and bool(inner_parts(name)[strip_components:])

        matched = np.fromiter(map(becomes_file, self._names), np.bool_, len(self._names))
        return part_of(self._annotated.table, matched & self._annotated.wanted)

    def check(self) -> None:
        """Sees that all images have come by.

        Raises:
            AnnotationError: If they have not.
        """
        absent = ~self._seen
        if absent.any():
            first = self._annotated.table.file_names[int(absent.argmax())]
            raise AnnotationError(
                f"the archive `{self._path}` lacks {absent.sum()} of {len(absent)} images, the "
                f"first is `{first}`; what it has is extracted"
            )

    def _key(self, name: str) -> str:
        if self._annotated.by_base_name:
            return name.rpartition("/")[2]
        return name.removeprefix("./")
