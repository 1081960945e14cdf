"""The loader as the data set of PyTorch's DataLoader."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from programs import run
from sample_sets import SampleSet, open_samples, write_pictures

torch = pytest.importorskip("torch")
CROP = pt.RandomResizedCrop(12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("torch") / "a.tar.gz", 31)


@pytest.fixture(scope="module")
def samples(path: Path) -> SampleSet:
    return open_samples(path)


def loader(samples: SampleSet, **options: object) -> pt.Loader:
    return pt.Loader(samples, 4, CROP, **{"seed": 8} | options)


def assert_same(batches: list[pt.Batch], expected: list[pt.Batch]) -> None:
    for found, wanted in zip(batches, expected, strict=True):
        for field, array in zip(found, wanted, strict=True):
            assert np.array_equal(field, array)


def test_a_data_loader_yields_the_batches_as_tensors(samples: SampleSet) -> None:
    data_loader = torch.utils.data.DataLoader(loader(samples), batch_size=None)
    assert len(data_loader) == 8
    batches = list(data_loader)
    for batch in batches:
        assert isinstance(batch, pt.Batch)
        assert [field.dtype for field in batch] == [
            torch.uint8,
            torch.int64,
            torch.int64,
            torch.bool,
        ]
    assert_same(batches, list(loader(samples)))


def test_a_data_loader_in_one_process_moves_from_epoch_to_epoch(samples: SampleSet) -> None:
    data_loader = torch.utils.data.DataLoader(loader(samples), batch_size=None)
    plain = loader(samples)
    for _ in range(3):
        assert_same(list(data_loader), list(plain))


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_worker_processes_share_the_batches_in_order(samples: SampleSet, context: str) -> None:
    data = loader(samples, rank=1, world_size=2, threads=1)
    expected = list(loader(samples, rank=1, world_size=2))
    data_loader = torch.utils.data.DataLoader(
        data, batch_size=None, num_workers=2, multiprocessing_context=context
    )
    with warnings.catch_warnings():
        # Python 3.12 and later warn of a fork while other threads run; torch's own threads do.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        assert_same(list(data_loader), expected)


def test_persistent_workers_move_from_epoch_to_epoch(samples: SampleSet) -> None:
    data_loader = torch.utils.data.DataLoader(
        loader(samples, threads=1),
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context="spawn",
    )
    plain = loader(samples)
    for _ in range(2):
        assert_same(list(data_loader), list(plain))


def test_a_loader_made_before_torch_is_imported_is_iterable_too(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sample_sets import open_samples\n"
        "import ptarmigan as pt\n"
        "loader = pt.Loader(open_samples(Path(sys.argv[1])), 4, pt.RandomResizedCrop(12))\n"
        "assert 'torch' not in sys.modules\n"
        "import torch.utils.data\n"
        "assert isinstance(loader, torch.utils.data.IterableDataset)\n"
        "assert isinstance(loader, pt.Loader) and type(loader) is loader.__class__\n"
        "print(sum(len(batch.ids) for batch in "
        "torch.utils.data.DataLoader(loader, batch_size=None)))"
    )
    result = run(code, path)
    assert (result.stdout, result.stderr) == ("31\n", "")


def test_a_loader_is_pickled_with_torch_around(samples: SampleSet) -> None:
    original = loader(samples)
    assert isinstance(original, torch.utils.data.IterableDataset)
    copy = pickle.loads(pickle.dumps(original))  # noqa: S301
    assert_same(list(copy), list(original))


def test_torch_keeps_a_state_and_loads_it_with_weights_only(
    samples: SampleSet, tmp_path: Path
) -> None:
    first = loader(samples)
    for _ in zip(range(3), first, strict=False):
        pass
    torch.save(first.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state == first.state_dict()


def test_the_steps_of_a_stateful_data_loader_resume(samples: SampleSet) -> None:
    """What torchdata's StatefulDataLoader calls, in its order: load, iter, next, state."""
    first = loader(samples)
    running = iter(torch.utils.data.DataLoader(first, batch_size=None))
    begun = [next(running) for _ in range(3)]
    state = first.state_dict()
    resumed = loader(samples)
    iter(resumed)
    resumed.load_state_dict(state)
    data_loader = torch.utils.data.DataLoader(resumed, batch_size=None)
    assert_same(begun + list(data_loader), list(loader(samples)))


@pytest.mark.parametrize("done", [0, 1, 3])
def test_worker_states_resume_their_own_share(
    samples: SampleSet, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_worker(number: int) -> None:
        monkeypatch.setattr("ptarmigan.torch.worker_and_workers", lambda: (number, 3))

    expected = list(loader(samples))
    for number in range(3):
        as_worker(number)
        first = loader(samples)
        running = iter(first)
        begun = [next(running) for _ in expected[number::3][:done]]
        resumed = loader(samples)
        resumed.load_state_dict(first.state_dict())
        assert_same(begun + list(resumed), expected[number::3])


def test_tensors_share_the_memory_of_the_arrays(samples: SampleSet) -> None:
    batch = next(iter(loader(samples, threads=1)))
    tensor = torch.from_numpy(batch.images)
    tensor[0] = 7
    assert (batch.images[0] == 7).all()
    assert torch.from_dlpack(batch.images).data_ptr() == batch.images.ctypes.data


def test_pin_memory_asks_each_tensor(samples: SampleSet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def pin_memory(tensor: torch.Tensor) -> torch.Tensor:
        asked.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    batch = next(iter(loader(samples)))
    pinned = batch.pin_memory()
    assert isinstance(pinned, pt.Batch)
    assert len(asked) == 4
    assert all(isinstance(field, torch.Tensor) for field in pinned)
    assert_same([pinned], [batch])


def test_a_group_of_processes_names_the_rank(samples: SampleSet, tmp_path: Path) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1
    )
    try:
        automatic = loader(samples, rank="auto", world_size="auto")
        assert (automatic.rank, automatic.world_size) == (0, 1)
    finally:
        torch.distributed.destroy_process_group()
