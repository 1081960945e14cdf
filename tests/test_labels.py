"""The numberings of classes, and what converts, keeps and compares them."""

from __future__ import annotations

import json
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptarmigan as pt
from inaturalist_made import CATEGORIES
from inaturalist_made import Made as Made2017
from ptarmigan.labels import LABELS, LabelMap
from releases_made import COUNT, Made

VERSIONS = ("2017", "2018", "2019", "2021")


@pytest.fixture(scope="module")
def releases(made: Made2017, releases: dict[str, Made]) -> dict[str, Made | Made2017]:
    return {"2017": made, **releases}


def annotations_of(root: Path, version: str) -> dict:
    """``train<version>.json``, read by the standard library."""
    if version == "2017":
        with zipfile.ZipFile(root / "train_val2017.zip") as archive:
            return json.loads(archive.read("train2017.json"))
    name = "train.json" if version == "2021" else f"train{version}.json"
    with tarfile.open(root / f"{name}.tar.gz") as archive:
        return json.load(archive.extractfile(name))


def expected_numbers(root: Path, version: str, labels: str) -> dict[int, int]:
    """Category id -> number, as the ones who number so do it."""
    content = annotations_of(root, version)
    listed = content["categories"]
    if labels == "list":
        return {record["id"]: place for place, record in enumerate(listed)}
    used = [annotation["category_id"] for annotation in content["annotations"]]
    if labels == "first_seen":
        numbers: dict[int, int] = {}
        for category_id in used:
            numbers.setdefault(category_id, len(numbers))
        return numbers
    if labels == "compact":
        return {category_id: place for place, category_id in enumerate(sorted(set(used)))}
    return {record["id"]: record["id"] for record in listed}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("labels", ["json", "list", "first_seen", "compact"])
def test_targets_have_the_numbers_of_their_numbering(releases, version, labels):
    root = releases[version].root
    ds = pt.INaturalist(root, version, labels=labels)
    plain = pt.INaturalist(root, version)
    numbers = expected_numbers(root, version, labels)
    assert ds.targets.tolist() == [numbers[id_] for id_ in plain.category_ids.tolist()]
    assert ds.category_ids.tolist() == plain.category_ids.tolist()
    assert [ds.classes[t] for t in ds.targets] == [plain.classes[t] for t in plain.targets]
    assert [ds.all_categories[t] for t in ds.targets] == [
        plain.all_categories[t] for t in plain.targets
    ]
    assert ds.labels == ds.label_map.labels == labels
    assert [entry[0] for entry in ds.index] == ds.targets.tolist()
    supers = pt.INaturalist(root, version, labels=labels, target_type=["full", "super"])
    groups = ds.class_groups()
    for row in range(len(ds)):
        full, above = supers[row][1]
        assert full == ds.targets[row]
        assert supers.category_name("super", above) == groups[full]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_numbering_converts_into_every_other(releases, version):
    root = releases[version].root
    targets = {name: pt.INaturalist(root, version, labels=name).targets for name in LABELS}
    label_map = pt.INaturalist(root, version, labels="list").label_map
    for source in LABELS:
        for to in LABELS:
            found = label_map.convert(targets[source], to=to, source=source)
            assert found.tolist() == targets[to].tolist()
            assert found.dtype == np.int64
    assert label_map.convert(targets["list"], to="json").tolist() == targets["json"].tolist()


def test_the_made_numberings_differ(releases):
    for version in VERSIONS[1:]:
        label_map = pt.INaturalist(releases[version].root, version).label_map
        checksums = {label_map.checksum(name) for name in ("json", "list", "first_seen")}
        assert len(checksums) == 3


def test_a_subset_is_numbered_without_holes(releases):
    root = releases["2018"].root
    whole = pt.INaturalist(root, "2018")
    few = pt.INaturalist(root, "2018", where={"category": [6, 2, 3]}, labels="compact")
    assert len(few.classes) == 3
    assert few.classes == [whole.classes[id_] for id_ in (2, 3, 6)]
    assert set(few.targets) == {0, 1, 2}
    assert few.label_map.numbers().tolist() == [-1, -1, 0, 1, -1, -1, 2, -1]
    # The same numbers for val, whatever it has.
    val = pt.INaturalist(root, "2018", "val", where={"category": [6, 3]}, labels=few.label_map)
    assert (val.labels, val.classes) == ("compact", few.classes)
    assert set(val.targets) == {1, 2}
    with pytest.raises(pt.AnnotationError, match=r"no number in the labels 'compact'.*`where`"):
        pt.INaturalist(root, "2018", "val", labels=few.label_map)
    with pytest.raises(ValueError, match="is of other classes than the 10"):
        pt.INaturalist(releases["2017"].root, labels=few.label_map)


def test_a_numbering_of_ones_own(releases):
    root = releases["2018"].root
    numbers = {id_: 3 * id_ + 1 for id_ in range(COUNT)}
    ds = pt.INaturalist(root, "2018", labels=numbers)
    assert ds.labels == "custom"
    assert ds.targets.tolist() == [numbers[id_] for id_ in ds.category_ids.tolist()]
    assert len(ds.classes) == 3 * COUNT - 1
    assert (ds.classes[0], ds.categories_map[0], ds.class_groups()[0]) == ("", {}, "")
    assert ds.categories_map[4] == pt.INaturalist(root, "2018").categories_map[1]
    assert ds.label_map.convert(ds.targets, to="json").tolist() == ds.category_ids.tolist()
    few = {id_: number for id_, number in numbers.items() if id_ != 5}
    with pytest.raises(pt.AnnotationError, match=r"no number in the labels 'custom'.*category 5"):
        pt.INaturalist(root, "2018", labels=few)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ("timm", ValueError, "'first_seen', 'compact', a dict or a LabelMap, not 'timm'"),
        (7, TypeError, "not 7"),
        ({0: 1, 1: 1}, ValueError, "gives two classes the number 1"),
        ({COUNT: 0}, ValueError, f"category {COUNT}; there are 0 to {COUNT - 1}"),
        ({0: -1}, ValueError, "category 0 the number -1"),
        ({0: 1 << 40}, ValueError, "category 0 the number 1099511627776"),
        ({0: 0.5}, TypeError, "float"),
    ],
)
def test_labels_that_cannot_work_are_refused(releases, labels, error, message):
    with pytest.raises(error, match=message):
        pt.INaturalist(releases["2018"].root, "2018", labels=labels)


def test_the_order_of_first_appearance_is_that_of_train_for_every_split(releases, tmp_path):
    root = Path(shutil.copytree(releases["2018"].root, tmp_path / "copy"))
    train = pt.INaturalist(root, "2018", labels="first_seen")
    val = pt.INaturalist(root, "2018", "val", labels="first_seen")
    assert val.label_map.checksum() == train.label_map.checksum()
    assert val.classes == train.classes
    (root / "train2018.json.tar.gz").write_bytes(b"no archive")
    with pytest.raises(pt.AnnotationError, match=r"train2018\.json\.tar\.gz"):
        pt.INaturalist(root, "2018", "val", labels="first_seen")
    (root / "train2018.json.tar.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"train2018\.json\.tar\.gz"):
        pt.INaturalist(root, "2018", "val", labels="first_seen")
    other = json.dumps({"images": [], "annotations": [], "categories": [{"id": 8, "name": "x"}]})
    (root / "train2018.json").write_text(other)
    (root / "categories.json.tar.gz").unlink()
    with pytest.raises(pt.AnnotationError, match="its 1 categories are not the 8 of this split"):
        pt.INaturalist(root, "2018", "val", labels="first_seen")
    bare = {"images": [], "categories": [{"id": id_, "name": str(id_)} for id_ in range(8)]}
    (root / "train2018.json").write_text(json.dumps(bare))
    with pytest.raises(pt.AnnotationError, match="expected annotations, found none"):
        pt.INaturalist(root, "2018", "val", labels="first_seen")
    (root / "train2018.json").write_text('{"annotations": []}')
    with pytest.raises(pt.AnnotationError, match="there is no list `images`"):
        pt.INaturalist(root, "2018", "val", labels="first_seen")


def test_a_label_that_has_no_class_is_refused(releases):
    label_map = pt.INaturalist(
        releases["2018"].root, "2018", labels="compact", where={"category": [1, 4]}
    ).label_map
    with pytest.raises(ValueError, match="label 2 of 'compact' cannot be converted: 'comp"):
        label_map.convert([0, 1, 2], to="json")
    with pytest.raises(ValueError, match=r"label 0 of 'json' cannot .* no number in 'compact'"):
        label_map.convert([[1, 0]], to="compact", source="json")
    with pytest.raises(ValueError, match="label -2"):
        label_map.convert([-2], to="json")
    with pytest.raises(ValueError, match="no numbering 'timm'; there are 'json', 'list'"):
        label_map.convert([0], to="timm")
    with pytest.raises(TypeError, match="float"):
        label_map.convert([0.5], to="json")
    assert label_map.convert([[1, -1]], to="json").tolist() == [[4, -1]]
    assert label_map.convert([], to="json").tolist() == []


@given(st.permutations(range(9)), st.permutations(range(9)), st.data())
def test_a_conversion_and_back_changes_nothing(first, second, data):
    label_map = LabelMap({"a": first, "b": second}, "a")
    labels = data.draw(st.lists(st.integers(-1, 8)))
    there = label_map.convert(labels, to="b")
    assert [first.index(one) if one >= 0 else -1 for one in labels] == [
        second.index(one) if one >= 0 else -1 for one in there.tolist()
    ]
    assert label_map.convert(there, to="a", source="b").tolist() == labels
    again = LabelMap.from_dict(json.loads(json.dumps(label_map.to_dict())))
    assert again.to_dict() == label_map.to_dict()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_map_is_saved_and_loaded(releases, tmp_path, version):
    ds = pt.INaturalist(releases[version].root, version, labels="torchvision")
    path = tmp_path / "labels.json"
    ds.label_map.save(path)
    again = LabelMap.load(path)
    assert (again.labels, again.version, again.classes) == (
        "torchvision",
        version,
        ds.label_map.classes,
    )
    assert again.to_dict() == ds.label_map.to_dict() == json.loads(path.read_bytes())
    assert again.convert(ds.targets, to="json").tolist() == ds.category_ids.tolist()
    np.testing.assert_array_equal(again.torchvision_to_json, ds.label_map.torchvision_to_json)
    # It numbers a data set as the first one was.
    assert pt.INaturalist(releases[version].root, version, labels=again).classes == ds.classes
    assert [item.name for item in tmp_path.iterdir()] == ["labels.json"]
    assert pickle.loads(pickle.dumps(ds)).label_map.to_dict() == again.to_dict()  # noqa: S301


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("numberings"), "there is no 'numberings'"),
        (lambda content: content.update(format="other"), "expected the format"),
        (lambda content: content["numberings"]["json"].reverse(), "checksum"),
        (lambda content: content["numberings"]["json"].pop(), "lengths"),
        (lambda content: content["numberings"].update(list="ab"), "list of integers"),
        (lambda content: content["numberings"].update(list=[0.5] * 10), "list of integers"),
        (lambda content: content["numberings"].update(list=[1 << 50] * 10), "expected -1 to"),
        (lambda content: content.update(labels="timm"), "no numbering 'timm'"),
        (lambda content: content.update(classes=[3] * 10), "expected names"),
        (lambda content: content.update(classes=7), "int"),
    ],
)
def test_a_file_that_is_no_map_is_refused(releases, tmp_path, change, message):
    content = pt.INaturalist(releases["2017"].root).label_map.to_dict()
    change(content)
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    with pytest.raises(pt.AnnotationError, match=message) as caught:
        LabelMap.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "7", "[" * 100_000, "\xff"])
def test_other_files_are_no_maps(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(pt.AnnotationError, match=r"labels\.json"):
        LabelMap.load(path)


def test_a_map_that_cannot_be_written_leaves_nothing(releases, tmp_path):
    label_map = pt.INaturalist(releases["2017"].root).label_map
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        label_map.save(tmp_path / "folder")
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


def test_a_map_leaves_out_what_the_folders_do_not_allow(releases, tmp_path):
    root = Path(shutil.copytree(releases["2017"].root, tmp_path / "copy"))
    content = annotations_of(root, "2017")
    content["images"][0]["file_name"] = "train_val_images/Aves/Elsewhere/0.jpg"
    (root / "train_val2017.zip").unlink()
    (root / "train2017.json").write_text(json.dumps(content))
    label_map = pt.INaturalist(root, missing="skip").label_map
    assert "torchvision" not in label_map.to_dict()["numberings"]
    with pytest.raises(pt.AnnotationError, match="two folders"):
        label_map.numbers("torchvision")


@pytest.mark.parametrize("labels", ["torchvision", "first_seen", "compact"])
def test_a_submission_has_category_ids(releases, tmp_path, labels):
    ds = pt.INaturalist(releases["2017"].root, labels=labels)
    predicted = np.stack([ds.targets, (ds.targets + 1) % len(CATEGORIES)], axis=1)
    path = tmp_path / "submission.csv"
    pt.write_submission(path, ds.image_ids, predicted, label_map=ds.label_map)
    written = pt.read_submission(path)
    assert written.predicted[:, 0].tolist() == ds.category_ids.tolist()
    assert pt.score(path, (ds.image_ids, ds.category_ids), k=2).top_1_error == 0
    kept = LabelMap.load(f"{path}.labels.json")
    assert kept.labels == labels
    assert kept.convert(ds.targets, to="json").tolist() == ds.category_ids.tolist()
    # Said in other words.
    json_map = pt.INaturalist(releases["2017"].root).label_map
    other = tmp_path / "other.csv"
    pt.write_submission(other, ds.image_ids, predicted, label_map=json_map, labels=labels)
    assert other.read_bytes() == path.read_bytes()


def test_a_submission_without_a_map_is_taken_as_it_is(tmp_path):
    path = tmp_path / "submission.csv"
    pt.write_submission(path, [1], [[2]])
    pt.write_submission(path, [1], [[2]], labels="json")
    assert [item.name for item in tmp_path.iterdir()] == ["submission.csv"]
    with pytest.raises(ValueError, match="labels='torchvision' need `label_map`"):
        pt.write_submission(path, [1], [[2]], labels="torchvision")
    label_map = LabelMap({"json": [0, 1]})
    with pytest.raises(ValueError, match="label 2 of 'json'"):
        pt.write_submission(tmp_path / "none.csv", [1], [[2]], label_map=label_map)
    assert [item.name for item in tmp_path.iterdir()] == ["submission.csv"]


def loader_of(root: Path, **options: object) -> pt.Loader:
    ds = pt.INaturalist(root, "2021", **options)
    return pt.Loader(ds, 4, pt.ResizeCenterCrop(16, 16), threads=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "torchvision"}, "labels 'json', this loader has 'torchvision'"),
        ({"labels": "compact"}, "labels 'json', this loader has 'compact'"),
        ({"target_type": "genus"}, "labels 'json', this loader has 'genus'"),
    ],
)
def test_a_run_does_not_go_on_with_other_labels(releases, options, message):
    root = releases["2021"].root
    state = json.loads(json.dumps(loader_of(root).state_dict()))
    other = loader_of(root, **options)
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(state)
    other.load_state_dict(state, strict=False)
    loader_of(root).load_state_dict(state)
    # States of before there were labels in them.
    for key in ("labels", "labels_checksum"):
        state.pop(key)
    other.load_state_dict(state)


def test_a_numbering_of_the_same_name_is_told_apart(releases):
    root = releases["2021"].root
    state = loader_of(root, labels={id_: id_ + 1 for id_ in range(COUNT)}).state_dict()
    assert state["labels"] == "custom"
    other = loader_of(root, labels={id_: id_ + 2 for id_ in range(COUNT)})
    with pytest.raises(ValueError, match=r"labels_checksum .* but a class has another number"):
        other.load_state_dict(state)


def test_scores_by_super_category_follow_the_labels(releases):
    for version in ("2017", "2018", "2021"):
        for labels in ("json", "torchvision"):
            ds = pt.INaturalist(releases[version].root, version, labels=labels)
            predicted = ds.targets[:, np.newaxis]
            scored = pt.score(predicted, ds, k=1, ids=ds.image_ids)
            groups = {ds.class_groups()[target] for target in ds.targets}
            assert set(scored.by_supercategory) == groups
