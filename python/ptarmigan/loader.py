"""Turns a data set into batches, made ahead by threads: same batches for any number of them.

Not here: the order, the rows of each batch and the threads, which are the core's; one pass over
the batches, which is in ``ptarmigan.batch``; what PyTorch has to be asked (``ptarmigan.torch``).
"""

from __future__ import annotations

import os
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from . import _core, state
from . import torch as _torch
from .arguments import natural, one_of, whole
from .batch import Batch, Failure, Pass
from .errors import ScanPointsWarning
from .pixels import DECODES, Output
from .sample_columns import SampleColumns, column_of, field_of
from .scan_points import place_of, trouble_of
from .transforms import RandomResizedCrop, ResizeCenterCrop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


__all__ = ["Batch", "Failure", "Loader"]

ERROR_POLICIES = ("raise", "skip", "zero")
_MOST_THREADS = 4096


class Loader:
    """An iterable of batches, decoded by threads of its own while the caller computes.

    Every pass (``for batch in loader``) is one epoch. A batch is a function of (seed, epoch,
    position) alone: the number of threads, the machine and restarts do not matter, and the ranks
    of a distributed run read together what one rank alone would read.

    A pass that delivers all its batches moves on to the next epoch; ``set_epoch`` chooses one. A
    pass that is left early starts anew with the next ``iter``, unless ``load_state_dict`` says
    where to go on. Only one pass runs at a time: ``iter`` ends the one before. The threads live
    as long as the pass: they are joined when it ends, fails or is garbage-collected. A loader
    can be pickled and survives a fork; a pass does not.

    Without ``drop_last`` the last batch is short, and every rank yields the same number of
    batches: where one has none left, it yields rows of the epoch's start with ``valid`` False.
    With it, batches that are not full or that not every rank can match are left out.

    Args:
        dataset: ``INaturalist``, ``ImageArchive`` or anything with ``archive``, ``members``,
            ``targets`` and ``image_ids``; for ``fields`` also ``field``. Where it has
            ``numbering``, a name and a checksum, states carry it.
        batch_size: Rows of a batch, for this rank.
        transform: ``RandomResizedCrop`` or ``ResizeCenterCrop``; has to be given.
        output: Type, layout and normalisation of the images; by default uint8, NHWC.
        shuffle: False reads in the order of the data set.
        seed: Names every random choice of the run, 0 to 2**64 - 1.
        order: ``"exact"``: every permutation is equally likely. ``"local"``: every sample once, in
            groups of neighbours in the archive, many groups mixed (see ``class_mixing``), which
            suits storage that is slow at random. ``"sequential"``: the order of the archive,
            whatever ``shuffle`` says.
        drop_last: Leaves out what does not fill a batch on every rank.
        rank: This process among those that train together, or ``"auto"`` to take it from
            ``torch.distributed`` or the variables RANK and WORLD_SIZE.
        world_size: Number of processes that train together, or ``"auto"``.
        threads: Threads that decode; by default as many as this process may run at once.
        prefetch: Batches made ahead of the one that is waited for. The memory in use is that of
            ``prefetch`` + 1 batches, and of those that the caller keeps.
        on_error: What an image that cannot be decoded does. ``"raise"``: ends the pass with the
            error, which names the member. ``"skip"``: leaves the row out, so the batch is
            shorter. ``"zero"``: zeroes the row and clears its ``valid``. All three add to
            ``errors``. Errors of the operating system always raise.
        decode: ``"exact"`` (equal to Pillow) or ``"fast"`` (nearly; see ``decode_batch``).
        scan_points: Whether decoding may start at the crop. True keeps what the first epoch finds
            out about each JPEG, 1.5 to 6 KB, in a file beside the index,
            ``<archive>.ptscan``; later epochs and runs decode less. False does not; a path names
            another file, which belongs to one archive. The batches are the same. The file is a
            cache that may be deleted at any time: at most a fiftieth of the archive or 64 MiB,
            whichever is more. Where the folder cannot be written to, up to 256 MiB are kept in
            memory. Any other failure to write gives a `ScanPointsWarning`.
        fields: Names for ``dataset.field``, such as ``("latitude", "longitude", "date")``: the
            batches then have ``fields``, a dict of (N,) arrays, as a fifth element.

    Attributes:
        errors: One ``Failure`` for each image that could not be decoded, over all passes.

    Raises:
        ValueError: If an argument can never work.
        TypeError: If the data set, the transform or the output is something else.
    """

    errors: list[Failure]

    def __init__(
        self,
        dataset: SampleColumns,
        batch_size: int = 256,
        transform: RandomResizedCrop | ResizeCenterCrop | None = None,
        output: Output | None = None,
        *,
        shuffle: bool = True,
        seed: int = 0,
        order: str = "exact",
        drop_last: bool = False,
        rank: int | str = 0,
        world_size: int | str = 1,
        threads: int | None = None,
        prefetch: int = 2,
        on_error: str = "raise",
        decode: str = "exact",
        scan_points: bool | str | os.PathLike[str] = True,
        fields: Sequence[str] = (),
    ) -> None:
        if not isinstance(transform, RandomResizedCrop | ResizeCenterCrop):
            msg = (
                "`transform` must be a RandomResizedCrop or a ResizeCenterCrop, because images of "
                f"different sizes do not fit one batch; not {transform!r}"
            )
            raise TypeError(msg)
        if output is not None and not isinstance(output, Output):
            msg = f"`output` must be an Output, not {output!r}"
            raise TypeError(msg)
        self._dataset = dataset
        self._transform = transform
        self._output = Output() if output is None else output
        self._batch_size = whole("batch_size", batch_size, 1, 2**31 - 1)
        self._threads = None if threads is None else whole("threads", threads, 1, _MOST_THREADS)
        self._prefetch = whole("prefetch", prefetch, 0, 1024)
        self._order = one_of("order", order, state.ORDERS)
        self._on_error = one_of("on_error", on_error, ERROR_POLICIES)
        self._decode = one_of("decode", decode, DECODES)
        self._scan_points = place_of(scan_points)
        self._fields = (fields,) if isinstance(fields, str) else tuple(fields)
        self._shuffle = bool(shuffle)
        self._drop_last = bool(drop_last)
        self._seed = natural("seed", seed)
        if "auto" in (rank, world_size):
            found = _torch.rank_and_world_size()
            rank = found[0] if rank == "auto" else rank
            world_size = found[1] if world_size == "auto" else world_size
        self._world_size = whole("world_size", world_size, 1, 2**31 - 1)
        self._rank = whole("rank", rank, 0, self._world_size - 1)
        self._epoch = 0
        self._position = 0
        self._resuming = False
        self._finished = False
        self.errors = []
        self._open()

    def _open(self) -> None:
        """Makes what a pickle does not hold."""
        self._members = column_of(self._dataset, "members")
        self._labels = column_of(self._dataset, "targets")
        self._ids = column_of(self._dataset, "image_ids")
        lengths = [len(self._members), len(self._labels), len(self._ids)]
        if len(set(lengths)) != 1:
            msg = f"`members`, `targets` and `image_ids` of the data set have lengths {lengths}"
            raise ValueError(msg)
        self._field_columns = {
            name: field_of(self._dataset, name, len(self._ids)) for name in self._fields
        }
        self._numbering = getattr(self._dataset, "numbering", ("", ""))
        self._open_core()

    def _open_core(self) -> None:
        self._core = _core.Loader(
            self._dataset.archive._core,
            self._members,
            self._ids,
            self._transform._core(),
            self._output._core(),
            self._decode,
            self._seed,
            self._core_order(),
            self._batch_size,
            self._drop_last,
            self._prefetch,
            self._on_error == "skip",
            self._scan_points,
        )
        self._process = os.getpid()
        self._pass: weakref.ref[Pass] | None = None
        self._warn_of_points()

    def _core_order(self) -> str:
        return self._order if self._shuffle or self._order == "sequential" else "stored"

    def __getstate__(self) -> dict[str, Any]:
        made = ("_members", "_labels", "_ids", "_field_columns", "_core", "_process", "_pass")
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    @property  # type: ignore[misc]
    def __class__(self) -> type[Loader]:
        # `isinstance(loader, torch.utils.data.IterableDataset)` asks for it, whichever of torch
        # and the loader came first.
        _torch.adopt(Loader)
        return type(self)

    def __repr__(self) -> str:
        return (
            f"Loader({self._dataset!r}, batch_size={self._batch_size}, order={self._order!r}, "
            f"shuffle={self._shuffle}, seed={self._seed}, rank={self._rank}, "
            f"world_size={self._world_size})"
        )

    @property
    def dataset(self) -> Any:
        """The data set."""
        return self._dataset

    @property
    def batch_size(self) -> int:
        """Rows of a full batch."""
        return self._batch_size

    @property
    def rank(self) -> int:
        """This process among those that train together."""
        return self._rank

    @property
    def world_size(self) -> int:
        """Number of processes that train together."""
        return self._world_size

    @property
    def epoch(self) -> int:
        """The epoch of the pass that runs, or of the next one where none runs."""
        return self._epoch + (self._finished and self._running() is None)

    def __len__(self) -> int:
        """Batches of this rank in a whole epoch."""
        return self._core.batches(0, (self._rank, self._world_size, 0, 1))

    def __iter__(self) -> Iterator[Batch]:
        """Starts a pass; ends the one before."""
        self._stop()
        if self._process != os.getpid():
            # The file of scan points is open for the process that this one was forked from.
            self._open_core()
        worker, workers = _torch.worker_and_workers()
        share = (self._rank, self._world_size, worker, workers)
        if self._finished:
            self._move(self._epoch + 1, 0)
        elif not self._resuming:
            self._position = 0
        self._resuming = False
        # A worker may have none of the batches that are left while another one has.
        if self._position and workers == 1 and self._core.batches(self._position, share) == 0:
            self._move(self._epoch + 1, 0)
        running = self._core.start(self._epoch, self._position, share, self._threads)
        made = Pass(self, self._epoch, workers, running)
        self._pass = weakref.ref(made)
        return made

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch of the next pass; without it each pass is the one after the last.

        After ``load_state_dict``, choosing the epoch of the state keeps its position, so that
        ``for epoch in range(loader.epoch, epochs): loader.set_epoch(epoch)`` goes on where the
        state was taken. A pass of another epoch that still runs is ended.

        Args:
            epoch: 0 to 2**64 - 1.

        Raises:
            ValueError: If it is not.
        """
        epoch = natural("epoch", epoch)
        if epoch == self._epoch and not self._finished:
            return
        if epoch != self._epoch or self._running() is None:
            self._stop()
            self._move(epoch, 0)

    def state_dict(self) -> dict[str, Any]:
        """Where the run is: plain numbers and strings, always the same few.

        Counts the batches that have been delivered, not those made ahead. In a distributed run
        every rank's state is the same after equally many batches, so one rank's is enough.

        Returns:
            A dict that JSON, pickle and ``torch.save`` can hold. ``labels`` and
            ``labels_checksum`` are the numbering of the classes, empty where the data set has none.
        """
        epoch, position = self._epoch, self._position
        if self._finished:
            epoch, position = epoch + 1, 0
        return {
            "version": state.VERSION,
            "seed": self._seed,
            "epoch": epoch,
            "position": position,
            "order": self._order,
            "shuffle": self._shuffle,
            "fingerprint": self._core.fingerprint,
            "labels": self._numbering[0],
            "labels_checksum": self._numbering[1],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any], *, strict: bool = True) -> None:
        """Makes the next pass go on where ``state_dict`` was taken.

        Batch size, number of ranks, threads, transform and output may be others than then.

        Args:
            state_dict: What the method of that name returned.
            strict: False accepts the state of another data set, of which only the position is
                used, and takes seed, order and shuffle from the state where they differ.

        Raises:
            ValueError: If it is no such state, or it does not fit this loader.
        """
        state.check(state_dict, self.state_dict(), len(self._ids), strict=strict)
        self._stop()
        way = (state_dict["seed"], state_dict["order"], state_dict["shuffle"])
        if (self._seed, self._order, self._shuffle) != way:
            self._seed, self._order, self._shuffle = way
            self._open()
        self._move(state_dict["epoch"], state_dict["position"])
        self._resuming = True

    def close(self) -> None:
        """Ends the pass that runs and writes what is to be kept; the loader can be used again.

        A pass does both when it ends or is garbage-collected.
        """
        self._stop()
        self._warn_of_points()

    def class_mixing(self, epoch: int | None = None) -> float:
        """How well an epoch's order mixes the classes, beside a full shuffle.

        Args:
            epoch: The epoch; by default the current one.

        Returns:
            The mean number of different labels in a full batch, divided by the same number under
            ``order="exact"`` with this seed and epoch: 1 is as good as it gets, near 0 is an
            archive sorted by class, read front to back. NaN for an empty data set.
        """
        epoch = self.epoch if epoch is None else natural("epoch", epoch)

        def labels_per_batch(order: str) -> float:
            samples = _core.epoch_order(order, self._members, self._seed, epoch)
            return _core.labels_per_batch(samples, self._labels, self._batch_size)

        return labels_per_batch(self._core_order()) / labels_per_batch("exact")

    def _move(self, epoch: int, position: int) -> None:
        self._epoch, self._position = epoch, position
        self._resuming = self._finished = False

    def _warn_of_points(self) -> None:
        message = trouble_of(self._core.take_trouble(), self._scan_points)
        if message is not None:
            warnings.warn(message, ScanPointsWarning, stacklevel=3)

    def _running(self) -> Pass | None:
        running = None if self._pass is None else self._pass()
        return None if running is None or running.ended else running

    def _stop(self) -> None:
        running = self._running()
        if running is not None:
            running.close()
        self._pass = None
