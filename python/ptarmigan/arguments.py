"""Turns an argument into the value that is meant, or into a ValueError that names it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["natural", "one_of", "whole"]


def natural(name: str, value: int) -> int:
    """``value`` as an integer that fits 64 bits without a sign, or a ValueError that names it."""
    if not isinstance(value, int | np.integer) or not 0 <= value < 2**64:
        msg = f"`{name}` must be a whole number from 0 to 2**64 - 1, not {value!r}"
        raise ValueError(msg)
    return int(value)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """``value`` as an integer from ``least`` to ``most``, or a ValueError that names it."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if is_whole and least <= value <= most:
        return int(value)
    msg = f"`{name}` must be a whole number from {least} to {most}, not {value!r}"
    raise ValueError(msg)


def one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    """``value``, which must be one of those that are ``known``, or a ValueError that names it."""
    if value not in known:
        msg = f"`{name}` must be one of {', '.join(map(repr, known))}, not {value!r}"
        raise ValueError(msg)
    return value
