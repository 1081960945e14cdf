"""Turns detected boxes into a score: boxes score."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from ptarmigan.cli.terminal import add_command, print_json, put, say

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Adds the commands about boxes."""
    text = "score detected boxes"
    family = commands.add_parser(
        "boxes", help=text, description=text.capitalize() + ".", allow_abbrev=False
    )
    actions = family.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    score = add_command(
        actions, "score", _score, "average precision and recall of detections, as COCO counts them"
    )
    score.add_argument(
        "detections", metavar="DETECTIONS", help="COCO results: JSON, or a zip with one"
    )
    truth = score.add_mutually_exclusive_group(required=True)
    truth.add_argument("--root", metavar="ROOT", help="data set that has the boxes")
    truth.add_argument("--truth", metavar="FILE", help="box file: JSON, or a zip with one")
    score.add_argument(
        "--split", default="val", choices=("val", "train", "train+val"), help="of ROOT (val)"
    )
    score.add_argument(
        "--granularity",
        default="species",
        choices=("species", "super", "any"),
        help="what a class is (species)",
    )
    score.add_argument(
        "--det-area",
        default="full",
        choices=("full", "half"),
        help="area of a detection: width times height, or half of it, as of the true boxes (full)",
    )
    score.add_argument(
        "--max-dets",
        type=int,
        nargs="+",
        default=(1, 10, 100),
        metavar="N",
        help="detections of an image and class that count (1 10 100)",
    )


def _score(arguments: argparse.Namespace) -> None:
    from ptarmigan.detections import BoxFiles, score_boxes
    from ptarmigan.errors import BoxLabelWarning

    if arguments.root is not None:
        truth = BoxFiles.of_root(arguments.root, arguments.split)
    else:
        truth = BoxFiles.of_path(arguments.truth)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BoxLabelWarning)
        found = score_boxes(
            arguments.detections,
            truth,
            granularity=arguments.granularity,
            det_area=arguments.det_area,
            max_dets=arguments.max_dets,
        )
    for warning in caught:
        say(f"warning: {warning.message}")
    if arguments.json:
        print_json(found.to_dict())
    else:
        put(str(found))
