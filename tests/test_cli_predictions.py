"""The commands of the competition's end: submit and score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from predictions_made import SOLUTION, perfect_logits, run, small_data, truth_in
from ptarmigan.cli import main
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


def test_a_submission_without_rows_is_wrong(tmp_path, capsys):
    empty = tmp_path / "empty.csv"
    empty.write_text("id,predicted\n")
    assert main(["submit", "--check", str(empty)]) == 1
    out, err = capsys.readouterr()
    assert out == "line 2: expected a row, found the end of the file\n"
    assert "0 rows, 1 fault" in err


def test_logits_may_be_named_or_not_and_not_twice(truth, made, tmp_path, capsys):
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories))
    np.save(tmp_path / "y.npy", truth[:, 0])
    ids = ["--ids", tmp_path / "y.npy"]
    assert run("submit", tmp_path / "x.npy", *ids, "-o", tmp_path / "a.csv") == 0
    assert run("submit", "--logits", tmp_path / "x.npy", *ids, "-o", tmp_path / "b.csv") == 0
    assert run("submit", *ids, "-o", tmp_path / "c.csv", tmp_path / "x.npy") == 0
    texts = {(tmp_path / f"{name}.csv").read_text() for name in "abc"}
    assert len(texts) == 1
    both = ["--logits", tmp_path / "x.npy", tmp_path / "x.npy"]
    assert run("submit", *both, *ids, "-o", tmp_path / "d.csv") == 2
    assert run("submit", *ids, "-o", tmp_path / "d.csv") == 2
    assert run("submit", tmp_path / "x.npy", *ids, "--check", tmp_path / "a.csv") == 2
    assert "takes no logits" in capsys.readouterr().err
    assert not (tmp_path / "d.csv").exists()


@pytest.mark.parametrize(
    ("release", "header", "k"),
    [
        ("2017", "id,predicted", 5),
        ("2018", "id,predicted", 3),
        ("2019", "id,predicted", 1),
        ("2021", "Id,Predicted", 5),
    ],
)
def test_every_release_has_its_form(release, header, k, truth, made, solution, tmp_path, capsys):
    np.savez(
        tmp_path / "x.npz", logits=perfect_logits(truth[:, 1], made.categories), ids=truth[:, 0]
    )
    output, form = tmp_path / "s.csv", ["--release", release]
    assert run("submit", tmp_path / "x.npz", "-o", output, *form) == 0
    lines = output.read_text().splitlines()
    assert lines[0] == header
    assert lines[1].count(" ") == k - 1
    assert run("submit", "--check", output, *form) == 0
    capsys.readouterr()
    for official in ([], ["--official"]):
        assert run("score", output, "--truth", solution, *form, *official, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["k"], found["top_k_error"]) == (k, 0)
    other = "2017" if release == "2021" else "2021"
    assert run("submit", "--check", output, "--release", other) == 1
    assert f"the header of {'2021' if release == '2021' else '2017, 2018, 2019'}" in (
        capsys.readouterr().out
    )


def test_the_ids_are_compared_with_those_of_the_test_split(made, truth, tmp_path, capsys):
    np.save(tmp_path / "x.npy", perfect_logits(truth[:, 1], made.categories))
    output = tmp_path / "s.csv"
    command = ["submit", tmp_path / "x.npy", "--root", made.root, "-o", output]
    np.save(tmp_path / "y.npy", truth[::-1, 0])
    assert run(*command, "--ids", tmp_path / "y.npy") == 0
    assert run("submit", "--check", output, "--root", made.root) == 0
    assert "nothing is wrong" in capsys.readouterr().err
    output.unlink()
    np.save(tmp_path / "y.npy", truth[:, 0] + 1)
    assert run(*command, "--ids", tmp_path / "y.npy") == 1
    assert f"is not among the {len(truth)} images" in capsys.readouterr().err
    assert not output.exists()


def test_check_says_everything_that_is_wrong(made, truth, tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    rows = [f"{number},1 2 3 4 0" for number in truth[:, 0]]
    rows[3] = f"{truth[3, 0]},1 2 3"
    rows[5] = f"{truth[5, 0]},1 1 2 3 999999"
    rows[8] = "123456789,1 2 3 4 0"
    bad.write_text("\n".join(["id,predicted", *rows]) + "\n")
    assert run("submit", "--check", bad, "--root", made.root) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "line 5: expected 5 ids, found 3"
    assert lines[1] == "line 7: label `1` is there twice"
    assert lines[2].startswith("line 7: label `999999` is not among the ")
    assert lines[3].startswith("line 10: id `123456789` is not among the ")
    assert lines[4].startswith(f"1 of the {len(truth)} images that are asked for have no row")
    assert captured.err == f"{bad}: {len(truth)} rows, 5 faults\n"
    np.save(tmp_path / "y.npy", truth[:, 0])
    options = ["--ids", tmp_path / "y.npy", "--json", "--limit", "2"]
    assert run("submit", "--check", bad, *options) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["count"], len(found["faults"])) == (len(truth), 4, 2)
    assert found["faults"][0] == {"line": 5, "message": "expected 5 ids, found 3"}
    assert run("submit", "--check", bad, "--limit", "1") == 1
    captured = capsys.readouterr()
    assert (captured.out.count("\n"), "... and 1 more" in captured.err) == (1, True)
    assert run("submit", "--check", tmp_path / "no.csv") == 1
    assert run("submit", "--check", bad, "--limit", "-1") == 2


def test_check_without_ids_says_that_it_had_none(tmp_path, capsys):
    (tmp_path / "s.csv").write_text("id,predicted\n1,1 2 3 4 5\n")
    assert run("submit", "--check", tmp_path / "s.csv") == 0
    assert "were not compared" in capsys.readouterr().err


def test_score_takes_logits_and_a_prior(made, tmp_path, capsys):
    val = pt.INaturalist(made.root, split="val")
    random = np.random.default_rng(0)
    logits = random.normal(size=(len(val), made.categories)).astype(np.float32)
    prior = np.full(logits.shape, 1e-6, np.float32)
    prior[np.arange(len(val)), val.targets] = 1
    prior[0] = np.nan
    for name, array in {"x": logits, "y": val.image_ids, "p": prior}.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = ["--logits", tmp_path / "x.npy", "--ids", tmp_path / "y.npy"]
    root = ["--root", made.root]
    expected = pt.score(pt.top_k(logits), val, ids=val.image_ids)
    assert run("score", *files, *root, "--json") == 0
    assert json.loads(capsys.readouterr().out)["top_k_error"] == expected.top_k_error
    assert run("score", *files, *root, "--prior", tmp_path / "p.npy", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["without_prior"]["top_k_error"] == expected.top_k_error
    with_prior = pt.score(logits, val, ids=val.image_ids, prior=prior)
    assert found["with_prior"]["top_k_error"] == with_prior.top_k_error < expected.top_k_error
    assert run("score", *files, *root, "--prior", tmp_path / "p.npy") == 0
    printed = capsys.readouterr().out
    assert printed.index("without prior:") < printed.index("\nwith prior:")
    output = tmp_path / "s.csv"
    assert run("submit", *files, "--prior", tmp_path / "p.npy", "-o", output) == 0
    assert pt.score(output, val).top_k_error == with_prior.top_k_error
    probabilities = np.exp(logits)
    np.save(tmp_path / "x.npy", probabilities / probabilities.sum(axis=1, keepdims=True))
    with_file = [*files, *root, "--prior", tmp_path / "p.npy"]
    capsys.readouterr()
    assert run("score", *with_file) == 1
    assert "`--probabilities`" in capsys.readouterr().err
    assert run("score", *with_file, "--probabilities", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["with_prior"]["top_k_error"] == with_prior.top_k_error


def test_score_of_logits_needs_ids_and_one_source(tmp_path, solution, capsys):
    np.save(tmp_path / "x.npy", np.zeros((3, 9), np.float32))
    truth = ["--truth", solution]
    assert run("score", "--logits", tmp_path / "x.npy", *truth) == 2
    assert "need ids" in capsys.readouterr().err
    assert run("score", *truth) == 2
    assert run("score", "s.csv", "--logits", tmp_path / "x.npy", *truth) == 2
    assert run("score", "s.csv", "--prior", tmp_path / "x.npy", *truth) == 2
    assert "go with --logits" in capsys.readouterr().err


def test_score_prints_intervals(made, solution, truth, tmp_path, capsys):
    rows = np.stack([truth[:, 1], *(900 + np.arange(4)[:, np.newaxis] + 0 * truth[:, 1])], axis=1)
    rows[::2, 0] = 950
    pt.write_submission(tmp_path / "s.csv", truth[:, 0], rows)
    command = ["score", tmp_path / "s.csv", "--truth", solution, "--bootstrap", "500"]
    assert run(*command, "--confidence", "0.9", "--seed", "4", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    expected = pt.score(
        tmp_path / "s.csv", solution, bootstrap=500, confidence=0.9, seed=4
    ).to_dict()
    assert found == json.loads(json.dumps(expected))
    assert found["top_k_interval"][0] < found["top_k_error"] < found["top_k_interval"][1]
    assert run(*command) == 0
    assert "0.95 interval, to" in capsys.readouterr().out
    assert run(*command, "--confidence", "2") == 2
