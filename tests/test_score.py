"""Scores: strict by default, and as the competition's own script counts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from inaturalist_made import write_inaturalist
from page_2017 import IMAGES

# The top-5 accuracy of one published network on the validation images of each super category
# (macaodha/inat_comp_2017), whose total is 85.34 %.
ACCURACY = {
    "Plantae": 85.96,
    "Insecta": 89.66,
    "Aves": 85.40,
    "Reptilia": 74.56,
    "Mammalia": 79.48,
    "Fungi": 89.44,
    "Amphibia": 75.09,
    "Mollusca": 83.00,
    "Animalia": 85.39,
    "Arachnida": 88.95,
    "Actinopterygii": 79.90,
    "Chromista": 81.94,
    "Protozoa": 91.78,
}
# Super category -> validation images, accuracy.
VALIDATION = {name: (IMAGES[name][2], accuracy) for name, accuracy in ACCURACY.items()}


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def test_the_error_is_the_share_of_images_without_their_label() -> None:
    predicted = [[1, 2], [2, 1], [3, 4], [4, 3]]
    score = pt.score(predicted, {10: 1, 11: 1, 12: 1, 13: 4}, k=2, ids=[10, 11, 12, 13])
    assert (score.n, score.k) == (4, 2)
    assert score.top_1_error == 0.5
    assert score.top_k_error == 0.25
    assert score.by_class[1].n == 3
    assert score.by_class[1].top_k_error == pytest.approx(1 / 3)
    assert list(score.by_class) == [1, 4]
    assert score.class_top_1_error == pytest.approx((2 / 3 + 0) / 2)
    assert score.class_top_k_error == pytest.approx((1 / 3 + 0) / 2)
    assert score.public_error is None
    assert score.by_supercategory == {}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 3))
def test_any_score_agrees_with_its_definition(seed: int, k: int, more: int) -> None:
    random = np.random.default_rng(seed)
    rows, classes = int(random.integers(1, 60)), k + more + int(random.integers(0, 20))
    predicted = np.argsort(random.random((rows, classes)))[:, : k + more]
    labels = random.integers(0, classes, rows)
    ids = random.permutation(10 * rows)[:rows]
    order = random.permutation(rows)
    groups = [f"group {label % 3}" for label in range(classes)]
    score = pt.score(predicted, (ids[order], labels[order]), k, ids=ids, supercategories=groups)
    wrong_1 = predicted[:, 0] != labels
    wrong_k = (predicted[:, :k] != labels[:, np.newaxis]).all(axis=1)
    assert score.top_1_error == wrong_1.mean()
    assert score.top_k_error == wrong_k.mean()
    averages = []
    for label in np.unique(labels):
        found = score.by_class[int(label)]
        assert found.n == (labels == label).sum()
        assert found.top_1_error == wrong_1[labels == label].mean()
        assert found.top_k_error == wrong_k[labels == label].mean()
        averages.append(found.top_k_error)
    assert score.class_top_k_error == pytest.approx(np.mean(averages))
    for name, group in score.by_supercategory.items():
        own = labels % 3 == int(name[-1])
        assert (group.n, group.classes) == (own.sum(), len(np.unique(labels[own])))
        assert group.top_k_error == wrong_k[own].mean()
        expected = [wrong_k[labels == label].mean() for label in np.unique(labels[own])]
        assert group.class_top_k_error == pytest.approx(np.mean(expected))


def published_rows() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels, five predicted labels, and super categories of classes with the published errors."""
    labels, predicted, supers = [], [], []
    random = np.random.default_rng(0)
    for name, (images, accuracy) in VALIDATION.items():
        classes = len(supers) + np.arange(7)
        supers += [name] * len(classes)
        own = random.choice(classes, images)
        rows = 1000 + np.argsort(random.random((images, 9)), axis=1)[:, :5]
        right = random.permutation(images)[: round(images * accuracy / 100)]
        rows[right, random.integers(0, 5, len(right))] = own[right]
        labels.append(own)
        predicted.append(rows)
    return np.concatenate(labels), np.concatenate(predicted), supers


def test_published_errors_of_super_categories_add_up_to_the_published_total(
    tmp_path: Path,
) -> None:
    labels, predicted, supers = published_rows()
    ids = np.random.default_rng(1).permutation(len(labels))
    path = tmp_path / "submission.csv"
    pt.write_submission(path, ids, predicted, version="2017")
    truth = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    for official in (False, True):
        score = pt.score(path, truth, official=official, supercategories=supers)
        assert (score.n, score.k) == (95_986, 5)
        # Whole images move the weighted mean of the rounded accuracies, 85.344, by less than this.
        assert 100 * (1 - score.top_k_error) == pytest.approx(85.344, abs=0.001)
        assert round(100 * (1 - score.top_k_error), 2) == 85.34
        assert list(score.by_supercategory) == sorted(VALIDATION)
        for name, (images, accuracy) in VALIDATION.items():
            group = score.by_supercategory[name]
            assert (group.n, group.classes) == (images, 7)
            assert 100 * (1 - group.top_k_error) == pytest.approx(accuracy, abs=0.7 / images * 100)


def test_images_and_classes_are_averaged_apart() -> None:
    score = pt.score([[0], [0], [0], [0]], [0, 0, 0, 1], k=1, supercategories={0: "a", 1: "a"})
    group = score.by_supercategory["a"]
    assert (group.top_1_error, group.class_top_1_error) == (0.25, 0.5)
    assert (score.top_1_error, score.class_top_1_error) == (0.25, 0.5)


def test_every_form_of_truth_gives_the_same_score(tmp_path: Path) -> None:
    ids, labels = [7, 5, 6], [2, 0, 1]
    predicted = [[2, 1], [1, 0], [0, 2]]
    rows = "".join(f"{i},{label}\n" for i, label in zip(ids, labels, strict=True))
    data_set = SimpleNamespace(
        image_ids=np.array(ids), targets=np.array(labels), classes=["a", "b", "c"]
    )
    truths = [
        dict(zip(ids, labels, strict=True)),
        (ids, labels),
        (np.array(ids), np.array(labels)),
        data_set,
        labels,
        np.array(labels, np.int32),
        write(tmp_path / "truth.csv", f"id,expected\n{rows}"),
    ]
    pt.write_submission(tmp_path / "submission.csv", ids, predicted)
    submission = pt.read_submission(tmp_path / "submission.csv")
    expected = pt.score(predicted, truths[0], k=2, ids=ids).to_dict()
    assert expected["top_k_error"] == pytest.approx(1 / 3)
    for truth in truths:
        assert pt.score(predicted, truth, k=2, ids=ids).to_dict() == expected
        assert pt.score(submission, truth, k=2).to_dict() == expected
        if truth is not labels and not isinstance(truth, np.ndarray):
            assert pt.score(tmp_path / "submission.csv", truth, k=2).to_dict() == expected
            assert pt.score(str(tmp_path / "submission.csv"), truth, k=2).to_dict() == expected
    with pytest.raises(ValueError, match="pair"):
        pt.score(tmp_path / "submission.csv", labels, k=2)


def test_a_data_set_tells_its_classes_and_super_categories(tmp_path: Path) -> None:
    ds = pt.INaturalist(write_inaturalist(tmp_path / "inat").root, split="val")
    predicted = ds.targets[:, np.newaxis].copy()
    predicted[0] = (predicted[0] + 1) % len(ds.classes)
    score = pt.score(predicted, ds, k=1, ids=ds.image_ids)
    wrong = ds.class_groups("super")[ds.targets[0]]
    groups = np.array(ds.class_groups("super"))[ds.targets]
    assert {name: group.top_1_error for name, group in score.by_supercategory.items()} == {
        name: (1 / (groups == wrong).sum() if name == wrong else 0.0) for name in set(groups)
    }
    predicted[1] = len(ds.classes)
    with pytest.raises(pt.SubmissionError, match=rf"label `{len(ds.classes)}` is not among the"):
        pt.score(predicted, ds, k=1, ids=ds.image_ids)


def test_a_submission_has_category_ids_whatever_a_data_set_numbers(tmp_path: Path) -> None:
    root = write_inaturalist(tmp_path / "inat").root
    theirs = pt.INaturalist(root, split="val", labels="torchvision")
    ours = pt.INaturalist(root, split="val")
    assert (theirs.targets != ours.targets).any()
    path = tmp_path / "submission.csv"
    numbers = theirs.targets[:, np.newaxis]
    pt.write_submission(path, theirs.image_ids, numbers, label_map=theirs.label_map)
    for predicted in (path, pt.read_submission(path)):
        score = pt.score(predicted, theirs, k=1)
        assert score.top_1_error == 0
        expected = pt.score(predicted, ours, k=1)
        assert score.to_dict() == expected.to_dict()
    assert pt.score(numbers, theirs, k=1, ids=theirs.image_ids).top_1_error == 0


def test_padded_rows_are_left_out() -> None:
    predicted, ids = np.array([[1], [2], [0]]), np.array([8, 9, 8])
    valid = np.array([True, True, False])
    assert pt.score(predicted, {8: 1, 9: 1}, k=1, ids=ids, valid=valid).top_1_error == 0.5
    aligned = pt.score(predicted, np.array([1, 1, -1]), k=1, ids=ids, valid=valid)
    assert aligned.top_1_error == 0.5
    with pytest.raises(pt.SubmissionError, match="already in row 0"):
        pt.score(predicted, {8: 1, 9: 1}, k=1, ids=ids)
    with pytest.raises(ValueError, match="expected `valid` of bool"):
        pt.score(predicted, {8: 1, 9: 1}, k=1, ids=ids, valid=[1, 1, 0])


def test_every_image_must_be_predicted_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    pt.write_submission(path, [1, 2, 9], [[0, 1], [0, 1], [0, 1]])
    with pytest.raises(pt.SubmissionError, match="line 4: id `9` is not in the truth"):
        pt.score(path, {1: 0, 2: 0}, k=2)
    with pytest.raises(pt.SubmissionError, match=r"2 of the 5 images .* the first is id 4"):
        pt.score(path, {1: 0, 4: 0, 2: 0, 9: 1, 5: 0}, k=2)
    with pytest.raises(pt.SubmissionError, match="line 2: expected 5 ids, found 2"):
        pt.score(path, {1: 0, 2: 0, 9: 1})
    with pytest.raises(pt.SubmissionError, match="line 2: expected 1 ids, found 2"):
        pt.score(path, {1: 0, 2: 0, 9: 1}, k=1)
    submission = pt.read_submission(path)
    assert pt.score(submission, {1: 0, 2: 0, 9: 1}, k=1).top_k_error == pytest.approx(1 / 3)
    with pytest.raises(pt.SubmissionError, match="line 4: id `9`"):
        pt.score(submission, {1: 0, 2: 0}, k=2)


def test_a_truth_that_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pt.SubmissionError, match=r"id 5 has the label `-1`.*unknown"):
        pt.score([[0]], ([5], [-1]), k=1, ids=[5])
    with pytest.raises(pt.SubmissionError, match="id `5` is already in row 0"):
        pt.score([[0]], ([5, 5], [0, 1]), k=1, ids=[5])
    with pytest.raises(pt.SubmissionError, match="names no image"):
        pt.score(np.zeros((0, 5), np.int64), {}, ids=[])
    truth = write(tmp_path / "truth.csv", "id,expected,usage\n5,0,public\n")
    with pytest.raises(pt.SubmissionError, match="line 2: expected usage `Public`") as caught:
        pt.score([[0]], truth, k=1, ids=[5])
    assert caught.value.path == str(truth)


def test_arguments_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match="needs `ids`"):
        pt.score([[0]], {5: 0}, k=1)
    with pytest.raises(ValueError, match="expected an id for each of 1 rows, found 2"):
        pt.score([[0]], {5: 0}, k=1, ids=[1, 2])
    with pytest.raises(ValueError, match="expected a true label for each of 1 predicted rows"):
        pt.score([[0]], [0, 1], k=1)
    with pytest.raises(ValueError, match="expected k from 1 to 1"):
        pt.score([[0]], [0])
    with pytest.raises(ValueError, match="k of 1 or more"):
        pt.score([[0]], [0], k=0)
    with pytest.raises(TypeError, match="expected integers as predicted, found float64"):
        pt.score([[0.5]], [0], k=1)
    with pytest.raises(ValueError, match="super category for each of the 2"):
        pt.score([[0], [0]], [0, 1], k=1, supercategories=["a"])
    with pytest.raises(FileNotFoundError):
        pt.score("no.csv", {5: 0})


def test_a_score_prints_a_table_and_goes_into_json(tmp_path: Path) -> None:
    truth = write(tmp_path / "t.csv", "id,expected,usage\n0,0,Public\n1,1,Private\n2,1,Private\n")
    score = pt.score([[0], [0], [1]], truth, k=1, ids=[0, 1, 2], supercategories=["Aves", "Fungi"])
    table = str(score)
    for expected in ("3 images in 2 classes", "33.33%", "public", "0.00%", "private", "50.00%"):
        assert expected in table
    lines = table.splitlines()
    assert lines[-2].startswith("Fungi")
    assert lines[-1].startswith("Aves")
    again = json.loads(json.dumps(score.to_dict()))
    assert again["by_class"]["1"] == {"n": 2, "top_1_error": 0.5, "top_k_error": 0.5}
    assert again["by_supercategory"]["Aves"]["n"] == 1
    assert (score.public_error, score.private_error) == (0.0, 0.5)
    with pytest.raises(AttributeError):
        score.n = 4
