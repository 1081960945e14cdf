"""Turns the categories of a release into classes: what a target's number means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Table

__all__ = ["LABELS", "LabelMap", "LabelSpace"]

LABELS = ("json", "torchvision")
# Folders have the name of their category without this sign, which five of 2017 have.
HYBRID_SIGN = "\N{MULTIPLICATION SIGN}"


class LabelMap(NamedTuple):
    """The two numberings of the same classes.

    Attributes:
        json_to_torchvision: (C,) int64: element ``category_id`` is torchvision's number.
        torchvision_to_json: (C,) int64: element ``number`` is the category id.
    """

    json_to_torchvision: NDArray[np.int64]
    torchvision_to_json: NDArray[np.int64]


class LabelSpace:
    """Names and numbers of classes and super categories.

    ``"json"`` numbers a class by its ``category_id``, as the competition does. ``"torchvision"``
    numbers it as ``torchvision.datasets.INaturalist`` does: by the place of its folder among all
    folders, sorted by super category and name. For 2017 the two agree for one class of 5,089.

    Args:
        table: The annotations.
        labels: ``"json"`` or ``"torchvision"``.

    Attributes:
        labels: The argument.
        names: (C) names of the classes, by number.
        folders: (C) folders of the classes, such as ``"Aves/Ardea alba"``, by number.
        supercategories: (S) names of the super categories, sorted.
        supers: (C,) int64: the super category of every class, by number.
        label_map: The two numberings.

    Raises:
        AnnotationError: If the ids are not 0 to C-1, or, for ``"torchvision"``, categories and
            folders are not one to one.
    """

    def __init__(self, table: Table, labels: str) -> None:
        ids, names, supercategories = table.categories
        if ids != list(range(len(ids))):
            wrong = next(id_ for row, id_ in enumerate(ids) if row != id_)
            msg = (
                f"the {len(ids)} categories should have the ids 0 to {len(ids) - 1}, but "
                f"`{wrong}` comes where `{ids.index(wrong)}` should; the list is not complete"
            )
            raise AnnotationError(msg)
        folders = [
            folder or f"{supercategory}/{name.replace(HYBRID_SIGN, '')}"
            for folder, name, supercategory in zip(
                table.folders, names, supercategories, strict=True
            )
        ]
        order = np.array(sorted(ids, key=lambda id_: folders[id_].split("/")), np.int64)
        inverse = np.empty_like(order)
        inverse[order] = np.arange(len(ids))
        self.labels = labels
        self.label_map = LabelMap(inverse, order)
        if labels == "torchvision":
            if table.folders_problem is not None:
                raise AnnotationError(table.folders_problem)
            if len(set(folders)) < len(folders):
                msg = (
                    f"{len(folders)} categories share {len(set(folders))} folders, so a folder "
                    "does not say which category it is"
                )
                raise AnnotationError(msg)
            names = [names[id_] for id_ in order]
            folders = [folders[id_] for id_ in order]
        self.names = names
        self.folders = folders
        above = [folder.split("/")[0] for folder in folders]
        self.supercategories = sorted(set(above))
        places = {name: place for place, name in enumerate(self.supercategories)}
        self.supers = np.array([places[name] for name in above], np.int64)

    def targets(self, category_ids: NDArray[np.int64], target_type: str) -> NDArray[np.int64]:
        """The number of the class (``"full"``) or super category (``"super"``); -1 for -1."""
        numbers = category_ids
        if self.labels == "torchvision":
            numbers = _look_up(self.label_map.json_to_torchvision, numbers)
        return numbers.copy() if target_type == "full" else _look_up(self.supers, numbers)


def _look_up(table: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    # One more element, so that -1 finds -1.
    return np.append(table, np.int64(-1))[numbers]
