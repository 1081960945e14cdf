"""Scan points beside the index: the same batches with them, whatever becomes of their file."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from forks import in_child
from programs import command, environment, run
from sample_sets import SampleSet, open_samples
from scan_points_made import COUNT, CROP, EPOCHS, assert_equal, epochs, forge, sidecar, write_photos


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_photos(tmp_path_factory.mktemp("points") / "a.tar.gz")
    pt.Archive(path)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """An archive with its index, and no sidecar."""
    for file in made.parent.iterdir():
        if file.suffix != ".ptscan":
            shutil.copy(file, tmp_path / file.name)
    return tmp_path / made.name


@pytest.fixture(scope="module")
def expected(made: Path) -> list[np.ndarray]:
    """The images of some epochs without points."""
    return epochs(open_samples(made), scan_points=False)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "transform",
    [
        CROP,
        pt.RandomResizedCrop((20, 31), interpolation="bicubic"),
        pt.ResizeCenterCrop(64, 32),
        pt.ResizeCenterCrop(30, 60),
    ],
    ids=repr,
)
@pytest.mark.parametrize("output", [None, pt.Output("float32", "NCHW")], ids=["uint8", "float32"])
def test_batches_are_the_same_with_points(
    path: Path,
    threads: int,
    transform: pt.RandomResizedCrop | pt.ResizeCenterCrop,
    output: pt.Output | None,
) -> None:
    samples = open_samples(path)
    wanted = epochs(samples, transform=transform, output=output, scan_points=False)
    assert not sidecar(path).exists()
    for _ in range(2):
        found = epochs(samples, transform=transform, output=output, threads=threads)
        assert_equal(found, wanted)
        assert sidecar(path).stat().st_size > 1000


def test_the_points_are_really_used(path: Path, expected: list[np.ndarray]) -> None:
    """Right checksums on wrong points: then, and only then, the pixels are others."""
    samples = open_samples(path)
    epochs(samples)
    data = bytearray(sidecar(path).read_bytes())
    forge(data, samples.archive.fingerprint)
    sidecar(path).write_bytes(data)
    found = epochs(open_samples(path))
    assert not np.array_equal(found[0], expected[0])


def found_by(script: str, path: Path) -> list[np.ndarray]:
    """The images that a script, in a process of its own, saves where its second argument says."""
    target = path.with_name("found.npz")
    done = run(script, path, target)
    assert done.returncode == 0, done.stderr
    with np.load(target) as found:
        return [found[name] for name in found.files]


def test_a_new_process_goes_on_with_the_file(path: Path, expected: list[np.ndarray]) -> None:
    samples = open_samples(path)
    epochs(samples, count=12)
    before = sidecar(path).read_bytes()
    script = (
        "import numpy as np, sys; from pathlib import Path; import scan_points_made as t;"
        "from sample_sets import open_samples;"
        "np.savez(sys.argv[2], *t.epochs(open_samples(Path(sys.argv[1]))))"
    )
    assert_equal(found_by(script, path), expected)
    assert sidecar(path).read_bytes() == before, "all that these epochs need was known"


def test_a_flipped_byte_never_changes_a_pixel(path: Path, expected: list[np.ndarray]) -> None:
    samples = open_samples(path)
    epochs(samples)
    whole = sidecar(path).read_bytes()
    rng = random.Random(7)
    places = [*range(8, 48), *rng.sample(range(48, len(whole)), 300)]
    places += range(len(whole) - 32, len(whole))
    for turn, place in enumerate(places):
        damaged = bytearray(whole)
        damaged[place] ^= rng.randrange(1, 256)
        sidecar(path).write_bytes(damaged)
        epoch = turn % EPOCHS
        loader = pt.Loader(samples, 5, CROP, threads=1, seed=3)
        loader.set_epoch(epoch)
        found = np.concatenate([batch.images for batch in loader])
        assert np.array_equal(found, expected[epoch]), f"byte {place}"


def test_a_file_that_is_cut_off_is_used_as_far_as_it_goes(
    path: Path, expected: list[np.ndarray]
) -> None:
    samples = open_samples(path)
    epochs(samples, count=6)
    whole = sidecar(path).read_bytes()
    for length in [0, 1, 7, 8, 39, 40, 41, 100, *range(200, len(whole), len(whole) // 30)]:
        sidecar(path).write_bytes(whole[:length])
        assert_equal(epochs(samples, count=2), expected[:2])
        assert sidecar(path).stat().st_size > length // 2


def test_the_points_of_another_archive_are_not_used(path: Path, expected: list[np.ndarray]) -> None:
    other = write_photos(path.with_name("b.tar.gz"), first=500)
    epochs(open_samples(other))
    shutil.copy(sidecar(other), sidecar(path))
    assert_equal(epochs(open_samples(path)), expected)
    assert sidecar(path).read_bytes()[16:24] != sidecar(other).read_bytes()[16:24]


def test_an_archive_with_other_photos_under_its_name(path: Path) -> None:
    epochs(open_samples(path))
    write_photos(path, first=900)
    pt.Archive(path, build="rebuild")
    samples = open_samples(path)
    assert_equal(epochs(samples), epochs(samples, scan_points=False))


def test_off_leaves_nothing_behind(path: Path) -> None:
    epochs(open_samples(path), scan_points=False)
    assert not sidecar(path).exists()


def test_a_path_of_its_own(path: Path, expected: list[np.ndarray]) -> None:
    place = path.with_name("elsewhere.points")
    assert_equal(epochs(open_samples(path), scan_points=place), expected)
    assert_equal(epochs(open_samples(path), scan_points=str(place)), expected)
    assert place.exists()
    assert not sidecar(path).exists()


@pytest.mark.parametrize("value", [None, 1, "", 0.5])
def test_no_other_value_is_taken(path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="`scan_points` must be True, False or the path"):
        pt.Loader(open_samples(path), 5, CROP, scan_points=value)  # type: ignore[arg-type]


def test_a_file_of_another_kind_is_left_alone(path: Path, expected: list[np.ndarray]) -> None:
    sidecar(path).write_text("the only copy")
    with pytest.warns(pt.ScanPointsWarning, match=r"a\.tar\.gz\.ptscan.*found a file that is none"):
        found = epochs(open_samples(path))
    assert_equal(found, expected)
    assert sidecar(path).read_text() == "the only copy"


def test_a_folder_that_is_not_there_is_told_once(path: Path, expected: list[np.ndarray]) -> None:
    place = path.with_name("missing") / "a.ptscan"
    with pytest.warns(pt.ScanPointsWarning, match="cannot be kept") as told:
        found = epochs(open_samples(path), scan_points=place)
    assert_equal(found, expected)
    assert len(told) == 1


def test_a_full_disk_fails_no_epoch(path: Path, expected: list[np.ndarray]) -> None:
    script = (
        "import resource, signal, sys, warnings; from pathlib import Path\n"
        "import numpy as np; import ptarmigan as pt; import scan_points_made as t\n"
        "from sample_sets import open_samples\n"
        "samples = open_samples(Path(sys.argv[1]))\n"
        # Writing beyond that size fails with EFBIG.
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    found = t.epochs(samples)\n"
        "assert [entry.category for entry in told] == [pt.ScanPointsWarning], told\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "np.savez(sys.argv[2], *found)\n"
    )
    assert_equal(found_by(script, path), expected)
    assert_equal(epochs(open_samples(path)), expected)


def test_a_read_only_folder_is_quiet(made: Path, expected: list[np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / made.name
        for file in [made, made.with_name(made.name + ".ptidx")]:
            shutil.copy(file, path.with_name(file.name)).chmod(0o444)
        path.parent.chmod(0o555)

        def read_only() -> None:
            if os.geteuid() == 0:
                os.setuid(65534)  # root may write everywhere
            samples = open_samples(path)
            assert_equal(epochs(samples), expected)
            assert not sidecar(path).exists()
            with pytest.warns(pt.ScanPointsWarning, match="cannot be kept.*[Pp]ermission"):
                epochs(samples, scan_points=sidecar(path))

        assert in_child(read_only) == 0
        path.parent.chmod(0o755)


def test_two_loaders_at_once_share_the_file(path: Path, expected: list[np.ndarray]) -> None:
    loaders = [pt.Loader(open_samples(path), 5, CROP, threads=2, seed=3) for _ in range(2)]
    for epoch in range(EPOCHS):
        found: list[list[np.ndarray]] = [[], []]
        for one, other in zip(*loaders, strict=True):
            found[0].append(one.images)
            found[1].append(other.images)
        for images in found:
            assert np.array_equal(np.concatenate(images), expected[epoch])
    del loaders
    before = sidecar(path).read_bytes()
    assert_equal(epochs(open_samples(path)), expected)
    assert sidecar(path).read_bytes() == before


def test_two_halves_of_an_archive_end_in_one_file(path: Path) -> None:
    samples = open_samples(path)
    half = [slice(0, COUNT // 2), slice(COUNT // 2, COUNT)]
    loaders = [
        pt.Loader(
            SampleSet(
                samples.archive,
                samples.members[part],
                samples.targets[part],
                samples.image_ids[part],
            ),
            4,
            pt.ResizeCenterCrop(64, 64),
        )
        for part in half
    ]
    sizes = []
    for loader in loaders:
        list(loader)
        sizes.append(sidecar(path).stat().st_size)
    assert sizes[1] > sizes[0] * 1.5


def test_the_end_of_a_pass_writes_what_it_found(path: Path) -> None:
    loader = pt.Loader(open_samples(path), 5, CROP)
    running = iter(loader)
    next(running)
    assert not sidecar(path).exists()
    loader.close()
    size = sidecar(path).stat().st_size
    assert size > 500
    with pytest.raises(RuntimeError, match="this pass has ended"):
        next(running)
    assert len(list(loader)) == 5, "a closed loader starts anew"
    assert sidecar(path).stat().st_size > size


def test_a_forked_child_has_a_file_of_its_own(path: Path, expected: list[np.ndarray]) -> None:
    loader = pt.Loader(open_samples(path), 5, CROP, seed=3, threads=2)
    running = iter(loader)
    first = next(running)

    def go_through() -> None:
        found = np.concatenate([batch.images for batch in loader])
        assert np.array_equal(found, expected[0])
        size = sidecar(path).stat().st_size
        assert size > 1000, "the child writes what it found"

    assert in_child(go_through) == 0
    rest = [batch.images for batch in running]
    assert np.array_equal(np.concatenate([first.images, *rest]), expected[0])
    size = sidecar(path).stat().st_size
    found = epochs(open_samples(path), count=1)
    assert np.array_equal(found[0], expected[0])
    assert sidecar(path).stat().st_size == size


def test_a_child_that_only_exits_writes_nothing(path: Path) -> None:
    loaders = [pt.Loader(open_samples(path), 5, CROP, seed=3, threads=2)]
    running = iter(loaders[0])
    next(running)

    def leave() -> None:
        nonlocal running
        del running
        loaders.clear()
        assert not sidecar(path).exists()

    assert in_child(leave) == 0
    list(running)
    assert sidecar(path).exists()


def test_a_pickled_loader_keeps_the_choice(path: Path, expected: list[np.ndarray]) -> None:
    place = path.with_name("own.ptscan")
    for value, file in [(True, sidecar(path)), (False, None), (place, place)]:
        loader = pt.Loader(open_samples(path), 5, CROP, seed=3, scan_points=value)
        again = pickle.loads(pickle.dumps(loader))  # noqa: S301
        found = np.concatenate([batch.images for batch in again])
        assert np.array_equal(found, expected[0])
        assert file is None or file.exists()
        assert set(again.state_dict()) == set(loader.state_dict())


def test_ranks_and_workers_share_the_file(path: Path) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    samples = open_samples(path)
    wanted = [batch.images for batch in pt.Loader(samples, 5, CROP, scan_points=False)]
    for _ in range(2):
        loader = pt.Loader(samples, 5, CROP, threads=1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This process .* is multi-threaded")
            found = [
                np.asarray(batch[0])
                for batch in torch_data.DataLoader(loader, batch_size=None, num_workers=2)
            ]
        assert_equal(found, wanted)
        assert sidecar(path).exists()


def test_killed_at_any_time(path: Path, expected: list[np.ndarray]) -> None:
    """A process that trains is killed again and again, sooner or later after its start."""
    script = (
        "import sys; from pathlib import Path\n"
        "import ptarmigan as pt; import scan_points_made as t\n"
        "from sample_sets import open_samples\n"
        "samples = open_samples(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "seed = int(sys.argv[2])\n"
        "while True:\n"
        "    loader = pt.Loader(samples, 5, t.CROP, threads=2, seed=seed)\n"
        "    next(iter(loader))\n"
        "    loader.close()\n"
        "    list(loader)\n"
        "    seed += 1\n"
    )
    rng = random.Random(1)
    for turn in range(10):
        if turn % 3 == 0:
            sidecar(path).unlink(missing_ok=True)
        child = subprocess.Popen(
            command(script, path, turn * 1000),
            stdout=subprocess.PIPE,
            env=environment(),
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(rng.random() * 0.08)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert_equal(epochs(open_samples(path), count=2), expected[:2])
    left = [file.name for file in path.parent.iterdir() if file.name.endswith(".part")]
    assert len(left) <= 10
