"""An index whose place may not be written to: the error says what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from programs import command, environment, obedient
from synthetic import write_tar
from tars import listing


@pytest.mark.parametrize("make", ["Archive", "build_index"])
def test_where_no_index_may_be_written_the_error_says_what_to_do(tmp_path: Path, make: str) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.bin": b"a"})
    path.parent.chmod(0o555)
    try:
        code = f"import ptarmigan, sys; ptarmigan.{make}(sys.argv[1])"
        done = subprocess.run(
            obedient(command(code, path)),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.parent.chmod(0o755)
    expected = "PermissionError: [Errno 13] Permission denied; give the index another place with"
    assert expected in done.stderr
    assert f"'{path}.ptidx'" in done.stderr
    assert listing(path.parent) == ["a.tar.gz"]
