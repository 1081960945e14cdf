"""The data sets under torch.utils.data, and beside torchvision.datasets.INaturalist."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")


@pytest.fixture(scope="module")
def theirs(made, tmp_path_factory):
    """torchvision's data set over the untarred photos."""
    root = tmp_path_factory.mktemp("torchvision")
    with __import__("tarfile").open(made.root / "train_val_images.tar.gz") as archive:
        archive.extractall(root, filter="data")
    (root / "train_val_images").rename(root / "2017")
    return torchvision.datasets.INaturalist(str(root), version="2017")


def to_array(image):
    # At the top level: worker processes import it by name.
    return torch.from_numpy(np.asarray(image.resize((8, 8))).copy())


def test_torchvision_labels_are_those_of_torchvision(made, theirs):
    ours = pt.INaturalist(made.root, "2017", split="train+val", labels="torchvision")
    assert ours.all_categories == theirs.all_categories
    assert ours.categories_index == theirs.categories_index
    assert ours.categories_map == theirs.categories_map
    assert len(ours) == len(theirs)
    assert ours.index == sorted(theirs.index)
    for number in range(len(theirs.all_categories)):
        assert ours.category_name("full", number) == theirs.category_name("full", number)
    for number in range(len(theirs.categories_index["super"])):
        assert ours.category_name("super", number) == theirs.category_name("super", number)


@pytest.mark.parametrize("target_type", ["full", "super", ["full"], ["full", "super"]])
def test_samples_are_those_of_torchvision_but_always_rgb(made, theirs, target_type):
    ours = pt.INaturalist(
        made.root, split="train+val", target_type=target_type, labels="torchvision"
    )
    reference = torchvision.datasets.INaturalist(
        str(Path(theirs.root).parent), version="2017", target_type=target_type
    )
    assert ours.target_type == reference.target_type
    order = sorted(range(len(reference)), key=lambda row: reference.index[row])
    for row, theirs_row in enumerate(order):
        image, target = ours[row]
        expected_image, expected_target = reference[theirs_row]
        assert target == expected_target
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected_image.convert("RGB")))


def test_the_call_is_that_of_torchvision(made):
    import inspect

    theirs = list(inspect.signature(torchvision.datasets.INaturalist).parameters)
    ours = list(inspect.signature(pt.INaturalist).parameters)
    assert set(theirs) <= set(ours)
    positions = [ours.index(name) for name in theirs]
    assert positions == sorted(positions)
    ds = pt.INaturalist(
        root=str(made.root),
        version="2017",
        target_type=["full"],
        transform=None,
        target_transform=None,
        download=False,
        loader=None,
    )
    assert ds.root == str(made.root)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("workers", [0, 2])
# A forked process of a program with threads is what PyTorch does by default on Linux.
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_data_loader_gives_the_same_batches_in_any_process(made, method, workers):
    ds = pt.INaturalist(made.root, split="train+val", transform=to_array)
    ds[0]  # The parent has read something before the children are made.
    loader = torch.utils.data.DataLoader(
        ds,
        batch_size=7,
        num_workers=workers,
        multiprocessing_context=method if workers else None,
    )
    images, targets = zip(*loader, strict=True)
    images, targets = torch.cat(images), torch.cat(targets)
    expected = torch.stack([ds[row][0] for row in range(len(ds))])
    assert torch.equal(images, expected)
    assert targets.tolist() == ds.targets.tolist()


def test_a_data_loader_asks_for_a_batch_at_once(made, monkeypatch):
    asked = []
    original = pt.INaturalist.__getitems__

    def listen(self, indices):
        asked.append(list(indices))
        return original(self, indices)

    monkeypatch.setattr(pt.INaturalist, "__getitems__", listen)
    ds = pt.INaturalist(made.root, split="val", transform=to_array)
    list(torch.utils.data.DataLoader(ds, batch_size=4))
    rows = list(range(len(ds)))
    assert asked == [rows[start : start + 4] for start in range(0, len(rows), 4)]


class Doubled(pt.INaturalist):
    """A subclass with an item of its own."""

    def __getitem__(self, index):
        image, target = super().__getitem__(index)
        return image, target * 2


def test_a_data_loader_respects_a_subclass_and_a_subset(made):
    ds = Doubled(made.root, transform=to_array)
    subset = torch.utils.data.Subset(ds, [3, 1])
    (_, targets) = next(iter(torch.utils.data.DataLoader(subset, batch_size=2)))
    assert targets.tolist() == [int(ds.targets[row]) * 2 for row in (3, 1)]


def test_an_error_in_a_worker_keeps_its_class(made, tmp_path):
    root = Path(shutil.copytree(made.root, tmp_path / "copy"))
    ds = pt.INaturalist(root, transform=to_array)
    loader = torch.utils.data.DataLoader(ds, sampler=[0, 10_000], num_workers=1)
    with pytest.raises(IndexError, match="no sample 10000"):
        list(loader)


def test_any_archive_works_in_a_data_loader(made):
    ds = pt.ImageArchive(made.root / "train_val_images.tar.gz", transform=to_array)
    loader = torch.utils.data.DataLoader(ds, batch_size=5, num_workers=2)
    targets = torch.cat([targets for _, targets in loader])
    assert targets.tolist() == ds.targets.tolist()
