"""Turns the categories of a release into the folder, the super category and the ranks of each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .errors import AnnotationError
from .release import RANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .annotations import Table
    from .release import Release

__all__ = ["Taxonomy", "supercategories_of"]

# Folders have the name of their category without this sign, which five of 2017 have.
HYBRID_SIGN = "\N{MULTIPLICATION SIGN}"
# A folder of 2021: the class's number, six ranks, the epithet.
PIECES = 2 + len(RANKS)
# 2021 writes class numbers with five.
DIGITS = 9


class Taxonomy:
    """What is known of every category, in the order of their ids.

    Args:
        table: The annotations.
        release: What their folders and further keys mean.

    Attributes:
        names: (C) names.
        folders: (C) folders, such as ``"Aves/Ardea alba"``; empty where it is not known.
        above: (C) super categories; empty where it is not known.
        supercategories: (S) names of the super categories, sorted.
        target_types: What a target can be: ``"full"``, ``"super"`` and the ranks that are known.
        theirs: The target types besides ``"full"`` that torchvision has for such folders.

    Raises:
        AnnotationError: If the ids are not 0 to C-1.
    """

    def __init__(self, table: Table, release: Release) -> None:
        ids, self.names, self.above = table.categories
        if ids != list(range(len(ids))):
            wrong = next(id_ for row, id_ in enumerate(ids) if row != id_)
            msg = (
                f"`{table.files[0].path}`: the {len(ids)} categories should have the ids 0 to "
                f"{len(ids) - 1}, but `{wrong}` comes where `{ids.index(wrong)}` should; the list "
                "is not complete"
            )
            raise AnnotationError(msg)
        self._kind = release.folders
        self._problem = table.folders_problem
        self._columns = table.category_columns
        self.folders = self._folders(table)
        self.above = supercategories_of(self.above, self.folders)
        self.supercategories = sorted(set(self.above) - {""})
        known = RANKS if self._kind == "taxonomy" else self._columns
        ranks = [rank for rank in release.ranks if rank in known or rank in self._columns]
        self.target_types = ("full", "super", *ranks)
        self.theirs = RANKS if self._kind == "taxonomy" else ("super",)

    def _folders(self, table: Table) -> list[str]:
        if self._kind == "taxonomy":
            named = self._columns.get("image_dir_name") or [None] * len(self.names)
            pairs = zip(table.folders, named, strict=True)
            return [folder.rpartition("/")[2] or name or "" for folder, name in pairs]
        numbered = self._kind == "numbered"
        folders = []
        for id_, folder in enumerate(table.folders):
            last = str(id_) if numbered else self.names[id_].replace(HYBRID_SIGN, "")
            folders.append(folder or (f"{self.above[id_]}/{last}" if self.above[id_] else ""))
        return folders

    @cached_property
    def torchvision(self) -> NDArray[np.int64]:
        """(C,) int64: the number that torchvision gives each category.

        Raises:
            AnnotationError: If categories and folders are not one to one, or a folder is not
                named as those of this release are.
        """
        if self._problem is not None:
            raise AnnotationError(self._problem)
        if "" in self.folders and self._kind != "numbered":
            row = self.folders.index("")
            msg = f"the folder of category {row} (`{self.names[row]}`) is not known"
            raise AnnotationError(msg)
        if self._kind == "numbered":
            # Where a category has no photo here, its folder is taken to be its id.
            names = [folder or str(id_) for id_, folder in enumerate(self.folders)]
            return self._by_number([name.rpartition("/")[2] for name in names])
        if len(set(self.folders)) < len(self.folders):
            msg = (
                f"{len(self.folders)} categories share {len(set(self.folders))} folders, so a "
                "folder does not say which category it is"
            )
            raise AnnotationError(msg)
        if self._kind == "taxonomy":
            return self._by_number([self._pieces(id_)[0] for id_ in range(len(self.folders))])
        order = sorted(range(len(self.folders)), key=lambda id_: self.folders[id_].split("/"))
        numbers = np.empty(len(order), np.int64)
        numbers[order] = np.arange(len(order))
        return numbers

    def _by_number(self, texts: list[str]) -> NDArray[np.int64]:
        """The numbers that these texts are, which must be 0 to C-1."""
        known: dict[int, int] = {}
        for id_, text in enumerate(texts):
            is_number = text.isascii() and text.isdigit() and len(text) <= DIGITS
            if not is_number or int(text) >= len(texts):
                msg = (
                    f"the folder `{self.folders[id_]}` of category {id_} should be named by a "
                    f"number from 0 to {len(texts) - 1}, not by `{text}`"
                )
                raise AnnotationError(msg)
            other = known.setdefault(int(text), id_)
            if other != id_:
                msg = f"the folders of categories {other} and {id_} have the same number {text}"
                raise AnnotationError(msg)
        return np.array(list(known), np.int64)

    def _pieces(self, id_: int) -> list[str]:
        pieces = self.folders[id_].split("_")
        if len(pieces) != PIECES:
            msg = (
                f"the folder `{self.folders[id_]}` of category {id_} has {len(pieces)} parts "
                f"between `_`, expected {PIECES}: a number, {', '.join(RANKS)}, epithet"
            )
            raise AnnotationError(msg)
        return pieces

    def groups(self, target_type: str) -> tuple[list[str], NDArray[np.int64]]:
        """The super categories or the taxa of one rank, and the one of every category.

        Super categories are sorted. Taxa are numbered by their first appearance in the order of
        the folders (2021), as torchvision does, or of the category ids.

        Args:
            target_type: ``"super"`` or a rank.

        Returns:
            The names, and (C,) int64: places among them, -1 where it is not known.

        Raises:
            AnnotationError: If the categories do not have this rank.
        """
        if target_type == "super":
            return self.supercategories, _places(self.above, self.supercategories)
        if self._kind == "taxonomy" and target_type in RANKS:
            piece = 1 + RANKS.index(target_type)
            order = np.argsort(self.torchvision)
            taxa = [self._pieces(id_)[piece] for id_ in range(len(self.names))]
            in_order = [taxa[id_] for id_ in order]
        elif target_type in self._columns:
            taxa = [taxon or "" for taxon in self._columns[target_type]]
            in_order = taxa
        else:
            known = ", ".join(f"`{name}`" for name in self._columns) or "no further keys"
            msg = (
                f"the categories have no `{target_type}`, only {known}; for 2018 and 2019 put "
                "`categories.json.tar.gz` beside the annotations"
            )
            raise AnnotationError(msg)
        names = list(dict.fromkeys(taxon for taxon in in_order if taxon))
        return names, _places(taxa, names)

    def taxa(self, target_type: str) -> list[str]:
        """The super category or the taxon of one rank of every category; empty where not known.

        Raises:
            AnnotationError: If the categories do not have this rank.
        """
        names, places = self.groups(target_type)
        return [names[place] if place >= 0 else "" for place in places.tolist()]


def supercategories_of(listed: Sequence[str], folders: Sequence[str]) -> list[str]:
    """The super categories as listed; where one is not, that of its folder.

    The list of 2019 has none, but its folders have: ``"Birds"`` of ``"Birds/12"``.
    """
    pairs = zip(listed, folders, strict=True)
    return [above or folder.rpartition("/")[0] for above, folder in pairs]


def _places(values: list[str], names: list[str]) -> NDArray[np.int64]:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(value, -1) for value in values], np.int64)
