"""Turns the number of a class in one numbering into its number in another."""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .annotations import Table
from .classes import inverse
from .errors import AnnotationError
from .release import find_annotations, find_categories
from .whole_file import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from .release import Release
    from .taxonomy import Taxonomy

__all__ = ["LABELS", "LabelMap", "checksum", "label_map_of"]

LABELS = ("json", "torchvision", "list", "first_seen", "compact")
CUSTOM = "custom"
FORMAT = "ptarmigan labels 1"
# Numbers are places in arrays, so a wrong one must not take all memory.
MOST_NUMBERS = 1 << 24


class LabelMap:
    """The numberings of the classes of a data set.

    * ``"json"``: ``category_id``, which submissions have.
    * ``"torchvision"``: as ``torchvision.datasets.INaturalist`` counts: for 2017 the place of the
      class's folder among all folders, sorted; later the number in the folder's name.
    * ``"list"``: the place in the list of categories, as TensorFlow Datasets counts.
    * ``"first_seen"``: in the order of first appearance in the annotations of the split ``train``,
      as DeiT counts.
    * ``"compact"``: the classes that the data set has images of, in the order of their ids.
    * ``"custom"``: the caller's own.

    A class that a numbering lacks has -1 in it.

    Attributes:
        labels: The numbering that the data set has.
        classes: (C) names of the categories, in the order of their ids.
        version: The version of the release.

    Example:
        >>> numbers = {"json": [0, 1, 2], "torchvision": [2, 0, 1]}
        >>> LabelMap(numbers, labels="torchvision").convert([2, 0, -1], to="json")
        array([ 0,  1, -1])
    """

    def __init__(
        self,
        numberings: Mapping[str, ArrayLike],
        labels: str = "json",
        *,
        classes: Sequence[str] = (),
        version: str = "",
        later: Mapping[str, Callable[[], NDArray[np.int64]]] | None = None,
    ) -> None:
        self._numberings = {name: _checked(name, numberings[name]) for name in numberings}
        self._later = dict(later or {})
        lengths = {len(numbers) for numbers in self._numberings.values()}
        if classes:
            lengths.add(len(classes))
        if len(lengths) != 1:
            raise ValueError(f"numberings of the same classes have lengths {sorted(lengths)}")
        self.classes = list(classes)
        self.version = version
        self.labels = labels
        self._known(labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The numberings that there are."""
        return tuple(dict.fromkeys((*self._numberings, *self._later)))

    def numbers(self, name: str | None = None) -> NDArray[np.int64]:
        """The numbers of all classes.

        Args:
            name: The numbering; by default that of the data set.

        Returns:
            (C,) int64, in the order of the category ids; -1 for a class without a number.

        Raises:
            ValueError: If there is no such numbering.
            AnnotationError: If the annotations do not allow it.
            FileNotFoundError: If a file is missing that it needs.
        """
        name = self._known(self.labels if name is None else name)
        if name not in self._numberings:
            self._numberings[name] = _checked(name, self._later[name]())
        return self._numberings[name]

    def convert(self, labels: ArrayLike, to: str, source: str | None = None) -> NDArray[np.int64]:
        """The same classes in another numbering.

        Args:
            labels: Integers of any shape; -1 (not known) stays -1.
            to: The numbering to convert to.
            source: The numbering of ``labels``; by default that of the data set.

        Returns:
            int64 of the same shape.

        Raises:
            TypeError: If the labels are no integers.
            ValueError: If there is no such numbering, or a label has no class in ``source`` or
                its class no number in ``to``.
        """
        given = np.asarray(labels)
        if given.dtype.kind not in "iu" and given.size:
            raise TypeError(f"expected integers as labels, found {given.dtype}")
        source = self.labels if source is None else source
        places = inverse(self.numbers(source))
        table = np.full(len(places) + 1, -1, np.int64)
        table[:-1] = np.where(places < 0, -1, self.numbers(to)[places])
        outside = (given < -1) | (given >= len(places))
        found = table[np.where(outside, -1, given).astype(np.int64)]
        bad = outside | ((found < 0) & (given != -1))
        if bad.any():
            label = int(given[bad].flat[0])
            known = 0 <= label < len(places) and places[label] >= 0
            what = f"its class has no number in {to!r}" if known else f"{source!r} has no such one"
            raise ValueError(f"label {label} of {source!r} cannot be converted: {what}")
        return found

    @property
    def json_to_torchvision(self) -> NDArray[np.int64]:
        """(C,) int64: element ``category_id`` is torchvision's number."""
        return self.numbers("torchvision")

    @property
    def torchvision_to_json(self) -> NDArray[np.int64]:
        """(C,) int64: element ``number`` is the category id."""
        return inverse(self.numbers("torchvision"))

    def checksum(self, name: str | None = None) -> str:
        """16 hexadecimal digits that tell a numbering from others (SHA-256 of its numbers)."""
        return checksum(self.numbers(name))

    def to_dict(self) -> dict[str, Any]:
        """The map as plain lists, strings and numbers.

        Numberings that need a file that is missing, or that the annotations do not allow, are
        left out; so is ``"first_seen"`` until it has been asked for.
        """
        numberings = {}
        for name in self.names:
            if name == "first_seen" and name not in self._numberings:
                continue
            try:
                numberings[name] = self.numbers(name).tolist()
            except AnnotationError:
                if name == self.labels:
                    raise
        return {
            "format": FORMAT,
            "version": self.version,
            "labels": self.labels,
            "checksum": self.checksum(),
            "classes": self.classes,
            "numberings": numberings,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> LabelMap:
        """The map that `to_dict` made this of.

        Raises:
            AnnotationError: If it is none, or was changed.
        """
        try:
            if not all(isinstance(name, str) for name in [content["version"], *content["classes"]]):
                raise ValueError("expected names as `version` and `classes`")
            if content["format"] != FORMAT:
                raise ValueError(f"expected the format `{FORMAT}`, found `{content['format']}`")
            made = cls(
                content["numberings"],
                content["labels"],
                classes=content["classes"],
                version=content["version"],
            )
            if made.checksum() != content["checksum"]:
                raise ValueError(
                    f"the numbers of {made.labels!r} have the checksum {made.checksum()}, expected "
                    f"{content['checksum']}"
                )
        except (KeyError, TypeError, ValueError) as error:
            what = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            raise AnnotationError(f"this is no map of labels: {what}") from error
        return made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the map as JSON: aside first, so that a file is whole or not there.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If ``path`` is there and is not a file.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False)
        with written_aside(path) as file:
            file.write(f"{text}\n".encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LabelMap:
        """Reads what `save` wrote.

        Raises:
            AnnotationError: If the file is not that.
            OSError: If it cannot be read.
        """
        try:
            content = json.loads(Path(path).read_bytes())
            if not isinstance(content, dict):
                raise AnnotationError(f"expected a JSON object, found {type(content).__name__}")
            return cls.from_dict(content)
        except (ValueError, RecursionError, AnnotationError) as error:
            raise AnnotationError(f"`{os.fspath(path)}`: {error}") from error

    def _known(self, name: str) -> str:
        if name not in self.names:
            known = ", ".join(map(repr, self.names))
            raise ValueError(f"there is no numbering {name!r}; there are {known}")
        return name

    def __repr__(self) -> str:
        classes = len(next(iter(self._numberings.values())))
        return f"LabelMap({self.version!r}, labels={self.labels!r}, classes={classes})"


def label_map_of(
    labels: str | Mapping[int, int] | LabelMap,
    table: Table,
    taxonomy: Taxonomy,
    release: Release,
    root: Path,
) -> LabelMap:
    """The numberings of a data set.

    Args:
        labels: A name of `LABELS`, category id -> number, or the map of another data set.
        table: The annotations.
        taxonomy: The categories.
        release: The release.
        root: The folder with its files.

    Raises:
        ValueError: If ``labels`` can never work.
        AnnotationError: If the annotations do not allow this numbering.
        FileNotFoundError: If a file is missing that it needs.
    """
    count = len(taxonomy.names)
    numberings: dict[str, ArrayLike] = {"json": np.arange(count), "list": table.positions}
    name = CUSTOM
    if isinstance(labels, str):
        if labels not in LABELS:
            known = ", ".join(map(repr, LABELS))
            raise ValueError(
                f"`labels` must be one of {known}, a dict or a LabelMap, not {labels!r}"
            )
        name = labels
    elif isinstance(labels, LabelMap):
        name = labels.labels
        numberings[name] = labels.numbers()
        if len(labels.numbers()) != count or (labels.classes and labels.classes != taxonomy.names):
            raise ValueError(f"{labels!r} is of other classes than the {count} of this data set")
    elif isinstance(labels, Mapping):
        numberings[CUSTOM] = _custom(labels, count)
    else:
        raise TypeError(f"`labels` must be a name, a dict or a LabelMap, not {labels!r}")
    later = {
        "torchvision": partial(getattr, taxonomy, "torchvision"),
        "first_seen": partial(_first_seen, release, root, table),
        # To be asked for when it is known which images there are.
        "compact": partial(_compact, table, count),
    }
    made = LabelMap(numberings, name, classes=taxonomy.names, version=release.version, later=later)
    if name != "compact":
        made.numbers()
    return made


def checksum(numbers: NDArray[np.int64]) -> str:
    """16 hexadecimal digits of the SHA-256 of the numbers, as int64, little-endian."""
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()[:16]


def _custom(labels: Mapping[int, int], count: int) -> NDArray[np.int64]:
    numbers = np.full(count, -1, np.int64)
    for category_id, number in labels.items():
        if not 0 <= operator.index(category_id) < count:
            raise ValueError(f"`labels` has category {category_id}; there are 0 to {count - 1}")
        if not 0 <= operator.index(number) < MOST_NUMBERS:
            raise ValueError(
                f"`labels` gives category {category_id} the number {number}, expected 0 to "
                f"{MOST_NUMBERS - 1}"
            )
        numbers[category_id] = number
    return numbers


def _checked(name: str, numbers: ArrayLike) -> NDArray[np.int64]:
    """(C,) int64, every number but -1 once.

    Raises:
        ValueError: If it is not so.
    """
    column = np.asarray(numbers)
    if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
        raise ValueError(f"the numbering {name!r} must be a list of integers")
    column = column.astype(np.int64)
    used = np.sort(column[column != -1])
    if used.size and not 0 <= used[0] <= used[-1] < MOST_NUMBERS:
        wrong = used[0] if used[0] < 0 else used[-1]
        raise ValueError(f"the numbering {name!r} has {wrong}, expected -1 to {MOST_NUMBERS - 1}")
    twice = used[1:][np.diff(used) == 0]
    if twice.size:
        raise ValueError(f"the numbering {name!r} gives two classes the number {twice[0]}")
    return column


def _first_seen(release: Release, root: Path, table: Table) -> NDArray[np.int64]:
    (file,) = find_annotations(root, "train", release)
    train = table if file in table.files[:1] else Table([file], find_categories(root, release))
    if train.categories[0] != table.categories[0]:
        raise AnnotationError(
            f"`{file.path}`: its {len(train.categories[0])} categories are not the "
            f"{len(table.categories[0])} of this split; the files are of different releases"
        )
    if (train.first_seen < 0).all():
        raise AnnotationError(f"`{file.path}`: expected annotations, found none")
    return train.first_seen


def _compact(table: Table, count: int) -> NDArray[np.int64]:
    numbers = np.full(count, -1, np.int64)
    present = np.unique(table.category_ids[table.category_ids >= 0])
    numbers[present] = np.arange(len(present))
    return numbers
