"""Turns an archive or a data set into files, class folders, shards or tables: extract, export."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.export_options import (
    add_encoding,
    add_filters,
    add_photos,
    add_release,
    add_writing,
    licenses_of,
    limit_of,
    options_of,
    where_of,
)
from ptarmigan.cli.terminal import (
    add_command,
    archive_progress,
    print_json,
    say,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptarmigan.annotations import Table
    from ptarmigan.archive import Archive
    from ptarmigan.exporting import Written
    from ptarmigan.exporting.one_pass import Annotated
    from ptarmigan.inaturalist import INaturalist
    from ptarmigan.release import Release

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands that give photos and what is known of them away."""
    extract = add_command(commands, "extract", _extract, "unpack members, as tar does", "patterns")
    extract.add_argument(
        "source", metavar="ARCHIVE|ROOT", help="tar, tar.gz (- is a pipe), or data set"
    )
    extract.add_argument(
        "patterns", metavar="PATTERN", nargs="*", help="names or folders; their * matches / too"
    )
    extract.add_argument("-C", "--directory", metavar="DIR", default=".", help="where to (.)")
    add_release(extract, "train+val")
    add_photos(extract)
    extract.add_argument(
        "--strip-components", type=int, default=0, metavar="N", help="drop N parts of each name"
    )
    add_filters(extract)
    add_writing(extract)

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
    add_photos(folder)
    add_encoding(folder)
    add_filters(folder)
    add_writing(folder)

    shards = _add_format(formats, "wds", _wds, "write tar shards for WebDataset", "folder")
    size = shards.add_argument
    size("--shard-bytes", type=int, default=1_000_000_000, metavar="N", help="at most (1e9)")
    size("--shard-samples", type=int, default=10_000, metavar="N", help="at most (10,000)")
    size("--prefix", metavar="NAME", help="of the shards' names (the split)")
    size("--shuffle", action="store_true", help="in a random order instead of the archive's")
    size("--seed", type=int, default=0, help="decides that order (0)")
    add_photos(shards)
    add_encoding(shards)
    add_filters(shards)
    add_writing(shards, skip=False)

    table = _add_format(formats, "parquet", _parquet, "write the annotations as Parquet", "file")
    add_filters(table)
    add_writing(table, skip=False, threads=False)

    again = _add_format(
        formats, "annotations", _annotations, "write images as an annotation file", "file"
    )
    add_filters(again)
    add_writing(again, skip=False, threads=False)

    coco = _add_format(formats, "coco", _coco, "write boxes as COCO JSON", "file")
    coco.add_argument("--one-based", action="store_true", help="count categories from 1")


def _add_format(formats: Any, name: str, run: Any, text: str, what: str) -> argparse.ArgumentParser:
    parser = add_command(formats, name, run, text)
    parser.add_argument("root", metavar="ROOT")
    parser.add_argument("-o", "--output", metavar="DEST", required=True, help=f"the {what}")
    add_release(parser, "train")
    return parser


def _extract(arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from ptarmigan.exporting.extraction import extract_members
    from ptarmigan.exporting.one_pass import Unindexed, extract_passing
    from ptarmigan.exporting.places import members_matching
    from ptarmigan.exporting.sources import find_source, is_official

    options = options_of(arguments, "strip_components", "overwrite", "skip_existing", "threads")
    options["progress"] = archive_progress(f"extracting {arguments.source}")
    filtered, limit = bool(where_of(arguments) or arguments.license), limit_of(arguments)
    once = {"patterns": arguments.patterns, "limit": limit, **options}
    if arguments.source == "-":
        _refuse_annotations(arguments)
        if arguments.index:
            raise ValueError("--index needs a file; standard input is read once, without an index")
        _print(arguments, extract_passing(sys.stdin.buffer, arguments.directory, **once))
        return
    try:
        source = find_source(
            Path(arguments.source),
            arguments.release,
            arguments.split,
            lambda root, release, split: _open_or_pass_dataset(arguments, root, release, split),
            lambda path: _open_or_pass_archive(arguments, path),
        )
    except Unindexed as found:
        if found.annotations is None:
            _refuse_annotations(arguments)
        else:
            once["annotated"] = _annotated(arguments, *found.annotations)
        path, annotated = found.path, found.annotations is not None
        written = extract_passing(path, arguments.directory, **once)
    else:
        if source.dataset is None:
            _refuse_annotations(arguments)
        members = members_matching(source.archive, arguments.patterns)
        if source.dataset is not None and (filtered or not source.whole):
            own = set(source.dataset.members[_licensed(arguments, source.dataset._table)].tolist())
            members = [member for member in members if member in own]
        path, annotated = Path(source.archive.path), source.dataset is not None
        written = extract_members(
            source.archive,
            members[:limit],
            arguments.directory,
            credited=source.dataset,
            **options,
        )
    _print(arguments, written)
    if not annotated and is_official(path):
        say("ptarmigan: no CREDITS.csv, because the annotations are not beside the archive")


def _refuse_annotations(arguments: argparse.Namespace) -> None:
    if where_of(arguments) or arguments.license or arguments.split or arguments.release:
        raise ValueError(
            "--where, --license, --split and --release need annotations, which "
            f"`{arguments.source}` has not: give the folder with all files of the data set"
        )


def _open_or_pass_archive(arguments: argparse.Namespace, path: Path) -> Archive:
    from ptarmigan.cli.archives import open_archive
    from ptarmigan.exporting.one_pass import Unindexed, has_no_index

    if arguments.index is None and has_no_index(path):
        raise Unindexed(path)
    return open_archive(str(path), arguments.index)


def _open_or_pass_dataset(
    arguments: argparse.Namespace, root: Path, release: Release, split: str
) -> INaturalist:
    """Opens a data set, unless all that decides on a member is its name, and there is no index."""
    from ptarmigan.exporting.one_pass import Unindexed, has_no_index
    from ptarmigan.release import find_photos

    photos = find_photos(root, split, release)
    # A base name does not say the member's folder, and of several members the last one counts.
    chosen = arguments.patterns or arguments.strip_components or not _is_whole(arguments)
    by_name = photos.match == "name" or not chosen
    plain = arguments.index is None and arguments.limit is None and arguments.missing == "raise"
    if plain and by_name and has_no_index(photos.path):
        raise Unindexed(photos.path, (root, release, split))
    return _open_dataset(arguments, root, release, split)


def _is_whole(arguments: argparse.Namespace) -> bool:
    """Whether members that the annotations do not know are meant too."""
    from pathlib import Path

    filters = arguments.split or arguments.where or arguments.license
    return not filters and not Path(arguments.source).is_dir()


def _annotated(
    arguments: argparse.Namespace, root: Path, release: Release, split: str
) -> Annotated:
    import numpy as np

    from ptarmigan.exporting.one_pass import Annotated
    from ptarmigan.exporting.selection import select
    from ptarmigan.release import find_photos

    table = select(root, release, split, where=where_of(arguments)).table
    wanted = np.zeros(len(table), np.bool_)
    wanted[_licensed(arguments, table)] = True
    by_base_name = find_photos(root, split, release).match == "base_name"
    return Annotated(table, wanted, _is_whole(arguments), by_base_name)


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
            where=where_of(arguments) or None,
            missing=arguments.missing,
            index_path=arguments.index,
            progress=archive_progress(f"indexing the photos of {root}"),
        )
    say_if_partial(dataset.archive)
    return dataset


def _licensed(arguments: argparse.Namespace, table: Table) -> NDArray[np.int64]:
    """The rows of a table that have one of the licences."""
    import numpy as np

    from ptarmigan.attribution import rows_licensed

    licenses = licenses_of(arguments)
    if licenses is None:
        return np.arange(len(table))
    return np.flatnonzero(rows_licensed(table, licenses))


def _chosen(arguments: argparse.Namespace) -> tuple[INaturalist, list[int]]:
    """The data set and the rows of it that are wanted, the first ones as the archive has them."""
    from pathlib import Path

    from ptarmigan.exporting.photos import archive_order

    limit = limit_of(arguments)
    version = arguments.release or "2017"
    dataset = _open_dataset(arguments, Path(arguments.root), version, arguments.split)
    rows = archive_order(dataset, _licensed(arguments, dataset._table).tolist())
    return dataset, rows[:limit].tolist()


_ENCODING = ("resize", "quality", "interpolation", "on_error", "threads")


def _folder(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_folder

    options = options_of(arguments, "layout", "overwrite", "skip_existing", *_ENCODING)
    dataset, rows = _chosen(arguments)
    progress = archive_progress(f"writing {arguments.output}")
    written = write_folder(dataset, arguments.output, rows=rows, progress=progress, **options)
    _print(arguments, written)


def _wds(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_shards

    names = ("prefix", "shard_bytes", "shard_samples", "shuffle", "seed", "overwrite")
    options = options_of(arguments, *names, *_ENCODING)
    dataset, rows = _chosen(arguments)
    progress = archive_progress(f"writing {arguments.output}")
    written = write_shards(dataset, arguments.output, rows=rows, progress=progress, **options)
    _print(arguments, written)


def _parquet(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_parquet

    options = options_of(arguments, "split", "overwrite")
    written = write_parquet(
        arguments.output,
        arguments.root,
        version=arguments.release or "2017",
        where=where_of(arguments),
        licenses=licenses_of(arguments),
        limit=limit_of(arguments),
        progress=archive_progress(f"writing {arguments.output}", "rows"),
        **options,
    )
    _print(arguments, written)


def _annotations(arguments: argparse.Namespace) -> None:
    from ptarmigan.exporting import write_annotations

    written = write_annotations(
        arguments.output,
        arguments.root,
        version=arguments.release or "2017",
        where=where_of(arguments),
        licenses=licenses_of(arguments),
        limit=limit_of(arguments),
        **options_of(arguments, "split", "overwrite"),
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
    from ptarmigan.coco import write_coco

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
