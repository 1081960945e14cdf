"""The drawing of the long tail."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ptarmigan.cli.long_tail import draw_tail
from ptarmigan.synth import write_dataset


def heights(lines: list[str], blocks: str) -> list[int]:
    """Eighths of a row that each column is high."""
    rows = [line.partition("|")[2] for line in lines[:-1]]
    width = max(map(len, rows))
    return [sum(blocks.index(row.ljust(width)[place]) for row in rows) for place in range(width)]


def test_columns_fall_with_the_counts_on_a_logarithmic_axis():
    counts = [3_919, 400, 41, 20, 9]
    blocks = " ▁▂▃▄▅▆▇█"
    found = heights(draw_tail(counts, 5_089, blocks), blocks)
    assert found == sorted(found, reverse=True)
    assert found[0] == 64
    # Ten times fewer images take off the same height anywhere.
    assert abs((found[0] - found[1]) - (found[1] - found[2])) <= 1
    lines = draw_tail(counts, 5_089, blocks)
    assert lines[0].startswith("3,919 |█")
    assert lines[-1].split() == ["rank", "1", "5,089"]


@pytest.mark.parametrize("counts", [[1], [1] * 60, [7, 1, 1]])
def test_small_counts_can_be_drawn(counts):
    lines = draw_tail(counts, len(counts), " ▁▂▃▄▅▆▇█")
    assert min(heights(lines, " ▁▂▃▄▅▆▇█")) > 0
    marks = [line.partition("|")[0].strip() for line in lines[:-1]]
    marks = [mark for mark in marks if mark]
    assert len(marks) == len(set(marks))


def test_an_output_without_blocks_gets_plain_characters(tmp_path):
    write_dataset(tmp_path, scale=0.002, images=60, max_side=16, metadata_only=True)
    command = [sys.executable, "-m", "ptarmigan", "info", str(tmp_path), "--table", "distribution"]
    for encoding, sign in (("ascii", b"#"), ("utf-8", "█".encode())):
        done = subprocess.run(
            command,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=True,
        )
        assert sign in done.stdout
