"""Turns the bytes of JPEGs and PNGs into pixels: one image, or a batch on several threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .arguments import natural
from .arrays import aligned_empty
from .transforms import RandomResizedCrop, ResizeCenterCrop, sample_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Output", "decode", "decode_batch"]

DTYPES = ("uint8", "float16", "float32")
LAYOUTS = ("NHWC", "NCHW")
DECODES = ("exact", "fast")


def _three(name: str, value: float | Sequence[float] | None, default: float) -> tuple[float, ...]:
    if value is None:
        return (default,) * 3
    numbers = np.asarray(value, dtype=np.float32)
    if numbers.ndim == 0:
        numbers = np.repeat(numbers, 3)
    if numbers.shape != (3,):
        msg = f"`{name}` must be a number or one for each of red, green and blue, not {value!r}"
        raise ValueError(msg)
    if not np.isfinite(numbers).all():
        msg = f"`{name}` must be finite, not {value!r}"
        raise ValueError(msg)
    return tuple(float(number) for number in numbers)


class Output:
    """What a batch holds: the type of its values, the order of its dimensions, normalisation.

    Floats equal NumPy's ``((x.astype(float32) / 255) - mean) / std``, every step rounded to
    float32; float16 is that, rounded to nearest even.

    Args:
        dtype: ``"uint8"``, ``"float16"`` or ``"float32"``, or the NumPy type of that name.
        layout: ``"NHWC"`` (batch, height, width, channel) or ``"NCHW"``.
        mean: Subtracted, in units of 0 to 1: a number, or one for each channel. Default 0.
        std: Divided by, in units of 0 to 1: a number, or one for each channel. Default 1.

    Raises:
        ValueError: If a name is not known, a number is not finite, ``std`` is 0, or ``mean`` or
            ``std`` is given for uint8.

    Example:
        >>> Output("float32", "NCHW", mean=0.5, std=0.25).dtype
        dtype('float32')
    """

    __slots__ = ("_inner", "dtype", "layout", "mean", "std")

    dtype: np.dtype[Any]
    layout: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    _inner: _core.Output

    def __init__(
        self,
        dtype: DTypeLike = "uint8",
        layout: str = "NHWC",
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
    ) -> None:
        try:
            kind = np.dtype(dtype)
        except TypeError:
            kind = None
        if kind is None or kind.name not in DTYPES or not kind.isnative:
            msg = f"`dtype` must be one of {', '.join(DTYPES)}, not {dtype!r}"
            raise ValueError(msg)
        if layout not in LAYOUTS:
            msg = f"`layout` must be one of {', '.join(LAYOUTS)}, not {layout!r}"
            raise ValueError(msg)
        if kind == np.uint8 and (mean is not None or std is not None):
            msg = "`mean` and `std` need a `dtype` of float16 or float32, not uint8"
            raise ValueError(msg)
        fix = object.__setattr__
        fix(self, "dtype", kind)
        fix(self, "layout", layout)
        fix(self, "mean", _three("mean", mean, 0.0))
        fix(self, "std", _three("std", std, 1.0))
        fix(self, "_inner", _core.Output(kind.name, layout, self.mean, self.std))

    def shape(self, count: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of a batch of ``count`` images of ``size`` (height, width)."""
        if self.layout == "NHWC":
            return (count, *size, 3)
        return (count, 3, *size)

    def _core(self) -> _core.Output:
        return self._inner

    def _parameters(self) -> tuple[str, str, tuple[float, ...], tuple[float, ...]]:
        return self.dtype.name, self.layout, self.mean, self.std

    def __repr__(self) -> str:
        dtype, layout, mean, std = self._parameters()
        if self.dtype == np.uint8:
            return f"Output(dtype={dtype!r}, layout={layout!r})"
        return f"Output(dtype={dtype!r}, layout={layout!r}, mean={mean}, std={std})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Output):
            return NotImplemented
        return self._parameters() == other._parameters()

    def __hash__(self) -> int:
        return hash(self._parameters())

    def __setattr__(self, name: str, value: object) -> None:
        msg = "an Output cannot be changed; make a new one"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.dtype == np.uint8:
            return Output, (self.dtype.name, self.layout)
        return Output, self._parameters()


def _bytes(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    msg = f"expected the bytes of a JPEG or PNG file, not {type(data).__name__}"
    raise TypeError(msg)


# Whether rows become columns, and then rows and columns run backwards, for EXIF's orientations.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def decode(
    data: bytes | bytearray | memoryview, *, exif_transpose: bool = False
) -> NDArray[np.uint8]:
    """Decodes one JPEG or PNG.

    Equal, byte for byte, to Pillow's ``Image.open(...).convert("RGB")``. Of a JPEG: accurate
    integer IDCT, smooth upsampling of chroma, grey and CMYK converted as Pillow does. Of a PNG:
    alpha and transparency dropped, the high byte of 16 bits of colour, 16 bits of grey clipped to
    255, the first picture of an animation.

    Args:
        data: The bytes of a JPEG or PNG file.
        exif_transpose: Turn the picture upright, as ``PIL.ImageOps.exif_transpose`` does; by
            default it stays as it is stored. The orientation comes from EXIF, else from XMP; one
            that cannot be read turns nothing.

    Returns:
        (H, W, 3) uint8.

    Raises:
        DecodeError: If the bytes are not a JPEG or PNG that Pillow could decode. Another format is
            named.
        TypeError: If ``data`` is not bytes.
    """
    file = _bytes(data)
    width, height = _core.image_size(file)
    image = aligned_empty((height, width, 3), np.uint8)
    _core.decode(file, image.reshape(-1))
    turn = _TURNS.get(_core.image_orientation(file)) if exif_transpose else None
    if turn is None:
        return image
    swapped, rows_backwards, columns_backwards = turn
    view = image.swapaxes(0, 1) if swapped else image
    view = view[:: -1 if rows_backwards else 1, :: -1 if columns_backwards else 1]
    upright = aligned_empty(view.shape, np.uint8)
    upright[...] = view
    return upright


def decode_batch(
    images: Sequence[bytes],
    transform: RandomResizedCrop | ResizeCenterCrop,
    *,
    output: Output | None = None,
    seed: int = 0,
    epoch: int = 0,
    sample_ids: ArrayLike | None = None,
    decode: str = "exact",
    threads: int | None = None,
    out: NDArray[Any] | None = None,
    names: Sequence[str] | None = None,
) -> NDArray[Any]:
    """Decodes, crops and resizes a list of JPEGs and PNGs on several threads.

    Args:
        images: The bytes of every file.
        transform: What is done to each of them.
        output: Type, layout and normalisation; by default uint8, NHWC.
        seed: The run's seed.
        epoch: The epoch.
        sample_ids: What names each image's random choices; by default 0, 1, 2, ...
        decode: ``"exact"``: the very bytes that Pillow makes. ``"fast"``: nearly those (about 40 dB
            PSNR), in less time, for training: blocks are decoded at the least n/8 of their size
            that the output needs, every component is resized by itself with weights of 14 bits,
            and pixels become RGB last. JPEGs that are not plain baseline are exact in both.
        threads: How many threads; by default as many as this process may run at once.
        out: Where to write; by default new memory.
        names: What to call each image in an error.

    Returns:
        ``out``, or a new array: (N, height, width, 3) or (N, 3, height, width).

    Raises:
        DecodeError: If an image cannot be decoded; its attribute ``index`` is the place in
            ``images`` of the first such image. The contents of ``out`` are then undefined.
        TypeError: If an argument is of another kind than described.
        ValueError: If an argument can never work.
    """
    if decode not in DECODES:
        msg = f"`decode` must be one of {', '.join(DECODES)}, not {decode!r}"
        raise ValueError(msg)
    if not isinstance(transform, RandomResizedCrop | ResizeCenterCrop):
        msg = f"`transform` must be a RandomResizedCrop or a ResizeCenterCrop, not {transform!r}"
        raise TypeError(msg)
    if threads is not None and (not isinstance(threads, int | np.integer) or threads < 1):
        msg = f"`threads` must be None or at least 1, not {threads!r}"
        raise ValueError(msg)
    if isinstance(images, bytes | bytearray | memoryview | str):
        msg = "`images` must be a list of the bytes of JPEG or PNG files, not one of them"
        raise TypeError(msg)
    files = [_bytes(image) for image in images]
    if names is not None and len(names) != len(files):
        msg = f"`names` has {len(names)} entries for {len(files)} images"
        raise ValueError(msg)
    output = Output() if output is None else output
    shape = output.shape(len(files), transform.size)
    batch = aligned_empty(shape, output.dtype) if out is None else _checked(out, shape, output)
    _core.decode_batch(
        files,
        transform._core(),
        output._core(),
        decode,
        natural("seed", seed),
        natural("epoch", epoch),
        sample_keys(sample_ids, len(files)),
        threads,
        batch.reshape(-1).view(np.uint8),
        names,
    )
    return batch


def _checked(out: NDArray[Any], shape: tuple[int, ...], output: Output) -> NDArray[Any]:
    """``out``, if a batch of this shape can be written into it."""
    if not isinstance(out, np.ndarray):
        msg = f"`out` must be a NumPy array, not {type(out).__name__}"
        raise TypeError(msg)
    if out.shape != shape:
        msg = f"`out` has shape {out.shape}, but the batch has {shape}"
    elif out.dtype != output.dtype:
        msg = f"`out` has type {out.dtype}, but the batch has {output.dtype}"
    elif not out.flags.c_contiguous:
        msg = "`out` must be C-contiguous (numpy.ascontiguousarray makes a copy that is)"
    elif not out.flags.writeable:
        msg = "`out` must be writable"
    else:
        return out
    raise ValueError(msg)
