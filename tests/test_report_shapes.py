"""Reports of scores of every shape: one label, no image, many classes, names like programs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from report_page import Page, figure_of, printed

LIMIT = 300_000


def read(path: Path) -> Page:
    """The page; its figures are those of the score that it holds."""
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.unclosed
    # A lone surrogate has no form in HTML; parsers read it as this.
    score = json.loads(json.dumps(page.score).replace("\\ud800", "\\ufffd"))
    for place, text in page.figures:
        assert text == printed(figure_of(score, place))
    return page


def guesses(classes: int, rows: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(classes)
    predicted = np.argsort(random.random((rows, classes)))[:, :k]
    return predicted, random.integers(0, classes, rows)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10])
def test_any_number_of_labels_may_count(k, tmp_path):
    groups = ["Aves", "Fungi", "Aves"] * 4
    score = pt.score(*guesses(12, 200, k), k=k, supercategories=groups, bootstrap=50)
    path = tmp_path / "report.html"
    pt.write_report(path, score, supercategories=groups, training_images=range(12))
    page = read(path)
    titles = {text for _, text in page.headings}
    assert ("How much each further label helps" in titles) == (k > 1)
    assert f"Top-{k} error" in page.text
    places = [place for place, _ in page.figures]
    assert places.count("top_k_interval/0") == 1
    assert places.count("top_1_interval/0") == (k > 1)
    # Class 0 has no training image.
    assert "Not shown for lack of training images: 1 class." in page.text
    assert "Each grey dot is a class." in page.text


def test_no_image_is_a_page_too(tmp_path):
    (tmp_path / "truth.csv").write_text("id,expected\n")
    (tmp_path / "guess.csv").write_text("id,predicted\n")
    files = (tmp_path / "guess.csv", tmp_path / "truth.csv")
    score = pt.score(*files, official=True, bootstrap=10)
    pt.write_report(tmp_path / "report.html", score)
    page = read(tmp_path / "report.html")
    assert dict(page.figures)["n"] == "0"
    assert "own program" in page.text


def test_one_image_of_a_class_that_nobody_trained(tmp_path):
    score = pt.score([[1]], [0], k=1, supercategories=["a", "a"])
    path = tmp_path / "report.html"
    pt.write_report(path, score, supercategories=["a", "a"], training_images=[0, 5], worst=99)
    page = read(path)
    assert "1 image of 1 class" in page.text
    titles = {text for _, text in page.headings}
    assert not titles & {"Rare and common classes", "Which super category is taken for which"}


def test_labels_that_are_no_numbers_keep_their_text(tmp_path):
    (tmp_path / "truth.csv").write_text("id,expected\n1,07\n2,<b>\n3,5\n")
    (tmp_path / "guess.csv").write_text("id,predicted\n1,7\n2,<b>\n3,5\n")
    files = (tmp_path / "guess.csv", tmp_path / "truth.csv")
    score = pt.score(*files, k=1, official=True)
    pt.write_report(tmp_path / "report.html", score, classes={5: "five"})
    page = read(tmp_path / "report.html")
    assert set(page.score["by_class"]) == {"07", "<b>", "5"}
    for name in ("class 07", "class <b>", "five"):
        assert f"{name} " in page.text


def test_many_super_categories_are_cut_to_the_largest(tmp_path):
    random = np.random.default_rng(1)
    classes, rows = 200, 4000
    labels = random.integers(0, classes, rows)
    predicted = random.integers(0, classes, (rows, 1))
    groups = [f"Group {label % 45}" for label in range(classes)]
    score = pt.score(predicted, labels, k=1, supercategories=groups)
    pt.write_report(tmp_path / "report.html", score, supercategories=groups)
    page = read(tmp_path / "report.html")
    shown = {place.split("/")[2] for place, _ in page.figures if place.startswith("confusion/")}
    sizes = np.array(score.confusion["counts"]).sum(axis=1)
    assert len(shown) == 30
    assert sizes[[int(row) for row in shown]].min() >= np.delete(sizes, list(map(int, shown))).max()
    assert "15 smaller super categories are left out" in page.text


def test_the_stronger_the_colour_the_greater_the_share_of_the_row(tmp_path):
    labels = np.repeat([0, 1, 2], [100, 1000, 10])
    first = labels.copy()
    first[:10] = 1
    first[100:110] = 2
    first[1100:1105] = 0
    score = pt.score(first[:, None], labels, k=1, supercategories=["a", "b", "c"])
    pt.write_report(tmp_path / "report.html", score, supercategories=["a", "b", "c"])
    page = read(tmp_path / "report.html")
    styles = {
        own["style"].partition(":")[2]: place
        for (_, own), place in zip(cells(page), places(page), strict=True)
        if own.get("style")
    }
    heat = {place: float(share) for share, place in styles.items()}
    assert heat["confusion/counts/2/0"] == 1
    assert heat["confusion/counts/0/1"] == pytest.approx((0.1 / 0.5) ** 0.5, abs=1e-3)
    assert heat["confusion/counts/1/2"] == pytest.approx((0.01 / 0.5) ** 0.5, abs=1e-3)
    assert len(heat) == 3


def cells(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    """The cells of the confusion's body, in order."""
    spans = [place for place, (tag, own) in enumerate(page.tags)
             if (own.get("data-figure") or "").startswith("confusion/")]  # fmt: skip
    return [page.tags[place - 1] for place in spans]


def places(page: Page) -> list[str]:
    return [place for place, _ in page.figures if place.startswith("confusion/")]


def test_5089_classes_make_a_small_page_in_seconds(tmp_path):
    random = np.random.default_rng(0)
    classes, images = 5089, 95_986
    labels = random.integers(0, classes, images)
    predicted = (labels[:, None] + random.integers(0, 40, (images, 1)) + np.arange(5)) % classes
    groups = [f"Group {label % 13}" for label in range(classes)]
    score = pt.score(predicted, labels, supercategories=groups)
    start = time.perf_counter()
    path = tmp_path / "report.html"
    pt.write_report(
        path,
        score,
        classes=[f"Genus{label} species" for label in range(classes)],
        supercategories=groups,
        training_images=random.integers(9, 3919, classes),
    )
    assert time.perf_counter() - start < 20
    assert path.stat().st_size < LIMIT
    assert "grey dot" not in read(path).text
    assert len(read(path).score["by_class"]) == 20


HOSTILE = (
    "<script>document.title='run'</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7 * 7 }} & &amp; <b>",
    "]]>-->\u2028\u202e\ud800",
)


def test_names_are_text_whatever_they_are(tmp_path):
    path = tmp_path / "report.html"
    score = pt.score([[0], [0], [2], [3], [0]], list(range(5)), k=1, supercategories=HOSTILE)
    pt.write_report(
        path, score, title=HOSTILE[0], data=HOSTILE[1], classes=HOSTILE, supercategories=HOSTILE,
        training_images=[1, 2, 3, 4, 5], sources=dict(zip(HOSTILE, HOSTILE, strict=True)),
    )  # fmt: skip
    page = read(path)
    assert not [tag for tag, _ in page.tags if tag in ("img", "b")]
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [name for _, own in page.tags for name in own if name.startswith("on")]
    for name in HOSTILE:
        assert page.text.count(name.replace("\ud800", "\ufffd")) >= 3
    assert set(page.score["by_supercategory"]) == set(HOSTILE)
