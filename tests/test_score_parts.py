"""The parts of a score: every number of labels, ranks, super categories, intervals."""

from __future__ import annotations

import json
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
import releases_made
from ptarmigan.cli import main


@pytest.mark.parametrize("official", [False, True])
def test_the_error_of_every_number_of_labels_is_told(official: bool) -> None:
    random = np.random.default_rng(5)
    labels = random.integers(0, 30, 500)
    predicted = np.argsort(random.random((500, 30)), axis=1)[:, :7]
    score = pt.score(predicted, labels, k=6, official=official)
    for place in range(6):
        wrong = (predicted[:, : place + 1] != labels[:, np.newaxis]).all(axis=1)
        assert score.top_errors[place] == wrong.mean()
    assert (score.top_errors[0], score.top_errors[-1]) == (score.top_1_error, score.top_k_error)
    assert len(score.top_errors) == 6
    assert "among the first 2" in str(score)


def test_a_repeated_label_does_not_count_twice_in_the_official_way() -> None:
    score = pt.score([[1, 1, 2]], {5: 2}, k=3, official=True, ids=[5])
    assert score.top_errors == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("official", [False, True])
def test_ranks_are_groups_of_labels(official: bool) -> None:
    random = np.random.default_rng(6)
    labels, predicted = random.integers(0, 20, 300), random.integers(0, 20, (300, 1))
    genus = [f"genus {label // 3}" if label != 7 else None for label in range(20)]
    order = {label: f"order {label % 2}" for label in range(20)}
    ranks = {"genus": genus, "order": order}
    score = pt.score(predicted, labels, k=1, ranks=ranks, official=official)
    assert set(score.by_rank) == {"genus", "order"}
    wrong = predicted[:, 0] != labels
    for name, group in score.by_rank["genus"].items():
        own = np.array([genus[label] == name for label in labels])
        assert (group.n, group.top_k_error) == (own.sum(), wrong[own].mean())
        assert group.classes == len(set(labels[own]))
    assert sum(group.n for group in score.by_rank["genus"].values()) == (labels != 7).sum()
    assert sum(group.n for group in score.by_rank["order"].values()) == 300
    assert pt.score(predicted, labels, k=1).by_rank == {}


@pytest.mark.parametrize("labels", ["json", "torchvision"])
def test_a_data_set_tells_its_ranks(labels: str, tmp_path: Path) -> None:
    root = releases_made.write_2021(tmp_path).root
    ds = pt.INaturalist(root, "2021", "val", labels=labels)
    predicted = ds.targets[:, np.newaxis].copy()
    predicted[0] = (predicted[0] + 1) % len(ds.classes)
    score = pt.score(predicted, ds, k=1, ids=ds.image_ids)
    assert {"kingdom", "phylum", "class", "order", "family", "genus"} <= set(score.by_rank)
    for rank, found in score.by_rank.items():
        taxa = np.array(ds.class_groups(rank))[ds.targets]
        assert {name: group.top_1_error for name, group in found.items()} == {
            name: (1 / (taxa == name).sum() if name == taxa[0] else 0.0) for name in set(taxa)
        }


@pytest.mark.parametrize("official", [False, True])
def test_the_confusion_of_super_categories_is_a_table(official: bool) -> None:
    random = np.random.default_rng(7)
    labels = random.integers(0, 12, 400)
    predicted = np.argsort(random.random((400, 12)), axis=1)[:, :2]
    supers = ["Fungi", "Aves", "Insecta"] * 4
    score = pt.score(predicted, labels, k=2, supercategories=supers, official=official)
    names = ["Aves", "Fungi", "Insecta"]
    number = np.array([names.index(name) for name in supers])
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (number[labels], number[predicted[:, 0]]), 1)
    assert score.confusion == {"names": names, "counts": expected.tolist()}
    json.dumps(score.to_dict())
    assert pt.score(predicted, labels, k=2).confusion is None


def test_a_first_label_without_a_super_category_has_its_own_column() -> None:
    score = pt.score([[9], [1], [0]], [0, 1, 1], k=1, supercategories={0: "Aves", 1: "Fungi"})
    assert score.confusion == {
        "names": ["Aves", "Fungi", "(none)"],
        "counts": [[0, 0, 1], [1, 1, 0], [0, 0, 0]],
    }


def test_the_interval_is_that_of_drawing_the_images_again() -> None:
    random = np.random.default_rng(8)
    labels = random.integers(0, 4, 600)
    predicted = np.argsort(random.random((600, 4)), axis=1)[:, :2]
    score = pt.score(predicted, labels, k=2, bootstrap=20_000, confidence=0.9, seed=3)
    assert (score.bootstrap, score.confidence) == (20_000, 0.9)
    wrong = (predicted != labels[:, np.newaxis]).all(axis=1)
    drawn = wrong[random.integers(0, 600, (4000, 600))].mean(axis=1)
    assert score.top_k_interval == pytest.approx(np.percentile(drawn, [5, 95]), abs=0.004)
    first = (predicted[:, 0] != labels)[random.integers(0, 600, (4000, 600))].mean(axis=1)
    assert score.top_1_interval == pytest.approx(np.percentile(first, [5, 95]), abs=0.004)
    assert score.top_k_interval[0] < score.top_k_error < score.top_k_interval[1]


def test_the_seed_decides_the_interval() -> None:
    labels = np.arange(1000) % 2
    options = {"k": 1, "bootstrap": 200}
    zeros = np.zeros((1000, 1), int)
    first = pt.score(zeros, labels, **options)
    assert pt.score(zeros, labels, **options).top_k_interval == first.top_k_interval
    others = [pt.score(zeros, labels, **options, seed=seed).top_k_interval for seed in (1, -1)]
    assert first.top_k_interval not in others
    assert others[0] != others[1]
    assert pt.score(zeros, labels, k=1).top_k_interval is None
    assert pt.score(zeros, zeros[:, 0], **options).top_k_interval == [0.0, 0.0]
    assert "0.95 interval, from" in str(first)


def test_an_interval_that_makes_no_sense_is_refused() -> None:
    for wrong in ({"confidence": 1.0}, {"confidence": float("nan")}, {"bootstrap": -1}):
        with pytest.raises(ValueError, match=r"confidence|bootstrap"):
            pt.score([[0]], [0], k=1, **wrong)
    with pytest.raises(ValueError, match="resamples"):
        pt.score([[0]], [0], k=1, bootstrap=10**9)
    empty = pt.score(np.zeros((0, 1), int), {}, k=1, ids=[], official=True, bootstrap=10)
    assert (empty.top_k_interval, empty.top_errors) == (None, [1.0])


def test_a_whole_test_split_is_scored_with_intervals_in_little_time(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows, supers = 182_707, [f"group {label % 13}" for label in range(5089)]
    labels = random.integers(0, 5084, rows)
    predicted = labels[:, np.newaxis] + random.integers(0, 2, (rows, 1)) + np.arange(5)
    path = tmp_path / "s.csv"
    pt.write_submission(path, np.arange(rows), predicted, version="2017")
    truth = (np.arange(rows), labels)
    start = time.perf_counter()
    score = pt.score(path, truth, supercategories=supers, bootstrap=1000)
    # Far above what it takes, so that only a wrong algorithm fails.
    assert time.perf_counter() - start < 10
    spread = score.top_1_interval[1] - score.top_1_interval[0]
    assert spread == pytest.approx(2 * 1.96 * np.sqrt(0.25 / rows), rel=0.2)


def test_a_prior_takes_logits_or_probabilities_as_is_said() -> None:
    random = np.random.default_rng(9)
    logits, labels = random.normal(size=(200, 8)), random.integers(0, 8, 200)
    prior = random.random((200, 8))
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    expected = pt.score(logits, labels, k=2, prior=prior)
    assert pt.score(shares, labels, k=2, prior=prior, logits=False).to_dict() == expected.to_dict()
    with pytest.raises(pt.SubmissionError, match="`logits=False`"):
        pt.score(shares, labels, k=2, prior=prior)
    with pytest.raises(pt.SubmissionError, match="these are logits"):
        pt.score(logits, labels, k=2, prior=prior, logits=False)


def test_a_taxon_that_is_not_known_is_no_group() -> None:
    labels = np.arange(6) % 3
    ranks = {"genus": ["a", "", None], "order": {0: "", 1: "b"}}
    found = pt.score(labels[:, np.newaxis], labels, k=1, ranks=ranks).by_rank
    assert {name: one.n for name, one in found["genus"].items()} == {"a": 2}
    assert {name: one.n for name, one in found["order"].items()} == {"b": 2}
    with pytest.raises(pt.SubmissionError, match="none for 1; the first is `1`"):
        pt.score([[0], [1]], [0, 1], k=1, supercategories=["Aves", ""])


def test_a_null_taxon_is_in_no_group_for_the_command_and_the_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = releases_made.write_2019(tmp_path / "data").root
    listed = root / "categories.json.tar.gz"
    with tarfile.open(listed) as archive:
        categories = json.load(archive.extractfile("categories.json"))
    records = categories["categories"]
    for record in records[:3]:
        record["genus"] = None
    listed.unlink()
    (root / "categories.json").write_text(json.dumps(categories))
    ds = pt.INaturalist(root, "2019", "val")
    expected = pt.score(ds.targets[:, np.newaxis], ds, k=1, ids=ds.image_ids)
    assert "" not in expected.by_rank["genus"]
    known = np.isin(ds.targets, [record["id"] for record in records[:3]], invert=True)
    assert sum(one.n for one in expected.by_rank["genus"].values()) == known.sum() < len(ds)
    pt.write_submission(tmp_path / "s.csv", ds.image_ids, ds.targets[:, np.newaxis])
    command = ["score", str(tmp_path / "s.csv"), "--root", str(root), "--release", "2019"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_rank"] == expected.to_dict()["by_rank"]


@pytest.mark.parametrize(
    ("version", "k", "expected"),
    [
        ("2017", None, 5),
        ("2018", None, 3),
        ("2019", None, 1),
        ("2021", None, 1),
        ("2021", 5, 1),
        ("2021", 3, 3),
        ("2017", 1, 1),
        (None, None, 5),
        (None, 2, 2),
    ],
)
def test_the_error_that_is_scored_leads(version: str, k: int | None, expected: int) -> None:
    random = np.random.default_rng(10)
    labels = random.integers(0, 9, 400)
    predicted = np.argsort(random.random((400, 9)), axis=1)[:, :5]
    score = pt.score(predicted, labels, k, version=version)
    assert score.scored_labels == expected
    assert score.scored_error == score.top_errors[expected - 1]
    assert score.top_k_error == score.top_errors[-1]
    assert score.top_1_error == score.top_errors[0]
    found = score.to_dict()
    assert list(found)[:4] == ["k", "n", "scored_labels", "scored_error"]
    first, head, images, *_ = str(score).splitlines()
    assert first == f"top-{expected} error {score.scored_error:.2%}: 400 images in 9 classes"
    names = dict.fromkeys((expected, 1, score.k))
    assert head.split() == ["images", *" ".join(f"top-{one} error" for one in names).split()]
    shares = [f"{score.top_errors[one - 1]:.2%}" for one in names]
    assert images.split()[-len(shares) :] == shares


@pytest.mark.parametrize("official", [False, True])
def test_public_and_private_images_have_the_scored_error(tmp_path: Path, official: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,expected,usage\n1,5,Public\n2,5,Public\n3,5,Private\n")
    predicted = [[5, 1, 2, 3, 4], [1, 5, 2, 3, 4], [1, 2, 3, 4, 5]]
    for version, errors in {"2017": (0.0, 0.0), "2021": (0.5, 1.0)}.items():
        score = pt.score(predicted, path, ids=[1, 2, 3], version=version, official=official)
        assert (score.public_error, score.private_error) == errors
        assert f"{errors[1]:.2%}" in str(score).splitlines()[-1]
