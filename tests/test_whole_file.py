"""Files that are whole or not there: what they replace, and what they leave alone."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import programs
import ptarmigan as pt
from ptarmigan.whole_file import written_aside


def written_in_python(path: Path) -> None:
    with written_aside(path) as file:
        file.write(b"new" * 1000)


def written_in_the_core(path: Path) -> None:
    pt.write_submission(path, range(1000), [[number] for number in range(1000)])


# Both writers keep the same rules.
BOTH = pytest.mark.parametrize("write", [written_in_python, written_in_the_core])
Write = Callable[[Path], None]


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Lets no file grow beyond ``size`` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@BOTH
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, write: Write) -> None:
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    for text in ("older", None):
        link = tmp_path / f"link to {text}"
        link.symlink_to(Path("far") / "target")
        if text is None:
            target.unlink()
        else:
            target.write_text(text)
        write(link)
        assert link.is_symlink()
        assert target.stat().st_size > 1000
        assert names(tmp_path / "far") == ["target"]


@BOTH
def test_what_is_not_a_file_is_refused_and_stays(tmp_path: Path, write: Write) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    before = names(tmp_path)
    with pytest.raises(IsADirectoryError) as caught:
        write(tmp_path / "folder")
    assert caught.value.filename == str(tmp_path / "folder")
    for name in ("pipe", "link"):
        with pytest.raises(ValueError, match=f"{name}`.* is not a file"):
            write(tmp_path / name)
    assert names(tmp_path) == before
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


@BOTH
def test_files_beside_it_are_left_alone(tmp_path: Path, write: Write) -> None:
    theirs = [tmp_path / "k.part", tmp_path / ".k.part", tmp_path / "k.tmp"]
    for file in theirs:
        file.write_text("theirs")
    write(tmp_path / "k")
    assert [file.read_text() for file in theirs] == ["theirs"] * 3
    assert len(names(tmp_path)) == 4


@BOTH
def test_modes_are_those_of_open(tmp_path: Path, write: Write) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("older")
    for mode in (0o600, 0o666, 0o750):
        old.chmod(mode)
        write(old)
        assert stat.S_IMODE(old.stat().st_mode) == mode
    before = os.umask(0o027)
    try:
        write(new)
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


@BOTH
def test_a_file_that_may_not_be_written_to_stays(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "kept"
    path.write_text("older")
    path.chmod(0o444)
    code = "import sys, test_whole_file as own; getattr(own, sys.argv[1])(own.Path(sys.argv[2]))"
    command = programs.obedient(programs.command(code, write.__name__, path))
    environment = programs.environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert f"PermissionError: [Errno 13] Permission denied: '{path}'" in done.stderr
    assert path.read_text() == "older"
    assert names(tmp_path) == ["kept"]


@BOTH
def test_errors_name_the_file_and_leave_nothing(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "page"
    path.write_text("older")
    with small_files(1024), pytest.raises(OSError, match="too large") as caught:
        write(path)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert path.read_text() == "older"
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "no" / "page")
    assert caught.value.filename == str(tmp_path / "no" / "page")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links") as caught:
        write(tmp_path / "round")
    assert caught.value.filename == str(tmp_path / "round")
    assert names(tmp_path) == ["page", "round"]


def test_an_error_of_the_block_itself_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, written_aside(tmp_path / "a"):
        (tmp_path / "b").read_bytes()
    assert caught.value.filename == str(tmp_path / "b")
    assert not names(tmp_path)


@BOTH
def test_any_number_of_processes_may_write_the_same_file(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "page"
    code = (
        "import sys, pathlib, test_whole_file as module\n"
        "for _ in range(20): getattr(module, sys.argv[1])(pathlib.Path(sys.argv[2]))"
    )
    command = programs.command(code, write.__name__, path)
    started = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=programs.environment())
        for _ in range(6)
    ]
    errors = [process.communicate(timeout=120)[1] for process in started]
    assert errors == [""] * 6
    write(tmp_path / "alone")
    assert path.read_bytes() == (tmp_path / "alone").read_bytes()
    assert names(tmp_path) == ["alone", "page"]


@pytest.mark.parametrize("command", ["report", "submit"])
def test_commands_name_the_file_that_cannot_be_written(tmp_path: Path, command: str) -> None:
    from ptarmigan.synth import write_dataset

    root = tmp_path / "inat"
    made = write_dataset(root, scale=0.002, images=40, max_side=16, threads=1)
    assert made.train
    val = pt.INaturalist(root, split="val", build="auto")
    pt.write_submission(
        tmp_path / "s.csv", val.image_ids, [[label, *_others(label)] for label in val.targets]
    )
    if command == "submit":
        import numpy as np

        logits = np.zeros((len(val), len(val.classes)), np.float32)
        np.save(tmp_path / "logits.npy", logits)
        np.save(tmp_path / "ids.npy", val.image_ids)
        words = ["submit", tmp_path / "logits.npy", "--ids", tmp_path / "ids.npy"]
    else:
        words = ["report", tmp_path / "s.csv", "--root", root]
    out = tmp_path / "out"
    line = [sys.executable, "-m", "ptarmigan", *map(str, words), "-o", str(out)]
    os.mkfifo(out)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, out.is_fifo()) == (2, True)
    assert f"`{out}`" in done.stderr
    assert "is not a file" in done.stderr


def _others(label: int) -> list[int]:
    return [other for other in range(5) if other != label][:4]
