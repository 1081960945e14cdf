"""Turns requests into one peer's answers, from a process that stays alive between them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

from ptarmigan.peers.environments import RUNNER, Header, PeerError

__all__ = ["PeerProcess"]

# Seconds after which a peer that says nothing counts as hanging.
PATIENCE: Final = 300.0
# What libraries ask for their number of threads.
THREAD_VARIABLES: Final = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "VIPS_CONCURRENCY",
)


def last_processor() -> int:
    """The processor that all sides share, -1 where a process cannot be kept on one."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1


class PeerProcess:
    """One peer at work.

    Attributes:
        header: What it is.
        version: Of the library.
        tasks: What it can do.
    """

    def __init__(self, header: Header, python: str, photos: Path, log: Path) -> None:
        """Starts it, and waits until it has read the photos.

        Raises:
            PeerError: If it does not come up.
        """
        self.header = header
        self._log = log
        own = header.requirements is None or python == sys.executable
        # Here everything is to be found where this process finds it.
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if own else {}
        runner = header.path.with_name(RUNNER)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    python,
                    *([] if own else ["-I"]),
                    str(runner),
                    str(header.path),
                    str(photos),
                    str(last_processor()),
                ],
                env=os.environ | dict.fromkeys(THREAD_VARIABLES, "1") | path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        self._left = b""
        try:
            ready = self._answer()
        except BaseException:
            self.close()
            raise
        self.version: str = ready["version"]
        self.tasks: list[str] = ready["tasks"]

    def ask(self, do: str, task: str, folder: Path | None = None) -> dict[str, Any]:
        """Its answer to one request.

        Raises:
            PeerError: If it cannot do it, takes too long, or has died.
        """
        request = {"do": do, "task": task, "folder": None if folder is None else str(folder)}
        try:
            self._pipe(self._process.stdin).write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise PeerError(self._ending()) from error
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: Any) -> BinaryIO:
        found: BinaryIO = pipe
        return found

    def _ending(self) -> str:
        status = self._process.wait(10)
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        last = text.splitlines()[-1][:200] if text else "and said nothing"
        return f"its process ended with status {status}: {last}"

    def _answer(self) -> dict[str, Any]:
        output = self._pipe(self._process.stdout)
        ends = time.monotonic() + PATIENCE
        while b"\n" not in self._left:
            left = ends - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise PeerError(f"no answer within {PATIENCE:.0f} s")
            piece = output.read(65_536)
            if not piece:
                raise PeerError(self._ending())
            self._left += piece
        line, self._left = self._left.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise PeerError(found["error"])
        return found
