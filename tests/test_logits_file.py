"""Logits in files of any size: read a part at a time, into one buffer."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from ptarmigan import logits as logits_module
from ptarmigan.logits import LogitsFile


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (101, 37)).astype(np.float32)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8", "bfloat16", "ml_dtypes"])
@pytest.mark.parametrize("form", ["npy", "npz", "compressed", "fortran", "fortran npz"])
@pytest.mark.parametrize("size", [8 << 20, 1000])
def test_every_form_of_file_is_ranked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logits: np.ndarray, kind: str, form: str,
    size: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(logits_module, "READ_BYTES", size)
    if kind.startswith(("<", ">")):
        stored = logits.astype(kind)
        expected = pt.top_k(stored)
    else:
        bits = (logits.view(np.uint32) >> 16).astype(np.uint16)
        expected = pt.top_k(bits)
        # What NumPy writes for a type that it does not know.
        stored = bits if kind == "bfloat16" else bits.view("V2")
    stored = np.asfortranarray(stored) if form.startswith("fortran") else stored
    path = tmp_path / "logits.npy"
    if form in {"npy", "fortran"}:
        np.save(path, stored)
    else:
        path = path.with_suffix(".npz")
        (np.savez_compressed if form == "compressed" else np.savez)(path, other=[1], logits=stored)
    np.testing.assert_array_equal(pt.top_k(path), expected)
    with LogitsFile(path) as rows:
        assert (rows.shape, len(rows)) == ((101, 37), 101)
        whole = np.asarray(rows)
        native = stored.view(np.uint16) if stored.dtype.kind == "V" else stored
        np.testing.assert_array_equal(whole, native)
        # Rows are found again, and out of order.
        np.testing.assert_array_equal(rows.read(90, 101), whole[90:])
        np.testing.assert_array_equal(rows.read(3, 4), whole[3:4])


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logits: np.ndarray):
    np.save(tmp_path / "logits.npy", logits)
    monkeypatch.setattr(logits_module, "READ_BYTES", 37 * 4 * 50)
    told: list[tuple[int, int]] = []
    pt.top_k(tmp_path / "logits.npy", progress=lambda *each: told.append(each))
    assert told == [(50, 101), (100, 101), (101, 101)]


def test_a_file_that_is_cut_short_is_refused_at_once(tmp_path: Path, logits: np.ndarray) -> None:
    path = tmp_path / "logits.npy"
    np.save(path, logits)
    whole = path.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 200):
        path.write_bytes(whole[:size])
        with pytest.raises(pt.SubmissionError, match="is cut short") as caught:
            pt.top_k(path)
        assert caught.value.path == str(path)
    for size in (0, 3, 50):
        path.write_bytes(whole[:size])
        with pytest.raises(pt.SubmissionError, match="not an array that NumPy can load"):
            pt.top_k(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logits: np.ndarray
) -> None:
    path = tmp_path / "logits.npy"
    np.save(path, logits)
    monkeypatch.setattr(logits_module, "READ_BYTES", 37 * 4 * 50)

    def shrink(done: int, _: int) -> None:
        if done == 50:
            with path.open("r+b") as file:
                file.truncate(10_000)

    with pytest.raises(pt.SubmissionError, match="ends before row 100"):
        pt.top_k(path, progress=shrink)


def test_a_damaged_npz_is_refused(tmp_path: Path, logits: np.ndarray) -> None:
    path = tmp_path / "logits.npz"
    np.savez(path, logits=logits)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(pt.SubmissionError, match="damaged: Bad CRC-32"):
        pt.top_k(path)
    path.write_bytes(data[:5000])
    with pytest.raises(pt.SubmissionError, match="not an array that NumPy can load"):
        pt.top_k(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", b"no array")
    with pytest.raises(pt.SubmissionError, match="not an array that NumPy can load"):
        pt.top_k(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5, np.float32), "shape \\(rows, classes\\), found \\(5,\\)"),
        (np.zeros((2, 3, 4), np.float32), "found \\(2, 3, 4\\)"),
        (np.zeros((5, 6), np.int64), "bfloat16 as uint16, found int64"),
        (np.zeros((5, 6), np.uint8), "found uint8"),
        (np.zeros((5, 6), np.longdouble), "found "),
        (np.zeros((5, 6), [("a", "f4")]), "found "),
        (np.array([[None]]), "found object"),
    ],
)
def test_what_is_no_matrix_of_logits_is_refused(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    path = tmp_path / "logits.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises((pt.SubmissionError, TypeError), match=message):
        pt.top_k(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    for path in (tmp_path / "no.npy", str(tmp_path / "no.npy")):
        with pytest.raises(FileNotFoundError) as caught:
            pt.top_k(path)
        assert caught.value.filename == str(path)
    with pytest.raises(IsADirectoryError):
        pt.top_k(tmp_path)


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    rows, classes = 16_000, 5089
    path = tmp_path / "logits.npy"
    with path.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (rows, classes)}
        np.lib.format.write_array_header_1_0(file, head)
        # 326 MB that take no room on the disk.
        file.truncate(file.tell() + rows * classes * 4)
    np.save(tmp_path / "ids.npy", np.arange(rows))
    program = """
        import resource, sys
        from ptarmigan.cli import main

        status = main(["submit", "--logits", "logits.npy", "--ids", "ids.npy", "-o", "out.csv"])
        print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    status, mebibytes = map(int, done.stdout.split())
    assert status == 0
    assert mebibytes < 250
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == rows + 1
    assert lines[-1] == f"{rows - 1},0 1 2 3 4"
