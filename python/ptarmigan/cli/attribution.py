"""Turns the annotations of a data set into the credits of its photos: attribution."""

from __future__ import annotations

import argparse
import io
import sys
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.export_options import add_filters, add_release, licenses_of, where_of
from ptarmigan.cli.terminal import add_command, print_json_list, say

if TYPE_CHECKING:
    from ptarmigan.annotations import Table

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the command that says whose each photo is."""
    credits_ = add_command(commands, "attribution", _attribution, "print whose each photo is")
    credits_.add_argument("root", metavar="ROOT")
    add_release(credits_, "train+val")
    credits_.add_argument(
        "--ids", nargs="+", metavar="ID", help="only these: image ids, file names or stems"
    )
    add_filters(credits_, limit=False)


def _attribution(arguments: argparse.Namespace) -> None:
    from ptarmigan.attribution import credits_of, write_credits
    from ptarmigan.exporting.selection import select, widest_split
    from ptarmigan.subset import rows_of_subset

    version = arguments.release or "2017"
    split = arguments.split or widest_split(version)
    where, licenses = where_of(arguments), licenses_of(arguments)
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
