"""Turns the number of a class into its name, its folder and the groups that it belongs to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .taxonomy import Taxonomy

__all__ = ["Classes", "inverse"]


class Classes:
    """The categories in the order of their numbers.

    Args:
        taxonomy: The categories in the order of their ids.
        numbers: (C,) int64, the number of each, -1 for those without one.

    Attributes:
        names: Names by number; empty where no class has the number.
        folders: Folders by number, such as ``"Aves/Ardea alba"``; empty where it is not known.
    """

    def __init__(self, taxonomy: Taxonomy, numbers: NDArray[np.int64]) -> None:
        self._taxonomy = taxonomy
        self._ids = inverse(numbers)
        ids = self._ids.tolist()
        self.names = [taxonomy.names[id_] if id_ >= 0 else "" for id_ in ids]
        self.folders = [taxonomy.folders[id_] if id_ >= 0 else "" for id_ in ids]

    @property
    def target_types(self) -> tuple[str, ...]:
        """What a target can be."""
        return self._taxonomy.target_types

    @cached_property
    def categories_index(self) -> dict[str, dict[str, int]]:
        """Number of every super category, or taxon of every rank, as torchvision has them."""
        taxonomy = self._taxonomy
        return {
            kind: {name: place for place, name in enumerate(taxonomy.groups(kind)[0])}
            for kind in taxonomy.theirs
        }

    @cached_property
    def categories_map(self) -> list[dict[str, int]]:
        """For every class its number in `categories_index`; empty for a number without a class."""
        places = {kind: self._taxonomy.groups(kind)[1].tolist() for kind in self._taxonomy.theirs}
        return [
            {kind: column[id_] for kind, column in places.items()} if id_ >= 0 else {}
            for id_ in self._ids.tolist()
        ]

    def groups(self, kind: str) -> list[str]:
        """The super category, or the taxon of a rank, of every class; empty where not known."""
        names, places = self._taxonomy.groups(kind)
        found = np.append(places, np.int64(-1))[self._ids].tolist()
        return [names[place] if place >= 0 else "" for place in found]

    def category_name(self, category_type: str, category_id: int) -> str:
        """The folder of a class, or the name of a group.

        Raises:
            ValueError: If there is no such type or number.
            AnnotationError: If the categories do not have this rank.
        """
        types = self._taxonomy.target_types
        if category_type not in types:
            known = ", ".join(map(repr, types))
            raise ValueError(f"`category_type` must be one of {known}, not {category_type!r}")
        full = category_type == "full"
        names = self.folders if full else self._taxonomy.groups(category_type)[0]
        if not 0 <= category_id < len(names):
            raise ValueError(f"`category_id` must be 0 to {len(names) - 1}, not {category_id!r}")
        return names[category_id]


def inverse(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Element ``number`` is the category id, -1 where there is none."""
    categories = np.flatnonzero(numbers >= 0)
    ids = np.full(int(numbers.max(initial=-1)) + 1, -1, np.int64)
    ids[numbers[categories]] = categories
    return ids
