"""Runs exporting programs in processes of their own, and reads what they leave."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import ptarmigan as pt


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs Python code that finds its arguments in `sys.argv`."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def credits_in(folder: Path) -> list[list[str]]:
    """The rows of ``CREDITS.csv`` without its head."""
    with (folder / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def expected_credits(dataset: pt.INaturalist) -> list[list[str]]:
    """The rows that ``CREDITS.csv`` must have for all photos of a data set."""
    rows = []
    for row in range(len(dataset)):
        credit = dataset.attribution(row)
        values = [credit["file_name"], credit["rights_holder"], credit["license_id"],
                  credit["license_name"], credit["license_url"]]  # fmt: skip
        rows.append([int(dataset.image_ids[row]), *values])
    rows.sort(key=lambda row: row[0])
    return [["" if value is None else str(value) for value in row] for row in rows]
