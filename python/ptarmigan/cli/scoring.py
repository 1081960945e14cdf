"""Turns what submit, score and report have in common into tables, groups, ids and logits."""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ptarmigan.annotations import Table
    from ptarmigan.logits import LogitRows

__all__ = ["add_form", "groups_of", "ids_in", "labels_per_row", "load", "rows_of", "table_of"]

RELEASES = ("2017", "2018", "2019", "2021")


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


def load(path: str, name: str) -> np.ndarray:
    """The array of a .npy, or the one in a .npz under ``name``.

    Raises:
        SubmissionError: If there is none.
    """
    import zipfile

    import numpy as np

    from ptarmigan.errors import SubmissionError

    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            if name in loaded:
                array: np.ndarray = loaded[name]
                return array
            found = ", ".join(f"`{key}`" for key in loaded) or "nothing"
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SubmissionError(f"`{path}`: not an array that NumPy can load: {error}") from error
    raise SubmissionError(f"`{path}`: expected an array named `{name}`, found {found}")


def ids_in(path: str) -> np.ndarray:
    """The ids beside the logits in a .npz."""
    import zipfile

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "ids.npy" in archive.namelist():
                return load(path, "ids")
    raise ValueError("the rows need ids: give --ids or --root, or a .npz that has `ids`")


def table_of(root: str, split: str, release: str) -> Table:
    """The annotations of a split of the data set in a folder."""
    from pathlib import Path

    from ptarmigan.annotations import Table
    from ptarmigan.release import find_annotations, find_categories

    folder = Path(root)
    files = find_annotations(folder, split, release)
    return Table(files, find_categories(folder, release))


def groups_of(table: Table, release: str) -> dict[str, Any]:
    """The super category and the taxa of every category, as `ptarmigan.score` takes them."""
    from ptarmigan.release import release_of
    from ptarmigan.taxonomy import Taxonomy

    taxonomy = Taxonomy(table, release_of(release))
    known = {"supercategories": taxonomy.above} if all(taxonomy.above) else {}
    return {**known, "ranks": {rank: taxonomy.taxa(rank) for rank in taxonomy.target_types[2:]}}


@contextmanager
def rows_of(arguments: argparse.Namespace, path: str) -> Iterator[list[LogitRows]]:
    """The logits, and if there is a prior, the logits with it."""
    from ptarmigan.logits import LogitsFile
    from ptarmigan.prior import apply_prior

    with LogitsFile(path) as logits:
        if arguments.prior is None:
            yield [logits]
            return
        with LogitsFile(arguments.prior, "prior") as prior:
            kind = not arguments.probabilities
            yield [logits, apply_prior(logits, prior, logits=kind)]
