"""Writing and reading `id,predicted` files: strict, whole or not at all."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt

HEAD = "id,predicted\n10,1 2 3 4 5\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def test_the_file_is_exactly_as_the_competition_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    pt.write_submission(path, [12345, 67890], [[0, 78, 23, 5, 6], [2, 1, 0, 77, 3]])
    assert path.read_bytes() == b"id,predicted\n12345,0 78 23 5 6\n67890,2 1 0 77 3\n"


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, 6))
    ids = data.draw(
        st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, min_size=1, max_size=20)
    )
    row = st.lists(st.integers(0, 2**31 - 1), min_size=k, max_size=k, unique=True)
    rows = data.draw(st.lists(row, min_size=len(ids), max_size=len(ids)))
    predicted = np.array(rows, np.int64).reshape(len(ids), k)
    path = tmp_path_factory.mktemp("submission") / "submission.csv"
    pt.write_submission(path, np.array(ids, np.int64), predicted)
    again = pt.read_submission(path, k)
    assert again.ids.tolist() == ids
    assert again.predicted.tolist() == predicted.tolist()
    assert (again.k, len(again), again.path) == (k, len(ids), os.fspath(path))


def test_ids_and_labels_of_any_integer_type_are_taken(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "submission.csv"
    for ids in (np.array([3, 4], np.uint8), np.array([3, 4], np.uint64), torch.tensor([3, 4])):
        pt.write_submission(path, ids, torch.tensor([[1, 2], [5, 0]]))
        again = pt.read_submission(path)
        assert again.ids.tolist() == [3, 4]
        assert again.predicted.tolist() == [[1, 2], [5, 0]]
    assert again.ids.dtype == np.int64
    assert again.predicted.dtype == np.int32


def test_quotes_carriage_returns_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = '\ufeffid,"predicted"\r\n"7","1 2"\r\n8,3 4\r\n\r\n'
    submission = pt.read_submission(write(tmp_path / "s.csv", text))
    assert submission.ids.tolist() == [7, 8]
    assert submission.predicted.tolist() == [[1, 2], [3, 4]]


def test_a_submission_shows_its_size_and_can_be_pickled(tmp_path: Path) -> None:
    submission = pt.read_submission(write(tmp_path / "s.csv", HEAD))
    assert repr(submission).startswith("Submission(rows=1, k=5, path=")
    again = pickle.loads(pickle.dumps(submission))  # noqa: S301 - our own bytes
    assert again.predicted.tolist() == [[1, 2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("11,1 2 3 4", "expected 5 ids, found 4"),
        ("11,1 2 3 4 5 6", "expected 5 ids, found 6"),
        ("11,", "expected 5 ids, found 0"),
        ("11", "found 1 field"),
        ("11,1 2 3 4 5,6", "found 3 field"),
        ("11,1,2,3,4,5", "found 6 field"),
        ("11,1 2  3 4 5", "one space"),
        ("11,1 2 3 4 5 ", "one space"),
        ("11,1\t2 3 4 5", "label `1\t2`"),
        ("11,1 2 3 4 05", "label `05`"),
        ("11,1 2 3 4 5.0", "label `5.0`"),
        ("11,1 2 3 4 -1", "label `-1`"),
        ("11,1 2 3 4 4294967296", "label `4294967296`"),
        ("11,1 2 3 4 4", "label `4` is there twice"),
        ("10,5 4 3 2 1", "id `10` is already in line 2"),
        ("a.jpg,1 2 3 4 5", "id `a.jpg`"),
        ('11,"1 2 3 4 5', "quote"),
        ("\n11,1 2 3 4 5", "is empty"),
        ("11,\xff", "label `ÿ`"),
        ("11," + "1 " * 40_000, "is longer than 65536 bytes"),
    ],
)
def test_a_wrong_row_is_named_with_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path / "wrong.csv", f"{HEAD}{row}\n12,1 2 3 4 5\n")
    with pytest.raises(pt.SubmissionError, match="line 3: ") as caught:
        pt.read_submission(path, 5)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)


def test_a_number_of_labels_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "four.csv", "id,predicted\n1,1 2 3 4\n")
    assert pt.read_submission(path).k == 4
    with pytest.raises(pt.SubmissionError, match="line 2: expected 5 ids, found 4"):
        pt.read_submission(path, 5)
    with pytest.raises(ValueError, match="k of 1 or more"):
        pt.read_submission(path, 0)


@pytest.mark.parametrize("text", ["", "\n", "1,2\n", "Id,Predicted\n1,2\n", "id, predicted\n1,2\n"])
def test_another_header_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "header.csv", text)
    with pytest.raises(pt.SubmissionError, match="line 1: expected the header `id,predicted`"):
        pt.read_submission(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.csv"
    path.write_bytes(HEAD.encode() + b"11,\xff\xfe\n")
    with pytest.raises(pt.SubmissionError, match="line 3: is not UTF-8"):
        pt.read_submission(path)


def test_a_label_beyond_the_categories_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", f"{HEAD}11,1 2 3 4 5089\n")
    assert len(pt.read_submission(path, categories=5090)) == 2
    with pytest.raises(pt.SubmissionError, match="line 3: label `5089`"):
        pt.read_submission(path, categories=5089)
    with pytest.raises(pt.SubmissionError, match=r"row 0 \(id 7\): label `2`"):
        pt.write_submission(tmp_path / "t.csv", [7], [[0, 2]], categories=["a", "b"])


@pytest.mark.parametrize(
    ("ids", "predicted", "message"),
    [
        ([1, 2, 1], [[1, 2], [3, 4], [5, 6]], r"row 2 \(id 1\): id `1` is already in row 0"),
        ([1, 2], [[1, 2], [3, 3]], r"row 1 \(id 2\): label `3` is there twice"),
        ([1, 2], [[1, 2], [3, -1]], r"row 1 \(id 2\): label `-1`"),
        ([1, 2], [[1, 2], [3, 2**31]], r"row 1 \(id 2\): label `2147483648`"),
        ([1, 2, 3], [[1, 2], [3, 4]], "2 labels for each of 3 ids, found 4"),
        ([1], np.zeros((1, 0), np.int32), "expected 1 or more labels in a row, found 0"),
    ],
)
def test_rows_that_break_a_rule_are_not_written(
    tmp_path: Path, ids: list[int], predicted: list[list[int]], message: str
) -> None:
    path = write(tmp_path / "submission.csv", "older")
    with pytest.raises(pt.SubmissionError, match=message):
        pt.write_submission(path, ids, predicted)
    assert path.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["submission.csv"]


def test_labels_that_are_no_integers_are_a_type_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="expected integers as predicted, found float64"):
        pt.write_submission(tmp_path / "s.csv", [1], [[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"expected predicted of shape \(N, k\), found \(2,\)"):
        pt.write_submission(tmp_path / "s.csv", [1], [1, 2])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path / "submission.csv", "older")
    program = """
        import resource, sys
        import numpy as np
        import ptarmigan as pt

        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            pt.write_submission(sys.argv[1], np.arange(9999), np.tile(np.arange(5), (9999, 1)))
        except OSError as error:
            print(error.errno, error.filename)
        """
    program = textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(errno.EFBIG), str(path)]
    assert path.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["submission.csv"]


def test_what_the_system_refuses_is_an_os_error_with_the_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "submission.csv", tmp_path / "no.csv"):
        with pytest.raises(FileNotFoundError) as caught:
            pt.read_submission(path)
        assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError):
        pt.write_submission(tmp_path / "no" / "submission.csv", [1], [[2]])
    with pytest.raises(IsADirectoryError):
        pt.read_submission(tmp_path)


def test_a_device_or_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        pt.write_submission(tmp_path, [1], [[2]])
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(ValueError, match="is not a file"):
        pt.write_submission(os.devnull, [1], [[2]])
    assert Path(os.devnull).is_char_device()


def test_a_link_stays_a_link_and_new_files_obey_the_mask(tmp_path: Path) -> None:
    target = write(tmp_path / "target.csv", "older")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    pt.write_submission(link, [1], [[2]])
    assert link.is_symlink()
    assert target.read_text() == "id,predicted\n1,2\n"
    mask = os.umask(0o027)
    try:
        pt.write_submission(tmp_path / "new.csv", [1], [[2]])
    finally:
        os.umask(mask)
    assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o640


def test_a_whole_test_split_takes_seconds_at_most(tmp_path: Path) -> None:
    rows = 182_707
    ids = np.random.default_rng(0).permutation(rows)
    predicted = (ids[:, np.newaxis] + np.arange(5)) % 5089
    start = time.perf_counter()
    pt.write_submission(tmp_path / "submission.csv", ids, predicted)
    again = pt.read_submission(tmp_path / "submission.csv", 5)
    # Far above what it takes, so that only a wrong algorithm fails.
    assert time.perf_counter() - start < 20
    np.testing.assert_array_equal(again.ids, ids)
    np.testing.assert_array_equal(again.predicted, predicted)
