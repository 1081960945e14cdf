"""The report in Chromium: it fits small screens, can be read, asks for nothing, runs nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ptarmigan as pt
from ptarmigan.cli import main
from report_page import figure_of, make_guesses, printed

playwright = pytest.importorskip("playwright.sync_api")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")

WIDTHS = (320, 375, 1280)
SCHEMES = ("light", "dark")

# Every text with its colour, size and weight, and all backgrounds that lie under it.
TEXTS = """() => {
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const text = walk.currentNode.textContent.trim(), own = walk.currentNode.parentElement;
        if (!text || own.closest("script, style") || !own.getClientRects().length) continue;
        const style = getComputedStyle(own), under = [];
        for (let e = own; e; e = e.parentElement) under.push(getComputedStyle(e).backgroundColor);
        found.push({
            text, under, size: parseFloat(style.fontSize), weight: parseInt(style.fontWeight),
            colour: own instanceof SVGElement ? style.fill : style.color,
        });
    }
    return found;
}"""
# Elements that reach out of the page, but for those in a box that scrolls.
OUTSIDE = """() => [...document.body.querySelectorAll("*")].filter(
    e => !e.closest(".scroll > *") && e.getBoundingClientRect().right > innerWidth + 0.5
).map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A page with everything on it, and the score as the command line prints it."""
    folder = tmp_path_factory.mktemp("browser")
    guesses = make_guesses(folder)
    path = folder / "report.html"
    command = ["report", str(guesses.submission), "--root", str(guesses.root), "-o", str(path)]
    assert main([*command, "--logits", str(guesses.logits), "--photos", "3"]) == 0
    return path, guesses


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        program = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield program
        program.close()


class Visit:
    """An opened page, and all that it asked for or complained of."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("networkidle")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


def channels(colour: str) -> tuple[float, float, float, float]:
    """Red, green, blue from 0 to 255, and alpha from 0 to 1."""
    assert colour.startswith("rgb"), colour
    numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")]
    return (*numbers[:3], numbers[3] if len(numbers) > 3 else 1.0)  # type: ignore[return-value]


def over(upper: tuple[float, ...], lower: tuple[float, ...]) -> tuple[float, float, float, float]:
    """What is seen of a colour before an opaque one."""
    alpha = upper[3]
    mixed = [alpha * a + (1 - alpha) * b for a, b in zip(upper[:3], lower[:3], strict=True)]
    return (*mixed, 1.0)  # type: ignore[return-value]


def luminance(colour: tuple[float, ...]) -> float:
    """WCAG 2.2, relative luminance."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour[:3])
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(text: dict[str, Any]) -> float:
    """WCAG 2.2, contrast ratio."""
    ground: tuple[float, ...] = (255.0, 255.0, 255.0, 1.0)
    for colour in reversed(text["under"]):
        ground = over(channels(colour), ground)
    lights = sorted((luminance(over(channels(text["colour"]), ground)), luminance(ground)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_asks_for_nothing(report, browser, scheme, width):
    path, _ = report
    viewport = {"width": width, "height": 700}
    with Visit(browser, path, color_scheme=scheme, viewport=viewport) as visit:
        assert visit.complaints == []
        others = [url for url in visit.requests if not url.startswith("data:")]
        assert others == [path.as_uri()]
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        assert visit.page.evaluate(OUTSIDE) == []
        visit.page.evaluate("window.scrollTo(500, 0)")
        assert visit.page.evaluate("window.scrollX") == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_stands_out_from_its_ground(report, browser, scheme):
    path, _ = report
    with Visit(browser, path, color_scheme=scheme) as visit:
        texts = visit.page.evaluate(TEXTS)
    assert len(texts) > 300
    grounds = {channels(text["under"][-2])[:3] for text in texts}
    assert grounds == {(255, 255, 255) if scheme == "light" else (20, 23, 26)}
    for text in texts:
        large = text["size"] >= 24 or (text["size"] >= 18.66 and text["weight"] >= 700)
        assert contrast(text) >= (3 if large else 4.5), text


def test_letters_of_plots_can_be_read_on_a_phone(report, browser):
    path, _ = report
    with Visit(browser, path, viewport={"width": 320, "height": 700}) as visit:
        heights = visit.page.evaluate(
            "[...document.querySelectorAll('svg text')].map(e => Math.min("
            "...['width', 'height'].map(side => e.getBoundingClientRect()[side])))"
        )
    assert len(heights) > 20
    assert min(heights) >= 6


def test_the_figures_on_the_screen_are_those_of_the_score(report, browser, capsys):
    path, guesses = report
    command = ["score", str(guesses.submission), "--root", str(guesses.root), "--json"]
    assert main([*command, "--bootstrap", "1000"]) == 0
    score = json.loads(capsys.readouterr().out)
    with Visit(browser, path) as visit:
        shown = visit.page.eval_on_selector_all(
            "[data-figure]", "all => all.map(e => [e.dataset.figure, e.innerText])"
        )
        held = json.loads(visit.page.eval_on_selector("#score", "e => e.textContent"))
    assert len(shown) > 100
    for place, text in shown:
        assert text == printed(figure_of(score, place)), place
    for name in score:
        if name != "by_class":
            assert held[name] == score[name]


def test_tables_that_are_too_wide_scroll_in_their_box_by_keyboard_too(report, browser):
    path, _ = report
    with Visit(browser, path, viewport={"width": 320, "height": 700}) as visit:
        boxes = visit.page.query_selector_all(".scroll")
        wide = [box for box in boxes if box.evaluate("e => e.scrollWidth > e.clientWidth")]
        assert wide
        for box in wide:
            box.focus()
            visit.page.keyboard.press("ArrowRight")
            visit.page.wait_for_function("e => e.scrollLeft > 0", arg=box, timeout=5000)


def test_paper_is_light_and_shows_whole_tables(report, browser):
    path, _ = report
    with Visit(browser, path, color_scheme="dark") as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        colours = visit.page.evaluate(
            "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
        overflows = visit.page.eval_on_selector_all(
            ".scroll", "all => all.map(e => getComputedStyle(e).overflowX)"
        )
        assert set(overflows) == {"visible"}
        assert visit.page.pdf().startswith(b"%PDF")


def test_a_name_that_is_a_program_does_not_run(browser, tmp_path):
    names = (
        "<script>document.title='run'</script>",
        "</script><script>document.title='run'</script>",
        "<img src=x onerror=\"document.title='run'\">",
        "</style><svg onload=document.title='run'>",
    )
    score = pt.score([[0], [0], [3], [2]], [0, 1, 2, 3], k=1, supercategories=names)
    path = tmp_path / "report.html"
    pt.write_report(
        path, score, title=names[0], data=names[1], classes=names, supercategories=names
    )
    with Visit(browser, path) as visit:
        assert visit.complaints == []
        assert [url for url in visit.requests if not url.startswith("data:")] == [path.as_uri()]
        assert visit.page.title().endswith("top-1 error 75.00%")
        text = visit.page.inner_text("body")
        for name in names:
            assert name in text
