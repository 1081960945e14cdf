"""What submit, score and report take from files: ids, columns, categories; and what they refuse."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from predictions_made import SOLUTION, perfect_logits, run, small_data, truth_in
from ptarmigan.synth import SyntheticDataset


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    return small_data(tmp_path_factory.mktemp("inat"))


@pytest.fixture
def solution(made: SyntheticDataset) -> Path:
    return made.root / SOLUTION


@pytest.fixture
def truth(solution: Path) -> np.ndarray:
    return truth_in(solution)


def test_a_label_of_a_submission_that_is_no_category_is_refused(
    made, truth, solution, tmp_path, capsys
):
    rows = np.tile(np.arange(5), (len(truth), 1))
    rows[7, 4] = made.categories
    pt.write_submission(tmp_path / "s.csv", truth[:, 0], rows)
    command = ["score", tmp_path / "s.csv", "--truth", solution]
    assert run(*command) == 0
    capsys.readouterr()
    for name in ("score", "report"):
        assert run(name, *command[1:], "--root", made.root) == 1
        error = capsys.readouterr().err
        assert "s.csv" in error
        assert f"label `{made.categories}` is not among the {made.categories} categories" in error


@pytest.mark.parametrize(("columns", "cause"), [(1, "background"), (-1, "numbered anew")])
def test_logits_of_other_columns_than_the_categories_are_refused(
    columns, cause, made, tmp_path, capsys
):
    ds = pt.INaturalist(made.root, split="val")
    width = made.categories + columns
    np.save(tmp_path / "x.npy", np.zeros((len(ds), width), np.float32))
    rows = np.tile(np.arange(5), (len(ds), 1))
    pt.write_submission(tmp_path / "s.csv", ds.image_ids, rows)
    before = sorted(tmp_path.iterdir())
    logits, root = ["--logits", tmp_path / "x.npy"], ["--root", made.root, "--split", "val"]
    for command in (
        ["submit", *logits, "-o", tmp_path / "o.csv"],
        ["score", *logits],
        ["report", tmp_path / "s.csv", *logits, "-o", tmp_path / "o.html"],
    ):
        assert run(*command, *root) == 1
        error = capsys.readouterr().err
        assert "x.npy" in error
        assert f"expected ({len(ds)}, {made.categories}) logits" in error
        assert f"found shape ({len(ds)}, {width})" in error
        assert cause in error
    assert sorted(tmp_path.iterdir()) == before


def test_the_rows_of_logits_have_the_order_of_the_split_or_their_own_ids(made, tmp_path, capsys):
    ds = pt.INaturalist(made.root, split="val")
    logits = perfect_logits(ds.targets, made.categories)
    root = ["--root", made.root, "--split", "val"]
    np.save(tmp_path / "x.npy", logits)
    np.savez(tmp_path / "x.npz", logits=logits[::-1], ids=ds.image_ids[::-1])
    for file in ("x.npy", "x.npz"):
        assert run("score", "--logits", tmp_path / file, *root, "--json") == 0
        assert json.loads(capsys.readouterr().out)["top_1_error"] == 0
        assert run("submit", tmp_path / file, *root, "-o", tmp_path / "s.csv") == 0
        assert pt.score(tmp_path / "s.csv", ds).top_1_error == 0
        report = ["report", tmp_path / "s.csv", *root, "-o", tmp_path / "r.html"]
        assert run(*report, "--logits", tmp_path / file) == 0
        capsys.readouterr()
    np.savez(tmp_path / "x.npz", logits=logits, ids=ds.image_ids + 1)
    assert run("submit", tmp_path / "x.npz", *root, "-o", tmp_path / "s.csv") == 1
    assert "is not among the" in capsys.readouterr().err


def test_ids_may_be_a_text_with_one_a_line(made, truth, solution, tmp_path, capsys):
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories))
    np.savetxt(tmp_path / "i.txt", truth[:, 0], fmt="%d", header="ids of the test split")
    command = ["score", "--logits", tmp_path / "x.npy", "--truth", solution]
    command += ["--ids", tmp_path / "i.txt"]
    assert run(*command, "--json") == 0
    assert json.loads(capsys.readouterr().out)["top_1_error"] == 0
    (tmp_path / "i.txt").write_text("5\n\n5.0\n")
    assert run(*command) == 1
    error = capsys.readouterr().err
    assert "i.txt`: line 3: expected one id, a whole number, found `5.0`" in error
    (tmp_path / "i.txt").write_text("")
    assert run(*command) == 1
    assert "found shape" in capsys.readouterr().err
    (tmp_path / "i.txt").write_bytes(b"\xff\x00,\n")
    assert run(*command) == 1
    assert "line 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.arange(30.0), "expected integers as ids, found float64"),
        (np.arange(30).reshape(1, 30), r"expected ids of shape (N,), found (1, 30)"),
        (np.arange(29), "one row for each of the 29 ids, found shape (30, "),
        (np.array(["a"] * 30), "expected integers as ids, found <U1"),
    ],
)
def test_ids_that_are_none_are_bad_data(ids, message, made, truth, solution, tmp_path, capsys):
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories))
    np.save(tmp_path / "i.npy", ids)
    files = ["--logits", tmp_path / "x.npy", "--ids", tmp_path / "i.npy"]
    for command in (
        ["submit", *files, "-o", tmp_path / "s.csv"],
        ["score", *files, "--truth", solution],
    ):
        assert run(*command) == 1
        error = capsys.readouterr().err
        assert message in error
        assert (".npy`: " in error) == (error.count("\n") == 1)
    assert not (tmp_path / "s.csv").exists()


def test_a_true_label_without_a_super_category_is_bad_data(made, tmp_path, capsys):
    ds = pt.INaturalist(made.root, split="val")
    pt.write_submission(tmp_path / "s.csv", ds.image_ids, np.tile(np.arange(5), (len(ds), 1)))
    rows = [f"{image},{label}\n" for image, label in zip(ds.image_ids, ds.targets, strict=True)]
    rows[2] = f"{ds.image_ids[2]},7000\n"
    (tmp_path / "t.csv").write_text("id,expected\n" + "".join(rows))
    command = ["score", tmp_path / "s.csv", "--truth", tmp_path / "t.csv", "--root", made.root]
    for official in ([], ["--official"]):
        assert run(*command, *official) == 1
        error = capsys.readouterr().err
        assert "t.csv" in error
        assert "7000" in error


def test_rows_of_nan_are_submitted_with_a_warning(made, truth, tmp_path, capsys):
    logits = perfect_logits(truth[:, 1], made.categories)
    logits[5] = logits[20] = np.nan
    logits[2] = 0
    logits[3, :4] = np.nan
    ids = truth[:, 0]
    np.savez_compressed(tmp_path / "x.npz", logits=logits.astype(np.float16), ids=ids)
    bits = (logits.view(np.uint32) >> 16).astype(np.uint16)
    np.savez(tmp_path / "y.npz", logits=np.asfortranarray(bits), ids=ids)
    for name in ("x", "y"):
        assert run("submit", tmp_path / f"{name}.npz", "-o", tmp_path / "s.csv") == 0
        warning, wrote = capsys.readouterr().err.splitlines()
        assert "2 of 30 rows of logits are NaN throughout, the first is row 5" in warning
        assert "`0 1 2 3 4`" in warning
        assert wrote.startswith("wrote 30 rows")
    logits[[5, 20]] = 0
    np.savez(tmp_path / "x.npz", logits=logits, ids=ids)
    assert run("submit", tmp_path / "x.npz", "-o", tmp_path / "s.csv") == 0
    assert "NaN" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["submit", "-", "--root", "r", "-o", "s.csv"],
        ["submit", "x.npy", "--root", "r", "-o", "-"],
        ["submit", "--check", "-"],
        ["score", "-", "--root", "r"],
        ["score", "s.csv", "--truth", "-"],
        ["report", "-", "--root", "r"],
        ["report", "s.csv", "--root", "r", "-o", "-"],
    ],
)
def test_a_dash_is_refused_and_makes_no_file(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*command) == 2
    assert "standard input and output are not supported" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_wrong_with_files_is_1_and_with_the_call_2(made, truth, tmp_path, capsys):
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories))
    np.save(tmp_path / "p.npy", np.ones((len(truth), 3)))
    submit = ["submit", tmp_path / "x.npy", "--root", made.root]
    for options, status, message in (
        (["-o", tmp_path], 1, f"`{tmp_path}`: is a directory"),
        (["-o", tmp_path / "no" / "s.csv"], 1, "no such file or directory"),
        (["-o", tmp_path / "s.csv", "--prior", tmp_path / "p.npy"], 1, "p.npy`: expected a prior"),
        (["-o", tmp_path / "s.csv", "-k", "0"], 2, "k"),
    ):
        assert run(*submit, *options) == status
        assert message in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def test_annotations_without_categories_compare_no_columns(made, truth, tmp_path, capsys):
    with zipfile.ZipFile(made.root / "test2017.zip") as archive:
        annotations = json.loads(archive.read("test2017.json"))
    del annotations["categories"]
    (tmp_path / "test2017.json").write_text(json.dumps(annotations))
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories + 1))
    output = tmp_path / "s.csv"
    assert run("submit", tmp_path / "x.npy", "--root", tmp_path, "-o", output) == 0
    assert run("submit", "--check", output, "--root", tmp_path) == 0
    assert len(pt.read_submission(output)) == len(truth)
