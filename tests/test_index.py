"""The index file: whole or absent, never trusted, never of another archive."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import ptarmigan as pt
from synthetic import write_tar
from tars import listing, noise, photo_like

MEMBERS = {f"dir/{number}.bin": photo_like(number, 3000 * number) for number in range(12)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "a.tar.gz", MEMBERS)


def check(archive: pt.Archive) -> None:
    assert dict(zip(archive.names, archive.read_many(archive.names), strict=True)) == MEMBERS


def test_the_index_lies_beside_the_archive_and_is_used_again(path: Path) -> None:
    check(pt.Archive(path))
    index = path.with_name("a.tar.gz.ptidx")
    assert listing(path.parent) == ["a.tar.gz", "a.tar.gz.ptidx"]
    before = index.stat()
    calls: list[int] = []
    check(pt.Archive(path, progress=lambda *_: calls.append(1)))
    check(pt.Archive(path, build="never"))
    assert index.stat().st_mtime_ns == before.st_mtime_ns
    assert calls == []
    check(pt.Archive(path, build="rebuild"))
    assert index.stat().st_ino != before.st_ino
    assert listing(path.parent) == ["a.tar.gz", "a.tar.gz.ptidx"]


def test_the_index_may_be_elsewhere(path: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    index = place / "i"
    check(pt.Archive(path, index_path=index))
    check(pt.Archive(path, index_path=index, build="never"))
    assert listing(place) == ["i"]
    assert not (tmp_path / "a.tar.gz.ptidx").exists()


def test_a_missing_index_is_an_error_where_none_may_be_made(path: Path) -> None:
    with pytest.raises(pt.IndexFileError, match="no index") as raised:
        pt.Archive(path, build="never")
    assert raised.value.path == str(path) + ".ptidx"


def test_building_tells_what_it_found(path: Path) -> None:
    result = pt.build_index(path)
    archive = pt.Archive(path, build="never")
    assert result.members == len(MEMBERS)
    assert result.bytes == sum(map(len, MEMBERS.values())) == archive.total_bytes
    assert result.md5 == archive.md5
    assert result.complete
    assert result.seconds > 0


def test_the_md5_is_checked_against_the_expected_one(path: Path) -> None:
    md5 = str(pt.build_index(path).md5)
    check(pt.Archive(path, expected_md5=md5.upper()))
    wrong = "0" * 32
    for build in ("auto", "rebuild"):
        with pytest.raises(pt.ArchiveError, match=f"expected `{wrong}`, found `{md5}`"):
            pt.Archive(path, expected_md5=wrong, build=build)
    check(pt.Archive(path, build="never"))
    Path(str(path) + ".ptidx").unlink()
    with pytest.raises(pt.ArchiveError, match=md5):
        pt.build_index(path, expected_md5=wrong)
    assert listing(path.parent) == ["a.tar.gz"]


def test_a_pipe_is_indexed_without_a_file(path: Path, tmp_path: Path) -> None:
    index = tmp_path / "i"
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        result = pt.build_index(process.stdout, index)
    assert result.members == len(MEMBERS)
    archive = pt.Archive(path, index_path=index, build="never")
    check(archive)
    assert archive.md5 == result.md5 == pt.build_index(path).md5


def test_what_python_has_read_ahead_from_a_pipe_is_not_lost(path: Path, tmp_path: Path) -> None:
    with subprocess.Popen(["sh", "-c", f"echo hello; cat {path}"], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"hello\n"
        pt.build_index(run.stdout, tmp_path / "i")
    check(pt.Archive(path, index_path=tmp_path / "i"))


def test_any_object_with_read_is_indexed(path: Path, tmp_path: Path) -> None:
    class Trickle:
        def __init__(self) -> None:
            self.file = io.BytesIO(path.read_bytes())

        def read(self, size: int, /) -> bytes:
            return self.file.read(min(size, 777))

    with path.open("rb") as file:
        for source in (Trickle(), io.BytesIO(path.read_bytes()), file):
            pt.build_index(source, tmp_path / "i")
            check(pt.Archive(path, index_path=tmp_path / "i"))


def test_a_stream_that_fails_leaves_nothing(path: Path, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 1000:
                raise RuntimeError("the line is dead")
            return super().read(500)

    with pytest.raises(OSError, match="the line is dead"):
        pt.build_index(Broken(path.read_bytes()), tmp_path / "i")
    assert listing(tmp_path) == ["a.tar.gz"]


def test_a_changed_archive_is_refused(path: Path) -> None:
    data = path.read_bytes()
    pt.Archive(path)
    stat = path.stat()
    changes = [data + b"\0", data[:-1], data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]]
    changes += [data[:50] + bytes([data[50] ^ 1]) + data[51:]]
    for changed in changes:
        path.write_bytes(changed)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(pt.IndexFileError, match="rebuild") as raised:
            pt.Archive(path)
        assert raised.value.path == str(path) + ".ptidx"
        assert str(path) in str(raised.value)
    path.write_bytes(data)
    check(pt.Archive(path))


def test_an_archive_with_only_its_times_changed_is_the_same(path: Path) -> None:
    pt.Archive(path)
    os.utime(path, (1, 1))
    check(pt.Archive(path, build="never"))


def test_an_index_of_another_kind_of_archive_is_refused(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    index = tmp_path / "i"
    pt.Archive(path, index_path=index)
    with pytest.raises(pt.IndexFileError, match="directory"):
        pt.Archive(folder, index_path=index)


def test_a_changed_middle_is_found_by_the_read(tmp_path: Path) -> None:
    members = {str(number): noise(number, 60_000) for number in range(10)}
    path = write_tar(tmp_path / "a.tar.gz", members)
    archive = pt.Archive(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    archive = pt.Archive(path)
    bad = 0
    for name, expected in members.items():
        try:
            assert archive.read(name) == expected
        except pt.ArchiveError as error:
            assert error.member == name  # noqa: PT017
            assert error.path == str(path)  # noqa: PT017
            bad += 1
    assert 1 <= bad <= 2
    report = archive.verify()
    assert len(report.bad) == bad
    assert not report.md5_ok
    assert not report.ok


def test_every_byte_of_the_index_counts(tmp_path: Path) -> None:
    small = {f"dir/{number}": photo_like(number, 700 * number) for number in range(5)}
    path = write_tar(tmp_path / "a.tar.gz", small)
    index = Path(pt.Archive(path).index_path)
    data = index.read_bytes()
    for at in range(len(data)):
        for bit in (1, 0x80):
            index.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
            with pytest.raises(pt.IndexFileError) as raised:
                # Opening checks the header; a page is checked when it is touched.
                assert pt.Archive(path).names
            assert raised.value.path == str(index)
    for cut in [*range(0, len(data), 7), len(data) - 1]:
        index.write_bytes(data[:cut])
        with pytest.raises(pt.IndexFileError):
            pt.Archive(path)
    index.write_bytes(data + b"\0")
    with pytest.raises(pt.IndexFileError, match="length is wrong"):
        pt.Archive(path)
    index.write_bytes(data)
    assert pt.Archive(path).read_many(list(small)) == list(small.values())


def test_a_page_is_checked_before_it_is_believed(tmp_path: Path) -> None:
    members = {f"dir/{number:040}": b"x" for number in range(3000)}
    path = write_tar(tmp_path / "a.tar.gz", members)
    index = Path(pt.Archive(path).index_path)
    data = index.read_bytes()
    assert len(data) > 4 << 15
    for at in range(1000, len(data), 3001):
        index.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        with pytest.raises(pt.IndexFileError, match="damaged"):
            pt.Archive(path).verify()
        archive = pt.Archive(path)
        for name in list(members)[::100]:
            with suppress(pt.IndexFileError):
                assert archive.read(archive.index_of(name)) == b"x"
            with suppress(pt.IndexFileError):
                assert archive.names == list(members)


def test_an_index_of_another_version_says_what_to_do(path: Path) -> None:
    index = Path(pt.Archive(path).index_path)
    data = bytearray(index.read_bytes())
    data[8] = 99
    index.write_bytes(data)
    with pytest.raises(pt.IndexFileError, match=r"version 1, found version 99.*rebuild"):
        pt.Archive(path)
    check(pt.Archive(path, build="rebuild"))


def test_a_file_that_is_no_index_is_not_overwritten(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_bytes(b"my notes, of more than a few bytes" * 20)
    with pytest.raises(pt.IndexFileError, match="not a ptarmigan index"):
        pt.Archive(path, index_path=other)
    assert other.read_bytes().startswith(b"my notes")


def test_a_failed_rebuild_keeps_the_old_index(path: Path) -> None:
    index = Path(pt.Archive(path).index_path)
    before = index.read_bytes()
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :])
    with pytest.raises(pt.ArchiveError):
        pt.Archive(path, build="rebuild")
    path.write_bytes(data[:half])
    with pytest.raises(pt.ArchiveError, match="go on with the download"):
        pt.Archive(path, build="rebuild", expected_md5="0" * 32)
    path.write_bytes(data)
    with pytest.raises(pt.ArchiveError, match="md5"):
        pt.Archive(path, build="rebuild", expected_md5="0" * 32)
    assert index.read_bytes() == before
    assert listing(path.parent) == ["a.tar.gz", "a.tar.gz.ptidx"]


def test_a_folder_that_refuses_the_index_is_an_ordinary_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pt.Archive(path, index_path=tmp_path / "none" / "i")
    with pytest.raises(NotADirectoryError):
        pt.Archive(path, index_path=path / "i")


def run_python(code: str, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload]


def test_no_space_left_leaves_nothing_and_keeps_the_old_index(path: Path) -> None:
    index = Path(pt.Archive(path).index_path)
    before = index.read_bytes()
    code = """
import errno, resource, signal, sys
import ptarmigan as pt
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    pt.Archive(sys.argv[1], build="rebuild")
except OSError as error:
    assert error.errno == errno.EFBIG, error
    assert error.filename == sys.argv[1] + ".ptidx", error.filename
else:
    raise SystemExit("there was space")
"""
    for limit in (0, 100, len(before) - 1):
        process = run_python(code, str(path), str(limit))
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
        assert index.read_bytes() == before
        assert listing(path.parent) == ["a.tar.gz", "a.tar.gz.ptidx"]


INTERRUPTED = """
import sys, threading, _thread
import ptarmigan as pt
def told(done, total, members):
    print("going", flush=True)
try:
    pt.build_index(sys.stdin.buffer, sys.argv[1], progress=told)
except KeyboardInterrupt:
    sys.exit(42)
"""


def test_ctrl_c_in_the_middle_of_a_pipe_leaves_nothing(path: Path, tmp_path: Path) -> None:
    index = Path(pt.Archive(path).index_path)
    before = index.read_bytes()
    process = run_python(INTERRUPTED, str(index), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    # Half an archive, and a writer that stays silent: the pass must not wait for it.
    process.stdin.write(path.read_bytes()[:5000])
    process.stdin.flush()
    assert process.stdout.readline() == b"going\n"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 42, process.stderr and process.stderr.read()
    assert time.monotonic() - start < 5
    process.communicate()
    assert index.read_bytes() == before
    assert listing(tmp_path) == ["a.tar.gz", "a.tar.gz.ptidx"]


def test_a_callback_that_raises_stops_the_pass(tmp_path: Path) -> None:
    read, write = os.pipe()

    def refuse(done: int, total: int | None, members: int) -> None:
        assert total is None
        raise LookupError("enough")

    with os.fdopen(read, "rb", buffering=0) as source, os.fdopen(write, "wb") as sink:
        sink.write(b"\x1f\x8b")
        sink.flush()
        start = time.monotonic()
        with pytest.raises(LookupError, match="enough"):
            pt.build_index(source, tmp_path / "i", progress=refuse)
        assert time.monotonic() - start < 2
    assert listing(tmp_path) == []


def test_progress_reports_end_with_the_whole(path: Path) -> None:
    reports: list[tuple[int, int | None, int]] = []
    pt.build_index(path, progress=lambda *report: reports.append(report))
    size = path.stat().st_size
    assert reports[-1] == (size, size, len(MEMBERS))


def test_a_bar_is_drawn_on_standard_error_only_when_asked(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pt.build_index(path)
    pt.build_index(path, progress=False)
    assert capsys.readouterr() == ("", "")
    pt.build_index(path, progress=True)
    out, errors = capsys.readouterr()
    assert out == ""
    assert "indexing a.tar.gz" in errors


def test_the_new_index_obeys_the_umask(path: Path) -> None:
    old = os.umask(0o027)
    try:
        pt.build_index(path)
    finally:
        os.umask(old)
    assert Path(str(path) + ".ptidx").stat().st_mode & 0o777 == 0o640


def test_indexing_leaves_no_thread(path: Path) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    pt.Archive(path, build="rebuild").verify()
    deadline = time.monotonic() + 5
    while threads() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() <= before
    assert threading.active_count() == 1
