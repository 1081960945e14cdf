"""Batches: what is in them, what errors do, and that no thread stays behind."""

from __future__ import annotations

import gc
import json
import pickle
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from programs import run
from sample_sets import SampleSet, open_samples, write_pictures

CROP = pt.RandomResizedCrop(16)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("loader") / "a.tar.gz", 45)


@pytest.fixture(scope="module")
def samples(path: Path) -> SampleSet:
    return open_samples(path)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Twenty samples in the archive's order; the third, fourth and eighteenth are broken."""
    folder = tmp_path_factory.mktemp("damaged")
    samples = open_samples(write_pictures(folder / "b.tar.gz", 20, broken=(2, 3, 17)))
    order = np.argsort(samples.members)
    samples.members = samples.members[order]
    samples.targets = samples.targets[order]
    samples.image_ids = samples.image_ids[order]
    return samples


def threads() -> list[str]:
    """The names of the threads of this process that belong to a loader."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        try:
            names.append((task / "comm").read_text().strip())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [name for name in names if name.startswith("pt-")]


def assert_no_thread_is_left() -> None:
    # A thread that has been joined may stay listed for an instant.
    deadline = time.monotonic() + 1
    while threads() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threads() == []


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_images_are_those_of_decode_batch(samples: SampleSet, dtype: str, layout: str) -> None:
    transform = pt.RandomResizedCrop((16, 24), interpolation="bicubic")
    mean = None if dtype == "uint8" else (0.4, 0.5, 0.6)
    output = pt.Output(dtype, layout, mean=mean)
    loader = pt.Loader(samples, 20, transform, output, seed=9)
    sample_of = {int(image_id): at for at, image_id in enumerate(samples.image_ids)}
    for epoch in range(2):
        rows = 0
        for batch in loader:
            at = [sample_of[int(image_id)] for image_id in batch.ids]
            data = samples.archive.read_many(samples.members[at].tolist())
            expected = pt.decode_batch(
                data, transform, output=output, seed=9, epoch=epoch, sample_ids=batch.ids
            )
            assert batch.images.dtype == expected.dtype
            assert np.array_equal(batch.images, expected)
            assert np.array_equal(batch.labels, samples.targets[at])
            rows += len(at)
        assert rows == 45


def test_arrays_are_aligned_writable_and_the_callers(samples: SampleSet) -> None:
    kept = list(pt.Loader(samples, 7, CROP))
    assert [len(batch.ids) for batch in kept] == [7] * 6 + [3]
    before = [batch.images.copy() for batch in kept]
    for batch in kept:
        assert [field.dtype for field in batch] == [np.uint8, np.int64, np.int64, np.bool_]
        assert batch.images.shape == (len(batch.ids), 16, 16, 3)
        assert batch.valid.all()
        for field in batch:
            assert field.ctypes.data % 64 == 0
            assert field.flags.c_contiguous
            assert field.flags.writeable
    kept[0].images[:] = 0
    for batch, images in zip(kept[1:], before[1:], strict=True):
        assert np.array_equal(batch.images, images)


def test_a_batch_is_a_tuple_of_its_four_arrays(samples: SampleSet) -> None:
    batch = next(iter(pt.Loader(samples, 7, CROP)))
    images, labels, ids, valid = batch
    assert isinstance(batch, pt.Batch)
    assert images is batch.images
    assert labels is batch.labels
    assert ids is batch.ids
    assert valid is batch.valid


@pytest.mark.parametrize("prefetch", [0, 1, 5])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_threads_and_prefetch_do_not_change_a_batch(
    samples: SampleSet, count: int, prefetch: int
) -> None:
    alone = pt.Loader(samples, 8, CROP, seed=3, threads=1, prefetch=0)
    many = pt.Loader(samples, 8, CROP, seed=3, threads=count, prefetch=prefetch)
    for _ in range(2):
        for expected, found in zip(alone, many, strict=True):
            for one, other in zip(expected, found, strict=True):
                assert np.array_equal(one, other)


def test_every_pass_is_the_next_epoch(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 10, CROP, seed=1)
    passes = []
    for epoch in range(3):
        assert loader.epoch == epoch
        passes.append([batch.ids.tolist() for batch in loader])
    assert passes[0] != passes[1] != passes[2]
    loader.set_epoch(1)
    assert [batch.ids.tolist() for batch in loader] == passes[1]
    assert loader.epoch == 2


def test_the_epoch_stays_until_its_pass_is_over(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 10, CROP)
    assert [loader.epoch for _ in loader] == [0] * 5
    running = iter(loader)
    for _ in range(len(loader)):
        next(running)
    assert loader.epoch == 1
    del running
    assert loader.epoch == 2, "all batches were delivered, though nobody asked for one more"


def test_a_pass_left_early_starts_anew(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 10, CROP)
    first = next(iter(loader))
    assert loader.epoch == 0
    again = list(loader)
    assert len(again) == 5
    assert np.array_equal(first.images, again[0].images)


def test_a_new_pass_ends_the_one_before(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 10, CROP)
    old = iter(loader)
    next(old)
    new = iter(loader)
    with pytest.raises(RuntimeError, match=r"this pass has ended: .* call `iter` on the loader"):
        next(old)
    assert len(list(new)) == 5
    with pytest.raises(StopIteration):
        next(new)


def test_drop_last_leaves_the_short_batch_out(samples: SampleSet) -> None:
    whole = [batch.ids for batch in pt.Loader(samples, 10, CROP)]
    loader = pt.Loader(samples, 10, CROP, drop_last=True)
    assert len(loader) == 4
    for expected, batch in zip(whole[:4], loader, strict=True):
        assert np.array_equal(batch.ids, expected)
    assert loader.epoch == 1


def test_a_data_set_without_samples_has_no_batch(samples: SampleSet) -> None:
    nothing = np.zeros(0, np.int64)
    loader = pt.Loader(SampleSet(samples.archive, nothing, nothing, nothing), 10, CROP)
    assert len(loader) == 0
    assert list(loader) == []
    assert np.isnan(loader.class_mixing())


def test_raise_names_the_member_and_leaves_no_thread(damaged: SampleSet) -> None:
    loader = pt.Loader(damaged, 4, CROP, shuffle=False)
    running = iter(loader)
    with pytest.raises(pt.DecodeError, match=r"c0/0002\.jpg") as caught:
        next(running)
    assert caught.value.member == "c0/0002.jpg"
    assert_no_thread_is_left()
    with pytest.raises(RuntimeError, match="this pass has ended"):
        next(running)
    assert [(error.member, error.sample) for error in loader.errors] == [
        ("c0/0002.jpg", 2),
        ("c0/0003.jpg", 3),
    ]
    assert loader.state_dict()["position"] == 0


def test_skip_shrinks_the_batch(damaged: SampleSet) -> None:
    loader = pt.Loader(damaged, 4, CROP, shuffle=False, on_error="skip")
    good = pt.Loader(damaged, 4, CROP, shuffle=False, on_error="zero")
    found = list(loader)
    assert [len(batch.ids) for batch in found] == [2, 4, 4, 4, 3]
    for batch, zeroed in zip(found, good, strict=True):
        assert batch.valid.all()
        for field, whole in zip(batch, zeroed, strict=True):
            assert np.array_equal(field, whole[zeroed.valid])


def test_a_batch_of_broken_images_alone_is_empty(damaged: SampleSet) -> None:
    loader = pt.Loader(damaged, 2, CROP, shuffle=False, on_error="skip")
    batches = list(loader)
    assert batches[1].images.shape == (0, 16, 16, 3)
    assert [field.shape[0] for field in batches[1]] == [0, 0, 0, 0]


def test_zero_keeps_the_shape_and_clears_valid(damaged: SampleSet) -> None:
    loader = pt.Loader(damaged, 20, CROP, shuffle=False, on_error="zero")
    (batch,) = loader
    assert np.flatnonzero(~batch.valid).tolist() == [2, 3, 17]
    assert not batch.images[~batch.valid].any()
    assert batch.images[batch.valid].any(axis=(1, 2, 3)).all()
    assert np.array_equal(batch.ids, damaged.image_ids)


def test_errors_are_recorded_in_every_pass(damaged: SampleSet) -> None:
    loader = pt.Loader(damaged, 4, CROP, on_error="zero")
    for _ in range(2):
        list(loader)
    assert len(loader.errors) == 6
    assert {error.epoch for error in loader.errors} == {0, 1}
    record = next(error for error in loader.errors if error.sample == 17)
    assert record.member == "c5/0017.jpg"
    assert record.image_id == damaged.image_ids[17]
    assert "c5/0017.jpg" in record.reason


def test_a_loop_that_breaks_leaves_no_thread(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 2, CROP, threads=3)
    for _ in loader:
        # The first batch may be there before the last thread has given itself its name.
        deadline = time.monotonic() + 5
        while len(threads()) < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(threads()) >= 3
        break
    assert_no_thread_is_left()


def test_a_pass_that_is_over_or_collected_leaves_no_thread(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 2, CROP, threads=3)
    running = iter(loader)
    list(running)
    assert_no_thread_is_left()
    cycle = [iter(loader)]
    next(cycle[0])
    cycle.append(cycle)
    assert threads()
    del cycle
    gc.collect()
    assert_no_thread_is_left()


def test_a_pass_that_still_runs_at_exit_does_not_hang(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sample_sets import open_samples\n"
        "import ptarmigan as pt\n"
        "running = iter(pt.Loader(open_samples(Path(sys.argv[1])), 2, pt.RandomResizedCrop(16)))\n"
        "next(running); print('done')"
    )
    result = run(code, path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


def test_ctrl_c_stops_a_wait_and_leaves_no_thread(tmp_path: Path) -> None:
    # A hundred times the same large picture: a batch takes seconds on one thread.
    from synthetic import make_jpeg, write_tar

    write_tar(tmp_path / "large.tar", {"a.jpg": make_jpeg(1, 3000, 2400)}, mode="w")
    archive = pt.Archive(tmp_path / "large.tar")
    column = np.zeros(400, np.int64)
    samples = SampleSet(archive, column, column, np.arange(400))
    running = iter(pt.Loader(samples, 400, CROP, threads=1))
    pressed = []

    def press() -> None:
        time.sleep(0.3)
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        next(running)
    assert time.monotonic() - pressed[0] < 2
    presser.join()
    assert_no_thread_is_left()


def test_a_pickled_loader_goes_on_where_it_was(samples: SampleSet) -> None:
    loader = pt.Loader(samples, 10, CROP, pt.Output("float32"), seed=4, on_error="zero")
    list(loader)
    copy = pickle.loads(pickle.dumps(loader))  # noqa: S301
    assert copy.state_dict() == loader.state_dict()
    assert copy.state_dict()["epoch"] == 1
    for one, other in zip(loader, copy, strict=True):
        assert np.array_equal(one.images, other.images)


def test_a_pass_cannot_be_pickled(samples: SampleSet) -> None:
    with pytest.raises(TypeError, match="pickle the loader"):
        pickle.dumps(iter(pt.Loader(samples, 10, CROP)))


def test_a_state_is_small_and_plain(samples: SampleSet) -> None:
    state = pt.Loader(samples, 10, CROP, seed=2**64 - 1).state_dict()
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 1000
    assert {type(value) for value in state.values()} <= {int, str, bool}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "`batch_size` must be a whole number from 1 to"),
        ({"batch_size": 2.0}, ValueError, "`batch_size` must be a whole number"),
        ({"transform": None}, TypeError, "`transform` must be a RandomResizedCrop or"),
        ({"output": "uint8"}, TypeError, "`output` must be an Output, not 'uint8'"),
        ({"seed": -1}, ValueError, "`seed` must be a whole number from 0"),
        ({"order": "random"}, ValueError, "`order` must be one of 'exact', 'local', 'sequential'"),
        ({"rank": 2, "world_size": 2}, ValueError, "`rank` must be a whole number from 0 to 1"),
        ({"rank": "first"}, ValueError, "`rank` must be a whole number"),
        ({"world_size": 0}, ValueError, "`world_size` must be a whole number from 1"),
        ({"threads": 0}, ValueError, "`threads` must be a whole number from 1"),
        ({"prefetch": -1}, ValueError, "`prefetch` must be a whole number from 0"),
        ({"on_error": "warn"}, ValueError, "`on_error` must be one of 'raise', 'skip', 'zero'"),
        ({"decode": "blurred"}, ValueError, "`decode` must be one of 'exact'"),
        ({"dataset": [1, 2]}, TypeError, "`dataset` must be a data set of ptarmigan"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(
    samples: SampleSet, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pt.Loader(**{"dataset": samples, "batch_size": 4, "transform": CROP} | arguments)


def test_columns_that_do_not_fit_are_refused(samples: SampleSet) -> None:
    members, targets, ids = samples.members, samples.targets, samples.image_ids
    archive = samples.archive
    with pytest.raises(ValueError, match=r"have lengths \[45, 44, 45\]"):
        pt.Loader(SampleSet(archive, members, targets[1:], ids), 4, CROP)
    with pytest.raises(ValueError, match="`targets` of the data set must be whole numbers"):
        pt.Loader(SampleSet(archive, members, targets / 2, ids), 4, CROP)
    with pytest.raises(ValueError, match="a sample is member 45, the archive has 45 members"):
        pt.Loader(SampleSet(archive, members + 1, targets, ids), 4, CROP)
    with pytest.raises(ValueError, match="`epoch` must be a whole number"):
        pt.Loader(samples, 4, CROP).set_epoch(-1)
