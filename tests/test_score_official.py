"""`score(official=True)` against the rules of the competition's own script.

The oracle reads both files with Python's own `csv.DictReader` and compares with NumPy, as
`eval/top_k_accuracy.py` of visipedia/inat_comp does; where it fails, with whatever exception, ours
raises a `SubmissionError`.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptarmigan as pt

HEAD = "id,predicted\n"
TRUTH = "id,expected,usage\na,1,Public\nb,2,Private\n"


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def submitted(path: Path, k: int) -> tuple[list[str], np.ndarray]:
    ids, rows = [], []
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            image, labels = row["id"], row["predicted"].strip().split(" ")
            if len(labels) < k:
                raise ValueError(f"{image} has {len(labels)} labels")
            ids.append(image)
            rows.append(labels[:k])
    return ids, np.array(rows, dtype=object)


def solved(path: Path) -> dict[str, dict[str, str]]:
    parts: dict[str, dict[str, str]] = {"Public": {}, "Private": {}}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            image, label = row["id"], row["expected"]
            parts[row["usage"]][image] = label
    return parts


def official_errors(submission: Path, solution: Path, k: int) -> tuple[float, float]:
    """1 minus the public and the private accuracy."""
    ids, rows = submitted(submission, k)
    parts = solved(solution)
    if {*parts["Public"], *parts["Private"]}.difference(ids):
        raise ValueError("images without a row")
    places: dict[str, list[int]] = {"Public": [], "Private": []}
    for place, image in enumerate(ids):
        if image in parts["Public"]:
            places["Public"].append(place)
        elif image in parts["Private"]:
            places["Private"].append(place)
    errors = []
    for name, chosen in places.items():
        right = [parts[name][ids[place]] in rows[place] for place in chosen]
        errors.append(1 - (sum(right) / len(right) if right else 0.0))
    return errors[0], errors[1]


def same_as_the_script(folder: Path, submission: str | bytes, solution: str | bytes, k: int) -> str:
    """Compares both; returns why ours refuses, or an empty text."""
    files = write(folder / "given.csv", submission), write(folder / "truth.csv", solution)
    try:
        expected = official_errors(*files, k)
    except (ValueError, KeyError, AttributeError, csv.Error):
        with pytest.raises(pt.SubmissionError) as caught:
            pt.score(*files, k, official=True)
        return str(caught.value)
    score = pt.score(*files, k, official=True)
    assert (score.public_error, score.private_error) == pytest.approx(expected)
    assert score.official
    return ""


# What is read, and how it is written, where our reading was once another.
SCORED = {
    "a repeated column: the last counts": "id,predicted,predicted\na,1,2\nb,1,2\n",
    "a repeated id: the last counts": "id,predicted,id\nb,1,a\na,2,b\n",
    "quotes inside of a field": 'id,predicted\na,7" 1\nb,2 "x\n',
    "text behind a quoted field": 'id,predicted\na,"1" 2\nb,"2"x 2\n',
    "quoted line breaks": 'id,predicted\na,"\n1 2\n"\r\nb,"1 2"\n',
    "a quoted line break in a label": 'id,predicted\na,"3\n1 2"\nb,1 2\n',
    "doubled quotes": 'id,predicted\na,"1 """\n"b","2 """""\n',
    "a quote that stays open": 'id,predicted\nb,2 1\na,"1 2\n\n',
    "quoted commas": 'id,"x,y",predicted\na,"1,2",1 2\nb,",",1 2\n',
    "CR alone": "id,predicted\ra,1 3\r\rb,1 2\r",
    "all ends of lines": "id,predicted\r\na,1 3\n\r\n\rb,1 2",
    "a last row without id": "predicted,id\n1 2,a\n1 2,b\n1 2\n",
    "an unknown row without id in between": "predicted,id\n1 2,a\n1 2\n1 2,b\n",
    "a long row": f"id,predicted\na,1 {'2 ' * 60_000}\nb,2 2\n",
    "many fields": f"id,predicted\na,1 2{',x' * 200_000}\nb,2 2\n",
    "the longest field": f"id,predicted,x\na,1 2,{'é' * 131_072}\nb,2 2\n",
    "the longest field of empty labels": f"id,predicted\na,1{' ' * 131_070}x\nb,2 2\n",
    "a NUL byte": "id,predicted\na,1 2\0\nb,2 2\nc\0,2 2\n",
    "white space of all kinds": "id,predicted\na,\x1c\u3000\x85 1 2\xa0\u2028\nb,\x0b2 1\x1f\n",
    "other white space is a label": "id,predicted\na,\u200b1 2\nb,2\t 1\n",
    "a mark before a column that is not read": "\ufeffx,id,predicted\n,a,1 2\n,b,1 2\n",
    "a mark before quotes": '\ufeff"x",id,predicted\nx,a,1 2\n,b,1 2\n',
    "the first bytes of a zip": "PK\x03\x04,id,predicted\n,a,1 2\n,b,1 2\n",
}
REFUSED = {
    "byte order mark": ("\ufeffid,predicted\na,1 2\nb,1 2\n", "byte order mark"),
    "a mark before quotes": ('\ufeff"x,id",predicted\nx,a,1 2\n', "byte order mark"),
    "blank first line": ("\nid,predicted\na,1 2\nb,1 2\n", "line 1: .*`id`.* is empty"),
    "no such column": (
        "id,label\na,1 2\nb,1 2\n",
        "line 1: expected a column `predicted`, found `id,label`",
    ),
    "a row without labels": (
        "id,predicted\na,1 2\n\nb\n",
        "line 4: .*found 1: `predicted` is missing",
    ),
    "the last of two columns is absent": (
        "id,predicted,predicted\na,1 2\nb,1 2\n",
        "line 2: expected 3 fields, found 2",
    ),
    "a row of empty quotes": (
        'id,predicted\na,1 2\n""\nb,1 2\n',
        "line 3: expected 2 fields, found 1",
    ),
    "few labels": (
        'id,predicted\na,"\n1"\nb,1 2\n',
        "line 2: image `a` has 1 labels, expected k = 2",
    ),
    "few labels and no id": ("predicted,id\n1\n", "line 2: image `` has 1 labels, expected k = 2"),
    "a field too long": (
        f"id,predicted,x\na,1 2,\nb,1 2,{'x' * 131_073}\n",
        "line 3: .*131072 characters",
    ),
    "a field too long in the header": (
        f"id,predicted,{'é' * 131_073}\na,1 2\nb,1 2\n",
        "line 1: .*131072 characters",
    ),
    "a quote that takes all": (
        'id,predicted\na,"1 2\n' + "b,1 2\n" * 40_000,
        "line 2: .*131072 characters.*quote",
    ),
    "no UTF-8": (b"id,predicted\na,1 2\nb,1 2 \xff\n", "line 3: .*0xff"),
    "half a letter at the end": (b"id,predicted\na,1 2\nb,1 2 \xc3", "line 3: .*0xc3"),
    "half a letter, a quote, half a letter": (
        b'id,predicted\na,1 2\nb,"\xc3"\xa9',
        "line 3: .*0xc3",
    ),
    "gzip": (b"\x1f\x8b\x08\0\0\n", "line 1: the file is a gzip file"),
    "a missing image": ("id,predicted\na,1 2\n", "1 of the 2 images"),
    "no row": ("id,predicted\n", "2 of the 2 images"),
    "no byte": ("", "2 of the 2 images"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCORED)
def test_what_the_script_reads_is_read(tmp_path: Path, name: str) -> None:
    for k in (1, 2):
        assert same_as_the_script(tmp_path, SCORED[name], TRUTH, k) == "" or k == 2


@pytest.mark.parametrize("name", REFUSED)
def test_where_the_script_fails_the_reason_is_told(tmp_path: Path, name: str) -> None:
    submission, reason = REFUSED[name]
    message = same_as_the_script(tmp_path, submission, TRUTH, 2)
    assert str(tmp_path / "given.csv") in message
    assert re.search(reason, message, re.DOTALL), message


SOLUTIONS = {
    "no byte": ("", ""),
    "no row": ("x\n", ""),
    "an image in both parts": (
        "id,expected,usage\na,1,Private\na,2,Public\na,3,Private\nb,2,Public\n",
        "",
    ),
    "a repeated column": (
        "id,expected,usage,usage,expected\na,9,x,Public,1\nb,9,x,Private,2\n",
        "",
    ),
    "a row without label": ("id,usage,expected\na,Public\nb,Private,2\n", ""),
    "a NUL behind a label": ("id,expected,usage\na,1\0\0,Public\nb,2,Private\n", ""),
    "a row without usage": ("id,expected,usage\na,1\nb,2,Private\n", "line 2: .*found 2"),
    "another usage": ("id,expected,usage\na,1,public\n", "line 2: expected usage `Public`"),
    "a byte order mark": ("\ufeffid,expected,usage\na,1,Public\n", "byte order mark"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_is_read_as_the_script_reads_it(tmp_path: Path, name: str) -> None:
    solution, reason = SOLUTIONS[name]
    submission = "id,predicted\na,1 2\nb,2 1\n"
    if "usage" not in solution:
        # A truth without parts is ours alone; the script's two accuracies are 0.
        files = write(tmp_path / "s.csv", submission), write(tmp_path / "t.csv", solution)
        assert official_errors(*files, 2) == (1.0, 1.0)
        assert pt.score(*files, 2, official=True).top_k_error == 1.0
        return
    message = same_as_the_script(tmp_path, submission, solution, 2)
    assert bool(message) == bool(reason)
    assert re.search(reason, message, re.DOTALL), message


def test_an_image_without_id_is_one_of_the_solution(tmp_path: Path) -> None:
    solution = "expected,usage,id\n1,Public\n2,Private,a\n3,Public,\n"
    for rows in ("1 2\n1 2,a\n3 1,\n", "1 2\n1 2,a\n", "1 2,a\n3 1,\n", "4 2\n1 2,a\n3 1,\n1 2\n"):
        same_as_the_script(tmp_path, "predicted,id\n" + rows, solution, 2)


def test_a_label_that_is_absent_and_an_empty_one_are_a_class(tmp_path: Path) -> None:
    solution = "id,usage,expected\na,Public\nb,Private,\n"
    submission = "id,predicted\na,\nb,\n"
    assert same_as_the_script(tmp_path, submission, solution, 1) == ""
    score = pt.score(tmp_path / "given.csv", tmp_path / "truth.csv", 1, official=True)
    assert (score.public_error, score.private_error) == (1.0, 0.0)
    assert {label: part.n for label, part in score.by_class.items()} == {"": 2}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9), st.sampled_from(["\r\n", "é", "\r", "😀", '""', "\n", ","]))
def test_nothing_is_lost_between_the_pieces_that_are_read(
    tmp_path_factory: pytest.TempPathFactory, shift: int, piece: str
) -> None:
    # Pieces of 128 KiB: what stands there is split at every byte.
    folder = tmp_path_factory.mktemp("official")
    rows = [f"{'x' * 50_000},{place}\n" for place in range(2)]
    start = "predicted,id\n1,a\n2,b\n" + "".join(rows)
    for quote in ("", '"'):
        filled = start + quote + "y" * (131_072 - len(start) - len(quote) - shift)
        same_as_the_script(folder, f"{filled}{piece * 4}{quote},c\n1,a\n", TRUTH, 1)


def test_white_space_is_that_of_python(tmp_path: Path) -> None:
    letters = [chr(c) for c in range(0x3100) if chr(c) not in '\n\r,"']
    rows = "".join(f"{ord(c)},{c}7\n" for c in letters)
    solution = "".join(f"{ord(c)},7,{'Public' if c.isspace() else 'Private'}\n" for c in letters)
    message = same_as_the_script(tmp_path, HEAD + rows, "id,expected,usage\n" + solution, 1)
    assert message == ""
    score = pt.score(tmp_path / "given.csv", tmp_path / "truth.csv", 1, official=True)
    assert (score.public_error, score.private_error) == (0.0, 1.0)


NAMES = ["id", "predicted", "expected", "usage", "x", "", "\ufeffid", '"id"', "Public"]
PIECES = st.sampled_from(
    [*"ab12", "1 2", " ", "  ", ",", ",", "\n", "\n", "\r", "\r\n", '"', '"', '""', "\0", "é",
     "\x85", "a,1 2\n", "b,2 1\n", ",Public\n", ",Private\n", "a,1,Public\n", "b,2,Private\n"]
)  # fmt: skip


def csv_texts(*columns: str) -> st.SearchStrategy[str]:
    """A file with these columns, in order or not, and with rows of pieces."""
    named = st.one_of(
        st.just(list(columns)),
        st.permutations(columns),
        st.lists(st.sampled_from([*columns, *NAMES]), max_size=5),
    )
    return st.builds(
        lambda names, end, pieces: ",".join(names) + end + "".join(pieces),
        named,
        st.sampled_from(["\n", "\n", "\r\n", "\r", ""]),
        st.lists(PIECES, max_size=16),
    )


@settings(max_examples=1500, deadline=None)
@given(csv_texts("id", "predicted"), csv_texts("id", "expected", "usage"), st.integers(1, 3))
def test_files_of_any_kind_are_scored_as_by_the_script(
    tmp_path_factory: pytest.TempPathFactory, submission: str, solution: str, k: int
) -> None:
    folder = tmp_path_factory.mktemp("official")
    has_usage = "usage" in next(csv.reader(io.StringIO(solution, newline=None)), [])
    for truth in (TRUTH, solution if has_usage else TRUTH):
        same_as_the_script(folder, submission, truth, k)


TOKENS = st.sampled_from(["1", "2", "3", "01", "", "x"])
IDS = st.sampled_from(["0", "1", "2", "a"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(IDS, st.lists(TOKENS, min_size=1, max_size=4)), max_size=6),
    st.lists(st.tuples(IDS, TOKENS, st.sampled_from(["Public", "Private"])), max_size=4),
    st.integers(1, 3),
)
def test_the_official_count_follows_the_scripts_rules(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, list[str]]],
    true: list[tuple[str, str, str]],
    k: int,
) -> None:
    submission = HEAD + "".join(f"{i},{' '.join(row)}\n" for i, row in rows)
    solution = "id,expected,usage\n" + "".join(f"{i},{label},{u}\n" for i, label, u in true)
    same_as_the_script(tmp_path_factory.mktemp("official"), submission, solution, k)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("right", "error"), [(10, 0.0), (5, 0.5), (0, 1.0)])
def test_all_half_and_no_rows_right(tmp_path: Path, k: int, right: int, error: float) -> None:
    rows, solution = ["id,predicted"], ["id,expected,usage"]
    for image in range(20):
        labels = [str(100 + place) for place in range(k)]
        if image % 10 < right:
            labels[image % k] = "7"
        rows.append(f"{image},{' '.join(labels)}")
        solution.append(f"{image},7,{'Public' if image < 10 else 'Private'}")
    given_path = write(tmp_path / "given.csv", "\n".join(rows) + "\n")
    truth_path = write(tmp_path / "truth.csv", "\n".join(solution) + "\n")
    for official in (False, True):
        score = pt.score(given_path, truth_path, k, official)
        assert (score.public_error, score.private_error, score.top_k_error) == (error,) * 3
        assert list(score.by_class) == [7]


def test_the_official_count_takes_arrays_with_all_their_faults() -> None:
    predicted, ids = [[1, 1], [1, 2], [1, 2]], [5, 5, 6]
    score = pt.score(predicted, {5: 2}, k=2, official=True, ids=ids)
    assert (score.n, score.top_k_error) == (2, 0.5)
    assert score.public_error is None
    with pytest.raises(pt.SubmissionError, match="rows of 2"):
        pt.score(predicted, {5: 2}, k=3, official=True, ids=ids)
