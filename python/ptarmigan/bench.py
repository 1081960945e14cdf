"""Turns photos into images a second, ours and Pillow's, of the same bytes and the same boxes.

Both sides take turns in one process, and every pixel of both is compared, so that a ratio is
never one of two different works.
"""

from __future__ import annotations

import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ptarmigan.archive import Archive

__all__ = ["WORKS", "Row", "archive_path", "choose_photos", "describe_machine", "run_bench"]

WORKS: Final = ("decode", "crop", "loader")
SIZE: Final = 224
BATCH: Final = 32
# Photos that are measured; more would only measure the memory.
PHOTOS: Final = 96

Images = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Attributes:
        work: ``decode``, ``crop`` or ``loader``.
        source: Where the photos are from.
        threads: Threads of both sides.
        images_per_second: Ours.
        megabytes_per_second: Ours, of JPEG bytes, in millions.
        pillow_images_per_second: Pillow's, None where it is not installed.
        ratio: Median of ours over Pillow's in the same turn, None likewise.
        equal: Whether all pixels were equal, None likewise.
    """

    work: str
    source: str
    threads: int
    images_per_second: float
    megabytes_per_second: float
    pillow_images_per_second: float | None
    ratio: float | None
    equal: bool | None

    def cells(self) -> tuple[str, int, float, float, str | float, str | float, str]:
        """The line as table cells."""
        peer = self.pillow_images_per_second
        return (
            self.work,
            self.threads,
            round(self.images_per_second),
            round(self.megabytes_per_second, 1),
            "-" if peer is None else round(peer),
            "-" if self.ratio is None else f"{self.ratio:.2f}",
            {None: "-", True: "equal", False: "DIFFERENT"}[self.equal],
        )


def _pillow() -> str | None:
    try:
        import PIL
    except ImportError:
        return None
    # pillow-simd numbers its releases as Pillow's with a `.post`.
    name = "pillow-simd" if ".post" in PIL.__version__ else "Pillow"
    return f"{name} {PIL.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def describe_machine() -> dict[str, str]:
    """What a figure depends on: processor and versions."""
    from ptarmigan._core import __version__

    return {
        "processor": f"{_processor()} ({os.cpu_count()} logical)",
        "ptarmigan": __version__,
        "peer": _pillow() or "Pillow is not installed",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _decode_with_pillow(data: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _crop_with_pillow(data: bytes, box: NDArray[Any]) -> NDArray[np.uint8]:
    from PIL import Image

    x, y, width, height, flip = box.tolist()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(x, y, x + width, y + height))
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image)


def _in_threads(threads: int, work: Callable[..., Any], *columns: Iterable[Any]) -> list[Any]:
    if threads == 1:
        return list(map(work, *columns))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, *columns))


@dataclass
class _Photos:
    """Some photos of an archive, in the shape of a data set.

    Attributes:
        archive: Where they are.
        members: Their numbers in it.
        files: Their bytes.
        widths: Pixels across.
        heights: Pixels down.
    """

    archive: Archive
    members: NDArray[np.int64]
    files: list[bytes]
    widths: NDArray[np.int64]
    heights: NDArray[np.int64]
    classes: Sequence[str] = ("photo",)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def image_ids(self) -> NDArray[np.int64]:
        return np.arange(len(self), dtype=np.int64)

    @property
    def targets(self) -> NDArray[np.int64]:
        return np.zeros(len(self), np.int64)

    def batch(self, turn: int) -> NDArray[np.int64]:
        """Which photos have their turn."""
        batches = max(1, round(len(self) / BATCH))
        return np.array_split(self.image_ids, batches)[turn % batches]


@dataclass(frozen=True)
class _Turn:
    """The same images made by both sides, and how many bytes they are made of."""

    ours: Callable[[], Images]
    pillow: Callable[[], Images]
    bytes: int


def _decode_turn(photos: _Photos, threads: int, turn: int) -> _Turn:
    from ptarmigan.pixels import decode

    files = [photos.files[place] for place in photos.batch(turn)]
    return _Turn(
        lambda: _in_threads(threads, decode, files),
        lambda: _in_threads(threads, _decode_with_pillow, files),
        sum(map(len, files)),
    )


def _crop_turn(photos: _Photos, threads: int, turn: int) -> _Turn:
    from ptarmigan.pixels import decode_batch
    from ptarmigan.transforms import RandomResizedCrop

    crop = RandomResizedCrop(SIZE)
    places = photos.batch(turn)
    files = [photos.files[place] for place in places]
    boxes = crop.boxes(photos.widths[places], photos.heights[places], 0, turn, places)
    return _Turn(
        lambda: decode_batch(files, crop, epoch=turn, sample_ids=places, threads=threads),
        lambda: _in_threads(threads, _crop_with_pillow, files, boxes),
        sum(map(len, files)),
    )


def _loader_turn(photos: _Photos, threads: int, turn: int) -> _Turn:
    from ptarmigan.loader import Loader
    from ptarmigan.transforms import RandomResizedCrop

    crop = RandomResizedCrop(SIZE)
    loader = Loader(
        photos,
        batch_size=BATCH,
        transform=crop,
        shuffle=False,
        threads=threads,
        # Every turn is a first epoch, and nothing is left behind.
        scan_points=False,
    )
    loader.set_epoch(turn)
    boxes = crop.boxes(photos.widths, photos.heights, 0, turn, photos.image_ids)

    def read_and_crop(member: int, box: NDArray[Any]) -> NDArray[np.uint8]:
        return _crop_with_pillow(photos.archive.read(member), box)

    return _Turn(
        lambda: [image for batch in loader for image in batch.images],
        lambda: _in_threads(threads, read_and_crop, photos.members.tolist(), boxes),
        sum(map(len, photos.files)),
    )


_TURNS: Final = {"decode": _decode_turn, "crop": _crop_turn, "loader": _loader_turn}


def _timed(make: Callable[[], Images]) -> tuple[Images, float]:
    started = time.perf_counter()
    images = make()
    return images, time.perf_counter() - started


def _measure(work: str, source: str, photos: _Photos, threads: int, seconds: float) -> Row:
    """Lets both sides take turns until the time is over, at least twice."""
    ours: list[float] = []
    peers: list[float] = []
    count = size = 0
    equal: bool | None = None
    with_pillow = _pillow() is not None
    _TURNS[work](photos, threads, 0).ours()
    ends = time.perf_counter() + seconds
    while len(ours) < 2 or time.perf_counter() < ends:
        turn = _TURNS[work](photos, threads, len(ours))
        if with_pillow and len(ours) % 2:
            expected, peer = _timed(turn.pillow)
            images, own = _timed(turn.ours)
        else:
            images, own = _timed(turn.ours)
            expected, peer = _timed(turn.pillow) if with_pillow else (images, 0.0)
        ours.append(own)
        peers.append(peer)
        count += len(images)
        size += turn.bytes
        if with_pillow:
            same = len(images) == len(expected)
            pairs = zip(images, expected, strict=False)
            equal = equal is not False and same and all(np.array_equal(a, b) for a, b in pairs)
    ratios = [peer / own for own, peer in zip(ours, peers, strict=True)]
    return Row(
        work,
        source,
        threads,
        count / sum(ours),
        size / sum(ours) / 1e6,
        count / sum(peers) if with_pillow else None,
        statistics.median(ratios) if with_pillow else None,
        equal,
    )


@contextmanager
def archive_path(path: str | None) -> Iterator[tuple[Path, str]]:
    """The archive to read: the given one, the one of a data set, or made-up photos."""
    if path is None:
        from ptarmigan.synth import write_dataset

        with tempfile.TemporaryDirectory(prefix="ptarmigan-bench-") as folder:
            write_dataset(folder, scale=0.001, images=PHOTOS, test_images=1)
            yield Path(folder, "train_val_images.tar.gz"), "made-up photos, 800 px"
        return
    inside = Path(path, "train_val_images.tar.gz")
    yield (inside if inside.is_file() else Path(path)), path


def choose_photos(archive: Archive, most: int = PHOTOS, *, plain: bool = False) -> _Photos:
    """Photos from everywhere in the archive that can be decoded.

    Args:
        archive: Where they are.
        most: So many at most.
        plain: Only those with three components that EXIF does not turn, which every library takes.

    Raises:
        ValueError: If there is none.
    """
    from ptarmigan.errors import DecodeError
    from ptarmigan.pixels import decode

    fitting = archive.members["width"] > 0
    if plain:
        fitting &= (archive.members["components"] == 3) & (archive.members["orientation"] <= 1)
    jpegs = np.flatnonzero(fitting)
    chosen = jpegs[np.linspace(0, len(jpegs) - 1, min(most, len(jpegs))).astype(np.int64)]
    kept, files, shapes = [], [], []
    for member in chosen.tolist():
        data = archive.read(member)
        try:
            shapes.append(decode(data).shape)
        except DecodeError:
            continue
        kept.append(member)
        files.append(data)
    if not kept:
        raise ValueError(f"`{archive.path}` has no member that can be decoded")
    height, width, _ = np.array(shapes, np.int64).T
    return _Photos(archive, np.array(kept, np.int64), files, width.copy(), height.copy())


def run_bench(
    path: str | None = None,
    *,
    works: Sequence[str] = WORKS,
    seconds: float = 3.0,
    threads: int | None = None,
    progress: OnProgress | None = None,
) -> list[Row]:
    """Measures decoding, cropping to 224 pixels and loading, beside Pillow if it is installed.

    Args:
        path: An archive, a folder with ``train_val_images.tar.gz``, or a folder of photos; by
            default photos are made up. Up to 96 photos from all over it are measured.
        works: Which of ``decode``, ``crop`` and ``loader``.
        seconds: Least time for each row, both sides together.
        threads: Threads of both sides; by default one row with 1 and one with all processors.
        progress: Called with (rows done, rows in all).

    Returns:
        A row for each work and number of threads.

    Raises:
        ValueError: If nothing can be measured, or a number is out of its range.
    """
    if not 0 < seconds < 86_400:
        raise ValueError(f"`seconds` must be above 0 and less than a day, not `{seconds}`")
    if threads is not None and threads < 1:
        raise ValueError(f"`threads` must be at least 1, not `{threads}`")
    all_threads = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    counts = sorted({1, all_threads or 1}) if threads is None else [threads]
    rows = []
    with archive_path(path) as (archive, source):
        from ptarmigan.archive import Archive

        photos = choose_photos(Archive(archive))
        cells = [(work, count) for work in works for count in counts]
        for work, count in cells:
            rows.append(_measure(work, source, photos, count, seconds))
            if progress is not None:
                progress(len(rows), len(cells))
    return rows
