"""Turns logits into a submission and a submission into a score: submit, score."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ptarmigan.cli.terminal import add_command, print_json, print_table, say

if TYPE_CHECKING:
    import numpy as np

__all__ = ["add_commands"]

# Rows of logits that are ranked at a time: 333 MB of float32 at 5,089 categories.
_ROWS = 16_384


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
    truth = score.add_mutually_exclusive_group(required=True)
    truth.add_argument("--truth", metavar="FILE", help="CSV of id,expected[,usage]")
    truth.add_argument("--root", metavar="ROOT", help="data set that has the labels")
    score.add_argument("--split", default="val", choices=("val", "train"), help="of ROOT (val)")
    score.add_argument("--official", action="store_true", help="as the competition's own program")
    score.add_argument("-k", "--k", type=int, default=5, help="labels a row that count (5)")
