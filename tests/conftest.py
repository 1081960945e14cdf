"""The corpus of real files that some tests read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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


@pytest.fixture
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's configuration that is new, where the terms of the data have not been shown."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("PTARMIGAN_ACCEPT_TERMS", raising=False)
