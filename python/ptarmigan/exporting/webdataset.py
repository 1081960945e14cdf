"""Turns the photos of a data set into tar shards, as the library WebDataset reads them."""

from __future__ import annotations

import errno
import json
import os
import tarfile
import time
from contextlib import ExitStack
from glob import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

import numpy as np

from .. import _core
from ..archive import FORMATS
from ..errors import AnnotationError, DecodeError
from ..metadata import attribution
from ..progress import progress_reporter
from ..taxonomy import Taxonomy
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination
from .extraction import Written
from .photos import archive_order, check_on_error, reencoding_of
from .reading import groups_of, in_order, thread_count
from .selection import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..inaturalist import INaturalist
    from ..progress import OnProgress

__all__ = ["write_shards"]

_BLOCK: Final = tarfile.BLOCKSIZE


def write_shards(
    dataset: INaturalist,
    dest: str | os.PathLike[str],
    *,
    rows: Iterable[int] | None = None,
    prefix: str | None = None,
    shard_bytes: int = 1_000_000_000,
    shard_samples: int = 10_000,
    shuffle: bool = False,
    seed: int = 0,
    resize: int | None = None,
    quality: int | None = None,
    interpolation: str = "bicubic",
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
    threads: int | None = None,
    progress: bool | OnProgress | None = None,
) -> Written:
    """Writes ``<prefix>-000000.tar`` and so on, and ``CREDITS.csv`` beside them.

    A sample's key is its image id in eight digits, and it has these files: ``.jpg`` (or what the
    photo is), ``.cls`` with the label (``dataset.targets``, in decimal; not in the test split), and
    ``.json`` with ``id``, ``file_name``, ``label``, ``category``, ``supercategory``, ``taxonomy``
    (the ranks, where the categories have them), ``location`` (as `INaturalist.location`; left out
    if the locations file is not there) and ``credits`` (as `INaturalist.attribution`). Shards
    are plain ustar files, in which nothing depends on the time, the user or the number of threads.

    Args:
        dataset: The photos.
        dest: The folder to write into; it is made where it is missing.
        rows: Which samples; by default all.
        prefix: What the shards' names begin with; by default the split,
            ``train-val`` where that is two.
        shard_bytes: Bytes of a shard at most, unless one sample is larger.
        shard_samples: Samples of a shard at most.
        shuffle: Whether samples are in a random order, that of ``Loader(order="exact")`` in epoch
            0; by default they are in the archive's, which is often sorted by class.
        seed: Decides that order.
        resize: As for `write_folder`.
        quality: As for `write_folder`.
        interpolation: As for `Reencoding`.
        on_error: As for `write_folder`.
        overwrite: Whether shards with this prefix are removed first.
        threads: How many threads; by default the archive's, or one a processor.
        progress: As for `ptarmigan.Archive`; bytes are those read.

    Raises:
        AnnotationError: If two samples have one image id.
        ArchiveError: If a photo's bytes are damaged.
        DecodeError: If a photo cannot be decoded.
        FileExistsError: If there are shards with this prefix; nothing is written then.
        OSError: If a file cannot be written.
        ValueError: If an argument can never work.
    """
    start = time.perf_counter()
    convert = reencoding_of(resize, quality, interpolation)
    skip = check_on_error(on_error)
    archive = dataset.archive
    count = thread_count(threads, archive.threads)
    prefix = _checked_prefix(dataset.split.replace("+", "-") if prefix is None else prefix)
    if shard_bytes < 1 or shard_samples < 1:
        raise ValueError(
            f"expected shards of at least 1 byte and 1 sample, found {shard_bytes}, {shard_samples}"
        )
    order = archive_order(dataset, rows)
    _check_ids(dataset.image_ids[order])
    if shuffle:
        order = order[_core.epoch_order("exact", dataset.members[order], seed, 0)]
    members = dataset.members[order].tolist()
    sizes = archive.members["size"]
    check_credits(Path(dest))
    show_once()

    def read(group: list[int]) -> tuple[list[tuple[int, bytes | DecodeError]], int]:
        chosen = [members[place] for place in group]
        samples: list[tuple[int, bytes | DecodeError]] = []
        for place, data in zip(group, archive.read_many(chosen, threads=1), strict=True):
            try:
                name = dataset.member_name(int(order[place]))
                samples.append(
                    (place, data if convert is None else convert(data, name, archive.path))
                )
            except DecodeError as error:
                if not skip:
                    raise
                samples.append((place, error))
        return samples, int(sizes[chosen].sum())

    describe = _Samples(dataset, jpeg=convert is not None)
    total, done, seen, skipped = int(sizes[members].sum()), 0, 0, []
    with Destination(dest) as destination:
        _make_room(destination, prefix, overwrite=overwrite)
        credits_ = add_credits(destination, part_of(dataset._table, order))
        with (
            progress_reporter(progress, f"writing {os.fspath(dest)}") as report,
            ExitStack() as stack,
            in_order(read, groups_of(archive, members), count) as groups,
        ):
            shards = _Shards(stack, destination, prefix, shard_bytes, shard_samples)
            for samples, size in groups:
                for place, data in samples:
                    row = int(order[place])
                    if isinstance(data, DecodeError):
                        skipped.append((dataset.member_name(row), str(data)))
                    else:
                        shards.add(describe.files(row, data))
                done, seen = done + size, seen + len(samples)
                if report is not None:
                    report(done, total, seen)
            shards.finish()
    return Written(
        os.fspath(dest),
        seen - len(skipped),
        shards.bytes,
        0,
        skipped,
        credits_,
        time.perf_counter() - start,
        tuple(shards.names),
    )


def _checked_prefix(prefix: str) -> str:
    if not prefix or "/" in prefix or prefix.startswith("."):
        raise ValueError(f"expected a prefix of file names, found {prefix!r}")
    return prefix


def _check_ids(image_ids: NDArray[np.int64]) -> None:
    ids, counts = np.unique(image_ids, return_counts=True)
    if (counts > 1).any():
        twice = ids[counts > 1][0]
        raise AnnotationError(f"two samples have the image id {twice}, which is their key: export "
                              "the splits one by one")  # fmt: skip


def _make_room(destination: Destination, prefix: str, *, overwrite: bool) -> None:
    there = sorted(destination.folder.glob(f"{escape(prefix)}-{'[0-9]' * 6}.tar"))
    if there and not overwrite:
        text = (
            f"{len(there):,} shards are there already, this is the first: overwriting removes them"
        )
        raise FileExistsError(errno.EEXIST, text, str(there[0]))
    for path in there:
        path.unlink()


class _Samples:
    """What is known of each sample, as the files that go into a shard beside its photo."""

    def __init__(self, dataset: INaturalist, *, jpeg: bool) -> None:
        self._dataset = dataset
        self._jpeg = jpeg
        self._formats = dataset.archive.members["format"]
        self._taxonomy = Taxonomy(dataset._table, dataset._release)
        columns = dataset._table.category_columns
        self._ranks = {rank: columns[rank] for rank in dataset._release.ranks if rank in columns}
        self._located = _has_locations(dataset)

    def files(self, row: int, data: bytes) -> list[tuple[str, bytes]]:
        """(name, content) of a sample's files; the key is the name up to the first dot."""
        dataset = self._dataset
        image_id, label = int(dataset.image_ids[row]), int(dataset.targets[row])
        id_ = int(dataset.category_ids[row])
        credit = attribution(dataset._table, row)
        record = {
            "id": image_id,
            "file_name": credit.pop("file_name"),
            "label": None if label < 0 else label,
            "category": None if id_ < 0 else self._taxonomy.names[id_],
            "supercategory": None if id_ < 0 else self._taxonomy.above[id_] or None,
            "credits": credit,
        }
        if self._ranks and id_ >= 0:
            record["taxonomy"] = {rank: names[id_] for rank, names in self._ranks.items()}
        if self._located:
            record["location"] = dataset.location(row)
        text = json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False)
        key = f"{image_id:08d}"
        files = [(f"{key}.{self._extension(row)}", data), (f"{key}.json", text.encode())]
        if label >= 0:
            files.insert(1, (f"{key}.cls", str(label).encode()))
        return files

    def _extension(self, row: int) -> str:
        if self._jpeg:
            return "jpg"
        name = FORMATS[self._formats[self._dataset.members[row]]]
        if name == "unknown":
            return self._dataset.file_names[row].rpartition(".")[2].lower()
        return {"jpeg": "jpg"}.get(name, name)


def _has_locations(dataset: INaturalist) -> bool:
    try:
        dataset.location(0)
    except (FileNotFoundError, IndexError):
        return False
    return True


class _Shards:
    """Writes samples into one shard after the other; ``stack`` ends the one that is open."""

    def __init__(
        self,
        stack: ExitStack,
        destination: Destination,
        prefix: str,
        shard_bytes: int,
        shard_samples: int,
    ) -> None:
        self._stack = stack
        self._destination = destination
        self._prefix = prefix
        self._room = (shard_bytes, shard_samples)
        self._file: IO[bytes] | None = None
        self._bytes = 0
        self._samples = 0
        self.names: list[str] = []
        self.bytes = 0

    def add(self, files: list[tuple[str, bytes]]) -> None:
        """Writes the files of a sample, which are never divided between two shards."""
        size = sum(_BLOCK + _padded(len(data), _BLOCK) for _, data in files)
        shard_bytes, shard_samples = self._room
        # Two blocks of zeros end a tar, and its length is a multiple of twenty blocks.
        whole = _padded(self._bytes + size + 2 * _BLOCK, tarfile.RECORDSIZE)
        if self._samples and (self._samples == shard_samples or whole > shard_bytes):
            self.finish()
        if self._file is None:
            name = f"{self._prefix}-{len(self.names):06d}.tar"
            self._file = self._stack.enter_context(self._destination.file(name))
            self.names.append(name)
        for name, data in files:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            self._file.write(header.tobuf(tarfile.USTAR_FORMAT))
            self._file.write(data)
            self._file.write(bytes(_padded(len(data), _BLOCK) - len(data)))
        self._bytes += size
        self._samples += 1

    def finish(self) -> None:
        """Ends the shard that is open, so that it takes its name."""
        if self._file is not None:
            end = _padded(self._bytes + 2 * _BLOCK, tarfile.RECORDSIZE)
            self._file.write(bytes(end - self._bytes))
            self._stack.close()
            self.bytes += end
            self._file, self._bytes, self._samples = None, 0, 0


def _padded(size: int, block: int) -> int:
    return -(-size // block) * block
