"""Turns `bench --peers` into tables of Ptarmigan beside everybody else, on one processor."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from ptarmigan.cli.terminal import print_json, print_table, progress_bar, put, say

if TYPE_CHECKING:
    from ptarmigan.peers import PeerRow

__all__ = ["add_peer_options", "beside_peers", "run_peer_bench"]

_TITLES: Final = {
    "decode": "Whole images",
    "random_crop": "Random crops to 224 x 224",
    "central_crop": "Shorter side to 256, central 224 x 224",
    "entropy": "An eighth of the size: hardly more than entropy decoding",
}
_COLUMNS: Final = ("peer", "version", "images/s", "MB/s", "CPU ms", "ratio", "pixels", "note")


def add_peer_options(bench: argparse.ArgumentParser) -> None:
    """Adds what belongs to ``--peers``; each of the others needs it."""
    options = bench.add_argument_group("beside every other library, on one processor")
    options.add_argument(
        "--peers", action="store_true", help="measure beside other libraries instead of Pillow only"
    )
    options.add_argument(
        "--peer", action="append", metavar="NAME", help="only this one and Pillow; may be repeated"
    )
    options.add_argument(
        "--peers-dir", metavar="DIR", help="where their environments are made (.bench/peers)"
    )
    options.add_argument(
        "--peers-here", action="store_true", help="look for them in this environment, install none"
    )
    options.add_argument(
        "--peers-source", metavar="DIR", help="a checkout's benches/peers (the package's own)"
    )
    options.add_argument("--photos", type=int, metavar="N", help="photos at most (96)")
    options.add_argument("--rounds", type=int, metavar="N", help="so often all take turns (7)")


def beside_peers(arguments: argparse.Namespace) -> bool:
    """Whether ``--peers`` was given.

    Raises:
        ValueError: If an option was given that does not go with it, or needs it.
    """
    needing = ("peer", "peers_dir", "peers_here", "peers_source", "photos", "rounds")
    other = ("seconds", "threads")
    wrong = [name for name in (other if arguments.peers else needing)
             if getattr(arguments, name) not in (None, False)]  # fmt: skip
    if wrong:
        option = wrong[0].replace("_", "-")
        raise ValueError(
            f"`--{option}` does not go with `--peers`: one thread, and rounds instead of seconds"
            if arguments.peers
            else f"`--{option}` needs `--peers`"
        )
    if arguments.peers and "loader" in (arguments.works or ()):
        raise ValueError("`--loader` does not go with `--peers`, which measure decoders")
    return bool(arguments.peers)


def _tasks(works: list[str] | None) -> tuple[str, ...]:
    from ptarmigan.peers import TASKS

    chosen = {"decode": ("decode", "entropy"), "crop": ("random_crop", "central_crop")}
    wanted = [task for work in works or () for task in chosen[work]]
    return tuple(task for task in TASKS if works is None or task in wanted)


def run_peer_bench(arguments: argparse.Namespace) -> int:
    """Runs ``bench --peers``; the status is 1 if Ptarmigan's own pixels differ or it failed."""
    from dataclasses import asdict

    from ptarmigan.bench import describe_machine
    from ptarmigan.peers import best_peers, run_peers

    with progress_bar("measuring", "rounds") as report:
        rows = run_peers(
            arguments.path,
            peers=arguments.peer,
            tasks=_tasks(arguments.works),
            environments=None if arguments.peers_here else arguments.peers_dir or ".bench/peers",
            source=arguments.peers_source,
            photos=96 if arguments.photos is None else arguments.photos,
            rounds=7 if arguments.rounds is None else arguments.rounds,
            say=say,
            progress=report,
        )
    machine = {name: text for name, text in describe_machine().items() if name != "peer"}
    best = best_peers(rows)
    if arguments.json:
        chosen = {task: {"peer": row.peer, "ratio": row.ratio} for task, row in best.items()}
        print_json({"machine": machine, "rows": [asdict(row) for row in rows], "best": chosen})
    else:
        for name, value in machine.items():
            say(f"{name}: {value}")
        _print_rows(rows, best)
    ours = [row for row in rows if row.peer == "ptarmigan" and row.task != "entropy"]
    return 0 if all(row.milliseconds and row.equal is not False for row in ours) else 1


def _print_rows(rows: list[PeerRow], best: dict[str, PeerRow]) -> None:
    for task in dict.fromkeys(row.task for row in rows):
        print_table(_TITLES[task], _COLUMNS, [row.cells() for row in rows if row.task == task])
        if task in best:
            row = best[task]
            put(f"Best peer: {row.name} {row.version}; Ptarmigan is {row.ratio:.2f} times as fast.")
            put()
