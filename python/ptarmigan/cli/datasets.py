"""Turns a folder into a made-up data set, or a data set into its figures: synth, info."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any, Final

from ptarmigan.cli.terminal import add_command, archive_progress, print_json, progress_bar, say

__all__ = ["add_commands"]

# As `ptarmigan.info.TABLES` and `ptarmigan.published.PUBLISHED`, which take time to import.
TABLES: Final = ("supercategory", "boxes", "distribution", "fields", "files", "census")
RELEASES: Final = ("2017", "2018", "2019", "2021")


def add_commands(commands: Any) -> None:
    """Adds the commands about data sets."""
    synth = add_command(
        commands, "synth", _synth, "write a made-up data set shaped like iNaturalist 2017"
    )
    synth.add_argument("root", metavar="ROOT", help="the folder to write into")
    number = synth.add_argument
    number("--scale", type=float, help="share of the 5,089 categories (0.01)")
    number("--images", type=int, metavar="N", help="training and validation images (scaled)")
    number("--test-images", type=int, metavar="N", help="test images (in proportion)")
    number("--max-side", type=int, default=800, metavar="PIXELS", help="longer side (800)")
    number("--bits-per-pixel", type=float, default=4.9, metavar="BITS", help="JPEG density (4.9)")
    number("--seed", type=int, default=0, help="decides everything (0)")
    number("--grey", type=int, default=0, metavar="N", help="members with one component (0)")
    number("--cmyk", type=int, default=0, metavar="N", help="members with four (0)")
    number("--truncated", type=int, default=0, metavar="N", help="members that end early (0)")
    number("--threads", type=int, metavar="N", help="threads (one a processor)")
    synth.add_argument(
        "--exact-2017",
        action="store_true",
        help="exactly the page's numbers of categories, images and boxes; needs --metadata-only",
    )
    synth.add_argument(
        "--metadata-only", action="store_true", help="everything but the two archives of pictures"
    )
    synth.add_argument(
        "--no-long-names",
        action="store_false",
        dest="long_names",
        help="no member paths of 100 to 105 bytes",
    )

    info = add_command(
        commands, "info", _info, "print the competition page's tables for a data set or an archive"
    )
    info.add_argument("path", metavar="ROOT_OR_ARCHIVE")
    info.add_argument("--index", metavar="FILE", help="index file (default: ARCHIVE.ptidx)")
    info.add_argument(
        "--no-index",
        action="store_const",
        const="never",
        default="auto",
        dest="build",
        help="leave out archives that have no index, instead of making it",
    )
    info.add_argument("--table", choices=TABLES, help="print this one only")
    info.add_argument(
        "--release", choices=RELEASES, help="the release (that of which the most files are there)"
    )
    info.add_argument(
        "--expect",
        choices=RELEASES,
        metavar="RELEASE",
        help="compare with the published figures; exit status 1 if one differs",
    )
    info.add_argument(
        "--strict",
        action="store_true",
        help="with --expect: absent files, other sizes and other md5s count, too",
    )


def _synth(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from ptarmigan.synth import write_dataset

    options = vars(arguments).copy()
    for name in ("run", "late", "command", "version", "json", "root"):
        options.pop(name)
    with progress_bar(f"writing {arguments.root}", "pictures") as report:
        made = write_dataset(arguments.root, **options, progress=report)
    if arguments.json:
        print_json(asdict(made))
        return
    size = f"{made.image_bytes / 1e6:,.1f} MB" if made.image_bytes else "no pictures"
    say(
        f"wrote {made.train:,} training, {made.val:,} validation and {made.test:,} test images of "
        f"{made.categories:,} categories ({size}) to {made.root}"
    )


def _info(arguments: argparse.Namespace) -> int:
    from ptarmigan import info
    from ptarmigan.cli.figures import print_figures

    if arguments.expect is None and arguments.strict:
        raise ValueError("`--strict` is about what `--expect` compares: give both")
    if arguments.expect is not None and (
        arguments.table or arguments.release not in (None, arguments.expect)
    ):
        raise ValueError("`--expect` compares everything with one release: leave out the others")
    figures = info.describe(
        arguments.path,
        version=arguments.expect or arguments.release,
        tables=(arguments.table,) if arguments.table else info.TABLES,
        index_path=arguments.index,
        build=arguments.build,
        progress=archive_progress(f"reading {arguments.path}"),
    )
    if arguments.expect is not None:
        figures["expectations"] = _expect(figures, arguments)
    if arguments.json:
        print_json(figures)
    else:
        print_figures(figures, arguments.table)
    return int(arguments.expect is not None and not figures["expectations"]["met"])


def _expect(figures: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    from ptarmigan import info
    from ptarmigan.published import PUBLISHED

    if figures["version"] is None:
        raise ValueError(f"`--expect` needs the folder of a release; `{arguments.path}` is none")
    found = info.verdict(figures, PUBLISHED[arguments.expect], strict=arguments.strict)
    counts = Counter(row["state"] for row in found["figures"])
    say(
        f"{counts['met']} published figures of {arguments.expect} are met, "
        f"{counts['not met']} are not, {counts['not checked']} could not be checked"
    )
    return found
