"""Turns images a category, commonest first, into a drawing of the long tail in text."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["draw_tail"]

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
# For terminals and files that cannot have the above: a cell is full or not.
_HALVES: Final = "    #####"
_ROWS: Final = 8


def draw_tail(counts: Sequence[int], categories: int, blocks: str | None = None) -> list[str]:
    """Bars of log(images), a column for each number, with the two axes.

    Args:
        counts: Images at ranks evenly from the commonest category to the rarest.
        categories: How many categories there are, for the axis.
        blocks: Nine characters from empty to full; by default what standard output can show.

    Returns:
        Lines of text.
    """
    blocks = blocks or _blocks()
    top = math.log(max(*counts, 2) + 1)
    heights = [math.log(count + 1) / top * _ROWS * 8 for count in counts]
    marks = [round(math.exp(top * row / _ROWS)) - 1 for row in range(_ROWS + 1)]
    margin = len(f"{marks[-1]:,}")
    lines = []
    for row in reversed(range(_ROWS)):
        cells = (blocks[max(0, min(8, round(height - row * 8)))] for height in heights)
        # Few images a category make neighbouring rows the same number.
        mark = f"{marks[row + 1]:,}" if row % 2 and marks[row + 1] > marks[row - 1] else ""
        lines.append(f"{mark:>{margin}} |{''.join(cells)}".rstrip())
    last = f"{categories:,}"
    lines.append(f"{'rank':>{margin}}  1{last:>{max(len(last) + 1, len(counts) - 1)}}")
    return lines


def _blocks() -> str:
    try:
        _EIGHTHS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _HALVES
    return _EIGHTHS
