"""Every example of the README, the documentation and `examples/` runs here, in an empty folder.

A page's ```python blocks run in order in one namespace, those with ``>>>`` prompts as doctests;
blocks marked ```python torch need torch; lines of ```console blocks that start with ``$ `` run in
a shell. Blocks of other kinds (```sh, for what a reader does once to install) are not run here.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
EXAMPLE_PAGES = (
    "boxes",
    "command-line",
    "competition",
    "dataset",
    "exporting",
    "info",
    "predictions",
    "reading",
    "report",
    "training",
)
BLOCK = re.compile(r"^```(python|python torch|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, int, str]]:
    """The (kind, line, text) of every block of `page` that is to be run."""
    text = page.read_text(encoding="utf-8")
    return [
        (match[1], text.count("\n", 0, match.start()) + 2, match[2])
        for match in BLOCK.finditer(text)
    ]


def run_console(text: str, where: str) -> None:
    """Runs each command; its exit status must be 0."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in text.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", line[2:]],
                env=os.environ | {"PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{where}: {line}\n{done.stdout}{done.stderr}"


def run_prompts(text: str, namespace: dict[str, object], where: str, line: int) -> None:
    """Runs the lines behind ``>>>`` and compares what they print."""
    test = doctest.DocTestParser().get_doctest(text, namespace, where, where, line - 1)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=report.append, clear_globs=False)
    namespace.update(test.globs)
    assert runner.failures == 0, f"{where}: " + "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Where it is remembered that the terms of the data have been shown.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    namespace: dict[str, object] = {"__name__": "__main__"}
    for kind, line, text in blocks(page):
        where = f"{page.relative_to(ROOT)}:{line}"
        if kind == "console":
            run_console(text, where)
            continue
        if kind == "python torch":
            pytest.importorskip("torch")
        if ">>> " in text:
            run_prompts(text, namespace, where, line)
            continue
        code = compile("\n" * (line - 1) + text, str(page), "exec")
        exec(code, namespace)  # noqa: S102


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_every_example_program_runs(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_pages_that_must_have_examples_have_them() -> None:
    pages = ["README.md"]
    pages += [f"docs/{name}.md" for name in EXAMPLE_PAGES]
    for page in pages:
        assert blocks(ROOT / page), f"{page} has no example that is run"


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
