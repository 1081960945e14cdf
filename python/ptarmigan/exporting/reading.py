"""Turns numbers of members into their bytes: neighbours together, by several threads, in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..archive import Archive

__all__ = ["groups_of", "in_order", "thread_count"]

# What a thread reads at once. Neighbours share the way to them in a compressed archive; more would
# only be more memory.
_GROUP_MEMBERS: Final = 32
_GROUP_BYTES: Final = 4 << 20

Task = TypeVar("Task")
Result = TypeVar("Result")


def thread_count(threads: int | None, usual: int | None = None) -> int:
    """How many threads to use: as asked for, else the usual, else one a processor.

    Raises:
        ValueError: If it is less than one.
    """
    count = threads or usual or len(os.sched_getaffinity(0))
    if threads == 0 or count < 1:
        raise ValueError(f"expected at least one thread, found threads={threads}")
    return count


def groups_of(archive: Archive, members: Iterable[int]) -> Iterator[list[int]]:
    """The places of a list of members in groups that are small enough to be read at once.

    Yields:
        Places in ``members``, in its order. A larger member is a group of its own.
    """
    sizes = archive.members["size"]
    group: list[int] = []
    room = _GROUP_BYTES
    for place, member in enumerate(members):
        size = int(sizes[member])
        if group and (len(group) == _GROUP_MEMBERS or size > room):
            yield group
            group, room = [], _GROUP_BYTES
        group.append(place)
        room -= size
    if group:
        yield group


@contextmanager
def in_order(
    work: Callable[[Task], Result], tasks: Iterable[Task], threads: int
) -> Iterator[Iterator[Result]]:
    """Does tasks on threads, and gives their results in the tasks' order.

    No more than two results a thread are waiting. The threads have ended when the block is left,
    and tasks that have not begun are not done then.

    Args:
        work: What is done with a task.
        tasks: The tasks; they are asked for as results are taken.
        threads: How many threads.

    Yields:
        The iterator of results; it raises what the first failing task has raised.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ptarmigan-export")
    try:
        yield _results(pool, work, tasks, 2 * threads)
    finally:
        pool.shutdown(cancel_futures=True)


def _results(
    pool: ThreadPoolExecutor, work: Callable[[Task], Result], tasks: Iterable[Task], depth: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    for task in tasks:
        waiting.append(pool.submit(work, task))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
