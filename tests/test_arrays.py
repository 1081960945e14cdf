"""Memory of arrays that nobody has any more is used again, and none that somebody has."""

from __future__ import annotations

import gc
import random
import threading

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan import arrays
from ptarmigan.arrays import aligned_empty
from synthetic import make_jpeg

SIZE = 1 << 20


@pytest.fixture(autouse=True)
def fresh_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_POOL", arrays.Pool())


def test_dropped_memory_is_used_again() -> None:
    first = aligned_empty(SIZE, np.uint8)
    address = first.ctypes.data
    del first
    again = aligned_empty((1024, 512), np.uint16)
    assert again.ctypes.data == address
    assert aligned_empty(SIZE, np.uint8).ctypes.data != address


@pytest.mark.parametrize(
    "keep",
    [
        lambda array: array,
        lambda array: array[5:6],
        lambda array: array.reshape(2, -1).T[3:, :1],
        lambda array: array.view(np.uint16)[::2],
        memoryview,
        lambda array: np.asarray(memoryview(array)[7:9]),
        lambda array: np.from_dlpack(array),
        iter,
    ],
)
def test_memory_of_which_a_part_is_kept_is_not(keep: object) -> None:
    array = aligned_empty(SIZE, np.uint8)
    start, end = array.ctypes.data, array.ctypes.data + array.nbytes
    kept = keep(array)  # type: ignore[operator]
    del array
    gc.collect()
    others = [aligned_empty(SIZE, np.uint8) for _ in range(4)]
    assert not any(start <= other.ctypes.data < end for other in others)
    del kept
    gc.collect()
    assert start <= aligned_empty(SIZE, np.uint8).ctypes.data < end


def test_no_more_is_kept_than_the_bound() -> None:
    many = [aligned_empty(SIZE, np.uint8) for _ in range(100)]
    pool = arrays._POOL
    assert pool._bytes == sum(buffer.size for buffer in pool._buffers) <= arrays.POOL_BYTES
    del many
    # Other sizes take the place of what is never asked for again.
    for step in range(200):
        aligned_empty(SIZE * (1 + step % 7) * 3, np.uint8)
        assert pool._bytes == sum(buffer.size for buffer in pool._buffers) <= arrays.POOL_BYTES


def test_arrays_of_several_threads_never_share_memory() -> None:
    wrong = []

    def work(name: int) -> None:
        chance = random.Random(name)
        mine: list[tuple[np.ndarray, int]] = []
        for _ in range(300):
            array = aligned_empty(chance.choice([SIZE // 4, SIZE // 3, SIZE]), np.uint8)
            mark = chance.randrange(256)
            array[:: 1 << 12] = mark
            mine.append((array[::7] if chance.random() < 0.5 else array, mark))
            if len(mine) > 5:
                kept, mark = mine.pop(chance.randrange(6))
                if kept.flat[0] != mark:
                    wrong.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_images_that_are_kept_stay_as_they_are() -> None:
    files = [make_jpeg(seed, 400, 300) for seed in range(6)]
    kept = [pt.decode(file) for file in files for _ in range(3)]
    copies = [image.copy() for image in kept]
    for image, file in zip(kept[::3], files, strict=True):
        np.testing.assert_array_equal(pt.decode(file), image)
    for image, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(image, copy)
