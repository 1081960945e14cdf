"""The report of each later release: its page has the groups that `score` has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan.annotations import Table
from ptarmigan.cli import main
from ptarmigan.release import find_annotations
from releases_made import COUNT, SPECIES, SPECIES_OF_ID, WRITERS
from report_page import Page, figure_of, printed

K = {"2018": 3, "2019": 1, "2021": 5}


def submission_of(root: Path, version: str, path: Path) -> Path:
    """A CSV in the release's form, whose labels are mostly wrong."""
    table = Table(find_annotations(root, "val", version))
    draws = np.random.default_rng(7)
    rows = [draws.permutation(COUNT)[: K[version]] for _ in range(len(table))]
    pt.write_submission(path, table.image_ids, np.array(rows, np.int32), version=version)
    return path


@pytest.mark.parametrize("version", ["2018", "2019", "2021"])
def test_the_page_has_the_groups_of_the_score(tmp_path, capsys, version):
    WRITERS[version](tmp_path / "data")
    submission = submission_of(tmp_path / "data", version, tmp_path / "submission.csv")
    common = [str(submission), "--root", str(tmp_path / "data"), "--release", version]
    page_path = tmp_path / "report.html"
    assert main(["score", *common, "--json", "--bootstrap", "1000"]) == 0
    score = json.loads(capsys.readouterr().out)
    assert main(["report", *common, "-o", str(page_path)]) == 0
    page = Page(page_path.read_text(encoding="utf-8"))
    assert not page.unclosed
    assert "" not in score["by_supercategory"]
    assert len(score["by_supercategory"]) > 1
    assert page.score["by_supercategory"] == score["by_supercategory"]
    assert page.score["confusion"] == score["confusion"]
    for place, text in page.figures:
        assert text == printed(figure_of(score, place)), place
    for name in score["by_supercategory"]:
        assert name in page.text
    scored = {"2018": 3, "2019": 1, "2021": 1}[version]
    assert score["scored_labels"] == scored
    assert score["scored_error"] == score["top_errors"][scored - 1]
    leading = [place for place, _ in page.figures if place.endswith("error")]
    others = {"2018": "top_1_error", "2019": "class_top_k_error", "2021": "top_k_error"}
    assert leading[:2] == ["scored_error", others[version]]
    error = printed(score["scored_error"])
    assert page.text.lstrip().startswith(f"submission.csv: top-{scored} error {error}")
    assert f"Top-{scored} error {error} " in " ".join(page.text.split())
    assert ("ranks the submissions" in page.text) == (version == "2021")


def test_the_super_categories_of_2019_are_those_of_its_folders(tmp_path, capsys):
    WRITERS["2019"](tmp_path / "data")
    submission = submission_of(tmp_path / "data", "2019", tmp_path / "submission.csv")
    root = str(tmp_path / "data")
    assert main(["score", str(submission), "--root", root, "--release", "2019", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["by_supercategory"]
    assert {name: one["n"] for name, one in found.items()} == {
        name: sum(SPECIES[species][0] == name for species in SPECIES_OF_ID)
        for name in {species[0] for species in SPECIES}
    }
