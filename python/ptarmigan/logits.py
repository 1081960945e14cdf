"""Turns logits, in memory or in a file of any size, into the best classes of every row."""

from __future__ import annotations

import math
import operator
import os
import sys
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from . import _core
from .arrays import aligned_empty
from .errors import SubmissionError
from .truth import positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ArrayRows",
    "LogitRows",
    "LogitsFile",
    "check_kind",
    "float_type",
    "floats",
    "logits_of",
    "rows_of",
    "top_k",
]

OnRows: TypeAlias = Callable[[int, int], object]
"""Called with (rows done, rows in all)."""

READ_BYTES = 8 << 20
"""Logits that cannot be ranked where they are, are read or copied so many bytes at a time: enough
for several threads, and what is read stays in the cache until it is ranked."""


class LogitRows(ABC):
    """A matrix of logits of which some rows at a time are read.

    Attributes:
        shape: Rows and classes.
        dtype: The type of what is read, in the machine's byte order; uint16 for bfloat16.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @property
    def step(self) -> int:
        """How many rows are best read at a time."""
        return max(1, READ_BYTES // max(1, self.shape[1] * self.dtype.itemsize))

    @abstractmethod
    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, C-contiguous; may change with the next call."""

    def __len__(self) -> int:
        """How many rows there are."""
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All rows at once."""
        if copy is False:
            raise ValueError("rows that are read or computed cannot be had without a copy")
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for start in range(0, len(self), self.step):
            stop = min(start + self.step, len(self))
            whole[start:stop] = self.read(start, stop)
        return whole


class ArrayRows(LogitRows):
    """Rows of an array.

    Args:
        matrix: (N, C) of what `logits_of` gives.
    """

    def __init__(self, matrix: NDArray[Any]) -> None:
        self.shape = matrix.shape[0], matrix.shape[1]
        self.dtype = matrix.dtype.newbyteorder("=")
        self._matrix = matrix
        self._in_place = (
            matrix.dtype == self.dtype and matrix.flags.c_contiguous and matrix.flags.aligned
        )

    @property
    def step(self) -> int:
        """All rows, unless they must be copied."""
        return max(1, len(self)) if self._in_place else super().step

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``; the array's own memory where that is possible."""
        return np.require(self._matrix[start:stop], self.dtype, ["C", "A"])


class LogitsFile(LogitRows):
    """Rows of a ``.npy`` file, or of an array in a ``.npz``, of any size.

    They are read into one buffer that is used again: a file mapped into memory would count with all
    its pages. Only an array in Fortran's order, whose rows do not lie together, is mapped.

    Args:
        path: The file: float32, float16 or float64, or the bits of bfloat16 as uint16 (or as
            ``ml_dtypes`` stores them).
        name: The array's name in a ``.npz``.

    Raises:
        SubmissionError: If the file is no such array, or is cut short.
        OSError: If it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], name: str = "logits") -> None:
        self.path = os.fspath(path)
        self._archive: zipfile.ZipFile | None = None
        self._file: IO[bytes] = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        try:
            self._open(name)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            self.close()
            if isinstance(error, SubmissionError):
                raise
            raise self._error(f"not an array that NumPy can load: {error}") from error
        except BaseException:
            self.close()
            raise

    def _open(self, name: str) -> None:
        if self._file.read(4) == b"PK\x03\x04":
            self._archive = zipfile.ZipFile(self.path)
            names = [member.removesuffix(".npy") for member in self._archive.namelist()]
            if name not in names:
                found = ", ".join(f"`{each}`" for each in names) or "nothing"
                raise self._error(f"expected an array named `{name}`, found {found}")
            self._file.close()
            self._file = self._archive.open(f"{name}.npy")
        else:
            self._file.seek(0)
        shape, fortran, stored = _header(self._file)
        if stored == np.dtype("V2"):
            stored = np.dtype("<u2")
        self._stored = stored
        if len(shape) != 2:
            raise self._error(f"expected logits of shape (rows, classes), found {shape}")
        self.shape = shape[0], shape[1]
        if stored.kind not in "fu":
            raise self._error(
                "expected logits of float32, float16, float64, or bfloat16 as uint16, found "
                f"{stored}"
            )
        self.dtype = logits_of(np.empty(0, stored)).dtype.newbyteorder("=")
        self._start = self._file.tell()
        self._place = 0
        self._mapped = None
        size = math.prod(shape) * stored.itemsize
        found_size = self._size()
        if found_size < size:
            raise self._error(
                f"expected {size:,} bytes for {shape} of {stored}, found {found_size:,}; the file "
                "is cut short"
            )
        if fortran:
            self._mapped = self._map(name)
        self._buffer = np.empty(0, stored)

    def _size(self) -> int:
        """Bytes behind the header."""
        if self._archive is None:
            return os.fstat(self._file.fileno()).st_size - self._start
        return self._archive.getinfo(self._file.name).file_size - self._start

    def _map(self, name: str) -> ArrayRows:
        loaded = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return ArrayRows(logits_of(loaded.view(self._stored)))
        with loaded:
            return ArrayRows(logits_of(loaded[name].view(self._stored)))

    def _error(self, message: str) -> SubmissionError:
        error = SubmissionError(f"`{self.path}`: {message}")
        error.path = self.path
        return error

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``; valid until the next call."""
        if self._mapped is not None:
            return self._mapped.read(start, stop)
        classes = self.shape[1]
        if len(self._buffer) < (stop - start) * classes:
            self._buffer = aligned_empty((stop - start) * classes, self._stored)
        part = self._buffer[: (stop - start) * classes]
        if start != self._place:
            self._file.seek(self._start + start * classes * self._stored.itemsize)
        self._place = stop
        left = memoryview(part.view(np.uint8).data)
        while left:
            try:
                count = self._file.readinto(left)  # type: ignore[attr-defined]
            except (EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise self._error(f"damaged: {error}") from error
            if not count:
                raise self._error(f"ends before row {stop}; the file is cut short")
            left = left[count:]
        return np.require(part.reshape(stop - start, classes), self.dtype)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        if self._archive is not None:
            self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Whoever gives a path has no file to close.
        if hasattr(self, "_file"):
            self.close()


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the order is Fortran's, and type, from the head of a ``.npy``."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the format has no plain numbers")


def rows_of(logits: Any) -> LogitRows:
    """The rows of an (N, C) array, of a file, or of what has rows already.

    Raises:
        TypeError: As `logits_of`.
        ValueError: If an array has another number of dimensions.
    """
    if isinstance(logits, LogitRows):
        return logits
    if isinstance(logits, str | os.PathLike):
        return LogitsFile(logits)
    array = logits_of(logits)
    if array.ndim != 2:
        raise ValueError(f"expected logits of shape (rows, classes), found {array.shape}")
    return ArrayRows(array)


def top_k(
    logits: Any, k: int = 5, threads: int | None = None, *, progress: OnRows | None = None
) -> NDArray[np.int32]:
    """The k best classes of every row, best first.

    Equal logits are ordered by rising class number, -0.0 equals +0.0, and NaNs come after
    -infinity: the order of a stable sort by falling logit. The result does not depend on the CPU
    or the number of threads.

    Args:
        logits: (N, C) or (C,) of float32, float16, bfloat16 or float64: a NumPy array, a PyTorch
            tensor in main memory, or whatever has ``__array__`` or ``__dlpack__``. bfloat16 may be
            a PyTorch tensor, an array of ``ml_dtypes.bfloat16``, or its bits as uint16. Rows that
            are not contiguous are copied, 8 MiB at a time. Or the path of a ``.npy`` (or of a
            ``.npz`` with ``logits``) of any size, which is read 8 MiB at a time; or what
            `apply_prior` gives.
        k: How many classes, 1 to C.
        threads: How many threads at most; None means one for each core. Small inputs use one.
        progress: Called with (rows done, rows in all) where rows are read or copied.

    Returns:
        (N, k) or (k,) int32.

    Raises:
        TypeError: If the logits are no floating-point numbers or not in main memory.
        ValueError: If they have another shape, or k does not lie between 1 and C.
        SubmissionError: If a file is no array of logits, or is cut short.
        OSError: If a file cannot be read.

    Example:
        >>> top_k(np.array([[0.1, 0.7, 0.2]], np.float32), k=2)
        array([[1, 2]], dtype=int32)
    """
    if isinstance(logits, str | os.PathLike):
        with LogitsFile(logits) as rows:
            return _rank(rows, rows.shape, k, threads, progress)
    if isinstance(logits, LogitRows):
        return _rank(logits, logits.shape, k, threads, progress)
    array = logits_of(logits)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"expected logits of shape (rows, classes) or (classes,), found {array.shape}"
        )
    matrix = array if array.ndim == 2 else array[np.newaxis]
    out = _rank(ArrayRows(matrix), array.shape, k, threads, progress)
    return out if array.ndim == 2 else out[0]


def _rank(
    logits: LogitRows,
    shape: tuple[int, ...],
    k: int,
    threads: int | None,
    progress: OnRows | None,
) -> NDArray[np.int32]:
    k = operator.index(k)
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(
            f"expected k from 1 to the number of classes, found k = {k} for logits of shape {shape}"
        )
    threads = None if threads is None else positive("threads", threads)
    brain = logits.dtype.kind != "f"
    rows, step = len(logits), logits.step
    out = aligned_empty((rows, k), np.int32)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        part = logits.read(start, stop)
        if part.itemsize == 2:
            part = part.view(np.uint16)
        _core.top_k(part, out[start:stop], brain=brain, threads=threads)
        if progress is not None:
            progress(stop, rows)
    return out


def logits_of(logits: Any) -> NDArray[Any]:
    """The logits as a NumPy array of floats, or of uint16 for bfloat16, without a copy.

    Raises:
        TypeError: If they are no floating-point numbers or not in main memory.
    """
    if type(logits).__module__.split(".")[0] == "torch":
        array = _torch_logits(logits)
    elif not hasattr(logits, "__array__") and hasattr(logits, "__dlpack__"):
        array = np.from_dlpack(logits)
    else:
        array = np.asarray(logits)
    if array.dtype.name == "bfloat16":
        array = array.view(np.uint16)
    floats = array.dtype.kind == "f" and array.dtype.itemsize in (2, 4, 8)
    if not floats and array.dtype != np.uint16:
        raise TypeError(
            "expected logits of float32, float16, bfloat16 (or its bits as uint16) or float64, "
            f"found {array.dtype}"
        )
    return array


def _torch_logits(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        raise TypeError(
            f"expected logits in main memory, found a tensor on `{tensor.device}`; "
            "call `.cpu()` on it"
        )
    if str(tensor.dtype) == "torch.bfloat16":
        # NumPy has no bfloat16. Whoever made a tensor has imported torch.
        bits: NDArray[Any] = tensor.view(sys.modules["torch"].int16).numpy()
        return bits.view(np.uint16)
    array: NDArray[Any] = tensor.numpy()
    return array


def float_type(kind: np.dtype[Any]) -> np.dtype[Any]:
    """float64 for itself, float32 for all else: 16 bits are too few to multiply."""
    return np.dtype(np.float64 if kind == np.float64 else np.float32)


def floats(values: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """What `LogitRows.read` gives, as numbers to compute with, of a `float_type`."""
    if values.dtype == np.uint16:
        # The bits of a bfloat16 are the upper half of a float32.
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(kind, copy=False)


def check_kind(values: NDArray[Any], start: int, *, logits: bool) -> None:
    """Raises a SubmissionError if rows from ``start`` on are probabilities and not logits, or not.

    Of logits the first rows tell: nothing else sums to 1 in every row; 16 bits do so roughly.
    """
    if not logits and (values < 0).any():
        row = start + int((values < 0).any(axis=1).argmax())
        raise SubmissionError(f"row {row} has a negative probability; these are logits")
    first = logits and start == 0 and values.shape[1] > 1 and values.size and values.min() >= 0
    if first and (np.abs(values.sum(axis=1) - 1) < 0.01).all():
        raise SubmissionError(
            "the logits lie between 0 and 1 and those of a row sum to 1, so they are "
            "probabilities: say so (`logits=False`, `--probabilities`)"
        )
