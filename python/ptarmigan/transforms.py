"""Turns numbers a user writes into the crop, resize and flip that the core does."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .arguments import natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["RandomResizedCrop", "ResizeCenterCrop"]

INTERPOLATIONS = ("bilinear", "bicubic", "box", "hamming", "lanczos")
_LARGEST_SIDE = 65_535


def _size(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int | np.integer):
        sides: tuple[int, ...] = (int(value), int(value))
    else:
        sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int | np.integer) for side in sides):
        msg = f"`{name}` must be a whole number or (height, width), not {value!r}"
        raise ValueError(msg)
    if not all(1 <= side <= _LARGEST_SIDE for side in sides):
        msg = f"`{name}` must be from 1 to {_LARGEST_SIDE} pixels, not {value!r}"
        raise ValueError(msg)
    return int(sides[0]), int(sides[1])


def _range(name: str, value: Sequence[float]) -> tuple[float, float]:
    ends = tuple(float(end) for end in value)
    if len(ends) != 2 or not (0.0 < ends[0] <= ends[1] < math.inf):
        msg = f"`{name}` must be (least, greatest) with 0 < least <= greatest, not {value!r}"
        raise ValueError(msg)
    return ends[0], ends[1]


def _interpolation(value: str | Enum) -> str:
    """The filter's name; Pillow's and torchvision's enumerations have members of these names."""
    name = value.name.lower() if isinstance(value, Enum) else value
    if name not in INTERPOLATIONS:
        msg = f"`interpolation` must be one of {', '.join(INTERPOLATIONS)}, not {value!r}"
        raise ValueError(msg)
    return name


def _lengths(name: str, values: ArrayLike, count: int | None = None) -> NDArray[np.int64]:
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "iu" or array.ndim != 1:
        msg = f"`{name}` must be whole numbers in one dimension, not {array.dtype} {array.shape}"
        raise ValueError(msg)
    if count is not None and len(array) != count:
        msg = f"`{name}` has {len(array)} entries where the others have {count}"
        raise ValueError(msg)
    return np.ascontiguousarray(array, dtype=np.int64)


def sample_keys(values: ArrayLike | None, count: int) -> NDArray[np.uint64]:
    """Sample numbers as the core wants them; 0, 1, 2, ... where none are given."""
    if values is None:
        return np.arange(count, dtype=np.uint64)
    keys = np.atleast_1d(np.asarray(values))
    if keys.dtype.kind not in "iu" and keys.size:
        msg = f"`sample_ids` must be whole numbers, not {keys.dtype}"
        raise ValueError(msg)
    if keys.shape != (count,):
        msg = f"`sample_ids` must have one entry for each of the {count} images, not {keys.shape}"
        raise ValueError(msg)
    if keys.size and keys.min() < 0:
        msg = f"`sample_ids` must not be negative, found {keys.min()}"
        raise ValueError(msg)
    return np.ascontiguousarray(keys, dtype=np.uint64)


class _Transform:
    """What both transforms share: they are values."""

    __slots__ = ("_inner",)
    _inner: _core.Transform

    def _core(self) -> _core.Transform:
        return self._inner

    def _parameters(self) -> dict[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._parameters().items())
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Transform):
            return NotImplemented
        return type(self) is type(other) and self._parameters() == other._parameters()

    def __hash__(self) -> int:
        return hash((type(self), tuple(self._parameters().items())))

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"a {type(self).__name__} cannot be changed; make a new one"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._parameters().values())


class RandomResizedCrop(_Transform):
    """A random part of the image, resized, and mirrored with probability ``hflip``.

    The boxes follow the distribution of torchvision's ``RandomResizedCrop.get_params``: up to ten
    times an area uniform in ``scale`` (a share of the image's) and a ratio uniform in logarithm
    between the ends of ``ratio``, at a uniform place; then the central box with the nearest
    allowed ratio. They are a pure function of (seed, epoch, sample id). The pixels are those of
    Pillow's ``image.resize((width, height), filter, box=(x, y, x + w, y + h))``, mirrored last.

    Args:
        size: Output side in pixels, or (height, width).
        scale: Least and greatest share of the image's area.
        ratio: Least and greatest width divided by height.
        hflip: Probability of a mirror image, 0 to 1.
        interpolation: ``"bilinear"``, ``"bicubic"``, ``"box"``, ``"hamming"`` or ``"lanczos"``,
            antialiased as Pillow's; or that member of Pillow's ``Image.Resampling`` or of
            torchvision's ``InterpolationMode``.

    Raises:
        ValueError: If a parameter is out of its range.

    Example:
        >>> RandomResizedCrop(224, hflip=0.0).size
        (224, 224)
    """

    __slots__ = ("hflip", "interpolation", "ratio", "scale", "size")

    size: tuple[int, int]
    scale: tuple[float, float]
    ratio: tuple[float, float]
    hflip: float
    interpolation: str

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        hflip: float = 0.5,
        interpolation: str | Enum = "bilinear",
    ) -> None:
        fix = object.__setattr__
        fix(self, "size", _size("size", size))
        fix(self, "scale", _range("scale", scale))
        fix(self, "ratio", _range("ratio", ratio))
        if not 0.0 <= hflip <= 1.0:
            msg = f"`hflip` must be a probability from 0 to 1, not {hflip!r}"
            raise ValueError(msg)
        fix(self, "hflip", float(hflip))
        fix(self, "interpolation", _interpolation(interpolation))
        inner = _core.Transform.random_resized_crop(
            self.size, self.scale, self.ratio, self.hflip, self.interpolation
        )
        fix(self, "_inner", inner)

    def _parameters(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "scale": self.scale,
            "ratio": self.ratio,
            "hflip": self.hflip,
            "interpolation": self.interpolation,
        }

    def boxes(
        self,
        widths: ArrayLike,
        heights: ArrayLike,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: ArrayLike | None = None,
    ) -> NDArray[np.int32]:
        """The very boxes that decoding with the same seed, epoch and sample ids uses.

        Args:
            widths: Width of every image in pixels.
            heights: Height of every image in pixels.
            seed: The run's seed.
            epoch: The epoch.
            sample_ids: What names each image's random choices; by default 0, 1, 2, ...

        Returns:
            (N, 5) int32: x, y, width, height in pixels, and 1 where the output is mirrored.

        Raises:
            ValueError: If the lengths differ or a side is not from 1 to 65,535.
        """
        across = _lengths("widths", widths)
        down = _lengths("heights", heights, len(across))
        keys = sample_keys(sample_ids, len(across))
        return self._inner.boxes(across, down, natural("seed", seed), natural("epoch", epoch), keys)


class ResizeCenterCrop(_Transform):
    """The image with its shorter side resized, and of that the centre.

    Equal to torchvision's ``Resize(resize)`` followed by ``CenterCrop(crop)`` on a Pillow image,
    black padding of small images included.

    Args:
        resize: Length of the shorter side after resizing, in pixels.
        crop: Output side in pixels, or (height, width).
        interpolation: ``"bilinear"``, ``"bicubic"``, ``"box"``, ``"hamming"`` or ``"lanczos"``,
            antialiased as Pillow's; or that member of Pillow's ``Image.Resampling`` or of
            torchvision's ``InterpolationMode``.

    Raises:
        ValueError: If a parameter is out of its range.

    Example:
        >>> ResizeCenterCrop(256, 224)
        ResizeCenterCrop(resize=256, crop=(224, 224), interpolation='bilinear')
    """

    __slots__ = ("crop", "interpolation", "resize")

    resize: int
    crop: tuple[int, int]
    interpolation: str

    def __init__(
        self, resize: int, crop: int | Sequence[int], interpolation: str | Enum = "bilinear"
    ) -> None:
        fix = object.__setattr__
        if not isinstance(resize, int | np.integer):
            msg = f"`resize` must be the length of the shorter side, not {resize!r}"
            raise ValueError(msg)
        fix(self, "resize", _size("resize", resize)[0])
        fix(self, "crop", _size("crop", crop))
        fix(self, "interpolation", _interpolation(interpolation))
        inner = _core.Transform.resize_center_crop(self.resize, self.crop, self.interpolation)
        fix(self, "_inner", inner)

    @property
    def size(self) -> tuple[int, int]:
        """Output height and width."""
        return self.crop

    def _parameters(self) -> dict[str, Any]:
        return {"resize": self.resize, "crop": self.crop, "interpolation": self.interpolation}

    def boxes(
        self,
        widths: ArrayLike,
        heights: ArrayLike,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """The part of each image that its output shows; nothing here is random.

        Args:
            widths: Width of every image in pixels.
            heights: Height of every image in pixels.
            seed: Ignored.
            epoch: Ignored.
            sample_ids: Ignored, but for its length.

        Returns:
            (N, 5) float64: x, y, width, height in the image's pixels, edges between them allowed
            and negative where the output is padded; and 0, because nothing is mirrored.

        Raises:
            ValueError: If the lengths differ or a side is not from 1 to 65,535.
        """
        natural("seed", seed), natural("epoch", epoch)
        across = _lengths("widths", widths)
        down = _lengths("heights", heights, len(across))
        sample_keys(sample_ids, len(across))
        return self._inner.source_boxes(across, down)
