"""Turns the answers of all peers into one row for each peer and task."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ptarmigan.peers.environments import (
    Header,
    PeerError,
    environment_python,
    find_peers,
    programs_folder,
)
from ptarmigan.peers.processes import PeerProcess

__all__ = ["EPOCH", "SEED", "TASKS", "PeerRow", "best_peers", "run_peers"]

TASKS: Final = ("decode", "random_crop", "central_crop", "entropy")
# Of the boxes that all peers are given.
SEED: Final = 1
EPOCH: Final = 0
SIZE: Final = 224

OURS: Final = "ptarmigan"
LATER: Final = "ptarmigan_later"
REFERENCE: Final = "pillow"

Say = Callable[[str], None]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class PeerRow:
    """One peer's line for one task.

    Attributes:
        task: ``decode``, ``random_crop``, ``central_crop`` or ``entropy`` (an eighth of the size).
        peer: The name to ask for it by.
        name: The name to show.
        version: Of the library, None where it could not be had.
        images_per_second: By the wall's clock, None where the peer did not do the task.
        megabytes_per_second: The same in millions of JPEG bytes.
        milliseconds: Of the processor, for an image.
        ratio: Median of the peer's processor time over Ptarmigan's in the same round: above 1,
            Ptarmigan is faster. None where either did not do the task.
        equal: Whether all pixels are Pillow's, None where there is nothing to compare.
        psnr: Of all pixels beside Pillow's in dB, None where equal or not compared.
        crc32: Of all pixels.
        note: What is different in this peer, or why there are no figures.
    """

    task: str
    peer: str
    name: str
    version: str | None
    images_per_second: float | None
    megabytes_per_second: float | None
    milliseconds: float | None
    ratio: float | None
    equal: bool | None
    psnr: float | None
    crc32: int | None
    note: str

    def cells(self) -> tuple[str, ...]:
        """The line as table cells."""

        def figure(value: float | None, form: str) -> str:
            return "-" if value is None else format(value, form)

        pixels = "equal" if self.equal else "-" if self.psnr is None else f"{self.psnr:.1f} dB"
        return (
            self.name,
            self.version or "-",
            figure(self.images_per_second, ",.0f"),
            figure(self.megabytes_per_second, ",.1f"),
            figure(self.milliseconds, ".2f"),
            figure(self.ratio, ".2f"),
            pixels,
            self.note,
        )


@dataclass
class _Times:
    """One peer's seconds in one task, a pair each round, and what its pixels are like."""

    pixels: dict[str, Any]
    wall: list[float]
    processor: list[float]


@dataclass
class _Photos:
    """The folder that all peers read."""

    folder: Path
    count: int
    bytes: int
    source: str


def _write_photos(path: str | None, folder: Path, most: int) -> _Photos:
    from ptarmigan.archive import Archive
    from ptarmigan.bench import archive_path, choose_photos
    from ptarmigan.transforms import RandomResizedCrop

    with archive_path(path) as (archive, source):
        photos = choose_photos(Archive(archive), most, plain=True)
        boxes = RandomResizedCrop(SIZE).boxes(photos.widths, photos.heights, SEED, EPOCH)
        for number, data in enumerate(photos.files):
            (folder / f"{number:05}.jpg").write_bytes(data)
        (folder / "boxes.json").write_text(json.dumps(boxes.tolist()), encoding="utf-8")
        return _Photos(folder, len(photos), sum(map(len, photos.files)), source)


class _Contest:
    """All peers at work on the same photos."""

    def __init__(self, headers: Sequence[Header], photos: _Photos, tasks: Sequence[str]) -> None:
        self.headers = headers
        self.photos = photos
        self.tasks = tasks
        self.peers: dict[str, PeerProcess] = {}
        self.times: dict[tuple[str, str], _Times] = {}
        # Peer and task to the reason why it does not take part; task None: in nothing.
        self.failures: dict[tuple[str, str | None], str] = {}

    def start(self, stack: ExitStack, environments: Path | None, scratch: Path, say: Say) -> None:
        """Makes environments, and starts one process after the other."""
        import sys

        for header in self.headers:
            try:
                if environments is None:
                    python = sys.executable
                else:
                    python = environment_python(header, environments, say)
                log = scratch / f"{header.key}.log"
                peer = PeerProcess(header, python, self.photos.folder, log)
            except PeerError as error:
                self.failures[header.key, None] = str(error)
                say(f"{header.name}: {error}")
                continue
            stack.callback(peer.close)
            self.peers[header.key] = peer

    def compare_pixels(self, folder: Path, say: Say) -> None:
        """Runs every task once, which warms all up, and compares with what Pillow makes."""
        for task in self.tasks:
            reference = self.peers.get(REFERENCE)
            if reference is not None and task in reference.tasks:
                self._try(reference, task, "write", folder)
            for peer in self.peers.values():
                if task not in peer.tasks or (peer.header.key, task) in self.failures:
                    continue
                say(f"{task}: pixels of {peer.header.name}")
                pixels = self._try(peer, task, "compare", folder)
                if pixels is not None:
                    self.times[peer.header.key, task] = _Times(pixels, [], [])
            for file in folder.glob("*.npy"):
                file.unlink()

    def _try(
        self, peer: PeerProcess, task: str, do: str, folder: Path | None = None
    ) -> dict[str, Any] | None:
        try:
            return peer.ask(do, task, folder)
        except PeerError as error:
            self.failures[peer.header.key, task] = str(error)
            self.times.pop((peer.header.key, task), None)
            return None

    def run_rounds(self, rounds: int, progress: OnProgress | None) -> None:
        """Lets all take turns; each round begins with another one."""
        for turn in range(rounds):
            for task in self.tasks:
                keys = [key for key, of in self.times if of == task]
                first = turn % len(keys) if keys else 0
                for key in keys[first:] + keys[:first]:
                    taken = self._try(self.peers[key], task, "time")
                    if taken is not None:
                        self.times[key, task].wall.append(taken["wall"])
                        self.times[key, task].processor.append(taken["cpu"])
            if progress is not None:
                progress(turn + 1, rounds)

    def rows(self) -> Iterator[PeerRow]:
        """The results, the fastest of each task first, those without figures last."""
        for task in self.tasks:
            rows = [self._row(header, task) for header in self.headers]
            yield from sorted(rows, key=lambda row: (row.milliseconds is None, row.milliseconds))

    def _row(self, header: Header, task: str) -> PeerRow:
        times = self.times.get((header.key, task))
        peer = self.peers.get(header.key)
        version = None if peer is None else peer.version
        head = (task, header.key, header.name, version)
        if times is None:
            note = (
                self.failures.get((header.key, None))
                or self.failures.get((header.key, task))
                or header.cannot.get(task, "has no such function")
            )
            return PeerRow(*head, None, None, None, None, None, None, None, note)
        wall = statistics.median(times.wall)
        ours = self.times.get((OURS, task))
        ratio = None
        if ours is not None:
            pairs = zip(times.processor, ours.processor, strict=True)
            ratio = statistics.median(theirs / own for theirs, own in pairs)
        return PeerRow(
            *head,
            self.photos.count / wall,
            self.photos.bytes / wall / 1e6,
            statistics.median(times.processor) / self.photos.count * 1e3,
            ratio,
            times.pixels["equal"],
            times.pixels["psnr"],
            times.pixels["crc32"],
            header.notes.get(task, ""),
        )


def best_peers(rows: Sequence[PeerRow]) -> dict[str, PeerRow]:
    """The fastest peer of each task that both it and Ptarmigan did."""
    best: dict[str, PeerRow] = {}
    for row in rows:
        if row.peer in (OURS, LATER) or row.ratio is None:
            continue
        if row.task not in best or row.ratio < (best[row.task].ratio or 0):
            best[row.task] = row
    return best


def run_peers(
    path: str | None = None,
    *,
    peers: Sequence[str] | None = None,
    tasks: Sequence[str] = TASKS,
    environments: str | Path | None = ".bench/peers",
    source: str | None = None,
    photos: int = 96,
    rounds: int = 7,
    say: Say = lambda _: None,
    progress: OnProgress | None = None,
) -> list[PeerRow]:
    """Measures Ptarmigan beside its peers, each on the same photos, boxes and processor.

    Args:
        path: An archive, a folder with ``train_val_images.tar.gz``, or a folder of photos; by
            default photos are made up. Only those count that have three components and that
            EXIF does not turn.
        peers: Names of peers, by default all; Ptarmigan and Pillow always take part.
        tasks: Which of ``decode``, ``random_crop``, ``central_crop`` and ``entropy``.
        environments: Folder with an environment for each peer, made where it is not there; None
            looks for all of them in the environment that this runs in.
        source: Folder of the peers' files, by default the package's own.
        photos: So many photos at most, from all over the archive.
        rounds: So often all take turns.
        say: Called with what takes a while.
        progress: Called with (rounds done, rounds in all).

    Returns:
        A row for each task and peer, in the order of the tasks, the fastest first. A peer that
        cannot be had, or fails, has a row without figures that says why.

    Raises:
        FileNotFoundError: If ``source`` has no peers.
        ValueError: If there is no such peer or task, or a number is out of its range.
    """
    for task in tasks:
        if task not in TASKS:
            raise ValueError(f"`{task}` is none of the tasks {', '.join(TASKS)}")
    for name, number in (("photos", photos), ("rounds", rounds)):
        if not 0 < number <= 10_000:
            raise ValueError(f"`{name}` must be from 1 to 10000, not `{number}`")
    programs = programs_folder(source)
    names = None if peers is None else [OURS, REFERENCE, *peers]
    headers = find_peers(programs, names)
    place = None if environments is None else Path(environments)
    with tempfile.TemporaryDirectory(prefix="ptarmigan-peers-") as temporary, ExitStack() as stack:
        scratch = Path(temporary)
        for name in ("photos", "pixels"):
            (scratch / name).mkdir()
        contest = _Contest(headers, _write_photos(path, scratch / "photos", photos), tasks)
        contest.start(stack, place, scratch, say)
        contest.compare_pixels(scratch / "pixels", say)
        contest.run_rounds(rounds, progress)
        return list(contest.rows())
