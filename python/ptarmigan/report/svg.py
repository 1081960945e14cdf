"""Turns a Matplotlib figure into SVG that lies in a page and takes the page's colours and font.

A colour is a number that Matplotlib passes through and that stands for a variable of the page's
style sheet, so one drawing serves light, dark and paper.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ACCENT", "INK", "QUIET", "RULE", "drawing", "svg_of"]

INK: Final = "#010101"
QUIET: Final = "#020202"
RULE: Final = "#030303"
ACCENT: Final = "#040404"
VARIABLES: Final = {INK: "--ink", QUIET: "--quiet", RULE: "--rule", ACCENT: "--accent"}

SVG: Final = "http://www.w3.org/2000/svg"
LINK: Final = "{http://www.w3.org/1999/xlink}href"
FONT_SIZE: Final = 13
PIXELS_PER_INCH: Final = 72

STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ptarmigan",
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": RULE,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "grid.color": RULE,
    "grid.linewidth": 1,
    "lines.linewidth": 2,
    "lines.markersize": 7,
}


@contextmanager
def drawing(width: int, height: int) -> Iterator[Figure]:
    """A figure of so many pixels, in the page's style whatever the user's own settings are."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE]):
        size = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
        yield Figure(figsize=size, dpi=PIXELS_PER_INCH, layout="constrained")


def svg_of(figure: Figure, name: str, text: str) -> str:
    """The figure as an ``<svg>`` element; to be called while it is being drawn.

    Args:
        figure: From `drawing`.
        name: What the ids in it begin with, other than those of the page's other figures.
        text: What the figure shows, for those who cannot see it.
    """
    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    root = ElementTree.fromstring(stream.getvalue())  # noqa: S314 - just made here
    # A style sheet in it would be one of the whole page; page.css has its one rule.
    root.remove(next(part for part in root if part.find(f"{{{SVG}}}style") is not None))
    links = _references(root)
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in links:
            element.set("id", f"{name}-{own}")
        if target := element.attrib.pop(LINK, None):
            element.set("href", f"#{name}-{target[1:]}")
        if clip := element.get("clip-path"):
            element.set("clip-path", clip.replace("url(#", f"url(#{name}-"))
        if style := element.get("style"):
            element.set("style", _style(style))
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": text,
        "class": "plot",
    }
    ElementTree.register_namespace("", SVG)
    return re.sub(r"\n\s*", "\n", ElementTree.tostring(root, encoding="unicode")).strip()


def _references(root: ElementTree.Element) -> set[str]:
    found = set()
    for element in root.iter():
        if target := element.get(LINK):
            found.add(target[1:])
        if clip := element.get("clip-path"):
            found.add(clip.removeprefix("url(#").removesuffix(")"))
    return found


def _style(text: str) -> str:
    """Page colours and the page's font in a ``style`` attribute."""
    for number, variable in VARIABLES.items():
        text = text.replace(number, f"var({variable})")
    # `font: 13px 'DejaVu Sans', ...` would name a font that readers need not have.
    text = re.sub(r"font: (?:[\w-]+ )*?([\d.]+)px [^;]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;]*;? ?", "", text)
    return text.strip()
