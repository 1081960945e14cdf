"""Directories that are untarred already behave as the archive that they came from, wherever."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import ptarmigan as pt
from synthetic import write_tar
from tars import awkward_files, listing, write_files


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return awkward_files()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> Path:
    return write_files(tmp_path_factory.mktemp("files"), files)


def test_a_directory_reads_like_the_archive_it_came_from(
    folder: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    index = tmp_path / "files.ptidx"
    archive = pt.Archive(folder, index_path=index)
    assert archive.names == sorted(files, key=os.fsencode)
    assert archive.read_many(list(files)) == list(files.values())
    assert archive.kind == "folder"
    assert archive.md5 is None
    assert archive.verify().ok
    assert archive.complete
    with pytest.raises(ValueError, match="md5"):
        pt.Archive(folder, index_path=index, build="rebuild", expected_md5="0" * 32)


def test_a_directorys_index_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_files(tmp_path / "files", {"a/b": b"1"})
    for spelling in (str(source), str(source) + "/"):
        assert pt.Archive(spelling).index_path == str(source) + ".ptidx"
        pt.build_index(spelling)
    assert listing(tmp_path) == ["files", "files.ptidx"]
    monkeypatch.chdir(source)
    assert pt.Archive(".").names == ["a/b"]
    assert listing(tmp_path) == ["files", "files.ptidx"]
    assert listing(source) == ["a"]


def test_links_in_a_directory_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    source = write_files(tmp_path / "files", {"a": b"secret"})
    (source / "out").symlink_to("../secret")
    (source / "up").symlink_to("..")
    archive = pt.Archive(source)
    assert archive.names == ["a"]
    (source / "a").unlink()
    (source / "a").symlink_to("../secret")
    with pytest.raises(pt.ArchiveError, match="rebuild"):
        archive.read("a")


def test_a_changed_file_of_a_directory_is_noticed(tmp_path: Path) -> None:
    source = write_files(tmp_path / "files", {"a": b"12345", "b": b"12345", "c": b"12345"})
    archive = pt.Archive(source)
    (source / "a").write_bytes(b"12349")
    (source / "b").write_bytes(b"123456")
    (source / "c").unlink()
    with pytest.raises(pt.ArchiveError, match="checksum") as raised:
        archive.read("a")
    assert raised.value.member == "a"
    with pytest.raises(pt.ArchiveError, match="6 bytes"):
        archive.read("b")
    with pytest.raises(FileNotFoundError):
        archive.read("c")


@pytest.mark.parametrize("name", ["a.tar", "folder"])
def test_a_relative_path_holds_in_another_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    files = {"x/a": b"a", "b": b"b" * 5000}
    if name == "folder":
        write_files(tmp_path / name, files)
    else:
        write_tar(tmp_path / name, files)
    monkeypatch.chdir(tmp_path)
    archive = pt.Archive(name, index_path="own.ptidx")
    assert archive.path == name
    expected = [archive.read(number) for number in range(len(archive))]
    monkeypatch.chdir("elsewhere")
    for other in (archive, pickle.loads(pickle.dumps(archive))):  # noqa: S301
        assert [other.read(number) for number in range(len(other))] == expected
        assert other.verify(progress=False).ok
        if name == "a.tar":
            assert [data for _, data in other.stream()] == expected
    assert not list((tmp_path / "elsewhere").iterdir())
