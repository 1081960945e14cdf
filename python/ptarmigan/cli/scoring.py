"""Turns what submit, score and report have in common into tables, groups, ids and logits."""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ptarmigan.annotations import Table
    from ptarmigan.logits import LogitRows

__all__ = [
    "add_form",
    "categories_of",
    "category_count",
    "given_ids",
    "ids_of",
    "labels_per_row",
    "load_ids",
    "refuse_dash",
    "rows_of",
    "table_of",
]

RELEASES = ("2017", "2018", "2019", "2021")
# The longest number that surely fits 64 bits.
DIGITS = 18


def add_form(command: argparse.ArgumentParser) -> None:
    """Adds what says which release's form a CSV has."""
    command.add_argument(
        "--release", default="2017", choices=RELEASES,
        help="whose header and labels a row the CSV has (2017)",
    )  # fmt: skip
    command.add_argument("-k", "--k", type=int, help="labels a row (5; 2018: 3; 2019: 1)")


def labels_per_row(arguments: argparse.Namespace) -> int:
    """How many labels a row of the submission has."""
    from ptarmigan.predictions import FORMATS

    return FORMATS[arguments.release].k if arguments.k is None else int(arguments.k)


def refuse_dash(arguments: argparse.Namespace, *names: str) -> None:
    """Refuses ``-`` for a file: every one is read or written as a whole, by its name.

    Raises:
        ValueError: If one is; says how a file of this name is written.
    """
    if any(getattr(arguments, name, None) == "-" for name in names):
        raise ValueError(
            "`-` is no file: standard input and output are not supported here; give a name "
            "(`./-` for a file that is called so)"
        )


def load_ids(path: str) -> np.ndarray:
    """(N,) int64: the ids in a .npy, under ``ids`` in a .npz, or in a text, one a line.

    Raises:
        SubmissionError: If there are none, or they are no whole numbers.
        OSError: If the file cannot be read.
    """
    import numpy as np

    from ptarmigan.errors import SubmissionError
    from ptarmigan.truth import integers

    with open(path, "rb") as file:
        head = file.read(6)
    if head.startswith((b"\x93NUMPY", b"PK")):
        ids = _array_of_ids(path)
    else:
        ids = np.array(_lines_of_ids(path), np.int64)
    try:
        return integers("ids", ids, 1)
    except (TypeError, ValueError) as error:
        raise SubmissionError(f"`{path}`: {error}") from error


def _array_of_ids(path: str) -> np.ndarray:
    import zipfile

    import numpy as np

    from ptarmigan.errors import SubmissionError

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            if "ids" in loaded:
                array: np.ndarray = loaded["ids"]
                return array
            found = ", ".join(f"`{key}`" for key in loaded) or "nothing"
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SubmissionError(f"`{path}`: not an array that NumPy can load: {error}") from error
    raise SubmissionError(f"`{path}`: expected an array named `ids`, found {found}")


def _lines_of_ids(path: str) -> list[int]:
    from ptarmigan.errors import SubmissionError

    ids = []
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            # As `numpy.savetxt` writes and `numpy.loadtxt` reads them, with comments.
            text = line.partition("#")[0].strip()
            if text.isascii() and text.isdigit() and len(text) <= DIGITS:
                ids.append(int(text))
            elif text:
                raise SubmissionError(
                    f"`{path}`: line {number}: expected one id, a whole number, found "
                    f"`{text[:60]}`; give a .npy, or a text with one id a line "
                    "(`numpy.savetxt(path, ids, fmt='%d')`)"
                )
    return ids


def ids_of(arguments: argparse.Namespace, path: str, table: Table | None) -> np.ndarray:
    """The id of each row of logits: that of --ids, beside them in a .npz, or in the table's order.

    Raises:
        ValueError: If there is none of these.
        SubmissionError: If a file of ids is wrong.
    """
    ids = given_ids(arguments, path)
    if ids is not None:
        return ids
    if table is None:
        raise ValueError("the rows need ids: give --ids or --root, or a .npz that has `ids`")
    return table.image_ids


def given_ids(arguments: argparse.Namespace, path: str) -> np.ndarray | None:
    """The ids of --ids, else those beside the logits in a .npz, else None."""
    import zipfile

    if arguments.ids is not None:
        return load_ids(arguments.ids)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "ids.npy" in archive.namelist():
                return load_ids(path)
    return None


def table_of(root: str, split: str, release: str) -> Table:
    """The annotations of a split of the data set in a folder."""
    from pathlib import Path

    from ptarmigan.annotations import Table
    from ptarmigan.release import find_annotations, find_categories

    folder = Path(root)
    files = find_annotations(folder, split, release)
    return Table(files, find_categories(folder, release))


def category_count(table: Table) -> int | None:
    """How many categories there are; None where the annotations do not list them."""
    return max(table.categories[0], default=-1) + 1 or None


def categories_of(table: Table, release: str) -> dict[str, Any]:
    """How many categories there are and the groups of each, as `ptarmigan.score` takes them."""
    from ptarmigan.release import release_of
    from ptarmigan.taxonomy import Taxonomy

    taxonomy = Taxonomy(table, release_of(release))
    known = {"supercategories": taxonomy.above} if all(taxonomy.above) else {}
    ranks = {rank: taxonomy.taxa(rank) for rank in taxonomy.target_types[2:]}
    return {**known, "ranks": ranks, "categories": category_count(table)}


@contextmanager
def rows_of(
    arguments: argparse.Namespace, path: str, count: int, table: Table | None
) -> Iterator[list[LogitRows]]:
    """The logits, and if there is a prior, the logits with it.

    Args:
        arguments: Of the command.
        path: The file of the logits.
        count: How many rows there must be.
        table: The data set whose categories the columns must be, if it is known.

    Raises:
        SubmissionError: If the logits have other rows or columns.
    """
    from ptarmigan.errors import SubmissionError
    from ptarmigan.logits import LogitsFile
    from ptarmigan.prior import apply_prior

    with LogitsFile(path) as logits:
        if len(logits) != count:
            raise SubmissionError(
                f"`{path}`: expected ({count}, categories) logits, one row for each of the "
                f"{count} ids, found shape {logits.shape}"
            )
        categories = None if table is None else category_count(table)
        if categories not in (None, logits.shape[1]):
            _refuse_width(path, logits.shape, categories)
        if arguments.prior is None:
            yield [logits]
            return
        with LogitsFile(arguments.prior, "prior") as prior:
            if prior.shape != logits.shape:
                raise SubmissionError(
                    f"`{arguments.prior}`: expected a prior of shape {logits.shape}, as that of "
                    f"the logits, found {prior.shape}"
                )
            kind = not arguments.probabilities
            yield [logits, apply_prior(logits, prior, logits=kind)]


def _refuse_width(path: str, shape: tuple[int, int], categories: int) -> NoReturn:
    from ptarmigan.errors import SubmissionError

    if shape[1] > categories:
        cause = "a column more is mostly a class for the background: leave it out"
    else:
        cause = (
            "with fewer, classes were mostly numbered anew (those of a subset, or compact labels):"
            " put each column at the place of its category_id"
        )
    raise SubmissionError(
        f"`{path}`: expected ({shape[0]}, {categories}) logits, a column for each category_id of "
        f"the data set, found shape {shape}; {cause}"
    )
