"""Turns logits into a submission and a submission into a score: submit, score."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.scoring import (
    add_form,
    categories_of,
    category_count,
    ids_of,
    labels_per_row,
    load_ids,
    refuse_dash,
    rows_of,
    table_of,
)
from ptarmigan.cli.terminal import add_command, print_json, progress_bar, put, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from ptarmigan.annotations import Table
    from ptarmigan.logits import LogitRows
    from ptarmigan.scores import Score

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands about predictions."""
    submit = add_command(
        commands, "submit", _submit, "write the best labels of logits as CSV, or check one",
        late="logits",
    )  # fmt: skip
    _add_logits(submit)
    submit.add_argument(
        "--root", metavar="ROOT",
        help="data set with the images: the rows are its samples in order, or have their --ids",
    )  # fmt: skip
    submit.add_argument(
        "--split", default="test", choices=("test", "val", "train"), help="of ROOT (test)"
    )
    file = submit.add_mutually_exclusive_group(required=True)
    file.add_argument("-o", "--output", metavar="FILE", help="the CSV to write")
    file.add_argument("--check", metavar="FILE", help="say everything that is wrong with a CSV")
    submit.add_argument("--limit", type=int, default=50, help="faults to show with --check (50)")
    add_form(submit)

    score = add_command(
        commands, "score", _score, "score a submission against the truth", late="submission"
    )
    score.add_argument("submission", metavar="SUBMISSION", nargs="?", help="CSV of id,predicted")
    _add_logits(score, positional=False)
    score.add_argument("--truth", metavar="FILE", help="CSV of id,expected[,usage]")
    score.add_argument(
        "--root",
        metavar="ROOT",
        help="data set that has the labels (without --truth) and the super categories",
    )
    score.add_argument("--split", default="val", choices=("val", "train"), help="of ROOT (val)")
    score.add_argument("--official", action="store_true", help="as the competition's own program")
    score.add_argument(
        "--bootstrap", type=int, default=0, metavar="N", help="draws for intervals (0: none)"
    )
    score.add_argument(
        "--confidence", type=float, default=0.95, help="part of the draws in an interval (0.95)"
    )
    score.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    add_form(score)


def _add_logits(command: argparse.ArgumentParser, *, positional: bool = True) -> None:
    text = ".npy of (images, categories), or .npz with `logits`"
    if positional:
        command.add_argument("logits", metavar="LOGITS", nargs="?", help=text)
    command.add_argument("--logits", metavar="FILE", dest="logits_file", help=text)
    command.add_argument(
        "--ids", metavar="FILE", help="the image id of every row: .npy, or a text, one a line"
    )
    command.add_argument(
        "--prior", metavar="PRIOR.npy",
        help="(images, categories) to multiply the probabilities with; NaN rows: no prior",
    )  # fmt: skip
    command.add_argument(
        "--probabilities", action="store_true", help="with --prior: the logits are probabilities"
    )


def _rank(rows: LogitRows, k: int) -> np.ndarray:
    from ptarmigan.logits import top_k

    with progress_bar("ranking", "rows") as progress:
        return top_k(rows, k, progress=progress)


def _warn_of_nan(rows: LogitRows, predicted: np.ndarray) -> None:
    """Says which rows are NaN throughout; they are ranked 0, 1, 2, ..., so only such are read."""
    import numpy as np

    from ptarmigan.logits import float_type, floats

    count, first = 0, 0
    in_order = (predicted == np.arange(predicted.shape[1])).all(axis=1)
    for row in np.flatnonzero(in_order).tolist():
        if np.isnan(floats(rows.read(row, row + 1), float_type(rows.dtype))).all():
            first = first if count else row
            count += 1
    if count:
        labels = " ".join(map(str, predicted[first]))
        say(
            f"warning: {count:,} of {len(rows):,} rows of logits are NaN throughout, the first is "
            f"row {first}; such a row has the labels `{labels}`, which mean nothing"
        )


def _submit(arguments: argparse.Namespace) -> int:
    refuse_dash(arguments, "logits", "logits_file", "ids", "prior", "output", "check")
    if arguments.logits is not None and arguments.logits_file is not None:
        raise ValueError("give the logits once, as LOGITS or as --logits")
    logits = arguments.logits or arguments.logits_file
    if arguments.check is not None:
        if logits is not None or arguments.prior is not None:
            raise ValueError("--check reads a submission; it takes no logits")
        return _check(arguments)
    if logits is None:
        raise ValueError("give the logits: LOGITS or --logits FILE")
    _write(arguments, logits)
    return 0


def _write(arguments: argparse.Namespace, path: str) -> None:
    from ptarmigan.predictions import write_submission

    k = labels_per_row(arguments)
    options: dict[str, Any] = {"k": k, "version": arguments.release}
    table = None
    if arguments.root is not None:
        table = table_of(arguments.root, arguments.split, arguments.release)
        options |= {"categories": category_count(table), "expected_ids": table.image_ids}
    ids = ids_of(arguments, path, table)
    with rows_of(arguments, path, len(ids), table) as rows:
        predicted = _rank(rows[-1], k)
        _warn_of_nan(rows[-1], predicted)
    write_submission(arguments.output, ids, predicted, **options)
    summary = {"submission": arguments.output, "rows": len(ids), "k": k}
    if arguments.json:
        print_json(summary)
    else:
        say(f"wrote {len(ids):,} rows of {k} labels to {arguments.output}")


def _check(arguments: argparse.Namespace) -> int:
    from ptarmigan.predictions import check_submission

    ids: Sequence[int] | np.ndarray | None = None
    categories = None
    if arguments.root is not None:
        table = table_of(arguments.root, arguments.split, arguments.release)
        ids, categories = table.image_ids, category_count(table)
    if arguments.ids is not None:
        ids = load_ids(arguments.ids)
    found = check_submission(
        arguments.check,
        version=arguments.release,
        k=labels_per_row(arguments),
        categories=categories,
        expected_ids=ids,
        limit=arguments.limit,
    )
    if arguments.json:
        faults = [fault._asdict() for fault in found.faults]
        print_json({"rows": found.rows, "count": found.count, "faults": faults})
        return int(found.count > 0)
    for line, message in found.faults:
        put(message if line is None else f"line {line}: {message}")
    if found.count > len(found.faults):
        say(f"... and {found.count - len(found.faults):,} more")
    plural = "" if found.count == 1 else "s"
    faults_text = f"{found.count:,} fault{plural}" if found.count else "nothing is wrong"
    say(f"{arguments.check}: {found.rows:,} rows, {faults_text}")
    if found.count == 0 and ids is None:
        say("the ids were not compared with any: give --root or --ids")
    return int(found.count > 0)


def _score(arguments: argparse.Namespace) -> None:
    refuse_dash(arguments, "submission", "logits_file", "ids", "prior", "truth")
    if (arguments.submission is None) == (arguments.logits_file is None):
        raise ValueError("give either a SUBMISSION or --logits FILE")
    if arguments.logits_file is None and (arguments.prior or arguments.ids):
        raise ValueError("--prior and --ids go with --logits; a submission has its ids")
    truth: Any = arguments.truth
    options: dict[str, Any] = {
        "official": arguments.official,
        "version": arguments.release,
        "bootstrap": arguments.bootstrap,
        "confidence": arguments.confidence,
        "seed": arguments.seed,
    }
    table = None
    if arguments.root is not None:
        table = table_of(arguments.root, arguments.split, arguments.release)
        options |= categories_of(table, arguments.release)
        truth = truth or (table.image_ids, table.category_ids)
    if truth is None:
        raise ValueError("the score needs the truth: give --truth or --root")
    scores = _scores(arguments, truth, table, options)
    if arguments.json:
        found = {name: score.to_dict() for name, score in scores.items()}
        print_json(found if len(found) > 1 else found["without_prior"])
        return
    for name, score in scores.items():
        if len(scores) > 1:
            put(name.replace("_", " ") + ":")
        put(str(score))


def _scores(
    arguments: argparse.Namespace, truth: Any, table: Table | None, options: dict[str, Any]
) -> dict[str, Score]:
    """The score ``without_prior``, and if there is a prior, ``with_prior``."""
    from ptarmigan.predictions import score

    k = labels_per_row(arguments)
    if arguments.submission is not None:
        return {"without_prior": score(arguments.submission, truth, k, **options)}
    path = arguments.logits_file
    ids = ids_of(arguments, path, table)
    with rows_of(arguments, path, len(ids), table) as rows:
        names = ("without_prior", "with_prior")
        return {
            name: score(_rank(each, k), truth, k, ids=ids, **options)
            for name, each in zip(names, rows, strict=False)
        }
