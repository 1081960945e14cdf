"""Turns annotation files into the tables of the competition page, and what else they count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ptarmigan.taxonomy import supercategories_of

if TYPE_CHECKING:
    from ptarmigan.annotations import Boxes, Locations, Table

__all__ = [
    "CategoryCounts",
    "box_table",
    "fields",
    "image_table",
    "licences",
    "places",
    "spread",
]

Figures = dict[str, Any]

UNKNOWN: Final = "(not among the categories)"
# The long tail is drawn with so many points.
_CURVE: Final = 60


class CategoryCounts:
    """Counts by category and super category, for arrays of category ids.

    Args:
        table: Images with the list of all categories.

    Attributes:
        sizes: Super category to number of categories, as on the page: largest first.
    """

    def __init__(self, table: Table) -> None:
        ids, _, groups = table.categories
        self._ids = np.array(ids, np.int64)
        named = supercategories_of(groups, table.folders)
        counts = Counter(named)
        self.sizes = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        self._names = [*self.sizes, UNKNOWN]
        places = {name: place for place, name in enumerate(self._names)}
        self._group_of = np.array([places[name] for name in named] + [len(self.sizes)], np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def _rows(self, category_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        rows = np.searchsorted(self._ids, category_ids)
        known = rows < len(self._ids)
        known[known] = self._ids[rows[known]] == category_ids[known]
        return np.where(known, rows, len(self._ids))

    def per_category(self, category_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """(C,) how often each category comes."""
        counts = np.bincount(self._rows(category_ids), minlength=len(self._ids) + 1)
        return counts[:-1].astype(np.int64)

    def per_group(self, category_ids: NDArray[np.int64]) -> dict[str, int]:
        """How often each super category comes; ids in no list come under a name of their own."""
        groups = self._group_of[self._rows(category_ids)]
        counts = np.bincount(groups, minlength=len(self._names)).tolist()
        if not counts[-1]:
            counts.pop()
        return dict(zip(self._names, counts, strict=False))


def _total(rows: list[Figures]) -> Figures:
    """Sums of all columns but the name; None where a file is absent."""
    keys = [key for key in rows[0] if key != "name"] if rows else []
    return {
        key: None if any(row[key] is None for row in rows) else sum(row[key] for row in rows)
        for key in keys
    }


def image_table(
    categories: CategoryCounts, tables: dict[str, Table], splits: tuple[str, ...]
) -> tuple[list[Figures], Figures]:
    """The page's first table and its last row: categories, and images of each split."""
    counts = {split: categories.per_group(table.category_ids) for split, table in tables.items()}
    names = {*categories.sizes}.union(*counts.values())
    rows = [
        {"name": name, "categories": categories.sizes.get(name, 0)}
        | {split: counts[split].get(name, 0) if split in counts else None for split in splits}
        for name in sorted(names, key=lambda name: (-categories.sizes.get(name, 0), name))
    ]
    return rows, _total(rows)


def box_table(categories: CategoryCounts, boxes: dict[str, Boxes]) -> tuple[list[Figures], Figures]:
    """The page's second table and its last row: boxes of each split."""
    counts = {split: categories.per_group(found.category_ids) for split, found in boxes.items()}
    names = {name for split in counts.values() for name, number in split.items() if number}
    rows = [
        {"name": name}
        | {
            split: counts[split].get(name, 0) if split in counts else None
            for split in ("train", "val")
        }
        for name in sorted(names, key=lambda name: (-categories.sizes.get(name, 0), name))
    ]
    return rows, _total(rows)


def spread(per_category: NDArray[np.int64]) -> Figures:
    """How images are spread over the categories that have any: the long tail."""
    some = np.sort(per_category[per_category > 0])[::-1]
    if not len(some):
        return {"empty": len(per_category)}
    commonest = max(1, round(len(some) / 100))
    ranks = np.linspace(0, len(some) - 1, min(len(some), _CURVE)).round().astype(np.int64)
    return {
        "min": int(some[-1]),
        "median": float(np.median(some)),
        "max": int(some[0]),
        "imbalance": round(float(some[0] / some[-1]), 2),
        "top_share": round(float(some[:commonest].sum() / some.sum()), 4),
        "empty": len(per_category) - len(some),
        "curve": some[ranks].tolist(),
    }


def licences(tables: list[Table]) -> list[Figures]:
    """Images of each licence, commonest first."""
    ids, names, addresses = tables[0].licenses
    known = {
        number: {"id": number, "name": name, "url": url}
        for number, name, url in zip(ids, names, addresses, strict=True)
    }
    found = Counter(np.concatenate([table.license_ids for table in tables]).tolist())
    known[-1] = {"id": -1, "name": "(none)", "url": ""}
    unknown: Figures = {"name": "(not in the list)", "url": ""}
    return [
        known.get(number, {"id": number} | unknown) | {"images": images}
        for number, images in found.most_common()
    ]


def fields(table: Table) -> Figures:
    """How many images of a split lack what their records should have."""
    nameless = [row for row, name in enumerate(table.holder_names) if not name]
    return {
        "images": len(table),
        "no_rights_holder": int(np.isin(table.holders, [-1, *nameless]).sum()),
        "no_license": int((table.license_ids < 0).sum()),
        "unlisted_license": int(
            (~np.isin(table.license_ids, table.licenses[0]) & (table.license_ids >= 0)).sum()
        ),
        "no_size": int(((table.widths < 1) | (table.heights < 1)).sum()),
    }


def places(found: Locations, table: Table | None) -> Figures:
    """How many records of a locations file lack what, and which images have none."""
    unknown = without = None
    if table is not None:
        unknown = int((~np.isin(found.image_ids, table.image_ids)).sum())
        without = int((~np.isin(table.image_ids, found.image_ids)).sum())
    _, starts, ends = found.dates.pool()
    return {
        "records": len(found.image_ids),
        "no_place": int((np.isnan(found.latitudes) | np.isnan(found.longitudes)).sum()),
        "no_uncertainty": int(np.isnan(found.uncertainties).sum()),
        "no_date": int((starts == ends).sum()),
        "no_user": int((found.user_ids < 0).sum()),
        "unknown_images": unknown,
        "images_without": without,
    }
