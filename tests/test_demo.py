"""The demo: really trained, on the real path, and quick."""

from __future__ import annotations

import json

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan.cli import main
from ptarmigan.demo import SoftmaxClassifier, describe_pictures, run_demo


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory):
    said: list[str] = []
    folder = tmp_path_factory.mktemp("demo")
    found = run_demo(folder, images=700, epochs=4, say=said.append)
    assert any("epoch 4 of 4" in line for line in said)
    return found


def test_it_learns_clearly_better_than_guessing(result):
    assert result.top_1_error < 0.8 * result.guess_top_1_error
    assert result.top_5_error < 0.8 * result.guess_top_5_error
    assert result.val_top_1_error < 0.8 * result.guess_top_1_error
    assert 0 < result.top_5_error < result.top_1_error


def test_the_submission_it_leaves_scores_as_it_says(result):
    truth = result.submission.with_name("test2017_solution.csv")
    again = pt.score(result.submission, truth)
    assert (again.top_1_error, again.top_k_error) == (result.top_1_error, result.top_5_error)
    official = pt.score(result.submission, truth, official=True)
    assert official.top_k_error == result.official_top_5_error == result.top_5_error
    predicted = pt.read_submission(result.submission).predicted
    # A classifier that has learnt names many categories, not the commonest five.
    assert len(np.unique(predicted[:, 0])) > 10


def test_the_guess_is_the_commonest_categories(result):
    root = result.submission.parent
    train = pt.INaturalist(root, split="train")
    common = np.argsort(-np.bincount(train.targets), kind="stable")[:5]
    test = pt.INaturalist(root, split="test")
    guesses = np.tile(common, (len(test), 1))
    score = pt.score(guesses, root / "test2017_solution.csv", ids=test.image_ids)
    assert score.top_1_error == pytest.approx(result.guess_top_1_error)
    assert score.top_k_error == pytest.approx(result.guess_top_5_error)


def test_the_same_seed_gives_the_same_errors(tmp_path):
    options = {"images": 240, "epochs": 1}
    one = run_demo(tmp_path / "one", **options, threads=1)
    two = run_demo(tmp_path / "two", **options, threads=3)
    assert one.submission.read_bytes() == two.submission.read_bytes()
    other = run_demo(tmp_path / "other", **options, seed=1)
    assert one.submission.read_bytes() != other.submission.read_bytes()


def test_the_command_prints_a_table_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert main(["demo", "--images", "200", "--epochs", "1"]) == 0
    printed = capsys.readouterr()
    for figure in ("members indexed", "MB/s", "images/s", "top-1 error", "top-5 error"):
        assert figure in printed.out
    assert "epoch 1 of 1" in printed.err
    assert not list(tmp_path.iterdir())


def test_the_command_keeps_a_folder_that_is_named(tmp_path, capsys):
    folder = tmp_path / "kept"
    assert main(["demo", str(folder), "--images", "200", "--epochs", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["submission"] == str(folder / "submission.csv")
    assert (folder / "train_val_images.tar.gz.ptidx").is_file()
    assert 0 <= found["top_5_error"] <= found["top_1_error"] <= 1


def test_no_epochs_are_an_error_of_the_call(tmp_path, capsys):
    assert main(["demo", str(tmp_path), "--images", "60", "--epochs", "0"]) == 2
    assert "epochs" in capsys.readouterr().err


def test_the_classifier_separates_what_can_be_separated():
    random = np.random.default_rng(3)
    labels = random.integers(0, 4, 400)
    features = random.normal(0, 1, (400, 6)).astype(np.float32)
    features[np.arange(400), labels] += 6
    classifier = SoftmaxClassifier(6, 4, seed=0)
    classifier.fit_scale(features)
    before = (classifier.logits(features).argmax(1) != labels).mean()
    for _ in range(200):
        classifier.train_step(features, labels, 0.05)
    assert (classifier.logits(features).argmax(1) != labels).mean() < 0.02 < before


def test_statistics_do_not_depend_on_the_other_pictures_or_on_mirroring():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    together = describe_pictures(pictures)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together[2:3], describe_pictures(pictures[2:3]), rtol=1e-6)
    np.testing.assert_allclose(together, describe_pictures(pictures[:, :, ::-1]), atol=1e-5)
