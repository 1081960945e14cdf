"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

__version__: str

# pixels

@final
class Transform:
    @staticmethod
    def random_resized_crop(
        size: tuple[int, int],
        scale: tuple[float, float],
        ratio: tuple[float, float],
        hflip: float,
        interpolation: str,
    ) -> Transform: ...
    @staticmethod
    def resize_center_crop(
        resize: int, crop: tuple[int, int], interpolation: str
    ) -> Transform: ...
    def boxes(
        self,
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
        seed: int,
        epoch: int,
        samples: NDArray[np.uint64],
    ) -> NDArray[np.int32]: ...
    def source_boxes(
        self, widths: NDArray[np.int64], heights: NDArray[np.int64]
    ) -> NDArray[np.float64]: ...

@final
class Output:
    def __new__(
        cls, dtype: str, layout: str, mean: Sequence[float], std: Sequence[float]
    ) -> Output: ...

def decode(data: bytes) -> tuple[int, int, NDArray[np.uint8]]: ...
def decode_batch(
    images: list[bytes],
    transform: Transform,
    output: Output,
    seed: int,
    epoch: int,
    samples: NDArray[np.uint64],
    threads: int | None,
    out: NDArray[np.uint8],
    names: Sequence[str] | None,
) -> None: ...

# archive

@final
class Archive:
    @staticmethod
    def open(
        path: str,
        index_path: str | None,
        build: str,
        expected_md5: str | None,
        progress: Callable[[int, int | None, int], object] | None,
    ) -> Archive: ...
    def __len__(self) -> int: ...
    def find(self, name: bytes) -> int | None: ...
    def name(self, member: int) -> bytes: ...
    def joined_names(self) -> bytes: ...
    def fill_members(self, out: NDArray[np.uint8]) -> None: ...
    def read(self, member: int) -> bytes: ...
    def read_many(self, members: Sequence[int], threads: int | None) -> list[bytes]: ...
    def verify(
        self, threads: int | None, progress: Callable[[int, int | None, int], object] | None
    ) -> VerifyReport: ...
    @property
    def path(self) -> Path: ...
    @property
    def index_path(self) -> Path: ...
    @property
    def index_size(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def total_bytes(self) -> int: ...
    @property
    def archive_bytes(self) -> int: ...
    @property
    def fingerprint(self) -> int: ...

@final
class VerifyReport:
    @property
    def members(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def bad(self) -> list[tuple[int, str]]: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def md5_ok(self) -> bool: ...

@final
class IndexResult:
    @property
    def members(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def complete(self) -> bool: ...

def build_index(
    path: str,
    index_path: str | None,
    expected_md5: str | None,
    progress: Callable[[int, int | None, int], object] | None,
) -> IndexResult: ...
def build_index_from(
    head: bytes,
    pipe: str | None,
    source: object,
    name: str,
    index_path: str,
    expected_md5: str | None,
    progress: Callable[[int, int | None, int], object] | None,
) -> IndexResult: ...
