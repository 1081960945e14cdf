"""What a report is made of, and what it says: its parts and the figures marked in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ptarmigan as pt
from ptarmigan.annotations import Table
from ptarmigan.release import find_annotations
from ptarmigan.synth import write_dataset

APART = {"th", "td", "dt", "dd", "p", "h1", "h2"}
VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """The page as Python's own parser sees it.

    Attributes:
        tags: (name, attributes) of every element, in order.
        figures: (place in the score, printed text).
        headings: (level, text).
        score: The JSON of the element `score`.
        text: All text outside of scripts and style sheets.
        unclosed: Elements that are open at the end.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[tuple[str, str]] = []
        self.headings: list[tuple[int, str]] = []
        self.score: dict[str, Any] = {}
        self.text = ""
        self.unclosed: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.unclosed.append((tag, dict(attrs)))
        if "data-figure" in dict(attrs):
            self.figures.append((dict(attrs)["data-figure"], ""))
        if tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.unclosed.pop()
        assert opened == tag, f"</{tag}> closes <{opened}> at {self.getpos()}"
        if tag in APART:
            self.text += " "

    def handle_data(self, data: str) -> None:
        tag, attributes = self.unclosed[-1] if self.unclosed else ("", {})
        if tag == "script":
            assert attributes == {"type": "application/json", "id": "score"}
            self.score = json.loads(data)
            return
        if tag == "style":
            return
        self.text += data
        if any("data-figure" in own for _, own in self.unclosed):
            place, text = self.figures[-1]
            self.figures[-1] = (place, text + data)
        if any(own in ("h1", "h2", "h3") for own, _ in self.unclosed):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)


def figure_of(score: Any, place: str) -> Any:
    """What lies at a JSON pointer without its leading slash."""
    for part in place.split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        score = score[int(key)] if isinstance(score, list) else score[key]
    return score


def printed(value: Any) -> str:
    """A figure as the page prints it."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{100 * value:.2f}%"


@dataclass(frozen=True)
class Guesses:
    """A made-up data set and guesses of its validation images.

    Attributes:
        root: The data set.
        submission: The CSV.
        logits: The .npy, in the order of the submission.
        ids: (N,) images of the rows.
        labels: (N,) true classes.
        predicted: (N, 5) labels.
    """

    root: Path
    submission: Path
    logits: Path
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int32]


def make_guesses(folder: Path) -> Guesses:
    """Writes a data set, logits that know common classes better, and their submission."""
    root = folder / "inat"
    write_dataset(root, scale=0.012, images=450, max_side=360, test_images=1, seed=3)
    table = Table(find_annotations(root, "val"))
    seen = np.bincount(Table(find_annotations(root, "train")).category_ids)
    ids, labels = table.image_ids[::-1].copy(), table.category_ids[::-1].copy()
    random = np.random.default_rng(0)
    groups = np.array(table.categories[2])
    logits = random.normal(0, 1, (len(ids), len(groups)))
    logits += 1.5 * (groups[labels][:, None] == groups)
    logits[np.arange(len(ids)), labels] += np.log1p(seen[labels]) * random.random(len(ids))
    np.save(folder / "logits.npy", logits.astype(np.float16))
    predicted = pt.top_k(np.load(folder / "logits.npy"))
    pt.write_submission(folder / "guesses.csv", ids, predicted)
    return Guesses(root, folder / "guesses.csv", folder / "logits.npy", ids, labels, predicted)
