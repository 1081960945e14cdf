"""The corpus of real files, and the data sets made up, that the tests of several modules read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ptarmigan as pt
from inaturalist_made import Made, write_inaturalist
from releases_made import WRITERS
from releases_made import Made as MadeRelease

CORPUS_VARIABLE = "PTARMIGAN_TEST_CORPUS"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real photographs and odd files, beside the checkout.

    Tests that need it skip where it is absent; where the variable PTARMIGAN_TEST_CORPUS names a
    folder it must be there, so that continuous integration cannot skip by accident.
    """
    named = os.environ.get(CORPUS_VARIABLE)
    path = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (path / "photos").is_dir():
        if named:
            pytest.fail(f"{CORPUS_VARIABLE}={named}: there is no folder `photos` in it")
        pytest.skip("the corpus of real photographs is not here")
    return path


@pytest.fixture(scope="session")
def photos(corpus: Path) -> list[Path]:
    """Every file of the corpus' photos, sorted."""
    return sorted(path for path in (corpus / "photos").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A made data set of 2017: all seven files, in a folder of the module's own."""
    return write_inaturalist(tmp_path_factory.mktemp("inat"))


@pytest.fixture(scope="module")
def train(made: Made) -> pt.INaturalist:
    """The train split of `made`."""
    return pt.INaturalist(made.root, split="train")


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MadeRelease]:
    """Made data sets of 2018, 2019 and 2021, in folders of the module's own."""
    root = tmp_path_factory.mktemp("releases")
    return {version: write(root / version) for version, write in WRITERS.items()}


@dataclass(frozen=True)
class ExactData:
    """Metadata with the page's counts, as `ptarmigan synth` wrote it.

    Attributes:
        root: The folder.
        made: What the command printed.
        files: The names of what it wrote; tests that open them add files.
        peak_bytes: The most memory that it had at a time.
    """

    root: Path
    made: dict[str, Any]
    files: frozenset[str]
    peak_bytes: int


@pytest.fixture(scope="session")
def exact_2017(tmp_path_factory: pytest.TempPathFactory) -> ExactData:
    """Metadata with exactly the counts of the competition page; it takes about ten seconds."""
    root = tmp_path_factory.mktemp("exact")
    program = (
        "import sys; from ptarmigan.cli import main; status = main(sys.argv[1:])\n"
        # Not `ru_maxrss`: that of a new process begins with its parent's.
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]); sys.exit(status)"
    )
    options = ["synth", str(root), "--exact-2017", "--metadata-only", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *options], stdout=subprocess.PIPE, text=True, check=True
    )
    *printed, peak = done.stdout.splitlines()
    files = frozenset(path.name for path in root.iterdir())
    return ExactData(root, json.loads("\n".join(printed)), files, int(peak) * 1024)


@pytest.fixture
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's configuration that is new, where the terms of the data have not been shown."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("PTARMIGAN_ACCEPT_TERMS", raising=False)
