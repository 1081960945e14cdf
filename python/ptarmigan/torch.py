"""Turns what PyTorch knows about this process into what a loader needs; imports it only on demand.

Not here: any import of torch at import time. Where torch has not been imported by the user, there
is no distributed training and no worker process, and nothing has to be asked.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from .loader import Batch

__all__ = ["adopt", "pinned", "rank_and_world_size", "worker_and_workers"]

_adopted: set[type] = set()


def _imported(name: str) -> ModuleType | None:
    """A module that the user has imported already."""
    return sys.modules.get(name)


def adopt(loader: type) -> None:
    """Makes ``loader`` an ``IterableDataset`` in the eyes of ``isinstance``, if torch is there.

    ``torch.utils.data.DataLoader`` chooses between its two protocols by that test. The class is
    registered, not derived, so that it exists without torch.

    Args:
        loader: The class.
    """
    data = _imported("torch.utils.data")
    iterable = getattr(data, "IterableDataset", None)
    if iterable is not None and loader not in _adopted:
        _adopted.add(loader)
        iterable.register(loader)


def worker_and_workers() -> tuple[int, int]:
    """Which worker process of a ``DataLoader`` this is, and of how many; (0, 1) outside one."""
    data = _imported("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    return (0, 1) if info is None else (info.id, info.num_workers)


def rank_and_world_size() -> tuple[int, int]:
    """Rank and number of the processes that train together.

    Taken from ``torch.distributed`` where it is initialised, else from the variables ``RANK`` and
    ``WORLD_SIZE`` that ``torchrun`` sets, else (0, 1).

    Raises:
        ValueError: If only one of the variables is set, or one is not a whole number.
    """
    distributed = _imported("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    rank, world_size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if rank is None and world_size is None:
        return 0, 1
    try:
        return int(rank or ""), int(world_size or "")
    except ValueError:
        msg = (
            "the variables RANK and WORLD_SIZE must both be whole numbers, "
            f"found {rank!r} and {world_size!r}"
        )
        raise ValueError(msg) from None


def pinned(batch: Batch) -> Batch:
    """The batch as tensors in page-locked memory, which a GPU can fetch on its own.

    Args:
        batch: Arrays or tensors.

    Returns:
        A batch of tensors; dates among its fields stay arrays, because tensors have no such type.

    Raises:
        ImportError: If torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        msg = "pinning memory needs torch: `pip install torch`"
        raise ImportError(msg) from error

    def pin(field: Any) -> Any:
        if isinstance(field, dict):
            return {name: pin(column) for name, column in field.items()}
        if getattr(getattr(field, "dtype", None), "kind", "") == "M":
            return field
        return torch.as_tensor(field).pin_memory()

    return type(batch)(*(pin(field) for field in batch))
