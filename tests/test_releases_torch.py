"""Every release beside torchvision.datasets.INaturalist on the same photos, untarred."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from inaturalist_made import write_inaturalist
from releases_made import RANKS, WRITERS

torchvision = pytest.importorskip("torchvision")

# torchvision's version, ours, our split.
VERSIONS = {
    "2017": ("2017", "train+val"),
    "2018": ("2018", "train+val"),
    "2019": ("2019", "train+val"),
    "2021_train": ("2021", "train"),
    "2021_train_mini": ("2021", "mini"),
    "2021_valid": ("2021", "val"),
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """The made files of every release, and beside them the trees that torchvision reads."""
    top = tmp_path_factory.mktemp("releases")
    found = {version: write(top / version).root for version, write in WRITERS.items()}
    trees = top / "trees"
    trees.mkdir()
    for theirs, (version, split) in VERSIONS.items():
        if version == "2017":
            made = write_inaturalist(top / "2017")
            found["2017"] = made.root
            made.untar().rename(trees / "2017")
        else:
            made = WRITERS[version](top / f"{theirs}-again")
            made.untar(split.partition("+")[0], trees / theirs)
    return {**found, "trees": trees}


def opened(path: str) -> Image.Image:
    """The photo in memory: torchvision's own way leaves its file open."""
    with Image.open(path) as image:
        return image.convert("RGB")


def types_of(version: str) -> list[str]:
    return ["full", *RANKS] if version == "2021" else ["full", "super"]


@pytest.mark.parametrize("theirs", VERSIONS)
def test_classes_and_groups_have_the_numbers_of_torchvision(roots, theirs):
    version, split = VERSIONS[theirs]
    reference = torchvision.datasets.INaturalist(str(roots["trees"]), version=theirs)
    ours = pt.INaturalist(roots[version], version, split, labels="torchvision")
    assert ours.all_categories == reference.all_categories
    assert ours.categories_index == reference.categories_index
    assert ours.categories_map == reference.categories_map
    assert sorted(ours.index) == sorted(reference.index)
    assert len(ours) == len(reference)
    for kind in types_of(version):
        count = len(ours.classes) if kind == "full" else len(reference.categories_index[kind])
        for number in range(count):
            assert ours.category_name(kind, number) == reference.category_name(kind, number)
    for kind, number in [("nothing", 0), (types_of(version)[1], 10_000)]:
        for ds in (ours, reference):
            with pytest.raises(ValueError, match="ategory"):
                ds.category_name(kind, number)
    if theirs in {"2017", "2021_train"}:
        # The made data would not tell one numbering from the other otherwise.
        assert ours.targets.tolist() != ours.category_ids.tolist()


@pytest.mark.parametrize("theirs", VERSIONS)
def test_every_target_type_gives_the_targets_of_torchvision(roots, theirs):
    version, split = VERSIONS[theirs]
    types = types_of(version)
    for target_type in [*types, types[-1:], types, types[::-1], types[1:2] * 2]:
        reference = torchvision.datasets.INaturalist(
            str(roots["trees"]), version=theirs, target_type=target_type, loader=opened
        )
        ours = pt.INaturalist(
            roots[version],
            theirs,
            split if version != "2021" else None,
            target_type=target_type,
            labels="torchvision",
        )
        assert ours.target_type == reference.target_type
        places = {entry: row for row, entry in enumerate(reference.index)}
        order = [places[entry] for entry in ours.index]
        for row, theirs_row in enumerate(order):
            assert ours[row][1] == reference[theirs_row][1]
            assert type(ours[row][1]) is type(reference[theirs_row][1])
        np.testing.assert_array_equal(np.asarray(ours[0][0]), np.asarray(reference[order[0]][0]))
        first = np.atleast_1d(ours[0][1])[0]
        assert ours.targets[0] == first


def test_types_that_a_version_of_torchvision_lacks_are_refused_there_and_had_here(roots):
    for theirs, kind in [("2018", "genus"), ("2021_valid", "super")]:
        with pytest.raises(ValueError, match="target_type"):
            torchvision.datasets.INaturalist(str(roots["trees"]), version=theirs, target_type=kind)
        ds = pt.INaturalist(roots[VERSIONS[theirs][0]], theirs, target_type=kind)
        assert max(ds.targets) == len(ds.classes) - 1
    with pytest.raises(
        ValueError, match="`target_type` must be one of 'full', 'super', not 'genus'"
    ):
        pt.INaturalist(roots["2017"], target_type="genus")


def test_no_type_gives_none(roots):
    ds = pt.INaturalist(roots["2021"], "2021", target_type=[])
    assert ds.target_type == []
    assert ds[0][1] is None
    assert [target for _, target in ds.__getitems__([1, 2])] == [None, None]
    # A loader has labels all the same.
    assert ds.targets.tolist() == ds.category_ids.tolist()
    # torchvision accepts the list, and then has no target to give.
    reference = torchvision.datasets.INaturalist(
        str(roots["trees"]), version="2021_train", target_type=[], loader=opened
    )
    with pytest.raises(IndexError):
        reference[0]
