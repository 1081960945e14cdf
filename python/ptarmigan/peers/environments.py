"""Turns the header of a peer's file into a Python that has that peer.

Headers are read without running the file, which imports a library that is not here.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Header", "PeerError", "environment_python", "find_peers", "programs_folder"]

Say = Callable[[str], None]
Version = tuple[int, int]

RUNNER: Final = "runner.py"
NEWEST_PYTHON: Final = (3, 14)
# What an environment was made from, written last.
RECORD: Final = "ptarmigan-peer.json"


class PeerError(Exception):
    """Why one peer cannot be measured; the others still can."""


@dataclass(frozen=True)
class Header:
    """What a peer's file says of itself, in its constant ``HEADER``.

    Attributes:
        key: Name of the file, by which it is asked for.
        path: The file.
        name: Name in the table.
        distribution: Whose version is shown.
        requirements: For pip; None for a peer that needs no environment of its own.
        python: Least and greatest (major, minor), None where there is no limit.
        does: What is called, in a sentence.
        notes: Task to what is different in its pixels, or its work, from the others'.
        cannot: Task to the reason why the peer does not have it.
        environment: Folder of the environment; peers with the same requirements may share one.
        build: Variables for pip, for what is built from source.
        not_compared: Tasks in which its images are of other places or sizes than all others.
    """

    key: str
    path: Path
    name: str
    distribution: str
    requirements: tuple[str, ...] | None
    python: tuple[Version | None, Version | None]
    does: str
    notes: dict[str, str]
    cannot: dict[str, str]
    environment: str
    build: dict[str, str] = field(default_factory=dict)
    not_compared: tuple[str, ...] = ()


def programs_folder(source: str | None = None) -> Path:
    """Where the peers' files are: the given folder, or the one that the package has.

    Raises:
        FileNotFoundError: If there is no runner in it.
    """
    folder = Path(source) if source is not None else Path(__file__).parent / "programs"
    if not (folder / RUNNER).is_file():
        raise FileNotFoundError(
            f"there is no `{RUNNER}` in `{folder}`; name a checkout's `benches/peers` with "
            "`--peers-source`"
        )
    return folder


def _version(text: str | None) -> Version | None:
    if text is None:
        return None
    major, minor = text.split(".")
    return int(major), int(minor)


def _literal(path: Path) -> dict[str, Any] | None:
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HEADER":
            found: dict[str, Any] = ast.literal_eval(node.value)
            return found
    return None


def read_header(path: Path) -> Header:
    """Reads the header of one file.

    Raises:
        ValueError: If it has none, or one that lacks something.
    """
    found = _literal(path)
    if found is None:
        raise ValueError(f"`{path}` has no constant `HEADER`")
    requirements = found.get("requirements")
    try:
        return Header(
            key=path.stem,
            path=path,
            name=found["name"],
            distribution=found["distribution"],
            requirements=None if requirements is None else tuple(requirements),
            python=(_version(found["python"][0]), _version(found["python"][1])),
            does=found["does"],
            notes=found["notes"],
            cannot=found["cannot"],
            environment=found.get("environment", path.stem.replace("_", "-")),
            build=found.get("build", {}),
            not_compared=tuple(found.get("not_compared", ())),
        )
    except KeyError as error:
        raise ValueError(f"`HEADER` of `{path}` lacks {error}") from error


def find_peers(folder: Path, names: Sequence[str] | None = None) -> list[Header]:
    """The headers of the peers of that name, or of all, by name.

    Raises:
        ValueError: If there is no peer of a name.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.py")) if path.name != RUNNER}
    chosen = list(files) if names is None else [name.replace("-", "_").lower() for name in names]
    for name in chosen:
        if name not in files:
            raise ValueError(f"there is no peer `{name}`; there are {', '.join(files)}")
    return [read_header(files[name]) for name in dict.fromkeys(chosen)]


def _span(header: Header) -> str:
    least, most = (limit and ".".join(map(str, limit)) for limit in header.python)
    if least and most:
        return f"{least} to {most}"
    return f"{least} or later" if least else f"{most} or earlier"


def _runs(python: str) -> bool:
    done = subprocess.run([python, "-c", ""], capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0


def _fitting_python(header: Header) -> str:
    """This Python if the peer works with it, else another one on the path."""
    least, most = header.python
    newest, oldest = most or NEWEST_PYTHON, least or (3, 9)
    if oldest <= sys.version_info[:2] <= newest:
        return sys.executable
    for minor in range(newest[1], oldest[1] - 1, -1):
        for folder in os.get_exec_path():
            found = Path(folder, f"python3.{minor}")
            # A version manager's stand-in may be there without the version.
            if found.is_file() and _runs(str(found)):
                return str(found)
    raise PeerError(f"needs Python {_span(header)}, which is not here")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line or "ERROR" in line]
    return (errors or lines or ["no message"])[-1][:200]


def _call(command: list[str], variables: dict[str, str], log: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603
            command,
            env=clean | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise PeerError(f"cannot be installed: {_last_line(text)} (all of it in {log})")


def environment_python(header: Header, folder: Path, say: Say) -> str:
    """The Python of a peer's environment, which is made where it is not there already.

    Args:
        header: The peer; one without requirements gets the Python that runs this.
        folder: Where environments are kept, each beside a log of how it was made.
        say: Called with what takes a while.

    Raises:
        PeerError: If it cannot be made.
    """
    if header.requirements is None:
        return sys.executable
    place = folder.absolute() / header.environment
    python = place / "bin" / "python"
    base = _fitting_python(header)
    wanted = {"requirements": list(header.requirements), "build": header.build, "python": base}
    record = place / RECORD
    if record.is_file() and json.loads(record.read_text(encoding="utf-8")) == wanted:
        return str(python)
    if place.exists():
        if not (place / "pyvenv.cfg").is_file():
            raise PeerError(f"`{place}` is there and is no virtual environment; move it away")
        shutil.rmtree(place)
    say(f"{header.name}: installing {' '.join(header.requirements)} into {place}")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.absolute() / f"{header.environment}.log"
    log.unlink(missing_ok=True)
    _call([base, "-m", "venv", str(place)], {}, log)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    _call([*pip, *header.requirements], header.build, log)
    record.write_text(json.dumps(wanted), encoding="utf-8")
    return str(python)
