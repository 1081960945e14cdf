"""Every odd tar and gzip file of other projects is read as Python reads it, or for a listed reason.

The files are other projects' tests and fuzz corpora. Python's `tarfile` and `gzip` are the oracles;
where they are wrong, GNU tar and GNU gzip are. Each file that is read otherwise stands in a table
below with the reason and with who is right, and must differ in just that way.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import tarfile
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

import ptarmigan as pt
from tars import BLOCK, END, gzip_member, header, open_anyway

Members = list[tuple[str, bytes | str]]
"""(name, bytes) of every member that is whole; for what cannot be read a word that says why."""

SPARSE, DANGLING = "a sparse file", "a link to nothing"


class Reason(NamedTuple):
    """Why some files are read otherwise than Python reads them.

    ``right`` is ``"GNU"`` where GNU tar or gzip agrees with us, and ``"ours"`` where we refuse on
    purpose what both accept.
    """

    why: str
    right: str
    folder: str
    names: str
    """First ten letters of each."""


TARS = [
    Reason(
        "Python takes the times in an old GNU header for a name's prefix",
        "GNU",
        "go-fuzz",
        """
        025d794262 1028202611 13358c762a 13a1178c37 20d1e85453 237d912475 26018eb2e6
        27c51386b9 2b5e029f6f 34eb45ab41 3b2c839824 3ef642324d 49edad1bc2 5d2df0c48a
        5f6c60b69a 760662b241 832be6e9bb 86c225d76b 9788e9aaf7 a0442c16b6 a0f80e732b
        a2c5b69e77 a887aa4a83 ad265dcdc5 b24a1cdc75 b42947e5c2 b56f762f21 d09578d5b5
        d639fe7b8c da158d7a25 e436c0c3f1 e643d6a725 f1263bf94b ffc2c32bc6
        """,
    ),
    Reason(
        "Python takes the times in an old GNU header for a name's prefix",
        "GNU",
        "ratarmount",
        "0b238c02c6 7d4361a62e 7f5c448b75",
    ),
    Reason(
        "Python takes a header's device for a name's prefix, though its magic is GNU's",
        "GNU",
        "golang",
        "53fe0bb9e7",
    ),
    Reason(
        "Python wants a number in every field of a first header; only sizes matter to us",
        "GNU",
        "go-fuzz",
        "0438c09641 bb69600a59 ef5007d663",
    ),
    Reason(
        "Python takes a damaged header for the end; we refuse, GNU tar fails",
        "GNU",
        "go-fuzz",
        "1e0e3f67a8 4187ae0e3c e363cb75a2",
    ),
    Reason(
        "Python takes a damaged header for the end; we refuse, GNU tar fails",
        "GNU",
        "ratarmount",
        "2d4cf3fe34",
    ),
    Reason(
        "Python takes data that is no header, behind a zero block, for nothing; we refuse",
        "GNU",
        "libarchive",
        "b8f6ba67e7",
    ),
    Reason(
        "Python stops at the first end mark; tars that follow one another are one archive to us",
        "GNU",
        "ratarmount",
        "28c532966d",
    ),
    Reason(
        "Python stops at the first end mark; tars that follow one another are one archive to us",
        "GNU",
        "commons-compress",
        "fef5f35234",
    ),
    Reason(
        "Python reads the data of sparse files in the wrong place and misses what follows",
        "GNU",
        "libarchive",
        "89cabfb322 f9e0181440",
    ),
    Reason(
        "Python passes over a pax record without an end; we refuse, GNU tar fails",
        "GNU",
        "golang",
        "63d5e53472",
    ),
    Reason(
        "a pax header of more than 1 MiB; GNU tar fails too",
        "GNU",
        "golang",
        "288b91b215",
    ),
    Reason(
        "Python takes the text behind a gzip member for its end; we refuse, gzip warns",
        "GNU",
        "libarchive",
        "27361bd10e",
    ),
    Reason(
        "a name of more than 4,096 bytes, which no file on Linux can have; we refuse",
        "ours",
        "commons-compress",
        "312c4f81d6 6b697ea96e",
    ),
    Reason(
        "a name with a zero byte: Python and GNU tar cut it differently; we refuse",
        "ours",
        "golang",
        "a47d0adca5",
    ),
]

GZIPS = [
    Reason(
        "reserved flags in a header: RFC 1952 2.3.1.2 wants an error, Python passes over them",
        "GNU",
        "go-fuzz",
        "131beb9d3f",
    ),
]

OTHER_COMPRESSIONS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    found = [file for kind in ("tar", "gzip") for file in (corpus / kind).rglob("*")]
    return sorted(file for file in found if file.is_file())


def label(file: Path) -> str:
    return f"{file.parent.name}/{file.name[:10]}"


def listed(table: list[Reason]) -> dict[str, Reason]:
    return {f"{row.folder}/{name}": row for row in table for name in row.names.split()}


def our_members(file: Path, index: Path) -> Members | None:
    """What we find; None if the file is refused."""
    try:
        archive = open_anyway(file, index_path=index)
    except pt.ArchiveError as error:
        assert error.path == str(file)  # noqa: PT017
        return None
    found: Members = []
    for number, name in enumerate(archive.names):
        try:
            found.append((name, archive.read(number)))
        except pt.ArchiveError as error:
            why = SPARSE if "sparse" in str(error) else DANGLING
            assert why == SPARSE or "hard link" in str(error)  # noqa: PT017
            found.append((name, why))
    return found


def python_members(file: Path) -> Members | None:
    """What the standard library finds, up to where it finds the file truncated."""
    found: Members = []
    try:
        with tarfile.open(file, "r:*") as tar:
            for info in tar:
                if info.issparse():
                    found.append((info.name, SPARSE))
                elif info.isreg() or info.islnk():
                    found.append((info.name, member_bytes(tar, info)))
    except (tarfile.TarError, ValueError, OSError, EOFError, zlib.error) as error:
        return found if "unexpected end of data" in str(error) else None
    return found


def member_bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes | str:
    if info.size > 1 << 30:
        # No file here holds so much, and `read` would take the memory first.
        raise tarfile.ReadError("unexpected end of data")
    try:
        stream = tar.extractfile(info)
    except KeyError:
        return DANGLING
    assert stream is not None
    return stream.read()


def gnu_files(file: Path, folder: Path) -> tuple[int, Counter[tuple[str, bytes]]]:
    """GNU tar's exit status, and (name, bytes) of the regular files that it would write.

    Nothing is written under the names in the archive. Tars that follow one another are one archive,
    as for us.
    """
    folder.mkdir()
    command = (
        'n=$(mktemp -p "$OUT"); printf %s "$TAR_REALNAME" > "$n.name"; head -c 16777216 > "$n"'
    )
    environment = {**os.environ, "OUT": str(folder)}
    done = subprocess.run(
        ["tar", "-Pixf", str(file), f"--to-command={command}"],
        env=environment,
        capture_output=True,
        check=False,
    )
    names = sorted(folder.glob("*.name"))
    found = [(os.fsdecode(name.read_bytes()), name.with_suffix("").read_bytes()) for name in names]
    return done.returncode, Counter(found)


def is_right(file: Path, ours: Members | None, folder: Path) -> bool:
    """Whether GNU tar refuses what we refuse, or else finds the same files."""
    status, theirs = gnu_files(file, folder)
    if ours is None:
        return status != 0
    listing = subprocess.run(["tar", "-itvf", str(file)], capture_output=True, check=False)
    links = listing.stdout.count(b"\nh") + listing.stdout.startswith(b"h")
    sparse = {name for name, data in ours if data == SPARSE}
    found = Counter((name or ".", data) for name, data in ours if isinstance(data, bytes))
    theirs = Counter({one: count for one, count in theirs.items() if one[0] not in sparse})
    dangling = sum(data == DANGLING for _, data in ours)
    if status != 0:
        # Of a file that ends too early it hands on less of the last member than there is.
        short = (
            Counter(dict([(theirs - found).popitem()])) if len(theirs - found) == 1 else Counter()
        )
        theirs -= short
        links += short.total()
    return theirs <= found and found.total() + dangling == theirs.total() + links


def bare(members: Members | None) -> Members | None:
    """Without the slash at the end of names; a file without members is as good as refused."""
    return [(name.rstrip("/"), data) for name, data in members or []] or None


def verdict(same: bool, right: bool, reason: Reason | None) -> str | None:
    """What is wrong with how a file was read."""
    if same:
        return None if reason is None else "its entry in the table is not needed"
    if reason is None:
        return f"read otherwise than Python reads it; GNU agrees: {right}"
    return None if right == (reason.right == "GNU") else f"GNU agrees: {right}"


def test_every_tar_is_read_as_python_or_for_a_reason_otherwise(
    files: list[Path], tmp_path: Path
) -> None:
    known, kinds, wrong = listed(TARS), Counter[str](), []
    for number, file in enumerate(files):
        index = tmp_path / f"{number}.ptidx"
        head = file.read_bytes()[:6]
        for magic, name in OTHER_COMPRESSIONS.items():
            if head.startswith(magic):
                with pytest.raises(pt.ArchiveError, match=f"found {name}"):
                    pt.Archive(file, index_path=index)
                kinds["compressed otherwise"] += 1
                break
        else:
            ours, theirs = our_members(file, index), python_members(file)
            kinds["archive" if ours or theirs else "no archive"] += 1
            reason = known.pop(label(file), None)
            same = bare(ours) == bare(theirs)
            right = (same and reason is None) or is_right(file, ours, tmp_path / f"{number}")
            problem = verdict(same, right, reason)
            if problem is not None:
                wrong.append(f"{label(file)}: {problem}")
    assert wrong == []
    assert known == {}, "entries of the table without a file"
    assert kinds["archive"] > 200, kinds
    assert kinds["no archive"] > 800, kinds
    assert kinds["compressed otherwise"] > 3, kinds


def our_inflated(data: bytes, size: int, folder: Path) -> bytes | None:
    """What our inflater makes of a gzip file that holds ``size`` bytes; None if it refuses.

    The file's bytes are put between two gzip members, with which they are a tar of one member.
    """
    path = folder / "wrapped.tar.gz"
    digits = b"\x80" + size.to_bytes(11, "big")
    padding = bytes(-size % BLOCK)
    path.write_bytes(gzip_member(header(b"content", digits)) + data + gzip_member(padding + END))
    try:
        archive = open_anyway(path, build="rebuild")
    except pt.ArchiveError:
        return None
    if archive.stopped is not None:
        # The size was a guess; what counts is whether all of the file was inflated.
        return b"" if "member `content` lacks" in archive.stopped else None
    return archive.read(0)


def python_inflated(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None


def gnu_inflated(data: bytes) -> bytes | None:
    done = subprocess.run(["gzip", "-dc"], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def as_gzip(data: bytes) -> bytes:
    """What may be raw deflate or zlib's format as a gzip file."""
    is_zlib = len(data) > 2 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
    raw = data[2:] if is_zlib else data
    decoder = zlib.decompressobj(-15)
    try:
        found = decoder.decompress(raw)
    except zlib.error:
        found = b""
    # Where zlib refuses, the checksum cannot be right either.
    used = len(raw) - len(decoder.unused_data)
    return gzip_member(found, raw[:used])


MORE_THAN_ANY = 1 << 40
"""A size that no file has."""


def test_every_gzip_file_is_read_as_python_or_for_a_reason_otherwise(
    files: list[Path], tmp_path: Path
) -> None:
    known, kinds, wrong = listed(GZIPS), Counter[str](), []
    for file in files:
        data = file.read_bytes()
        is_gzip = data.startswith(b"\x1f\x8b")
        if not is_gzip:
            data = as_gzip(data)
        theirs = python_inflated(data)
        size = MORE_THAN_ANY if theirs is None else len(theirs)
        ours = our_inflated(data, size, tmp_path)
        kinds[("refused" if ours is None else "read") + (" gzip" if is_gzip else " deflate")] += 1
        reason = known.pop(label(file), None) if is_gzip else None
        problem = verdict(ours == theirs, ours == gnu_inflated(data), reason)
        if problem is not None:
            wrong.append(f"{label(file)}: {problem}")
    assert wrong == []
    assert known == {}, "entries of the table without a file"
    assert kinds["read gzip"] > 60, kinds
    assert kinds["refused gzip"] > 100, kinds
    assert kinds["read deflate"] > 30, kinds
    assert kinds["refused deflate"] > 300, kinds
