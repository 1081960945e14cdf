"""Turns one command into the whole path, or into a measurement of it: demo, bench."""

from __future__ import annotations

import argparse
from typing import Any

from ptarmigan.cli.peers import add_peer_options, beside_peers, run_peer_bench
from ptarmigan.cli.terminal import add_command, print_json, print_table, progress_bar, say

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands that need no data."""
    demo = add_command(
        commands, "demo", _demo, "train, predict and score on a small made-up data set", "folder"
    )
    demo.add_argument("folder", metavar="DIR", nargs="?", help="where to work (a temporary folder)")
    demo.add_argument("--keep", action="store_true", help="keep the files and say where they are")
    demo.add_argument("--seed", type=int, default=0, help="decides data, batches and weights (0)")
    demo.add_argument("--images", type=int, default=2400, metavar="N", help="train and val (2400)")
    demo.add_argument("--epochs", type=int, default=8, metavar="N", help="passes (8)")
    demo.add_argument("--threads", type=int, metavar="N", help="threads (one a processor)")

    bench = add_command(
        commands, "bench", _bench, "measure decoding, cropping and loading beside Pillow", "path"
    )
    bench.add_argument(
        "path", metavar="ROOT|ARCHIVE", nargs="?", help="photos to use (made-up ones)"
    )
    for work, text in (
        ("decode", "only whole images to RGB"),
        ("crop", "only random crops, resized"),
        ("loader", "only batches read from the archive"),
    ):
        bench.add_argument(f"--{work}", action="append_const", dest="works", const=work, help=text)
    bench.add_argument("--seconds", type=float, help="time for each row (3)")
    bench.add_argument("--threads", type=int, metavar="N", help="threads (one a processor)")
    add_peer_options(bench)


def _demo(arguments: argparse.Namespace) -> None:
    import tempfile
    from contextlib import ExitStack
    from dataclasses import asdict

    from ptarmigan.demo import run_demo

    with ExitStack() as stack:
        folder = arguments.folder
        if folder is None:
            temporary = tempfile.mkdtemp(prefix="ptarmigan-demo-")
            folder = temporary
            if not arguments.keep:
                import shutil

                stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        result = run_demo(
            folder,
            seed=arguments.seed,
            images=arguments.images,
            epochs=arguments.epochs,
            threads=arguments.threads,
            say=say,
        )
        if arguments.json:
            print_json(asdict(result))
        else:
            print_table("ptarmigan demo", ("figure", "value"), result.rows())
        if arguments.folder is not None or arguments.keep:
            say(f"everything is in {folder}")


def _bench(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from ptarmigan.bench import WORKS, describe_machine, run_bench

    if beside_peers(arguments):
        return run_peer_bench(arguments)
    with progress_bar("measuring", "rows") as report:
        rows = run_bench(
            arguments.path,
            works=tuple(arguments.works or WORKS),
            seconds=3.0 if arguments.seconds is None else arguments.seconds,
            threads=arguments.threads,
            progress=report,
        )
    machine = describe_machine()
    if arguments.json:
        print_json({"machine": machine, "rows": [asdict(row) for row in rows]})
    else:
        for name, value in machine.items():
            say(f"{name}: {value}")
        print_table(
            f"images a second, {rows[0].source}",
            ("work", "threads", "ptarmigan", "MB/s", "Pillow", "ratio", "pixels"),
            [row.cells() for row in rows],
        )
    return 0 if all(row.equal is not False for row in rows) else 1
