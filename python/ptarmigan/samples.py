"""Turns sample numbers into images and targets, as PyTorch's map-style data sets do."""

from __future__ import annotations

import io
import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from .archive import Archive

__all__ = ["MemberFile", "Samples"]


class MemberFile(io.BytesIO):
    """The bytes of a member as a binary file, as a ``loader`` gets it.

    Attributes:
        name: The member's name.
    """

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


class Samples:
    """Images of an archive with their targets; base of the data sets.

    A sample is ``(image, target)``: a ``PIL.Image`` in mode RGB, whatever the file's mode, and a
    number. A subclass that has its own ``__getitem__`` is asked for one sample at a time.

    Args:
        archive: Where the images are.
        members: (N,) the member of every sample.
        targets: (N,) the target of every sample.
        image_ids: (N,) what names a sample's random choices.
        transform: Called with the image.
        target_transform: Called with the target.
        loader: Called with a `MemberFile` instead of decoding; what it returns is the image.
        threads: How many threads decode a list of samples; by default as many as the process may
            run at once, and one in a worker process of ``torch.utils.data.DataLoader``.

    Attributes:
        archive: The `ptarmigan.Archive`.
        members: (N,) int64.
        targets: (N,) int64, -1 where it is not known.
        image_ids: (N,) int64.
        classes: Names of the classes; a target is a place in this list.
        transform: May be replaced.
        target_transform: May be replaced.
        loader: May be replaced.
        threads: May be replaced.
    """

    classes: list[str]

    def __init__(
        self,
        archive: Archive,
        *,
        members: NDArray[np.int64],
        targets: NDArray[np.int64],
        image_ids: NDArray[np.int64],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[MemberFile], Any] | None = None,
        threads: int | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            msg = f"`threads` must be None or at least 1, not {threads!r}"
            raise ValueError(msg)
        self.archive = archive
        self.members = members
        self.targets = targets
        self.image_ids = image_ids
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.threads = threads

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # PyTorch prefers `__getitems__`, which would pass over what a subclass does to one sample.
        # None is how it is told that there is no such method.
        if "__getitem__" in vars(cls) and "__getitems__" not in vars(cls):
            cls.__getitems__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """One sample.

        Args:
            index: From 0 to ``len(self) - 1``, or from -1 down, counted from the end.

        Returns:
            The image and its target, after the transforms.

        Raises:
            IndexError: If there is no such sample.
            DecodeError: If the image cannot be decoded; its attribute ``member`` is the name.
        """
        row = self._row(index)
        return self._finish(row, self._images([row], 1)[0])

    def __getitems__(self, indices: Iterable[int]) -> list[tuple[Any, Any]]:
        """Several samples, read and decoded in parallel, in the order of ``indices``.

        Raises:
            IndexError: If there is no such sample.
            DecodeError: If an image cannot be decoded; the first one is named.
        """
        rows = [self._row(index) for index in indices]
        images = self._images(rows, self._threads())
        return [self._finish(row, image) for row, image in zip(rows, images, strict=True)]

    def raw(self, index: int) -> bytes:
        """The bytes of a sample's file, as the archive holds them.

        Raises:
            IndexError: If there is no such sample.
        """
        return self.archive.read(int(self.members[self._row(index)]))

    def member_name(self, index: int) -> str:
        """The name that a sample's file has in the archive."""
        return self._name(int(self.members[self._row(index)]))

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The target of every class name.

        Raises:
            AnnotationError: If two classes have the same name.
        """
        numbers = {name: number for number, name in enumerate(self.classes)}
        if len(numbers) < len(self.classes):
            twice = next(name for row, name in enumerate(self.classes) if numbers[name] != row)
            msg = f"there are two classes `{twice}`, so a name does not say which one it is"
            raise AnnotationError(msg)
        return numbers

    def _row(self, index: int) -> int:
        row = operator.index(index)
        if not -len(self) <= row < len(self):
            msg = f"there is no sample {row}: the data set has {len(self)}"
            raise IndexError(msg)
        return row % len(self)

    def _name(self, member: int) -> str:
        # Not `archive.names`: that makes a string of every name of the archive.
        return self.archive._core.name(member).decode("utf-8", "surrogateescape")

    def _threads(self) -> int | None:
        if self.threads is None:
            torch = sys.modules.get("torch.utils.data")
            if torch is not None and torch.get_worker_info() is not None:
                return 1
        return self.threads

    def _images(self, rows: Sequence[int], threads: int | None) -> list[Any]:
        members = [int(self.members[row]) for row in rows]
        if self.loader is not None:
            files = self.archive.read_many(members, threads=threads)
            pairs = zip(files, members, strict=True)
            return [self.loader(MemberFile(data, self._name(member))) for data, member in pairs]
        image = _pillow()
        return [
            image.fromarray(pixels)
            for pixels in _core.decode_members(self.archive._core, members, threads)
        ]

    def _finish(self, row: int, image: Any) -> tuple[Any, Any]:
        target = self._target(row)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def _target(self, row: int) -> Any:
        return int(self.targets[row])


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        msg = "images are given as PIL.Image objects: pip install pillow"
        raise ImportError(msg) from error
    return Image
