"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

from collections.abc import Sequence
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

def image_size(data: bytes) -> tuple[int, int]: ...
def decode(data: bytes, out: NDArray[np.uint8]) -> None: ...
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
