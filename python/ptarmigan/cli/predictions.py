"""Turns logits into a submission and a submission into a score: submit, score."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import add_command, print_json, put, say

if TYPE_CHECKING:
    import numpy as np

    from ptarmigan.annotations import Table

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands about predictions."""
    submit = add_command(commands, "submit", _submit, "write the best labels of logits as CSV")
    submit.add_argument(
        "logits", metavar="LOGITS", help=".npy of (images, categories), or .npz with `logits`"
    )
    ids = submit.add_mutually_exclusive_group()
    ids.add_argument("--ids", metavar="IDS.npy", help="the image id of every row")
    ids.add_argument("--root", metavar="ROOT", help="data set whose samples the rows are, in order")
    submit.add_argument(
        "--split", default="test", choices=("test", "val", "train"), help="of ROOT (test)"
    )
    submit.add_argument("-o", "--output", metavar="FILE", required=True, help="the CSV to write")
    submit.add_argument("-k", "--k", type=int, default=5, help="labels a row (5)")

    score = add_command(commands, "score", _score, "score a submission against the truth")
    score.add_argument("submission", metavar="SUBMISSION", help="CSV of id,predicted")
    score.add_argument("--truth", metavar="FILE", help="CSV of id,expected[,usage]")
    score.add_argument(
        "--root",
        metavar="ROOT",
        help="data set that has the labels (without --truth) and the super categories",
    )
    score.add_argument("--split", default="val", choices=("val", "train"), help="of ROOT (val)")
    score.add_argument("--official", action="store_true", help="as the competition's own program")
    score.add_argument("-k", "--k", type=int, default=5, help="labels a row that count (5)")


def _load(path: str, name: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz, or the one of a .npy under ``name``, not read before it is used."""
    import zipfile

    import numpy as np

    from ptarmigan.errors import SubmissionError

    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {name: loaded}
        with loaded:
            arrays = dict(loaded.items())
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SubmissionError(f"`{path}`: not an array that NumPy can load: {error}") from error
    if name not in arrays:
        found = ", ".join(f"`{key}`" for key in arrays) or "nothing"
        raise SubmissionError(f"`{path}`: expected an array named `{name}`, found {found}")
    return arrays


def _table(root: str, split: str) -> Table:
    from pathlib import Path

    from ptarmigan.annotations import Table
    from ptarmigan.release import find_annotations

    return Table(find_annotations(Path(root), split))


def _image_ids(arguments: argparse.Namespace, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if arguments.ids is not None:
        return _load(arguments.ids, "ids")["ids"]
    if arguments.root is not None:
        return _table(arguments.root, arguments.split).image_ids
    if "ids" in arrays:
        return arrays["ids"]
    raise ValueError("the rows need ids: give --ids or --root, or a .npz that has `ids`")


def _submit(arguments: argparse.Namespace) -> None:
    from ptarmigan import top_k, write_submission
    from ptarmigan.errors import SubmissionError

    arrays = _load(arguments.logits, "logits")
    logits = arrays["logits"]
    ids = _image_ids(arguments, arrays)
    if logits.ndim != 2 or ids.shape != logits.shape[:1]:
        raise SubmissionError(
            f"`{arguments.logits}`: expected ({len(ids)}, categories) logits, one row for each of "
            f"the {len(ids)} ids, found shape {logits.shape}"
        )
    predicted = top_k(logits, k=arguments.k)
    write_submission(arguments.output, ids, predicted)
    summary = {"submission": arguments.output, "rows": len(ids), "k": arguments.k}
    if arguments.json:
        print_json(summary)
    else:
        say(f"wrote {len(ids):,} rows of {arguments.k} labels to {arguments.output}")


def _score(arguments: argparse.Namespace) -> None:
    from ptarmigan import score

    truth: Any = arguments.truth
    options: dict[str, Any] = {}
    if arguments.root is not None:
        table = _table(arguments.root, arguments.split)
        ids, _, groups = table.categories
        options["supercategories"] = dict(zip(ids, groups, strict=True))
        truth = truth or (table.image_ids, table.category_ids)
    if truth is None:
        raise ValueError("the score needs the truth: give --truth or --root")
    found = score(
        arguments.submission, truth, k=arguments.k, official=arguments.official, **options
    )
    if arguments.json:
        print_json(found.to_dict())
    else:
        put(str(found))
