"""The report: its figures are those of the score, and it is one page that asks for nothing."""

from __future__ import annotations

import datetime
import io
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from ptarmigan.annotations import Table
from ptarmigan.cli import main
from ptarmigan.release import find_annotations
from ptarmigan.report import calibrate, worst_classes, wrong_photos
from report_page import Guesses, Page, figure_of, make_guesses, printed

EPOCH = {"SOURCE_DATE_EPOCH": "1500000000"}
LIMIT = 300_000


@pytest.fixture(scope="module")
def guesses(tmp_path_factory) -> Guesses:
    return make_guesses(tmp_path_factory.mktemp("guesses"))


def page_of(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.unclosed
    return page


@pytest.fixture(scope="module")
def whole(guesses, tmp_path_factory) -> Path:
    """A page with everything that there can be on it."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    command = ["report", str(guesses.submission), "--root", str(guesses.root), "-o", str(path)]
    assert main([*command, "--logits", str(guesses.logits), "--photos", "3"]) == 0
    return path


def score_of(guesses: Guesses, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command line prints of the same submission."""
    command = ["score", str(guesses.submission), "--root", str(guesses.root), "--json"]
    assert main([*command, "--bootstrap", "1000"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_figure_is_that_of_the_score(guesses, whole, capsys):
    score = score_of(guesses, capsys)
    page = page_of(whole)
    for place, text in page.figures:
        assert text == printed(figure_of(score, place)), place
    places = {place for place, _ in page.figures}
    assert places >= {"n", "k"}
    assert places >= {"scored_error", "top_1_error", "class_top_1_error", "class_top_k_error"}
    assert places >= {f"top_errors/{place}" for place in range(5)}
    assert places >= {f"top_{k}_interval/{end}" for k in ("1", "k") for end in (0, 1)}
    groups = range(len(score["confusion"]["names"]))
    assert places >= {f"confusion/counts/{row}/{column}" for row in groups for column in groups}
    for name in score["by_supercategory"]:
        for key in score["by_supercategory"][name]:
            assert f"by_supercategory/{name}/{key}" in places


def test_the_page_holds_the_score_and_of_its_classes_those_it_names(guesses, whole, capsys):
    score = score_of(guesses, capsys)
    page = page_of(whole)
    named = {place.split("/")[1] for place, _ in page.figures if place.startswith("by_class/")}
    assert len(named) == 20
    score["by_class"] = {label: one for label, one in score["by_class"].items() if label in named}
    assert page.score == score


def test_the_worst_classes_have_the_greatest_errors(guesses):
    score = pt.score(guesses.predicted, (guesses.ids, guesses.labels), ids=guesses.ids)
    worst = worst_classes(score, 10)
    wrong = (guesses.predicted != guesses.labels[:, None]).all(axis=1)
    errors = {label: wrong[guesses.labels == label].mean() for label in np.unique(guesses.labels)}
    counts = {label: (guesses.labels == label).sum() for label in errors}
    left = [label for label in errors if label not in worst]
    assert len(worst) == 10
    for one, other in zip(worst, [*worst[1:], *left], strict=False):
        assert (errors[one], counts[one]) >= (errors[other], counts[other])
    for other in left:
        assert (errors[worst[-1]], counts[worst[-1]]) >= (errors[other], counts[other])


def test_the_page_asks_for_nothing_and_runs_nothing(whole):
    page = page_of(whole)
    policy = next(own["content"] for tag, own in page.tags if own.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "script" not in policy
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "form", "audio", "video", "base")
        assert tag != "script" or attributes["type"] == "application/json"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            target = attributes.get(name, "data:")
            own = target.startswith(("data:", "#"))
            assert own or (tag == "a" and target.startswith("http")), (tag, target)
    text = whole.read_text(encoding="utf-8")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_the_page_can_be_read_without_seeing_it(whole):
    page = page_of(whole)
    assert ("html", {"lang": "en"}) in page.tags
    assert [level for level, _ in page.headings] == [1] + [2] * (len(page.headings) - 1)
    ids = [own["id"] for _, own in page.tags if "id" in own]
    assert len(ids) == len(set(ids))
    known = set(ids)
    for tag, own in page.tags:
        if tag == "svg":
            assert own["role"] == "img"
            assert "%" in own["aria-label"]
        if tag == "img":
            assert own["alt"].startswith("Photo ")
        if tag == "th":
            assert own["scope"] in ("row", "col")
        if own.get("class") == "scroll":
            assert own["tabindex"] == "0"
            assert own["aria-label"]
        if "aria-labelledby" in own:
            assert own["aria-labelledby"] in known
        if own.get("href", "").startswith("#"):
            assert own["href"][1:] in known
    names = [tag for tag, _ in page.tags]
    assert names.count("caption") == names.count("table") >= 4
    assert names.count("svg") == names.count("figcaption") - 3 >= 2


def test_what_is_not_given_is_left_out_and_said(guesses, tmp_path, capsys):
    path = tmp_path / "report.html"
    truth = tmp_path / "truth.csv"
    rows = zip(guesses.ids, guesses.labels, ["Public", "Private"] * len(guesses.ids), strict=False)
    lines = "".join(f"{image},{label},{usage}\n" for image, label, usage in rows)
    truth.write_text(f"id,expected,usage\n{lines}")
    command = ["report", str(guesses.submission), "--truth", str(truth), "-o", str(path)]
    assert main([*command, "--worst", "0", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["bytes"] == path.stat().st_size
    page = page_of(path)
    assert printed(summary["scored_error"]) == dict(page.figures)["scored_error"]
    assert {"public_error", "private_error"} <= dict(page.figures).keys()
    titles = {text for _, text in page.headings}
    assert not titles & {"Rare and common classes", "The worst classes", "Super categories"}
    assert "Left out" in page.text
    for option in ("--root", "--logits"):
        assert option in page.text
    assert page.score["by_class"] == {}


def test_the_truth_of_a_file_calibrates_as_that_of_the_data_set(guesses, tmp_path):
    truth = tmp_path / "truth.csv"
    rows = list(zip(guesses.ids, guesses.labels, strict=True))[::-1]
    truth.write_text("id,expected\n" + "".join(f"{image},{label}\n" for image, label in rows))
    texts = []
    for source in (["--truth", str(truth)], ["--root", str(guesses.root)]):
        path = tmp_path / "report.html"
        command = ["report", str(guesses.submission), *source, "-o", str(path)]
        assert main([*command, "--logits", str(guesses.logits)]) == 0
        text = page_of(path).text
        texts.append(text[text.index("Expected calibration error") : text.index("How this was")])
    assert texts[0] == texts[1]


def test_logits_may_have_another_order_and_a_prior(guesses, tmp_path, capsys):
    logits = np.load(guesses.logits)
    random = np.random.default_rng(5)
    prior = random.random(logits.shape, np.float32)
    order = random.permutation(len(logits))
    for name, array in (("x", logits[order]), ("p", prior[order]), ("i", guesses.ids[order])):
        np.save(tmp_path / f"{name}.npy", array)
    submission, path = tmp_path / "submission.csv", tmp_path / "report.html"
    ranked = pt.apply_prior(logits, prior)
    pt.write_submission(submission, guesses.ids, pt.top_k(ranked))
    command = ["report", str(submission), "--root", str(guesses.root), "-o", str(path)]
    command += ["--logits", str(tmp_path / "x.npy"), "--ids", str(tmp_path / "i.npy")]
    assert main(command) == 1
    assert "x.npy`: row " in capsys.readouterr().err
    assert main([*command, "--prior", str(tmp_path / "p.npy")]) == 0
    expected = calibrate(np.asarray(ranked), pt.top_k(ranked), guesses.labels)
    assert f"Expected calibration error {expected.error:.2%}:" in page_of(path).text


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ptarmigan", "report", *map(str, arguments)]
    environment = os.environ | variables
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_same_input_gives_the_same_bytes_but_for_the_date(guesses, tmp_path):
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "matplotlibrc").write_text("font.size: 31\nlines.linewidth: 9\naxes.grid: true\n")
    given = (guesses.submission, "--root", guesses.root, "--logits", guesses.logits)
    made = []
    for number, variables in enumerate(
        (
            EPOCH | {"PYTHONHASHSEED": "1"},
            EPOCH | {"PYTHONHASHSEED": "2", "MPLCONFIGDIR": str(settings), "TZ": "Asia/Tokyo"},
            {"SOURCE_DATE_EPOCH": "1600000000"},
        )
    ):
        done = run(*given, "-o", tmp_path / f"{number}.html", **variables)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        made.append((tmp_path / f"{number}.html").read_text(encoding="utf-8").splitlines())
    assert made[0] == made[1]
    differing = [pair for pair in zip(made[0], made[2], strict=True) if pair[0] != pair[1]]
    assert len(differing) == 1
    assert "2017-07-14" in differing[0][0]
    assert "2020-09-13" in differing[0][1]


def test_the_date_is_the_given_one_or_today(guesses, tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    score = pt.score(guesses.predicted, (guesses.ids, guesses.labels), ids=guesses.ids)
    path = tmp_path / "report.html"
    pt.write_report(path, score, made=datetime.date(2017, 4, 5))
    assert "2017-04-05" in page_of(path).text
    before = datetime.datetime.now(datetime.UTC).date()
    pt.write_report(path, score)
    after = datetime.datetime.now(datetime.UTC).date()
    assert any(day.isoformat() in page_of(path).text for day in (before, after))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ValueError, match="'yesterday'"):
        pt.write_report(path, score)


def test_photos_are_small_wrong_and_credited(guesses, whole):
    dataset = pt.INaturalist(guesses.root, split="val")
    submission = pt.read_submission(guesses.submission)
    score = pt.score(submission, dataset)
    worst = worst_classes(score, 3)
    photos = wrong_photos(dataset, submission, guesses.labels, worst)
    assert [photo.label for photo in photos] == worst
    page = page_of(whole)
    shown = [own for tag, own in page.tags if tag == "img"]
    assert [own["src"] for own in shown] == [photo.address for photo in photos]
    for photo, own in zip(photos, shown, strict=True):
        row = guesses.ids.tolist().index(photo.image_id)
        assert guesses.labels[row] == photo.label
        assert photo.label not in guesses.predicted[row]
        assert list(photo.predicted) == guesses.predicted[row].tolist()
        picture = Image.open(io.BytesIO(b64decode(own["src"].partition(",")[2])))
        picture.load()
        assert picture.format == "JPEG"
        assert picture.size == (int(own["width"]), int(own["height"]))
        assert max(picture.size) <= 320
        assert not picture.getexif()
        place = dataset.image_ids.tolist().index(photo.image_id)
        assert photo.credit == dataset.attribution(place)
        assert photo.credit["rights_holder"] in page.text
        assert photo.credit["license_name"] in page.text
        original = dataset[place][0]
        original.thumbnail((320, 320))
        difference = np.abs(np.asarray(original, float) - np.asarray(picture, float))
        assert difference.mean() < 12
    assert "do not publish this page" in page.text


def test_no_photo_unless_asked(guesses, tmp_path):
    path = tmp_path / "report.html"
    assert (
        main(["report", str(guesses.submission), "--root", str(guesses.root), "-o", str(path)]) == 0
    )
    page = page_of(path)
    assert "img" not in [tag for tag, _ in page.tags]
    assert path.stat().st_size < LIMIT


def test_a_licence_that_is_no_web_address_is_no_link(guesses, tmp_path):
    dataset = pt.INaturalist(guesses.root, split="val")
    submission = pt.read_submission(guesses.submission)
    score = pt.score(submission, dataset)
    photos = wrong_photos(dataset, submission, guesses.labels, worst_classes(score, 2))
    photos[0].credit.update(license_url="javascript:alert(1)", license_name="<i>free</i>")
    photos[1].credit.update(license_url=None, license_name=None, rights_holder=None)
    path = tmp_path / "report.html"
    pt.write_report(path, score, photos=photos)
    page = page_of(path)
    assert not [own for tag, own in page.tags if tag in ("a", "i")]
    assert "<i>free</i>" in page.text
    assert "rights holder not given, licence not given" in page.text


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--photos", "2", "--truth", "x.csv"], 2, "--root"),
        (["--photos", "-1", "--root", "x"], 2, "--photos"),
        (["--worst", "-1", "--root", "{root}"], 2, "worst=-1"),
        (["--ids", "x.npy", "--root", "{root}"], 2, "--logits"),
        (["--probabilities", "--root", "{root}"], 2, "--logits"),
        ([], 2, "--truth or --root"),
        (["--root", "{root}", "--logits", "{submission}"], 1, "not an array"),
        (["--root", "{root}", "-k", "4"], 1, "expected 4 "),
        (["--root", "{root}", "-o", "no/such/folder/report.html"], 1, "no such file"),
        (["--root", "{root}", "-o", "."], 1, "is a directory"),
    ],
)
def test_a_wrong_call_is_one_line_and_no_file(
    guesses, options, status, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    filled = [one.format(root=guesses.root, submission=guesses.submission) for one in options]
    assert main(["report", str(guesses.submission), *filled]) == status
    printed_text = capsys.readouterr()
    assert printed_text.out == ""
    assert message in printed_text.err
    assert printed_text.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_older_page_stays_where_the_new_one_does_not_fit(guesses, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("older")
    command = [sys.executable, "-m", "ptarmigan", "report", str(guesses.submission)]
    command += ["--root", str(guesses.root), "-o", str(path)]
    # Files of 20 KiB at most, as on a full disk.
    limited = ["bash", "-c", 'ulimit -f 20 && exec "$@"', "bash", *command]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "too large" in done.stderr
    assert path.read_text() == "older"
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_the_extra_the_error_says_what_to_install(guesses, missing, tmp_path):
    code = (
        "import sys; from ptarmigan.cli import main\n"
        "assert not {'jinja2', 'matplotlib'} & set(sys.modules)\n"
        f"sys.modules[{missing!r}] = None\n"
        f"sys.exit(main(['report', {str(guesses.submission)!r}, '--root', {str(guesses.root)!r}]))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'ptarmigan[report]'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_name_of_any_bytes_is_shown(guesses, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/w\xfcrfel.csv"))
    odd.write_bytes(guesses.submission.read_bytes())
    path = tmp_path / "report.html"
    done = run(odd, "--root", guesses.root, "-o", path)
    assert done.returncode == 0, done.stderr
    assert page_of(path).headings[0] == (1, "w\ufffdrfel.csv")
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_the_validation_split_is_scored_against_training_frequencies(guesses, whole):
    counts = np.bincount(Table(find_annotations(guesses.root, "train")).category_ids)
    wrong = (guesses.predicted != guesses.labels[:, None]).all(axis=1)
    by_bin: dict[int, list[float]] = {}
    for label in np.unique(guesses.labels):
        by_bin.setdefault(int(counts[label]).bit_length(), []).append(
            wrong[guesses.labels == label].mean()
        )
    text = " ".join(page_of(whole).text.split())
    for bits, errors in by_bin.items():
        low, high = 1 << (bits - 1), (1 << bits) - 1
        head = f"{low} to {high}" if high > low else f"{low}"
        assert f" {head} {len(errors)} {100 * np.mean(errors):.1f}% " in text
