"""Turns a seed into made-up categories with the shape of the real ones.

The names are invented; what is kept is everything that has broken loaders: a multiplication sign
that the directory name drops, hyphens, three-part names, and member paths of 100 to 105 bytes
around the 100 bytes of a ustar name field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ptarmigan.published import PUBLISHED

__all__ = ["SUPERCATEGORIES", "Category", "Supercategory", "make_categories"]


@dataclass(frozen=True)
class Supercategory:
    """One row of the competition page's first table.

    Attributes:
        name: Its name, also a directory.
        categories: Number of categories.
        train: Number of training images.
        val: Number of validation images.
        boxed: Whether bounding boxes were drawn for it.
    """

    name: str
    categories: int
    train: int
    val: int
    boxed: bool


_BOXED: Final = {row.name for row in PUBLISHED["2017"].boxes}

SUPERCATEGORIES: Final = tuple(
    Supercategory(
        row.name,
        row.categories,
        row.images["train"],
        row.images["val"],
        boxed=row.name in _BOXED,
    )
    for row in PUBLISHED["2017"].images
)

ROOT: Final = "train_val_images"
STEM_BYTES: Final = 32
# Marks a hybrid, in names only.
TIMES: Final = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Category:
    """One category; its id is its place in the list.

    Attributes:
        name: As the annotation file has it.
        supercategory: Place in `SUPERCATEGORIES`.
    """

    name: str
    supercategory: int

    @property
    def directory(self) -> str:
        """The folder of its images: the archive drops the multiplication sign of hybrids."""
        group = SUPERCATEGORIES[self.supercategory].name
        return f"{ROOT}/{group}/{self.name.replace(TIMES, '')}"


_ONSETS = (*"bcdfghklmnprstvz", "br", "cr", "dr", "gl", "pl", "qu", "sc", "st", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ae", "y")
_CODAS = ("", "", "", "l", "m", "n", "r", "s", "x")
_GENUS_ENDINGS = ("ops", "ella", "idia", "axis", "ura", "ium", "ora", "anthe", "odes", "ornis")
_EPITHET_ENDINGS = ("ensis", "ata", "oides", "ifera", "icola", "ula", "atus", "ina", "osa")

# The length of the member path that a name must lead to, for the first category of a group.
_PATH_LENGTHS = {
    "Amphibia": 100,
    "Mammalia": 101,
    "Plantae": 102,
    "Insecta": 103,
    "Aves": 104,
    "Reptilia": 105,
}
# The kinds of the next categories of a group; all further ones are drawn by `_COMMON`.
_KINDS = {
    "Plantae": ("hybrid", "tight hybrid"),
    "Aves": ("crossing",),
    "Insecta": ("hyphen",),
    "Amphibia": ("genus",),
}
# Shares as in the real list: 191 of 5,089 names have three parts, 31 a hyphen.
_COMMON = {"binomial": 0.956, "trinomial": 0.038, "hyphen": 0.006}


class _Namer:
    """Makes names that no earlier call of the same object has made."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng([seed, 1])
        self._seen: set[str] = set()
        self._genus = ""

    def _pick(self, words: tuple[str, ...]) -> str:
        return words[int(self._random.integers(len(words)))]

    def _syllables(self, count: int) -> str:
        return "".join(
            self._pick(_ONSETS) + self._pick(_VOWELS) + self._pick(_CODAS) for _ in range(count)
        )

    def _epithet(self) -> str:
        return self._syllables(int(self._random.integers(1, 3))) + self._pick(_EPITHET_ENDINGS)

    def _new_genus(self) -> str:
        return (
            self._syllables(int(self._random.integers(1, 3))) + self._pick(_GENUS_ENDINGS)
        ).title()

    def _word_of(self, length: int) -> str:
        word = self._syllables(length)
        return word[:length]

    def _draw(self, kind: str) -> str:
        # A genus has several species, next to each other in no list but in the archive.
        if kind == "genus" or self._random.random() < 0.6:
            self._genus = self._new_genus()
        genus = self._genus
        epithet = self._epithet()
        match kind:
            case "genus":
                return genus
            case "hybrid":
                return f"{genus} {TIMES} {epithet}"
            case "tight hybrid":
                return f"{genus} {TIMES}{epithet}"
            case "crossing":
                return f"{genus} {epithet} {TIMES} {self._epithet()}"
            case "hyphen":
                return f"{genus} {self._syllables(1)}-{epithet}"
            case "trinomial":
                return f"{genus} {epithet} {self._epithet()}"
            case _:
                return f"{genus} {epithet}"

    def _draw_long(self, length: int) -> str:
        genus = self._word_of(length // 3).title()
        left = length - len(genus) - 2
        return f"{genus} {self._word_of(left // 2)} {self._word_of(left - left // 2)}"

    def _unseen(self, name: str) -> bool:
        directory = name.replace(TIMES, "").casefold()
        if directory in self._seen:
            return False
        self._seen.add(directory)
        return True

    def name(self, kind: str | int) -> str:
        """A new name of a kind, or with a directory name of so many bytes."""
        while True:
            name = self._draw_long(kind) if isinstance(kind, int) else self._draw(kind)
            if self._unseen(name):
                return name

    def kinds(self, group: Supercategory, count: int, *, long_names: bool) -> list[str | int]:
        """What the names of a group's categories are like."""
        self._genus = self._new_genus()
        kinds: list[str | int] = []
        if long_names and group.name in _PATH_LENGTHS:
            around = len(f"{ROOT}/{group.name}//.jpg") + STEM_BYTES
            kinds.append(_PATH_LENGTHS[group.name] - around)
        kinds += _KINDS.get(group.name, ())
        rest = max(0, count - len(kinds))
        common = self._random.choice(list(_COMMON), size=rest, p=list(_COMMON.values()))
        return (kinds + [str(kind) for kind in common])[:count]


def make_categories(scale: float, seed: int, *, long_names: bool = True) -> list[Category]:
    """Makes the categories of every super category, in no order, as the real list has none.

    Args:
        scale: Share of the real 5,089 categories; every super category keeps at least one.
        seed: Decides the names and the order.
        long_names: Whether six names lead to member paths of 100 to 105 bytes.

    Returns:
        The categories; a category's id is its place.
    """
    namer = _Namer(seed)
    made = []
    for place, group in enumerate(SUPERCATEGORIES):
        count = max(1, round(group.categories * scale))
        kinds = namer.kinds(group, count, long_names=long_names)
        made += [Category(namer.name(kind), place) for kind in kinds]
    order = np.random.default_rng([seed, 2]).permutation(len(made))
    return [made[place] for place in order]
