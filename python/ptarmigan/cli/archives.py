"""Turns an archive into an index, a verdict, a listing or members: index, verify, ls, cat."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import (
    add_command,
    print_json_list,
    progress_bar,
    put,
)

if TYPE_CHECKING:
    from ptarmigan.archive import Archive

__all__ = ["add_commands", "open_archive"]


def add_commands(commands: Any) -> None:
    """Adds the commands about one archive."""
    index = add_command(commands, "index", _index, "index an archive in one pass")
    index.add_argument("archive", metavar="ARCHIVE", help="tar, tar.gz or folder; - is a pipe")
    _add_index_option(index)
    index.add_argument("--md5", metavar="HEX", help="the md5 that the archive must have")
    index.add_argument("--rebuild", action="store_true", help="replace an index that is there")

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
    from ptarmigan import Archive

    with progress_bar(f"indexing {path}", "bytes") as report:
        return Archive(path, index_path=index, progress=report, **options)


def _index(arguments: argparse.Namespace) -> None:
    raise NotImplementedError


def _verify(arguments: argparse.Namespace) -> None:
    raise NotImplementedError


def _rows(archive: Archive, pattern: str | None) -> Iterator[tuple[int, str]]:
    if pattern is None:
        yield from enumerate(archive.names)
        return
    import fnmatch
    import re

    matches = re.compile(fnmatch.translate(pattern)).match
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
