"""Turns a command line into calls of the package, and what they raise into an exit status.

Data goes to standard output, prose and progress to standard error. The exit status is 0 where all
is well, 1 where the data is bad, 2 where the call is wrong, 130 after Ctrl-C.

Not here: the commands, one module a family.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ptarmigan.cli.streams import STDOUT, standard_streams

__all__ = ["main"]

_DESCRIPTION = "Train on iNaturalist 2017 straight from the downloaded tar.gz."
STDIN = "standard input"
_EPILOGUE = "Start with `ptarmigan demo`: it needs no download."


def _parser() -> argparse.ArgumentParser:
    from ptarmigan.cli import (
        archives,
        attribution,
        boxes,
        datasets,
        exports,
        measurements,
        predictions,
        report,
    )

    parser = argparse.ArgumentParser(
        prog="ptarmigan", description=_DESCRIPTION, epilog=_EPILOGUE, allow_abbrev=False
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    families = (measurements, datasets, archives, attribution, exports, predictions, report, boxes)
    for family in families:
        family.add_commands(commands)
    return parser


def _parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parses, and lets optional positional arguments follow an option: ``ls X --json PATTERN``.

    argparse gives up on such arguments at the first option; what is left over then is them.
    """
    arguments, left = parser.parse_known_args(argv)
    late: str = getattr(arguments, "late", None) or ""
    found = getattr(arguments, late) if late else ""
    if any(word.startswith("-") for word in left):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if isinstance(found, list):
        setattr(arguments, late, found + left)
    elif len(left) == 1 and found is None:
        setattr(arguments, late, left[0])
    elif left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return arguments


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        name = STDIN if error.filename == -1 else os.fsdecode(error.filename)
        shown = name if name in (STDIN, STDOUT) else f"`{name}`"
        return f"{shown}: {error.strerror[0].lower()}{error.strerror[1:]}"
    # One line; but two spaces in a row stay, as some folders of 2017 have them.
    return " ".join(line.strip() for line in str(error).splitlines())


def _run(argv: Sequence[str] | None) -> int:
    from ptarmigan.errors import PtarmiganError

    try:
        status = _command(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (`ptarmigan ls ... | head`); nothing is wrong.
        return 0
    except KeyboardInterrupt:
        return 130
    except (PtarmiganError, OSError) as error:
        return _fail(error, 1)
    except (ValueError, TypeError, ImportError) as error:
        return _fail(error, 2)
    return status


def _fail(error: Exception, status: int) -> int:
    sys.stderr.write(f"ptarmigan: {_sentence(error)}\n")
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Arguments without the program's name; by default those of the process.

    Returns:
        The exit status.

    Raises:
        SystemExit: After ``--help`` (0), and where the arguments make no sense (2).
    """
    with standard_streams():
        return _run(argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = _parser()
    try:
        arguments = _parse(parser, argv)
    except SystemExit:
        # The text of `--help` may not have been written yet.
        sys.stdout.flush()
        raise
    if arguments.version:
        from ptarmigan._core import __version__

        sys.stdout.write(f"ptarmigan {__version__}\n")
        return 0
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    return int(arguments.run(arguments) or 0)
