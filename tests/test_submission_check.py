"""Every way a submission can be wrong, with the line and the message that says so."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from ptarmigan.predictions import FORMATS, SubmissionFormat

HEAD = "id,predicted\n"
FIRST = "10,1 2 3 4 5\n"
LAST = "12,1 2 3 4 5\n"


def check(path: Path, data: bytes | str, **options: object) -> list[tuple[int | None, str]]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    options = {"categories": 5089} | options
    found = pt.check_submission(path, **options)
    assert found.count == len(found.faults)
    return [tuple(fault) for fault in found.faults]


# Where a test gives None for the message of reading, the rows are read all the same.
FILES = {
    "byte order mark": (f"\ufeff{HEAD}{FIRST}", 1, "begins with a byte order mark", None),
    "CRLF": (f"{HEAD}{FIRST}".replace("\n", "\r\n"), 1, "ends with CR LF", None),
    "quotes": (f'{HEAD}"10","1 2 3 4 5"\n', 2, "has quotes", None),
    "no last line feed": (f"{HEAD}{FIRST}12,1 2 3 4 5", 3, "has no line feed", None),
    "empty lines at the end": (f"{HEAD}{FIRST}\n\n", 3, "is empty, and no row follows", None),
    "empty file": ("", 1, "expected the header", "begin the file with `id,predicted`"),
    "header of another year": (
        f"Id,Predicted\n{FIRST}", 1, "the header of 2021; name that release", "2021",
    ),
    "header in capitals": (f"ID,PREDICTED\n{FIRST}", 1, "small and capital letters", "exactly"),
    "header with a space": (f"id, predicted\n{FIRST}", 1, "a comma, no space", "exactly"),
    "header with a tab": (f"id\tpredicted\n{FIRST}", 1, "not with a tab", "comma"),
    "header with a semicolon": (f"id;predicted\n{FIRST}", 1, "write exactly", "comma"),
    "header with one more column": (f"id,predicted,x\n{FIRST}", 1, "found `id,predicted,x`", "x"),
    "no header": (FIRST + LAST, 1, "the header is missing", "missing"),
    "header again": (f"{HEAD}{FIRST}{HEAD}{LAST}", 3, "is the header again", "again"),
    "gzip": (gzip.compress(HEAD.encode()), 1, "is a gzip file", "gunzip"),
    "CR alone": (f"{HEAD}{FIRST}".replace("\n", "\r"), 1, "is text whose lines end with CR", "LF"),
    "UTF-16": ((HEAD + FIRST).encode("utf-16"), 1, "is text in UTF-16", "UTF-8"),
    "no row": (HEAD, 2, "expected a row, found the end of the file", "a row"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_has_one_fault(tmp_path: Path, name: str) -> None:
    data, line, message, read = FILES[name]
    path = tmp_path / "submission.csv"
    (found,) = check(path, data)
    assert found[0] == line
    assert message in found[1]
    if read is None:
        assert pt.read_submission(path, 5).ids[0] == 10
        return
    with pytest.raises(pt.SubmissionError, match=f"line {line}: .*{read}") as caught:
        pt.read_submission(path, 5)
    assert caught.value.path == str(path)


ROWS = {
    "an image twice": ("10,5 4 3 2 1", "id `10` is already in line 2"),
    "k - 1 labels": ("11,1 2 3 4", "expected 5 ids, found 4"),
    "k + 1 labels": ("11,1 2 3 4 5 6", "expected 5 ids, found 6"),
    "no label": ("11,", "expected 5 ids, found 0"),
    "a label twice": ("11,1 2 3 4 4", "label `4` is there twice"),
    "a label out of range": ("11,1 2 3 4 5089", "label `5089` is not among the 5089 categories"),
    "a negative label": ("11,1 2 3 4 -5", "label `-5` is not a category id, 0 or more"),
    "a float": ("11,1 2 3 4 5.0", "label `5.0` is not a plain integer"),
    "a float id": ("11.0,1 2 3 4 5", "id `11.0` is not a plain integer"),
    "an exponent": ("11,1 2 3 4 1e3", "write it without a decimal point"),
    "a leading zero": ("11,1 2 3 4 05", "label `05` is not a plain integer"),
    "a plus sign": ("11,1 2 3 4 +5", "label `+5` is not a plain integer"),
    "20 digits": ("11,1 2 3 4 12345678901234567890", "is too large"),
    "an id of 20 digits": ("12345678901234567890,1 2 3 4 5", "is too large"),
    "a label beyond 32 bits": ("11,1 2 3 4 4294967296", "is not a category id"),
    "a trailing space": ("11,1 2 3 4 5 ", "one space between labels and none around"),
    "a leading space": ("11, 1 2 3 4 5", "one space between labels and none around"),
    "a double space": ("11,1 2  3 4 5", "one space between labels and none around"),
    "a space behind the id": ("11 ,1 2 3 4 5", "id `11 ` is not a plain integer"),
    "tabs": ("11\t1 2 3 4 5", "not with a tab"),
    "semicolons": ("11;1 2 3 4 5", "not with a semicolon"),
    "commas": ("11,1,2,3,4,5", "separate labels with spaces, not with commas"),
    "one field": ("11", "found 1 field"),
    "three fields": ("11,1 2 3 4 5,x", "found 3 fields"),
    "a name for an id": ("a.jpg,1 2 3 4 5", "id `a.jpg` is not a plain integer"),
    "a name for a label": ("11,1 2 3 4 Aves", "label `Aves` is not a plain integer"),
    "an open quote": ('11,"1 2 3 4 5', "a quote that is not closed"),
    "a NUL byte": ("11,1 2 3\0 4 5", "has a NUL byte at column 9"),
    "a CR within": ("11,1 2\r3 4 5", "has a CR at column 7 that no LF follows"),
    "a CR between quoted rows": ('"11","1 2 3 4 5"\r"13","5 4 3 2 1"', "has a CR at column 17"),
    "not UTF-8": (b"11,1 2 3 4 \xff", "is not UTF-8 text: byte 0xff at column 12"),
    "an empty line": ("", "is empty; expected one row on each line"),
    "a long line": ("11," + "1 " * 40_000, "is longer than 65536 bytes"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_row_is_found_with_its_line(tmp_path: Path, name: str) -> None:
    row, message = ROWS[name]
    row = row if isinstance(row, bytes) else row.encode()
    path = tmp_path / "submission.csv"
    found = check(path, (HEAD + FIRST).encode() + row + b"\n" + LAST.encode())
    assert {line for line, _ in found} <= {2, 3}
    mine = [text for line, text in found if line == 3 and message in text]
    assert len(mine) == 1, found
    assert all(len(text) < 200 for _, text in found)
    with pytest.raises(pt.SubmissionError, match="line 3: ") as caught:
        pt.read_submission(path, 5, categories=5089)
    assert found[[line for line, _ in found].index(3)][1] in str(caught.value)


def test_tabs_between_labels_are_named(tmp_path: Path) -> None:
    found = check(tmp_path / "s.csv", f"{HEAD}10,1\t2 3 4 5\n")
    assert [line for line, _ in found] == [2, 2]
    assert "has a tab" in found[0][1]
    assert "expected 5 ids, found 4" in found[1][1]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_truncated_last_line_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.csv"
    whole = f"{HEAD}{FIRST}12,1 2 3 4 5\n"
    found = check(path, whole[:-cut])
    assert any(line == 3 and "may be cut short" in text for line, text in found)
    if cut > 2:
        with pytest.raises(pt.SubmissionError, match=r"line 3: .*the file may be cut short"):
            pt.read_submission(path, 5)


def test_a_cr_at_the_end_of_the_file_is_no_line_end_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    ((line, message),) = check(path, f"{HEAD}{FIRST}12,5 4 3 2 1\r")
    assert line == 3
    assert message == "has no line feed at its end, only a CR; the file may be cut short"
    assert len(pt.read_submission(path, 5)) == 2
    windows, _ = check(path, f"{HEAD}{FIRST}".replace("\n", "\r\n") + "12,5 4 3 2 1\r")
    assert windows == (1, "ends with CR LF (of Windows); expected LF alone on every line")


@pytest.mark.parametrize("version", ["2017", None])
def test_a_file_without_a_row_is_no_submission(tmp_path: Path, version: str | None) -> None:
    path = tmp_path / "s.csv"
    reason = "expected a row, found the end of the file"
    for text, line in ((HEAD, 2), (HEAD[:-1], 2), (HEAD + "\n", 3)):
        assert (line, reason) in check(path, text, version=version)
        with pytest.raises(pt.SubmissionError, match=f"line {line}: {reason}"):
            pt.read_submission(path, version=version)
        with pytest.raises(pt.SubmissionError, match=f"line {line}: {reason}"):
            pt.score(path, {1: 2})
    path.unlink()
    with pytest.raises(pt.SubmissionError, match="expected a row for each image, found no image"):
        pt.write_submission(path, [], np.zeros((0, 5), np.int32))
    assert not path.exists()


def test_a_zip_is_named(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("submission.csv", HEAD + FIRST)
    ((line, message),) = check(tmp_path / "s.csv", packed.getvalue())
    assert line == 1
    assert "is a zip file" in message


def test_a_truth_that_is_packed_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(gzip.compress(b"id,expected\n1,2\n"))
    for official in (False, True):
        with pytest.raises(pt.SubmissionError, match="line 1: the file is a gzip file"):
            pt.score([[2]], path, k=1, ids=[1], official=official)


def test_missing_and_unknown_images_are_named(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    found = check(path, HEAD + FIRST + LAST, expected_ids=[12, 9, 7, 8])
    assert found == [
        (2, "id `10` is not among the 4 images that are asked for"),
        (None, "3 of the 4 images that are asked for have no row, the first is id 9"),
    ]
    with pytest.raises(pt.SubmissionError, match="line 2: id `10` is not among the 4"):
        pt.read_submission(path, expected_ids=[12, 9, 7, 8])
    with pytest.raises(pt.SubmissionError, match=r"1 of the 3 images .* the first is id 9"):
        pt.read_submission(path, expected_ids=np.array([12, 9, 10]))
    assert check(path, HEAD + FIRST + LAST, expected_ids=[12, 10]) == []
    assert pt.read_submission(path, expected_ids=[12, 10]).k == 5


def test_what_is_written_has_the_images_that_are_asked_for(tmp_path: Path) -> None:
    path, rows = tmp_path / "s.csv", [[1, 2], [3, 4]]
    with pytest.raises(pt.SubmissionError, match=r"row 1 \(id 8\): id `8` is not among the 2"):
        pt.write_submission(path, [7, 8], rows, expected_ids=[7, 9])
    with pytest.raises(pt.SubmissionError, match="1 of the 3 images"):
        pt.write_submission(path, [7, 8], rows, expected_ids=[7, 9, 8])
    assert not path.exists()
    pt.write_submission(path, [7, 8], rows, expected_ids=[8, 7])
    assert path.exists()


def test_the_forms_are_those_of_the_pages() -> None:
    assert {
        "2017": SubmissionFormat("id,predicted", 5, 5),
        "2018": SubmissionFormat("id,predicted", 3, 3),
        "2019": SubmissionFormat("id,predicted", 1, 1),
        "2021": SubmissionFormat("Id,Predicted", 5, 1),
    } == FORMATS


@pytest.mark.parametrize("version", ["2017", "2018", "2019", "2021"])
def test_every_release_is_written_read_checked_and_scored(tmp_path: Path, version: str) -> None:
    path, form = tmp_path / "s.csv", FORMATS[version]
    rows = np.arange(2 * form.k).reshape(2, form.k)
    pt.write_submission(path, [3, 4], rows, version=version)
    assert path.read_text().splitlines()[0] == form.header
    again = pt.read_submission(path, version=version)
    assert again.predicted.tolist() == rows.tolist()
    assert pt.check_submission(path, version=version).count == 0
    truth = {3: 0, 4: 0}
    assert pt.score(path, truth, version=version).k == form.k
    assert pt.score(path, truth, version=version, official=True).top_k_error == 0.5
    with pytest.raises(pt.SubmissionError, match=f"expected {form.k} labels in a row"):
        pt.write_submission(path, [3], [range(form.k + 1)], version=version)
    pt.write_submission(path, [3], [range(form.k + 1)], version=version, k=form.k + 1)
    for other in FORMATS:
        if FORMATS[other].header != form.header:
            with pytest.raises(pt.SubmissionError, match=f"the header of .*{version}"):
                pt.read_submission(path, version=other)


def test_a_release_without_a_form_is_a_value_error(tmp_path: Path) -> None:
    for call in (
        lambda: pt.write_submission(tmp_path / "s", [1], [[1]], version="2020"),
        lambda: pt.read_submission(tmp_path / "s", version="2020"),
        lambda: pt.check_submission(tmp_path / "s", version="2020"),
        lambda: pt.score(tmp_path / "s", {1: 1}, version="2020"),
    ):
        with pytest.raises(ValueError, match="no form of submissions is known for '2020'"):
            call()
    with pytest.raises(ValueError, match="limit of 0 or more"):
        pt.check_submission(tmp_path / "s", limit=-1)
    with pytest.raises(FileNotFoundError):
        pt.check_submission(tmp_path / "s")
    with pytest.raises(IsADirectoryError):
        pt.check_submission(tmp_path)


def test_all_faults_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(HEAD + "".join(f"{number},1 2 3 4\n" for number in range(1000)))
    found = pt.check_submission(path, limit=7)
    assert (found.rows, found.count) == (1000, 1000)
    assert [fault.line for fault in found.faults] == list(range(2, 9))
    assert pt.check_submission(path, limit=0).faults == []


READ_OVER = ("ends with CR LF", "has quotes", "has no line feed", "is empty, and")
PIECES = st.sampled_from(
    ["1", "2", "10", " ", "  ", ",", ";", "\t", "\r", "\n", '"', "-", ".", "x", "\0", "7,1 2\n"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30), st.booleans())
def test_a_check_finds_what_reading_stops_at(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], headed: bool
) -> None:
    path = tmp_path_factory.mktemp("check") / "s.csv"
    path.write_text((HEAD if headed else "") + "".join(pieces), newline="")
    found = pt.check_submission(path, k=2)
    stops = [
        fault for fault in found.faults if not any(each in fault.message for each in READ_OVER)
    ]
    if stops:
        line, message = stops[0]
        with pytest.raises(pt.SubmissionError, match=re.escape(f"line {line}: {message}")):
            pt.read_submission(path, 2)
        return
    again = pt.read_submission(path, 2)
    assert found.rows == len(again)
    if found.count == 0:
        text = path.read_text()
        assert text == HEAD + "".join(
            f"{image},{' '.join(map(str, row))}\n"
            for image, row in zip(again.ids.tolist(), again.predicted.tolist(), strict=True)
        )
