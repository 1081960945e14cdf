"""Turns the annotations of a split, and conditions, into the images that are meant."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..annotations import Table
from ..attribution import rows_licensed
from ..conditions import rows_where
from ..metadata import Extras
from ..release import Release, find_annotations, find_categories, release_and_split
from ..taxonomy import Taxonomy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

__all__ = ["Selection", "part_of", "select", "widest_split"]


class Selection(NamedTuple):
    """Images of a split, without their photos.

    Attributes:
        table: Their annotations.
        taxonomy: The categories.
        extras: Boxes, places and further columns, with the rows of the table.
        release: The release.
        split: The split.
    """

    table: Table
    taxonomy: Taxonomy
    extras: Extras
    release: Release
    split: str


def select(
    root: str | os.PathLike[str],
    version: str | Release,
    split: str | None,
    *,
    where: Mapping[str, Any] | None = None,
    licenses: Iterable[str | int] | None = None,
) -> Selection:
    """Reads the annotations of a split and drops what does not meet the conditions.

    Args:
        root: The folder with the annotation files; the photos need not be there.
        version: As for `ptarmigan.INaturalist`.
        split: As for `ptarmigan.INaturalist`.
        where: As for `ptarmigan.INaturalist`.
        licenses: As for `ptarmigan.attribution.rows_licensed`.

    Raises:
        AnnotationError: If a file is damaged.
        FileNotFoundError: If a file is missing.
        ValueError: If an argument can never work.
    """
    release, split = release_and_split(version, split)
    folder = Path(root)
    files = find_annotations(folder, split, release)
    table = Table(files, categories=find_categories(folder, release))
    taxonomy = Taxonomy(table, release)
    extras = Extras(os.fspath(root), split, release, table)
    keep = np.ones(len(table), np.bool_)
    if licenses is not None:
        keep &= rows_licensed(table, licenses)
    if where:
        keep &= rows_where(table, taxonomy, extras, where)
    if not keep.all():
        table.keep(keep)
        extras.forget()
    return Selection(table, taxonomy, extras, release, split)


def widest_split(version: str | Release) -> str | None:
    """Train and val where one archive has both; None where a split has an archive of its own."""
    release, named = release_and_split(version)
    return "train+val" if "train+val" in release.split_names else named


def part_of(table: Table, rows: NDArray[Any]) -> Table:
    """Another table that has these rows only (indices or a mask)."""
    part = copy.copy(table)
    part.keep(rows)
    return part
