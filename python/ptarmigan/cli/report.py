"""Turns a submission and its truth into a page: report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import add_command, archive_progress, print_json, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    option("--logits", metavar="FILE", help=".npy or .npz, a row for each row of the submission")
    option("--photos", type=int, default=0, metavar="N", help="a photo of N worst classes (0)")
    option("--worst", type=int, default=20, metavar="N", help="worst classes to name (20)")
    option("-k", "--k", type=int, default=5, help="labels a row that count (5)")
    option("-o", "--output", metavar="FILE", default="report.html", help="page (report.html)")


def _data_set(root: str, split: str) -> tuple[Any, dict[str, Any]]:
    """The truth of a split, and what `write_report` is told of its categories."""
    import numpy as np

    from ptarmigan.annotations import Table
    from ptarmigan.release import find_annotations

    tables = {part: Table(find_annotations(Path(root), part)) for part in {split, "train"}}
    table = tables[split]
    ids, names, groups = table.categories
    labels, counts = np.unique(tables["train"].category_ids, return_counts=True)
    trained = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    return (table.image_ids, table.category_ids), {
        "classes": dict(zip(ids, names, strict=True)),
        "supercategories": dict(zip(ids, groups, strict=True)),
        "training_images": {label: trained.get(label, 0) for label in ids},
    }


def _report(arguments: argparse.Namespace) -> None:
    from ptarmigan.predictions import read_submission, score
    from ptarmigan.report import true_labels, write_report

    if arguments.photos < 0:
        raise ValueError(f"expected --photos of 0 or more, found {arguments.photos}")
    if arguments.photos and arguments.root is None:
        raise ValueError("the photos are in the data set: give --root with --photos")
    truth: Any = None
    categories: dict[str, Any] = {}
    if arguments.root is not None:
        truth, categories = _data_set(arguments.root, arguments.split)
    truth = arguments.truth or truth
    if truth is None:
        raise ValueError("the score needs the truth: give --truth or --root")
    submission = read_submission(arguments.submission, k=arguments.k)
    groups = categories.get("supercategories")
    found = score(submission, truth, k=arguments.k, supercategories=groups)
    calibration, photos = None, []
    if arguments.logits or arguments.photos:
        labels = true_labels(submission, truth)
        if arguments.logits:
            calibration = _calibration(arguments.logits, submission, labels)
        if arguments.photos:
            photos = _photos(arguments, found, submission, labels)
    write_report(
        arguments.output,
        found,
        title=Path(arguments.submission).name,
        data=_data(arguments),
        **categories,
        calibration=calibration,
        photos=photos,
        worst=arguments.worst,
        sources=_sources(arguments),
    )
    if arguments.json:
        size = Path(arguments.output).stat().st_size
        print_json({"report": arguments.output, "bytes": size, "top_k_error": found.top_k_error})
    else:
        say(f"wrote {arguments.output}: top-{found.k} error {found.top_k_error:.2%}")


def _calibration(path: str, submission: Submission, labels: NDArray[np.int64]) -> Calibration:
    from ptarmigan.cli.predictions import _load
    from ptarmigan.errors import SubmissionError
    from ptarmigan.report import calibrate

    try:
        return calibrate(_load(path, "logits")["logits"], submission.predicted, labels)
    except (SubmissionError, TypeError) as error:
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
        split=arguments.split,
        missing="skip",
        progress=archive_progress(f"indexing {arguments.root}"),
    )
    worst = [int(label) for label in worst_classes(found, arguments.photos)]
    return wrong_photos(dataset, submission, labels, worst, k=arguments.k)


def _data(arguments: argparse.Namespace) -> str | None:
    return None if arguments.root is None else f"iNaturalist 2017, split {arguments.split}"


def _sources(arguments: argparse.Namespace) -> dict[str, str]:
    """The names of the files, without their folders, which are nobody else's business."""
    files = {
        "Submission": arguments.submission,
        "Truth": arguments.truth,
        "Logits": arguments.logits,
    }
    return {name: Path(path).name for name, path in files.items() if path is not None}
