"""Turns an archive into an index, a verdict, a listing or members: index, verify, ls, cat."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import (
    add_command,
    archive_progress,
    print_json,
    print_json_list,
    put,
    say,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ptarmigan.archive import Archive

__all__ = ["add_commands", "open_archive", "say_if_partial"]


def add_commands(commands: Any) -> None:
    """Adds the commands about one archive."""
    index = add_command(commands, "index", _index, "index an archive in one pass")
    index.add_argument("archive", metavar="ARCHIVE", help="tar, tar.gz or folder; - is a pipe")
    _add_index_option(index)
    index.add_argument("--md5", metavar="HEX", help="the md5 that the archive must have")
    index.add_argument("--no-md5", action="store_true", help="leave the md5 out")
    index.add_argument("--rebuild", action="store_true", help="replace an index that is there")
    index.add_argument(
        "--export",
        nargs=2,
        metavar=("FORMAT", "FILE"),
        help="write an index for other programs too; FORMAT is gztool",
    )
    index.add_argument(
        "--spacing", metavar="MIB", type=int, help="between two points of the export (default: 4)"
    )

    verify = add_command(commands, "verify", _verify, "read every member and check its checksum")
    verify.add_argument("archive", metavar="ARCHIVE")
    _add_index_option(verify)

    listing = add_command(commands, "ls", _ls, "list the members of an archive", "pattern")
    listing.add_argument("archive", metavar="ARCHIVE")
    listing.add_argument(
        "pattern", metavar="PATTERN", nargs="?", help="shell pattern; its * matches / too"
    )
    listing.add_argument("-l", "--long", action="store_true", help="size and dimensions too")
    _add_index_option(listing)

    cat = add_command(commands, "cat", _cat, "write members to standard output")
    cat.add_argument("archive", metavar="ARCHIVE")
    cat.add_argument("members", metavar="MEMBER", nargs="+")
    _add_index_option(cat)


def _add_index_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", metavar="FILE", help="index file (default: ARCHIVE.ptidx)")


def open_archive(path: str, index: str | None = None, **options: Any) -> Archive:
    """Opens an archive; shows progress while an index is made."""
    import warnings

    from ptarmigan.archive import Archive
    from ptarmigan.errors import PartialArchiveWarning

    progress = archive_progress(f"indexing {path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialArchiveWarning)
        archive = Archive(path, index_path=index, progress=progress, **options)
    say_if_partial(archive)
    return archive


def say_if_partial(archive: Archive) -> None:
    """Says why an archive has only a part of its members, if that is so."""
    if archive.stopped is not None:
        say(
            f"ptarmigan: `{archive.path}`: {archive.stopped}; its first {len(archive):,} members "
            "are used; when the file has grown, the next command goes on from there"
        )


def _index(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from ptarmigan.archive import default_index_path

    _check_export(arguments)
    if arguments.archive == "-":
        found = _index_stdin(arguments)
    else:
        target = Path(arguments.index or default_index_path(arguments.archive))
        before = _version(target)
        started = time.perf_counter()
        try:
            archive = open_archive(
                arguments.archive,
                arguments.index,
                build="rebuild" if arguments.rebuild else "auto",
                expected_md5=arguments.md5,
                md5=not arguments.no_md5,
            )
        except KeyboardInterrupt:
            if Path(f"{target}.journal").exists():
                say("ptarmigan: stopped; the same command goes on from here")
            raise
        seconds = time.perf_counter() - started
        made = _version(target) != before
        # A pass that goes on with a file that has grown has read only what is new.
        whole = made and (before is None or arguments.rebuild)
        found = {
            "archive": archive.path,
            "index": archive.index_path,
            "made": made,
            "members": len(archive),
            "member_bytes": archive.total_bytes,
            "bytes": archive.archive_bytes,
            "index_bytes": archive.index_size,
            "md5": archive.md5,
            "complete": archive.complete,
            "stopped": archive.stopped,
            "seconds": seconds if made else None,
            "megabytes_per_second": archive.archive_bytes / seconds / 1e6 if whole else None,
            "export": _export(archive, arguments),
        }
    status = 0 if found["stopped"] is None else 1
    if arguments.json:
        print_json(found)
        return status
    if status and arguments.archive == "-":
        say(f"ptarmigan: {found['stopped']}; the index holds the {found['members']:,} before")
    parts = [f"{found['members']:,} members of {found['member_bytes']:,} bytes"]
    if found["megabytes_per_second"]:
        speed = f"{found['megabytes_per_second']:,.0f} MB/s"
        parts.append(f"archive of {found['bytes']:,} bytes at {speed}")
    parts.append(f"md5 {found['md5'] or '-'}")
    parts.append(f"index of {found['index_bytes']:,} bytes" + ("" if found["made"] else ", kept"))
    put("; ".join(parts))
    if found["export"]:
        put("exported {points:,} points in {bytes:,} bytes to {file}".format(**found["export"]))
    return status


def _check_export(arguments: argparse.Namespace) -> None:
    """Refuses what can never be exported before a long pass."""
    if arguments.export is None:
        if arguments.spacing is not None:
            raise ValueError("--spacing needs --export FORMAT FILE")
        return
    if arguments.export[0] != "gztool":
        raise ValueError(f"expected --export gztool FILE, found the format `{arguments.export[0]}`")
    if arguments.spacing is not None and arguments.spacing < 1:
        raise ValueError(f"expected a --spacing of at least 1 MiB, found {arguments.spacing}")
    if arguments.archive == "-":
        raise ValueError("--export reads the archive again, which standard input does not allow")


def _export(archive: Archive, arguments: argparse.Namespace) -> dict[str, Any] | None:
    if arguments.export is None:
        return None
    kind, file = arguments.export
    spacing = (arguments.spacing or 4) << 20
    progress = archive_progress(f"exporting the index of {archive.path}")
    found = archive.export_index(file, format=kind, spacing=spacing, progress=progress)
    return {"file": file, "format": kind} | found._asdict()


def _version(index: Path) -> tuple[int, int] | None:
    """What changes when an index is written anew, or goes on with an archive that has grown."""
    try:
        found = index.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _index_stdin(arguments: argparse.Namespace) -> dict[str, Any]:
    from pathlib import Path

    from ptarmigan.archive import build_index

    if arguments.index is None:
        raise ValueError("an archive on standard input needs --index FILE")
    found = build_index(
        sys.stdin.buffer,
        arguments.index,
        expected_md5=arguments.md5,
        md5=not arguments.no_md5,
        progress=archive_progress("indexing standard input"),
    )
    return {
        "archive": "-",
        "index": arguments.index,
        "made": True,
        "members": found.members,
        "member_bytes": found.bytes,
        "bytes": None,
        "index_bytes": Path(arguments.index).stat().st_size,
        "md5": found.md5,
        "complete": found.complete,
        "stopped": found.stopped,
        "seconds": found.seconds,
        "megabytes_per_second": None,
        "export": None,
    }


def _verify(arguments: argparse.Namespace) -> int:
    archive = open_archive(arguments.archive, arguments.index)
    report = archive.verify(progress=archive_progress(f"verifying {archive.path}", "members"))
    if arguments.json:
        failures = [{"name": name, "reason": reason} for name, reason in report.bad]
        print_json(report._asdict() | {"bad": failures, "ok": report.ok})
    else:
        for name, reason in report.bad:
            put(f"{name}: {reason}")
        md5 = "the md5 is right" if report.md5_ok else f"the md5 is {report.md5}, not {archive.md5}"
        state = f"{len(report.bad):,} bad" if report.bad else "all right"
        put(f"{report.members:,} members, {state}; {md5}; {report.seconds:.1f} s")
    return 0 if report.ok else 1


def _rows(archive: Archive, pattern: str | None) -> Iterator[tuple[int, str]]:
    if pattern is None:
        yield from enumerate(archive.names)
        return
    from ptarmigan.patterns import matcher

    matches = matcher(pattern)
    yield from ((number, name) for number, name in enumerate(archive.names) if matches(name))


def _records(archive: Archive, rows: Iterator[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    columns = archive.members
    for number, name in rows:
        row = columns[number]
        yield {"name": name} | {field: row[field].tolist() for field in columns.dtype.names or ()}


def _ls(arguments: argparse.Namespace) -> int:
    archive = open_archive(arguments.archive, arguments.index)
    rows = _rows(archive, arguments.pattern)
    if arguments.json:
        print_json_list(_records(archive, rows))
        return 0
    columns = archive.members
    for number, name in rows:
        if arguments.long:
            row = columns[number]
            put(f"{row['size']:>10} {row['width']:>5} x {row['height']:<5} {name}")
        else:
            put(name)
    return 0


def _cat(arguments: argparse.Namespace) -> int:
    archive = open_archive(arguments.archive, arguments.index)
    if arguments.json:
        numbers = [(archive.index_of(name), name) for name in arguments.members]
        print_json_list(_records(archive, iter(numbers)))
        return 0
    for name in arguments.members:
        sys.stdout.buffer.write(archive.read(name))
    sys.stdout.buffer.flush()
    return 0
