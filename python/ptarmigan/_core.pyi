"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

from typing import final

import numpy as np
from numpy.typing import NDArray

__version__: str

@final
class Camera:
    def __new__(cls, seed: int, bits_per_pixel: float) -> Camera: ...
    def photograph(
        self,
        classes: NDArray[np.int64],
        groups: NDArray[np.int64],
        keys: NDArray[np.int64],
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
        components: NDArray[np.uint8],
        threads: int,
    ) -> list[bytes]: ...
    def subject_boxes(
        self,
        classes: NDArray[np.int64],
        groups: NDArray[np.int64],
        keys: NDArray[np.int64],
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
    ) -> list[list[float]]: ...
