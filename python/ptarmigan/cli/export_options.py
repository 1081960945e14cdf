"""Turns the options that exporting commands share into arguments of the package."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = [
    "add_encoding",
    "add_filters",
    "add_photos",
    "add_release",
    "add_writing",
    "licenses_of",
    "limit_of",
    "options_of",
    "where_of",
]


def add_release(parser: argparse.ArgumentParser, split: str) -> None:
    """Adds the options that name a release and a split."""
    parser.add_argument("--release", metavar="YEAR", help="of ROOT (2017)")
    parser.add_argument("--split", metavar="NAME", help=f"of ROOT ({split})")


def add_filters(parser: argparse.ArgumentParser, *, limit: bool = True) -> None:
    """Adds the options that select images."""
    parser.add_argument(
        "--where",
        action="append",
        metavar="KEY=VALUE",
        help="only such images: supercategory=Aves, genus=Ardea, user_id=7; may be repeated",
    )
    parser.add_argument(
        "--license", metavar="NAMES", help="only these licences: CC0,BY or names or numbers"
    )
    if limit:
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N")


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Adds the options about the archive with the photos."""
    parser.add_argument("--index", metavar="FILE", help="index file (default: ARCHIVE.ptidx)")
    parser.add_argument(
        "--missing",
        default="raise",
        choices=("raise", "skip"),
        help="images that the archive lacks (raise)",
    )


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Adds the options that make other JPEGs of the photos."""
    encode = parser.add_argument
    encode("--resize", type=int, metavar="PIXELS", help="longer side at most; encodes anew")
    encode("--quality", type=int, metavar="Q", help="of the JPEGs encoded anew (95)")
    encode("--interpolation", default="bicubic", metavar="NAME", help="of --resize (bicubic)")
    encode(
        "--on-error", default="raise", choices=("raise", "skip"), help="photos not decoded (raise)"
    )


def add_writing(
    parser: argparse.ArgumentParser, *, skip: bool = True, threads: bool = True
) -> None:
    """Adds the options about the files that are written."""
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    if skip:
        parser.add_argument("--skip-existing", action="store_true", help="keep files of right size")
    if threads:
        parser.add_argument("--threads", type=int, metavar="N", help="threads (one a processor)")
    parser.add_argument(
        "--accept-terms", action="store_true", help="the terms have been read: do not show them"
    )


def options_of(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The named arguments, for a call; the terms count as accepted from here."""
    if arguments.accept_terms:
        from ptarmigan.terms import accept

        accept()
    return {name: getattr(arguments, name) for name in names}


def where_of(arguments: argparse.Namespace) -> dict[str, list[str | int]]:
    """What `--where` says, as `INaturalist` takes it."""
    where: dict[str, list[str | int]] = {}
    for text in arguments.where or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"expected --where KEY=VALUE, found `{text}`")
        number = value.isdecimal() and key not in ("category", "supercategory", "rights_holder")
        where.setdefault(key, []).append(int(value) if number else value)
    return where


def licenses_of(arguments: argparse.Namespace) -> list[str] | None:
    """What `--license` says, as `rows_licensed` takes it."""
    return None if arguments.license is None else arguments.license.split(",")


def limit_of(arguments: argparse.Namespace) -> int | None:
    """What `--limit` says."""
    limit: int | None = arguments.limit
    if limit is not None and limit < 1:
        raise ValueError(f"expected a --limit of at least 1, found {limit}")
    return limit
