"""The commands of the competition's end: submit and score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan.cli import main
from ptarmigan.synth import SyntheticDataset, write_dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    root = tmp_path_factory.mktemp("inat")
    return write_dataset(root, scale=0.003, images=90, max_side=48, test_images=30)


@pytest.fixture
def solution(made: SyntheticDataset) -> Path:
    return made.root / "test2017_solution.csv"


@pytest.fixture
def truth(solution: Path) -> np.ndarray:
    """(N, 2): id and category."""
    return np.loadtxt(solution, np.int64, delimiter=",", skiprows=1, usecols=(0, 1))


def perfect_logits(labels: np.ndarray, classes: int) -> np.ndarray:
    logits = np.random.default_rng(0).random((len(labels), classes), np.float32)
    logits[np.arange(len(labels)), labels] += 2
    return logits


def test_submit_writes_the_best_five_and_score_reads_them(made, truth, solution, tmp_path, capsys):
    logits = perfect_logits(truth[:, 1], made.categories)
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "ids.npy", truth[:, 0])
    output = tmp_path / "submission.csv"
    command = ["submit", str(tmp_path / "logits.npy"), "-o", str(output)]
    assert main([*command, "--ids", str(tmp_path / "ids.npy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(truth)
    lines = output.read_text().splitlines()
    assert lines[0] == "id,predicted"
    best = np.argsort(-logits, axis=1, kind="stable")[:, :5]
    expected = [f"{i},{' '.join(map(str, row))}" for (i, _), row in zip(truth, best, strict=True)]
    assert lines[1:] == expected
    assert main(["score", str(output), "--truth", str(solution), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["top_k_error"], found["top_1_error"], found["n"]) == (0, 0, len(truth))
    assert main(["score", str(output), "--truth", str(solution), "--official"]) == 0
    printed = capsys.readouterr().out
    assert "top-5 error" in printed


def test_submit_takes_the_ids_from_a_data_set(made, truth, solution, tmp_path, capsys):
    ids = pt.INaturalist(made.root, split="test").image_ids
    labels = dict(truth.tolist())
    logits = perfect_logits(np.array([labels[i] for i in ids.tolist()]), made.categories)
    np.save(tmp_path / "logits.npy", logits.astype(np.float16))
    output = tmp_path / "submission.csv"
    command = ["submit", str(tmp_path / "logits.npy"), "--root", str(made.root)]
    assert main([*command, "-o", str(output), "--k", "2"]) == 0
    capsys.readouterr()
    assert main(["score", str(output), "--truth", str(solution), "-k", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["top_k_error"] == 0


def test_score_takes_the_truth_from_a_data_set(made, tmp_path, capsys):
    val = pt.INaturalist(made.root, split="val")
    logits = perfect_logits(val.targets, made.categories)
    logits[0] = -logits[0]
    np.savez(tmp_path / "val.npz", logits=logits, ids=val.image_ids)
    output = tmp_path / "val.csv"
    assert main(["submit", str(tmp_path / "val.npz"), "-o", str(output)]) == 0
    capsys.readouterr()
    assert main(["score", str(output), "--root", str(made.root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == len(val)
    assert found["top_k_error"] == pytest.approx(1 / len(val))
    groups = found["by_supercategory"]
    assert sum(group["n"] for group in groups.values()) == len(val)
    assert main(["score", str(output), "--root", str(made.root)]) == 0
    assert "Plantae" in capsys.readouterr().out


@pytest.mark.parametrize("problem", ["rows", "dimensions", "text", "name", "no ids"])
def test_logits_that_do_not_fit_are_refused(problem, made, truth, tmp_path, capsys):
    logits, ids = tmp_path / "logits.npz", tmp_path / "ids.npy"
    np.save(ids, truth[:, 0])
    good = perfect_logits(truth[:, 1], made.categories)
    arrays = {
        "rows": {"logits": good[:-1]},
        "dimensions": {"logits": good.reshape(-1)},
        "name": {"scores": good},
    }
    np.savez(logits, **arrays.get(problem, {"logits": good}))
    if problem == "text":
        logits.write_text("not an array")
    output = tmp_path / "submission.csv"
    command = ["submit", str(logits), "-o", str(output)]
    if problem == "no ids":
        assert main(command) == 2
    else:
        assert main([*command, "--ids", str(ids)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("ptarmigan: ")
    assert "ids" in error if problem in {"no ids", "rows"} else str(logits) in error
    assert not output.exists()


def test_a_bad_submission_names_its_line(solution, truth, tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    rows = [f"{number},1 2 3 4 5" for number in truth[:, 0]]
    rows[4] = f"{truth[4, 0]},1 2 3 4"
    bad.write_text("\n".join(["id,predicted", *rows]) + "\n")
    assert main(["score", str(bad), "--truth", str(solution)]) == 1
    error = capsys.readouterr().err
    assert str(bad) in error
    assert "6" in error
    assert error.count("\n") == 1
