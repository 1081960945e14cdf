"""The command line: what it prints where, and its exit status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan.cli import main
from ptarmigan.synth import SyntheticDataset, write_dataset
from synthetic import write_tar

COMMANDS = (
    "demo", "synth", "index", "verify", "ls", "cat", "info", "bench", "attribution", "extract",
    "score", "submit", "report",
)  # fmt: skip
# Those with commands of their own.
FAMILIES = ("export", "boxes")
PROGRAM = (sys.executable, "-m", "ptarmigan")


def call(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs the program as a user does."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    root = tmp_path_factory.mktemp("inat")
    return write_dataset(root, scale=0.003, images=90, max_side=48, grey=2, test_images=30)


@pytest.fixture
def archive(made: SyntheticDataset) -> Path:
    return made.root / "train_val_images.tar.gz"


@pytest.fixture
def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar if info.isfile()}


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for command in (*COMMANDS, *FAMILIES):
        assert f"    {command}" in [line[: 4 + len(command)] for line in shown.splitlines()]
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ptarmigan {pt._core.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["ls"],
        ["ls", "a", "b", "c"],
        ["index", "x.tar", "--no-such-option"],
        ["submit", "logits.npy"],
        ["submit", "logits.npy", "-o", "x", "--check", "y"],
        ["synth", "x", "--images", "many"],
    ],
)
def test_a_call_that_makes_no_sense_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "ptarmigan" in printed.err


def test_no_command_prints_the_help_and_exits_with_2(capsys):
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "commands" in printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["synth", "new", "--scale", "7"],
        ["synth", "new", "--images", "0"],
        ["index", "-"],
        ["score", "submission.csv"],
        ["bench", "--seconds", "0"],
        ["bench", "--threads", "0"],
    ],
)
def test_a_number_out_of_range_exits_with_2(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("ptarmigan: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["index", "verify", "ls", "info", "bench"])
def test_a_missing_archive_is_one_line_with_its_name(command, capsys, tmp_path):
    missing = tmp_path / "missing.tar.gz"
    assert main([command, str(missing)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if line.startswith("ptarmigan: ")]
    assert len(lines) == 1
    assert str(missing) in lines[0]
    assert not list(tmp_path.iterdir())


def test_errors_have_no_traceback(tmp_path):
    done = call("ls", tmp_path / "missing.tar")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ptarmigan: `")
    assert done.stderr.count("\n") == 1


def test_index_prints_members_md5_and_speed(archive, contents, tmp_path, capsys):
    index = tmp_path / "one.ptidx"
    assert main(["index", str(archive), "--index", str(index)]) == 0
    printed = capsys.readouterr()
    import hashlib

    md5 = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    assert md5 in printed.out
    assert f"{len(contents):,} members" in printed.out
    assert "MB/s" in printed.out
    assert index.is_file()
    assert main(["index", str(archive), "--index", str(index), "--rebuild", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["members"] == len(contents)
    assert found["md5"] == md5
    assert found["bytes"] == archive.stat().st_size
    assert found["megabytes_per_second"] > 0
    assert main(["index", str(archive), "--index", str(index), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["megabytes_per_second"] is None
    assert again["members"] == len(contents)


def test_an_archive_can_be_indexed_from_a_pipe(archive, contents, tmp_path):
    index = tmp_path / "piped.ptidx"
    with archive.open("rb") as file:
        done = call("index", "-", "--index", index, "--json", stdin=file)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["members"] == len(contents)
    opened = pt.Archive(archive, index_path=index, build="never")
    assert opened.read(len(opened) - 1) == contents[opened.names[-1]]


def test_a_wrong_md5_exits_with_1_and_leaves_no_index(archive, tmp_path, capsys):
    index = tmp_path / "wrong.ptidx"
    assert main(["index", str(archive), "--index", str(index), "--md5", "0" * 32]) == 1
    assert "md5" in capsys.readouterr().err
    assert not index.exists()


def test_verify_tells_a_sound_archive_from_a_damaged_one(archive, contents, tmp_path, capsys):
    assert main(["verify", str(archive)]) == 0
    assert f"{len(contents):,} members" in capsys.readouterr().out
    assert main(["verify", str(archive), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["members"] == len(contents)
    assert (report["bad"], report["ok"]) == ([], True)
    # An index is refused if the first or last bytes of its archive differ, so the damage must
    # be far from both.
    members = {f"{copy}/{name}": data for copy in range(4) for name, data in contents.items()}
    copy = write_tar(tmp_path / "copy.tar", members, mode="w")
    assert main(["verify", str(copy)]) == 0
    capsys.readouterr()
    name = list(members)[len(members) // 2]
    raw = bytearray(copy.read_bytes())
    raw[raw.index(name.encode()) + 512 + 40] ^= 1
    copy.write_bytes(raw)
    assert main(["verify", str(copy)]) == 1
    printed = capsys.readouterr().out
    assert name in printed
    assert "1 bad" in printed
    assert main(["verify", str(copy), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [failure["name"] for failure in report["bad"]] == [name]
    assert report["md5_ok"] is False


def test_ls_lists_names_in_archive_order(archive, contents, capsys):
    assert main(["ls", str(archive)]) == 0
    assert capsys.readouterr().out.splitlines() == list(contents)


def test_ls_filters_by_pattern_before_or_behind_an_option(archive, contents, capsys):
    aves = [name for name in contents if "/Aves/" in name]
    assert aves
    assert main(["ls", str(archive), "*/Aves/*"]) == 0
    assert capsys.readouterr().out.splitlines() == aves
    assert main(["ls", str(archive), "-l", "*/Aves/*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line, name in zip(lines, aves, strict=True):
        assert line.endswith(name)
        assert line.split()[0] == str(len(contents[name]))
    assert main(["ls", str(archive), "no such"]) == 0
    assert capsys.readouterr().out == ""


def test_ls_json_has_sizes_and_dimensions(archive, contents, capsys):
    assert main(["ls", str(archive), "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list(contents)
    assert [record["size"] for record in records] == [len(data) for data in contents.values()]
    assert max(max(record["width"], record["height"]) for record in records) == 48
    assert main(["ls", str(archive), "no such", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_ls_into_a_closed_pipe_is_quiet(archive):
    pipe = f"{' '.join(PROGRAM)} ls '{archive}' | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_cat_writes_the_very_bytes(archive, contents):
    first, *_, last = contents
    command = [*PROGRAM, "cat", str(archive), last, first]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == contents[last] + contents[first]
    assert done.stderr == b""


def test_cat_of_a_member_that_is_not_there_exits_with_1(archive, capsys):
    assert main(["cat", str(archive), "no/such.jpg"]) == 1
    assert "no/such.jpg" in capsys.readouterr().err


def test_cat_json_describes_the_member(archive, contents, capsys):
    name = list(contents)[2]
    assert main(["cat", str(archive), name, "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["name"], record["size"]) == (name, len(contents[name]))


def test_synth_writes_what_it_says(tmp_path, capsys):
    options = ["--scale", "0.001", "--images", "30", "--max-side", "32", "--json", "--grey", "1"]
    assert main(["synth", str(tmp_path / "new"), *options]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["train"] + found["val"] == 30
    assert len(found["grey"]) == 1
    assert (tmp_path / "new" / "train_val_images.tar.gz").is_file()
    assert main(["synth", str(tmp_path / "text"), *options[:-3]]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "test images" in printed.err


def test_bench_compares_equal_pixels(archive, capsys):
    assert main(["bench", str(archive), "--seconds", "0.05", "--json", "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["work"] for row in found["rows"]] == ["decode", "crop", "loader"]
    for row in found["rows"]:
        assert row["equal"] is True
        assert row["images_per_second"] > 0
        assert row["pillow_images_per_second"] > 0
        assert row["ratio"] > 0
    assert found["machine"]["processor"]
    assert found["machine"]["peer"].startswith(("Pillow", "pillow-simd"))


def test_bench_makes_its_own_photos(capsys):
    assert main(["bench", "--crop", "--seconds", "0.01", "--threads", "2"]) == 0
    printed = capsys.readouterr()
    assert "equal" in printed.out
    assert "made-up" in printed.out
    assert "processor" in printed.err


def test_bench_reports_pixels_that_differ(archive, monkeypatch, capsys):
    from ptarmigan import bench

    def other(data: bytes) -> np.ndarray:
        return pt.decode(data) ^ 1

    monkeypatch.setattr(bench, "_decode_with_pillow", other)
    assert main(["bench", str(archive), "--decode", "--seconds", "0.01", "--threads", "1"]) == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_ctrl_c_exits_with_130_and_leaves_nothing(tmp_path):
    command = [*PROGRAM, "synth", str(tmp_path / "inat"), "--images", "20000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    root = tmp_path / "inat"
    ends = time.monotonic() + 60
    while not list(root.glob(".*.part")) and time.monotonic() < ends:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert not list(root.glob(".*.part"))
    assert not (root / "train_val_images.tar.gz").exists()


LISTINGS = pytest.mark.parametrize(
    "words",
    [["ls", "{archive}"], ["ls", "{archive}", "--json"], ["ls", "{archive}", "*Aves*"],
     ["attribution", "{root}"], ["info", "{root}"], ["cat", "{archive}", "{member}"],
     ["--version"], ["--help"]],
    ids=lambda words: " ".join(words[:1] + words[2:]),
)  # fmt: skip


def call_in_shell(redirection: str, words: list[str], made: SyntheticDataset) -> Any:
    """Runs the program with standard output as the shell is told."""
    archive = made.root / "train_val_images.tar.gz"
    member = pt.Archive(archive).names[0]
    filled = [word.format(root=made.root, archive=archive, member=member) for word in words]
    command = ["bash", "-c", f'"$@" {redirection}', "bash", *PROGRAM, *filled]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@LISTINGS
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "no space left on device"), (">&-", "bad file descriptor")],
)
def test_output_that_cannot_be_written_is_one_line(made, words, redirection, reason):
    done = call_in_shell(redirection, words, made)
    assert done.stderr == f"ptarmigan: standard output: {reason}\n"
    assert done.returncode == 1


def test_a_command_that_prints_nothing_needs_no_standard_output(made, tmp_path):
    coco = tmp_path / "coco.json"
    words = ["export", "coco", "{root}", "-o", str(coco)]
    done = call_in_shell(">&-", words, made)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("wrote ")
    whole = coco.read_bytes()
    # Nothing that is opened takes the place of a stream that is closed.
    done = call_in_shell("<&- >&- 2>&-", words, made)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert coco.read_bytes() == whole


def test_closed_streams_leave_the_exit_status(made):
    assert call_in_shell("2>&-", ["ls", "no such.tar"], made).returncode == 1
    assert call_in_shell("2>&-", ["ls"], made).returncode == 2
    done = call_in_shell("2>&-", ["ls", "{archive}"], made)
    assert done.returncode == 0
    assert done.stdout.count("\n") == made.train + made.val


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; from ptarmigan.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'rich', 'PIL', 'torch', 'zipfile'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
