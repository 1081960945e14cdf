"""Turns a seed into made-up people who hold the rights of made-up pictures."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_holders", "make_holders"]

# Every kind of name that a file has to carry: accents, a quote mark, another script, none at all.
_FIRST: Final = (
    "Aino Mäkelä",
    "B. Oduya",
    "Çelik Er",
    'D\'Arcy "Dot" Quill',
    "Øyvind V.",
    "佐藤 光",
    "",
)
_PARTS: Final = (
    "al", "be", "ca", "do", "el", "fi", "go", "ha", "il", "ju", "ke", "lo", "mi", "na", "or",
    "pe", "qui", "ro", "sa", "ti", "ul", "vo", "we", "xa", "yu", "zo",
)  # fmt: skip
# One person for so many pictures; few people hold many of them.
_PICTURES_A_HOLDER: Final = 250
_TAIL: Final = 1.6


def make_holders(pictures: int, seed: int) -> list[str]:
    """Names for this many pictures; the first ones are the odd ones, whatever the seed."""
    count = max(len(_FIRST), pictures // _PICTURES_A_HOLDER)
    random = np.random.default_rng([seed, 12])
    draws = random.integers(len(_PARTS), size=(count, 6)).tolist()
    words = [
        ["".join(_PARTS[part] for part in half).title() for half in (draw[:3], draw[3:])]
        for draw in draws
    ]
    names = [" ".join(pair) for pair in words]
    return [*_FIRST, *names[len(_FIRST) :]]


def draw_holders(holders: int, pictures: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Who holds each picture, as rows of `make_holders`; the odd ones hold some of each 100."""
    weights = random.lognormal(0.0, _TAIL, holders)
    weights[: len(_FIRST)] = weights.sum() * 0.03 / len(_FIRST)
    edges = np.cumsum(weights)
    return np.asarray(np.searchsorted(edges, random.random(pictures) * edges[-1], "right"))
