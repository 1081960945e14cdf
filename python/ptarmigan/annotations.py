"""Turns annotation files into NumPy columns, and keeps long lists of strings as bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from . import _core

if TYPE_CHECKING:
    import mmap

    from numpy.typing import NDArray

__all__ = ["Boxes", "JsonFile", "Locations", "Strings", "Table", "read_boxes", "read_locations"]


class JsonFile(NamedTuple):
    """Where a JSON file is.

    Attributes:
        path: The JSON file, or the zip, tar.gz or tgz that holds it.
        member: Its name in there: the base name, or the whole name with its folders (a ``./`` in
            front does not matter). None for a JSON file by itself, or for the only file in an
            archive whose name ends in ``.json``.
    """

    path: str
    member: str | None = None


class Strings(Sequence[str]):
    """A list of strings that share their memory; a string is made when it is asked for.

    Args:
        data: (B,) uint8, the bytes of all strings, UTF-8.
        starts: (N,) where each string begins.
        ends: (N,) where each string ends.
    """

    __slots__ = ("_data", "_ends", "_starts")

    def __init__(
        self, data: NDArray[np.uint8], starts: NDArray[np.uint64], ends: NDArray[np.uint64]
    ) -> None:
        self._data = data
        self._starts = starts
        self._ends = ends

    @classmethod
    def from_pool(cls, pool: tuple[NDArray[np.uint8], NDArray[np.uint64]]) -> Strings:
        """Strings that lie one behind the other, with one more offset than there are strings."""
        data, offsets = pool
        return cls(data, offsets[:-1], offsets[1:])

    def pool(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64], NDArray[np.uint64]]:
        """Bytes, starts and ends."""
        return self._data, self._starts, self._ends

    def select(self, rows: NDArray[Any]) -> Strings:
        """The strings of these rows (indices or a mask); their bytes are not copied."""
        return Strings(self._data, self._starts[rows], self._ends[rows])

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Strings: ...
    def __getitem__(self, row: int | slice) -> str | Strings:
        if isinstance(row, slice):
            return Strings(self._data, self._starts[row], self._ends[row])
        return _text(self._data[self._starts[row] : self._ends[row]].tobytes())

    def __iter__(self) -> Iterator[str]:
        data = self._data.tobytes()
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            yield _text(data[start:end])

    def __reduce__(self) -> tuple[Any, ...]:
        return Strings, (self._data, self._starts, self._ends)

    def __repr__(self) -> str:
        return f"<{len(self)} strings>"


def _text(data: bytes) -> str:
    # Names of tar members may be in any encoding; the same escapes as for file names bring them
    # back to the bytes that they were.
    return data.decode("utf-8", "surrogateescape")


class Table:
    """The images of one split, or of several together, sorted by the bytes of ``file_name``.

    Args:
        files: One file in the format of ``train2017.json`` for each split.
        categories: A file whose list of categories replaces theirs, as ``categories.json`` of 2018
            and 2019: a list, or an object with the key ``categories``.
        cache: Whether to keep the table in a file beside the first annotation file, from which it
            opens at once the next time; it ends in ``.ptcols`` and is used only while none of the
            files is changed. In a folder that cannot be written to there is none.

    Attributes:
        files: The files that it is of.
        image_ids: (N,) int64.
        category_ids: (N,) int64, -1 where the files have no annotations.
        widths: (N,) int32 in pixels, -1 where not given.
        heights: (N,) int32 in pixels, -1 where not given.
        file_names: N strings.
        license_ids: (N,) int64, -1 where not given.
        holders: (N,) int32, rows of ``holder_names``, -1 where not given.
        holder_names: Every rights holder once.
        categories: Ids, names and super categories (empty where there are none), sorted by id.
        category_columns: Every further key of the categories, such as ``"genus"``: C texts, None
            where a category has none; values that are no strings are JSON text.
        positions: (C,) int64, the place of each category in the first file's own list, -1 where it
            is not in there.
        first_seen: (C,) int64, how many other categories come before it in the annotations of the
            first file, -1 where it does not come in there.
        annotation_ids: (N,) int64, the id of each image's annotation, -1 where not given.
        annotation_meta: Every further key of the annotations, as ``meta``.
        meta: Every further key of the images, such as ``"latitude"``: N values. Float64 where all
            are numbers (null is NaN), int64 where all are integers and none is null, bool where
            all are true or false; else strings, where null is ``""`` and other values are JSON
            text. A record without the key counts as null. Integers that float64 would change
            beside nulls or fractions are strings too.
        licenses: Ids, names and addresses.
        license_columns: Every further key of the licences, as ``category_columns``.
        folders: For each category the folder of its images, such as ``"Aves/Ardea alba"``, empty
            for a category without images in these files.
        folders_problem: What is wrong if a category has two folders, or None.
        info: ``info`` of the first file, as text.
        more: Every key of the first file that holds no list, ``info`` too, and its value as JSON
            text.

    Raises:
        AnnotationError: If a file is damaged or its lists contradict each other.
        OSError: If a file cannot be read.

    Source: https://github.com/visipedia/inat_comp/tree/master/2017#annotation-format
    """

    def __init__(
        self,
        files: Sequence[JsonFile | tuple[str, str | None]],
        categories: JsonFile | tuple[str, str | None] | None = None,
        *,
        cache: bool = True,
    ) -> None:
        self.files = [JsonFile(*file) for file in files]
        columns = _Columns(self.files, categories, cache)
        self.info = columns.info
        self.more = columns.more
        self.folders_problem = columns.folders_problem
        images = columns.of("images")
        self.image_ids: NDArray[np.int64] = images["image_ids"]
        self.category_ids: NDArray[np.int64] = images["category_ids"]
        self.annotation_ids: NDArray[np.int64] = images["annotation_ids"]
        self.widths: NDArray[np.int32] = images["widths"]
        self.heights: NDArray[np.int32] = images["heights"]
        self.file_names: Strings = images["file_names"]
        self.license_ids: NDArray[np.int64] = images["license_ids"]
        self.holders: NDArray[np.int32] = images["holders"]
        self.holder_names: Strings = columns.of("holders")["names"]
        self.meta: dict[str, NDArray[Any] | Strings] = columns.of("meta")
        self.annotation_meta: dict[str, NDArray[Any] | Strings] = columns.of("annotation_meta")
        of = columns.of("categories")
        self.categories: tuple[list[int], list[str], list[str]]
        self.categories = (of["ids"].tolist(), list(of["names"]), list(of["supercategories"]))
        self.folders: list[str] = list(of["folders"])
        self.positions: NDArray[np.int64] = of["positions"]
        self.first_seen: NDArray[np.int64] = of["first_seen"]
        self.category_columns: dict[str, list[str | None]] = columns.of("category_columns")
        of = columns.of("licenses")
        self.licenses: tuple[list[int], list[str], list[str]]
        self.licenses = (of["ids"].tolist(), list(of["names"]), list(of["urls"]))
        self.license_columns: dict[str, list[str | None]] = columns.of("license_columns")

    def __len__(self) -> int:
        return len(self.image_ids)

    def keep(self, rows: NDArray[Any]) -> None:
        """Drops all images but these (indices or a mask)."""
        ids = ("image_ids", "category_ids", "annotation_ids", "license_ids")
        for name in (*ids, "widths", "heights", "holders"):
            setattr(self, name, getattr(self, name)[rows])
        self.file_names = self.file_names.select(rows)
        self.meta = _select(self.meta, rows)
        self.annotation_meta = _select(self.annotation_meta, rows)


def _select(
    columns: dict[str, NDArray[Any] | Strings], rows: NDArray[Any]
) -> dict[str, NDArray[Any] | Strings]:
    return {
        name: column.select(rows) if isinstance(column, Strings) else column[rows]
        for name, column in columns.items()
    }


_TYPES = {"bool": "?", "i32": "<i4", "i64": "<i8", "f64": "<f8"}


class _Columns:
    """The columns of a table, which lie in one piece of memory: of its file, or read anew."""

    def __init__(
        self,
        files: Sequence[tuple[str, str | None]],
        categories: tuple[str, str | None] | None,
        cache: bool,
    ) -> None:
        path, key = _core.annotation_key(files, categories)
        place = path if cache else None
        found = self._stored(place, key)
        if found is None:
            memory = _core.read_annotations(files, categories, key)
            if place is not None and _core.store_annotations(place, memory):
                # Mapped, it takes no memory but for what is looked at.
                found = self._stored(place, key)
            if found is None:
                self._memory = memory
                found = _core.annotation_columns(memory, None)
        if found is None:
            msg = "the table that was read cannot be used; this is a mistake of ptarmigan"
            raise AssertionError(msg)
        info, more, self.folders_problem, self._columns = found
        self.info = dict(info)
        self.more = dict(more)

    def _stored(self, path: os.PathLike[str] | None, key: str) -> Any:
        """The columns of a file, whose bytes are the memory then; None if it is not of use."""
        stored = None if path is None else _map(path)
        if stored is None:
            return None
        self._memory = np.frombuffer(stored, np.uint8)
        found = _core.annotation_columns(self._memory, key)
        _let_go(stored)
        return found

    def of(self, wanted: str) -> dict[str, Any]:
        """The columns of a list: arrays, strings, or lists of strings that may be None."""
        return {
            column[1]: self._values(*column[2:]) for column in self._columns if column[0] == wanted
        }

    def _values(
        self, kind: str, at: int, count: int, offsets: int | None, nulls: int | None
    ) -> NDArray[Any] | Strings | list[str | None]:
        if kind != "text":
            return self._array(_TYPES[kind], count, at)
        ends = self._array("<u8", count + 1, offsets or 0)
        strings = Strings.from_pool((self._array("u1", int(ends[-1]), at), ends))
        if nulls is None:
            return strings
        flags = self._array("?", count, nulls).tolist()
        return [None if null else text for text, null in zip(strings, flags, strict=True)]

    def _array(self, kind: str, count: int, at: int) -> NDArray[Any]:
        return np.frombuffer(self._memory, kind, count, at)


def _map(path: os.PathLike[str]) -> mmap.mmap | None:
    """The bytes of a file, to be written to without changing it; None if there is none."""
    import mmap

    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        # ValueError: the file is empty.
        return None


def _let_go(stored: mmap.mmap) -> None:
    """Gives back the pages that summing has touched; the system's cache keeps them."""
    import mmap

    if hasattr(mmap, "MADV_DONTNEED"):
        stored.madvise(mmap.MADV_DONTNEED)


def _columns(columns: list[tuple[str, Any]]) -> dict[str, NDArray[Any] | Strings]:
    return {
        name: Strings.from_pool(column) if isinstance(column, tuple) else column
        for name, column in columns
    }


class Boxes(NamedTuple):
    """Boxes, sorted by image id.

    Attributes:
        image_ids: (B,) int64.
        category_ids: (B,) int64.
        boxes: (B, 4) float64: x, y, width, height in pixels from the upper left.
        areas: (B,) float64 as stored: half of width times height; NaN where missing.
        crowds: (B,) bool.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowds: NDArray[np.bool_]


class Locations(NamedTuple):
    """Where and when photos were taken, sorted by image id; null is NaN, "" or -1.

    Attributes:
        image_ids: (L,) int64.
        latitudes: (L,) float64 in degrees.
        longitudes: (L,) float64 in degrees.
        uncertainties: (L,) float64 in metres, as stored: some are negative.
        dates: L strings as stored: ``YYYY-MM-DD`` in 2017, with a time in 2018.
        date_numbers: (L,) float64, ``date_c`` as stored.
        user_ids: (L,) int64.
        valid: (L,) int8: 1, 0 or -1.
        meta: Every further key of the records, as in `Table`.
    """

    image_ids: NDArray[np.int64]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    uncertainties: NDArray[np.float64]
    dates: Strings
    date_numbers: NDArray[np.float64]
    user_ids: NDArray[np.int64]
    valid: NDArray[np.int8]
    meta: dict[str, NDArray[Any] | Strings]


def read_boxes(path: str | os.PathLike[str], member: str | None = None) -> Boxes:
    """Reads a file in the format of ``train_2017_bboxes.json``.

    Args:
        path: The JSON file, or the zip or tar.gz that holds it.
        member: The file's name in there, as in `JsonFile`.

    Raises:
        AnnotationError: If the file is damaged or is not a box file.
        OSError: If it cannot be read.
    """
    return Boxes(*_core.read_boxes((path, member)))


def read_locations(path: str | os.PathLike[str], member: str | None = None) -> Locations:
    """Reads a file in the format of ``train2017_locations.json``.

    Args:
        path: The JSON file, or the zip or tar.gz that holds it.
        member: The file's name in there, as in `JsonFile`.

    Raises:
        AnnotationError: If the file is damaged or is not a list of objects.
        OSError: If it cannot be read.
    """
    image_ids, latitudes, longitudes, uncertainties, dates, date_numbers, user_ids, valid, meta = (
        _core.read_locations((path, member))
    )
    order = np.argsort(image_ids, kind="stable")
    return Locations(
        image_ids[order],
        latitudes[order],
        longitudes[order],
        uncertainties[order],
        Strings.from_pool(dates).select(order),
        date_numbers[order],
        user_ids[order],
        valid[order],
        _select(_columns(meta), order),
    )
