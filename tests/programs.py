"""Runs Python programs in processes of their own, which may import what tests import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def command(code: str, *arguments: object) -> list[str]:
    """The command that runs Python code, which finds its arguments in `sys.argv`."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def obedient(command: list[str]) -> list[str]:
    """The command as one that heeds the modes of files, also where root runs it."""
    return ["setpriv", "--bounding-set=-dac_override", *command] if os.geteuid() == 0 else command


def environment() -> dict[str, str]:
    """The environment of a process that also finds the modules beside the tests."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs Python code to its end, however it ends."""
    return subprocess.run(
        command(code, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=120,
    )
