"""Turns a submission and its truth into a page: report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.scoring import (
    add_form,
    categories_of,
    given_ids,
    labels_per_row,
    refuse_dash,
    rows_of,
    table_of,
)
from ptarmigan.cli.terminal import add_command, archive_progress, print_json, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ptarmigan.annotations import Table
    from ptarmigan.predictions import Score, Submission
    from ptarmigan.report import Calibration, WrongPhoto

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the command that writes a page."""
    report = add_command(
        commands, "report", _report, "write a page about the score of a submission"
    )
    option = report.add_argument
    option("submission", metavar="SUBMISSION", help="CSV of id,predicted")
    option("--truth", metavar="FILE", help="CSV of id,expected[,usage]")
    option(
        "--root",
        metavar="ROOT",
        help="data set that has the labels (without --truth), names, super categories, and the "
        "training images of each class",
    )
    option("--split", default="val", choices=("val", "train"), help="of ROOT (val)")
    option(
        "--logits", metavar="FILE", dest="logits_file",
        help="for the calibration: .npy or .npz, a row for each row of SUBMISSION",
    )  # fmt: skip
    option("--ids", metavar="FILE", help="the image id of every row of the logits")
    option("--prior", metavar="PRIOR.npy", help="what the logits were multiplied with")
    option("--probabilities", action="store_true", help="the file of --logits holds probabilities")
    option("--photos", type=int, default=0, metavar="N", help="a photo of N worst classes (0)")
    option("--worst", type=int, default=20, metavar="N", help="worst classes to name (20)")
    option("--bootstrap", type=int, default=1000, metavar="N", help="draws for intervals (1000)")
    option("--confidence", type=float, default=0.95, help="part of the draws in one (0.95)")
    option("--seed", type=int, default=0, help="of the draws (0)")
    option("-o", "--output", metavar="FILE", default="report.html", help="page (report.html)")
    add_form(report)


def _about(arguments: argparse.Namespace, table: Table, groups: dict[str, Any]) -> dict[str, Any]:
    """What `write_report` is told of the categories of a split."""
    ids, names, _ = table.categories
    trained = _training_images(arguments)
    return {
        "classes": dict(zip(ids, names, strict=True)),
        "supercategories": groups.get("supercategories"),
        "training_images": trained and {label: trained.get(label, 0) for label in ids},
        "data": f"iNaturalist {arguments.release}, split {arguments.split}",
    }


def _training_images(arguments: argparse.Namespace) -> dict[int, int] | None:
    """How many training images each category has; None without the training annotations."""
    import numpy as np

    try:
        table = table_of(arguments.root, "train", arguments.release)
    except FileNotFoundError:
        return None
    labels, counts = np.unique(table.category_ids, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def _report(arguments: argparse.Namespace) -> None:
    from ptarmigan.predictions import read_submission, score
    from ptarmigan.report import true_labels, write_report

    _check(arguments)
    truth: Any = arguments.truth
    table = None
    groups: dict[str, Any] = {}
    about: dict[str, Any] = {}
    if arguments.root is not None:
        table = table_of(arguments.root, arguments.split, arguments.release)
        groups = categories_of(table, arguments.release)
        about = _about(arguments, table, groups)
        truth = truth or (table.image_ids, table.category_ids)
    k = labels_per_row(arguments)
    submission = read_submission(arguments.submission, k=k, version=arguments.release)
    found = score(
        submission,
        truth,
        k,
        **groups,
        version=arguments.release,
        bootstrap=arguments.bootstrap,
        confidence=arguments.confidence,
        seed=arguments.seed,
    )
    if arguments.logits_file is not None:
        about["calibration"] = _calibration(arguments, submission, truth, table)
    if arguments.photos:
        about["photos"] = _photos(arguments, found, submission, true_labels(submission, truth))
    write_report(
        arguments.output,
        found,
        title=Path(arguments.submission).name,
        worst=arguments.worst,
        sources=_sources(arguments),
        **about,
    )
    if arguments.json:
        size = Path(arguments.output).stat().st_size
        errors = ("scored_labels", "scored_error", "top_1_error", "top_k_error")
        figures = {name: getattr(found, name) for name in errors}
        print_json({"report": arguments.output, "bytes": size, **figures})
    else:
        error = f"top-{found.scored_labels} error {found.scored_error:.2%}"
        say(f"wrote {arguments.output}: {error}")


def _check(arguments: argparse.Namespace) -> None:
    refuse_dash(arguments, "submission", "truth", "logits_file", "ids", "prior", "output")
    if arguments.truth is None and arguments.root is None:
        raise ValueError("the score needs the truth: give --truth or --root")
    if arguments.photos < 0:
        raise ValueError(f"expected --photos of 0 or more, found {arguments.photos}")
    if arguments.photos and arguments.root is None:
        raise ValueError("the photos are in the data set: give --root with --photos")
    with_logits = arguments.prior or arguments.ids or arguments.probabilities
    if arguments.logits_file is None and with_logits:
        raise ValueError("--prior, --ids and --probabilities go with --logits")


def _calibration(
    arguments: argparse.Namespace, submission: Submission, truth: Any, table: Table | None
) -> Calibration:
    from ptarmigan.errors import SubmissionError
    from ptarmigan.report import calibrate, in_order, true_labels

    path = arguments.logits_file
    ids = given_ids(arguments, path)
    if ids is not None:
        submission = in_order(submission, ids)
    labels = true_labels(submission, truth)
    with rows_of(arguments, path, len(submission), table) as rows:
        try:
            kind = not arguments.probabilities
            return calibrate(rows[-1], submission.predicted, labels, logits=kind)
        except SubmissionError as error:
            raise SubmissionError(f"`{path}`: {error}") from error


def _photos(
    arguments: argparse.Namespace,
    found: Score,
    submission: Submission,
    labels: NDArray[np.int64],
) -> list[WrongPhoto]:
    from ptarmigan.inaturalist import INaturalist
    from ptarmigan.report import worst_classes, wrong_photos

    dataset = INaturalist(
        arguments.root,
        arguments.release,
        arguments.split,
        missing="skip",
        progress=archive_progress(f"indexing {arguments.root}"),
    )
    worst = [int(label) for label in worst_classes(found, arguments.photos)]
    return wrong_photos(dataset, submission, labels, worst, k=found.k)


def _sources(arguments: argparse.Namespace) -> dict[str, str]:
    """The names of the files, without their folders, which are nobody else's business."""
    files = {
        "Submission": arguments.submission,
        "Truth": arguments.truth,
        "Logits": arguments.logits_file,
        "Prior": arguments.prior,
    }
    return {name: Path(path).name for name, path in files.items() if path is not None}
