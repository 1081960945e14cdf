"""Turns a data set into credits, files, class folders, shards or tables: attribution to export."""

from __future__ import annotations

import argparse
import io
import sys
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import (
    add_command,
    archive_progress,
    print_json,
    print_json_list,
    say,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptarmigan.annotations import Table
    from ptarmigan.exporting import Written
    from ptarmigan.inaturalist import INaturalist
    from ptarmigan.release import Release

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands that give photos and what is known of them away."""
    credits_ = add_command(commands, "attribution", _attribution, "print whose each photo is")
    credits_.add_argument("root", metavar="ROOT")
    _add_release(credits_, "train+val")
    credits_.add_argument(
        "--ids", nargs="+", metavar="ID", help="only these: image ids, file names or stems"
    )
    _add_filters(credits_, limit=False)

    extract = add_command(commands, "extract", _extract, "unpack members, as tar does", "patterns")
    extract.add_argument("source", metavar="ARCHIVE|ROOT", help="tar, tar.gz, or data set")
    extract.add_argument(
        "patterns", metavar="PATTERN", nargs="*", help="names or folders; their * matches / too"
    )
    extract.add_argument("-C", "--directory", metavar="DIR", default=".", help="where to (.)")
    _add_release(extract, "train+val")
    _add_photos(extract)
    extract.add_argument(
        "--strip-components", type=int, default=0, metavar="N", help="drop N parts of each name"
    )
    _add_filters(extract)
    _add_writing(extract)

    export = commands.add_parser(
        "export", help="write a data set for other programs", allow_abbrev=False,
        description="Write a data set for other programs.",
    )  # fmt: skip
    formats = export.add_subparsers(dest="format", metavar="FORMAT", title="formats", required=True)
    _add_formats(formats)


def _add_formats(formats: Any) -> None:
    folder = _add_format(formats, "folder", _folder, "write a folder a class", "folder")
    folder.add_argument(
        "--layout",
        default="super/category",
        choices=("super/category", "category"),
        help="two levels, or one as ImageFolder takes classes (super/category)",
    )
    _add_photos(folder)
    _add_encoding(folder)
    _add_filters(folder)
    _add_writing(folder)

    shards = _add_format(formats, "wds", _wds, "write tar shards for WebDataset", "folder")
    size = shards.add_argument
    size("--shard-bytes", type=int, default=1_000_000_000, metavar="N", help="at most (1e9)")
    size("--shard-samples", type=int, default=10_000, metavar="N", help="at most (10,000)")
    size("--prefix", metavar="NAME", help="of the shards' names (the split)")
    size("--shuffle", action="store_true", help="in a random order instead of the archive's")
    size("--seed", type=int, default=0, help="decides that order (0)")
    _add_photos(shards)
    _add_encoding(shards)
    _add_filters(shards)
    _add_writing(shards, skip=False)

    table = _add_format(formats, "parquet", _parquet, "write the annotations as Parquet", "file")
    _add_filters(table)
    _add_writing(table, skip=False, threads=False)

    coco = _add_format(formats, "coco", _coco, "write annotations and boxes as COCO JSON", "file")
    coco.add_argument("--one-based", action="store_true", help="count categories from 1")


def _add_format(formats: Any, name: str, run: Any, text: str, what: str) -> argparse.ArgumentParser:
    parser = add_command(formats, name, run, text)
    parser.add_argument("root", metavar="ROOT")
    parser.add_argument("-o", "--output", metavar="DEST", required=True, help=f"the {what}")
    _add_release(parser, "train")
    return parser


def _add_release(parser: argparse.ArgumentParser, split: str) -> None:
    parser.add_argument("--release", metavar="YEAR", help="of ROOT (2017)")
    parser.add_argument("--split", metavar="NAME", help=f"of ROOT ({split})")


def _add_filters(parser: argparse.ArgumentParser, *, limit: bool = True) -> None:
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


def _add_photos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", metavar="FILE", help="index file (default: ARCHIVE.ptidx)")
    parser.add_argument(
        "--missing",
        default="raise",
        choices=("raise", "skip"),
        help="images that the archive lacks (raise)",
    )


def _add_encoding(parser: argparse.ArgumentParser) -> None:
    encode = parser.add_argument
    encode("--resize", type=int, metavar="PIXELS", help="longer side at most; encodes anew")
    encode("--quality", type=int, metavar="Q", help="of the JPEGs encoded anew (95)")
    encode("--interpolation", default="bicubic", metavar="NAME", help="of --resize (bicubic)")
    encode(
        "--on-error", default="raise", choices=("raise", "skip"), help="photos not decoded (raise)"
    )


def _add_writing(
    parser: argparse.ArgumentParser, *, skip: bool = True, threads: bool = True
) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    if skip:
        parser.add_argument("--skip-existing", action="store_true", help="keep files of right size")
    if threads:
        parser.add_argument("--threads", type=int, metavar="N", help="threads (one a processor)")
    parser.add_argument(
        "--accept-terms", action="store_true", help="the terms have been read: do not show them"
    )


def _options(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The named arguments, for a call; the terms count as accepted from here."""
    if arguments.accept_terms:
        from ptarmigan.terms import accept

        accept()
    return {name: getattr(arguments, name) for name in names}


def _where(arguments: argparse.Namespace) -> dict[str, list[str | int]]:
    where: dict[str, list[str | int]] = {}
    for text in arguments.where or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"expected --where KEY=VALUE, found `{text}`")
        number = value.isdecimal() and key not in ("category", "supercategory", "rights_holder")
        where.setdefault(key, []).append(int(value) if number else value)
    return where


def _licenses(arguments: argparse.Namespace) -> list[str] | None:
    return None if arguments.license is None else arguments.license.split(",")


def _limit(arguments: argparse.Namespace) -> int | None:
    limit: int | None = arguments.limit
    if limit is not None and limit < 1:
        raise ValueError(f"expected a --limit of at least 1, found {limit}")
    return limit


def _attribution(arguments: argparse.Namespace) -> None:
    from ptarmigan.attribution import credits_of, write_credits
    from ptarmigan.exporting.selection import select, widest_split
    from ptarmigan.subset import rows_of_subset

    version = arguments.release or "2017"
    split = arguments.split or widest_split(version)
    where, licenses = _where(arguments), _licenses(arguments)
    table = select(arguments.root, version, split, where=where, licenses=licenses).table
    if arguments.ids:
        numbers = all(word.isdecimal() for word in arguments.ids)
        table.keep(
            rows_of_subset(table, list(map(int, arguments.ids)) if numbers else arguments.ids)
        )
    if arguments.json:
        print_json_list(credit._asdict() for credit in credits_of(table))
    else:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Names of people are in every script, whatever the terminal's encoding is.
            sys.stdout.reconfigure(encoding="utf-8")
        write_credits(sys.stdout, credits_of(table))
    _say_gaps(table)


def _say_gaps(table: Table) -> None:
    from ptarmigan.attribution import gaps_of

    for gap in gaps_of(table):
        say(f"ptarmigan: {gap}")


def _extract(arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from ptarmigan.cli.archives import open_archive
    from ptarmigan.exporting.extraction import extract_members
    from ptarmigan.exporting.places import members_matching
    from ptarmigan.exporting.sources import find_source, is_official

    options = _options(arguments, "strip_components", "overwrite", "skip_existing", "threads")
    filtered, limit = bool(_where(arguments) or arguments.license), _limit(arguments)
    source = find_source(
        Path(arguments.source),
        arguments.release,
        arguments.split,
        lambda root, release, split: _open_dataset(arguments, root, release, split),
        lambda path: open_archive(str(path), arguments.index),
    )
    members = members_matching(source.archive, arguments.patterns)
    if source.dataset is None:
        if filtered or arguments.split or arguments.release:
            raise ValueError(
                "--where, --license, --split and --release need annotations, which "
                f"`{arguments.source}` has not: give the folder with all files of the data set"
            )
    elif filtered or not source.whole:
        own = set(source.dataset.members[_licensed(arguments, source.dataset)].tolist())
        members = [member for member in members if member in own]
    written = extract_members(
        source.archive,
        members[:limit],
        arguments.directory,
        credited=source.dataset,
        progress=archive_progress(f"extracting {source.archive.path}"),
        **options,
    )
    _print(arguments, written)
    if source.dataset is None and is_official(Path(source.archive.path)):
        say("ptarmigan: no CREDITS.csv, because the annotations are not beside the archive")


def _open_dataset(
    arguments: argparse.Namespace, root: Path, version: str | Release, split: str | None
) -> INaturalist:
    import warnings

    from ptarmigan.cli.archives import say_if_partial
    from ptarmigan.errors import PartialArchiveWarning
    from ptarmigan.inaturalist import INaturalist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialArchiveWarning)
        dataset = INaturalist(
            root,
            version,
            split,
            where=_where(arguments) or None,
            missing=arguments.missing,
            index_path=arguments.index,
            progress=archive_progress(f"indexing the photos of {root}"),
        )
    say_if_partial(dataset.archive)
    return dataset


def _licensed(arguments: argparse.Namespace, dataset: INaturalist) -> NDArray[np.int64]:
    """The rows of a data set that have one of the licences."""
    import numpy as np

    from ptarmigan.attribution import rows_licensed

    licenses = _licenses(arguments)
    if licenses is None:
        return np.arange(len(dataset))
    return np.flatnonzero(rows_licensed(dataset._table, licenses))


def _chosen(arguments: argparse.Namespace) -> tuple[INaturalist, list[int]]:
    """The data set and the rows of it that are wanted, the first ones as the archive has them."""
    from pathlib import Path

    from ptarmigan.exporting.photos import archive_order

    limit = _limit(arguments)
    version = arguments.release or "2017"
    dataset = _open_dataset(arguments, Path(arguments.root), version, arguments.split)
    rows = archive_order(dataset, _licensed(arguments, dataset).tolist())
    return dataset, rows[:limit].tolist()


_ENCODING = ("resize", "quality", "interpolation", "on_error", "threads")


def _folder(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_folder

    options = _options(arguments, "layout", "overwrite", "skip_existing", *_ENCODING)
    dataset, rows = _chosen(arguments)
    progress = archive_progress(f"writing {arguments.output}")
    written = write_folder(dataset, arguments.output, rows=rows, progress=progress, **options)
    _print(arguments, written)


def _wds(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_shards

    names = ("prefix", "shard_bytes", "shard_samples", "shuffle", "seed", "overwrite")
    options = _options(arguments, *names, *_ENCODING)
    dataset, rows = _chosen(arguments)
    progress = archive_progress(f"writing {arguments.output}")
    written = write_shards(dataset, arguments.output, rows=rows, progress=progress, **options)
    _print(arguments, written)


def _parquet(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_parquet

    options = _options(arguments, "split", "overwrite")
    written = write_parquet(
        arguments.output,
        arguments.root,
        version=arguments.release or "2017",
        where=_where(arguments),
        licenses=_licenses(arguments),
        limit=_limit(arguments),
        progress=archive_progress(f"writing {arguments.output}", "rows"),
        **options,
    )
    _print(arguments, written)


def _print(arguments: argparse.Namespace, written: Written) -> None:
    from dataclasses import asdict

    for _, reason in written.skipped:
        say(f"ptarmigan: left out: {reason}")
    if arguments.json:
        print_json(asdict(written))
        return
    parts = [f"wrote {written.images:,} to {written.destination}"]
    if written.kept:
        parts.append(f"kept {written.kept:,}")
    if written.skipped:
        parts.append(f"left out {len(written.skipped):,}")
    parts.append(f"{written.bytes / 1e6:,.1f} MB in {written.seconds:.1f} s")
    if written.credits:
        parts.append(f"credits in {written.credits}")
    say("; ".join(parts))


def _coco(arguments: argparse.Namespace) -> None:
    from ptarmigan.coco import write_coco  # type: ignore[import-not-found, unused-ignore]

    found = write_coco(
        arguments.output,
        arguments.root,
        version=arguments.release or "2017",
        split=arguments.split or "train",
        one_based=arguments.one_based,
    )
    if arguments.json:
        print_json(found)
    else:
        counts = f"{found['annotations']:,} boxes of {found['images']:,} images"
        say(f"wrote {counts} to {arguments.output}")
