"""What a report is made from: a part of a data set, probabilities for logits."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from ptarmigan.cli import main
from ptarmigan.report import calibrate
from report_page import Guesses, Page, make_guesses


@pytest.fixture(scope="module")
def guesses(tmp_path_factory) -> Guesses:
    return make_guesses(tmp_path_factory.mktemp("guesses"))


def test_a_data_set_without_its_training_annotations_has_no_long_tail(guesses, tmp_path):
    root = tmp_path / "inat"
    root.mkdir()
    with zipfile.ZipFile(guesses.root / "train_val2017.zip") as archive:
        (root / "val2017.json").write_bytes(archive.read("val2017.json"))
    path = tmp_path / "report.html"
    command = ["report", str(guesses.submission), "--root", str(root), "-o", str(path)]
    assert main(command) == 0
    page = Page(path.read_text(encoding="utf-8"))
    titles = {text for _, text in page.headings}
    assert "Rare and common classes" not in titles
    assert "Super categories" in titles
    assert "rare and common classes (the training annotations, --root)" in page.text
    assert main([*command, "--split", "train"]) == 1


def test_probabilities_are_not_taken_for_logits(guesses, tmp_path, capsys):
    logits = np.load(guesses.logits).astype(np.float64)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    np.save(tmp_path / "p.npy", shares)
    path = tmp_path / "report.html"
    command = ["report", str(guesses.submission), "--root", str(guesses.root), "-o", str(path)]
    command += ["--logits", str(tmp_path / "p.npy")]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "p.npy`: the logits lie between 0 and 1" in error
    assert "--probabilities" in error
    assert not path.exists()
    assert main([*command, "--probabilities"]) == 0
    expected = calibrate(guesses.logits, guesses.predicted, guesses.labels)
    assert (
        f"Expected calibration error {expected.error:.2%}:"
        in Page(path.read_text(encoding="utf-8")).text
    )
