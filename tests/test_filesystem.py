"""Archives as file systems of fsspec: the answers of fsspec's own for tar files, and of folders."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

import ptarmigan as pt
from ptarmigan.filesystem import ArchiveFileSystem
from synthetic import make_jpeg, write_tar
from tars import gnu_tar, header, listing, noise, padded, photo_like, tar_bytes, write_files

FILES = {
    "top.txt": b"first line\nsecond line\nthird",
    "empty": b"",
    "photos/Aves/0001.jpg": make_jpeg(1),
    "photos/Aves/0002.jpg": make_jpeg(2),
    "photos/Fungi/a/0003.jpg": make_jpeg(3),
    "photos/readme": photo_like(1, 200_000),
    "z/table.csv": b"id,name\n1,grouse\n2,ptarmigan\n",
}


@pytest.fixture(scope="module", params=["a.tar", "a.tar.gz"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    mode = "w" if name.endswith(".tar") else "w:gz"
    return write_tar(tmp_path_factory.mktemp("files") / name, FILES, mode=mode)


@pytest.fixture
def ours(path: Path) -> ArchiveFileSystem:
    found: ArchiveFileSystem = fsspec.filesystem("ptar", fo=str(path))
    assert isinstance(found, ArchiveFileSystem)
    return found


@pytest.fixture
def theirs(path: Path) -> Iterator[Any]:
    """fsspec's own reader of the same archive."""
    with path.open("rb") as file:
        yield fsspec.filesystem("tar", fo=file)


def plain(info: dict[str, Any]) -> tuple[str, int, str]:
    return info["name"], info["size"], info["type"]


FOLDERS = ["", "photos", "photos/Aves", "photos/Fungi", "photos/Fungi/a", "z"]
MISSING = ["none", "photos/none", "phot", "photos/Aves/0001", "top.txt/x"]


def test_listings_are_those_of_the_tar_file_system(ours: Any, theirs: Any) -> None:
    for folder in FOLDERS:
        for spelling in (folder, folder + "/", "/" + folder, "ptar://" + folder):
            found = ours.ls(spelling)
            assert list(map(plain, found)) == list(map(plain, theirs.ls(folder)))
            assert ours.ls(spelling, detail=False) == theirs.ls(folder, detail=False)
        assert plain(ours.info(folder)) == plain(theirs.info(folder))
        assert ours.isdir(folder)
        assert ours.find(folder) == theirs.find(folder)
        assert ours.find(folder, withdirs=True) == theirs.find(folder, withdirs=True)
        assert list(ours.walk(folder)) == list(theirs.walk(folder))
        assert ours.du(folder) == theirs.du(folder)
    for name, data in FILES.items():
        assert plain(ours.info(name)) == plain(theirs.info(name)) == (name, len(data), "file")
        assert list(map(plain, ours.ls(name))) == list(map(plain, theirs.ls(name)))
        assert ours.isfile(name)
        assert ours.size(name) == len(data)
    for pattern in ("*", "photos/*", "photos/**", "**/*.jpg", "**/000[12].jpg", "?/*", "none*"):
        assert ours.glob(pattern) == theirs.glob(pattern)


def test_what_is_not_there_is_not_found(ours: Any, theirs: Any) -> None:
    for name in MISSING:
        assert ours.exists(name) is theirs.exists(name) is False
        for files in (ours, theirs):
            for call in (files.info, files.ls, files.open, files.cat_file):
                with pytest.raises(FileNotFoundError):
                    call(name)
    with pytest.raises(IsADirectoryError):
        ours.open("photos")
    with pytest.raises(ValueError, match="read-only"):
        ours.open("new", "wb")


def test_contents_are_those_of_the_tar_file_system(ours: Any, theirs: Any) -> None:
    for name, data in FILES.items():
        assert ours.cat(name) == theirs.cat(name) == data
        for start, end in ((None, 5), (3, 9), (-4, None), (2, -2), (0, None), (10**6, None)):
            assert ours.cat_file(name, start=start, end=end) == data[start:end]
        assert ours.head(name, 7) == theirs.head(name, 7)
        assert ours.tail(name, 7) == theirs.tail(name, 7)
        for offset, length in ((0, 10), (5, 100), (12, 5)):
            # Beyond the end of a file the other one fails.
            for delimiter in (None, b"\n") if offset < len(data) else ():
                block = theirs.read_block(name, offset, length, delimiter=delimiter)
                assert ours.read_block(name, offset, length, delimiter=delimiter) == block
    names = list(FILES)
    assert ours.cat(names) == theirs.cat(names) == FILES
    assert ours.cat(names[::-1]) == FILES
    assert ours.cat(["/top.txt", "ptar://empty"]) == {"top.txt": FILES["top.txt"], "empty": b""}
    assert ours.cat("photos/Aves/*") == theirs.cat("photos/Aves/*")
    found = ours.cat(["top.txt", "none"], on_error="omit")
    assert found == {"top.txt": FILES["top.txt"]}
    ranges = ours.cat_ranges(["top.txt", "photos/readme"], [0, 1000], [5, 2000])
    assert ranges == [FILES["top.txt"][:5], FILES["photos/readme"][1000:2000]]


def test_files_are_binary_or_text(ours: Any, path: Path) -> None:
    with ours.open("photos/readme") as file:
        file.seek(1000)
        assert file.read(10) == FILES["photos/readme"][1000:1010]
        assert file.size == len(FILES["photos/readme"])
    with ours.open("top.txt", "r") as file:
        assert file.read().splitlines() == ["first line", "second line", "third"]
    with fsspec.open(f"ptar://z/table.csv::{path}", "rt", encoding="utf-8") as file:
        assert file.readlines()[0] == "id,name\n"
    with fsspec.open(f"ptar://photos/Aves/0001.jpg::file://{path}") as file:
        assert Image.open(file).size == (96, 72)
    files = fsspec.open_files(f"ptar://photos/Aves/*::{path}")
    assert [file.path for file in files] == ["photos/Aves/0001.jpg", "photos/Aves/0002.jpg"]
    with files[1] as file:
        assert file.read() == FILES["photos/Aves/0002.jpg"]


def test_files_are_copied_out(ours: Any, tmp_path: Path) -> None:
    ours.get("photos", str(tmp_path / "out"), recursive=True)
    found = {
        str(file.relative_to(tmp_path / "out")): file.read_bytes()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    assert found == {
        name.removeprefix("photos/"): data
        for name, data in FILES.items()
        if name.startswith("photos/")
    }
    mapper = ours.get_mapper("photos")
    assert sorted(mapper) == sorted(found)
    assert mapper["Aves/0001.jpg"] == FILES["photos/Aves/0001.jpg"]


def test_numpy_reads_through_a_url(tmp_path: Path) -> None:
    data = io.BytesIO()
    np.save(data, np.arange(12).reshape(3, 4))
    path = write_tar(tmp_path / "a.tar.gz", {"a.npy": data.getvalue()})
    with fsspec.open(f"ptar://a.npy::{path}") as file:
        assert np.array_equal(np.load(file), np.arange(12).reshape(3, 4))


def test_links_odd_names_and_repeated_ones(tmp_path: Path) -> None:
    source = write_files(tmp_path / "files", {"a/one": b"1", "a/two": noise(1, 5000), "b": b"2"})
    os.link(source / "a/two", source / "linked")
    packed = gnu_tar(source, tmp_path / "b.tar.gz", "-z", names=["a/one", "a/two", "linked", "b"])
    odd = tmp_path / "c.tar"
    names = [b"a//b", b"./c", b"d/e", b"d/e"]
    blocks = (header(name, n + 1) + padded(b"x" * (n + 1)) for n, name in enumerate(names))
    odd.write_bytes(b"".join(blocks) + bytes(1024))
    for path in (packed, odd):
        ours = fsspec.filesystem("ptar", fo=path)
        with path.open("rb") as file:
            theirs = fsspec.filesystem("tar", fo=file)
            assert ours.find("") == theirs.find("")
            for name in ours.find(""):
                assert plain(ours.info(name)) == plain(theirs.info(name))
                assert ours.cat(name) == theirs.cat(name)
    assert fsspec.filesystem("ptar", fo=odd).cat("d/e") == b"xxxx"
    assert ours.cat("a//b") == ours.cat("/a/b") == b"x"
    root = write_tar(tmp_path / "d.tar", {"/etc/x": b"1", "": b"2"}, mode="w")
    ours = fsspec.filesystem("ptar", fo=root)
    assert ours.find("") == ["etc/x"]
    assert ours.cat("/etc/x") == b"1"
    assert ours.info("")["type"] == "directory"


def test_an_empty_archive_and_a_folder(tmp_path: Path) -> None:
    empty = fsspec.filesystem("ptar", fo=write_tar(tmp_path / "a.tar", {}, mode="w"))
    assert empty.ls("") == []
    assert empty.isdir("")
    folder = write_files(tmp_path / "files", FILES)
    ours = fsspec.filesystem("ptar", fo=folder, index_path=tmp_path / "i")
    assert ours.cat(ours.find("")) == FILES
    assert listing(tmp_path) == ["a.tar", "a.tar.ptidx", "files", "i"]


def test_the_options_of_an_archive_are_passed_on(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"a": b"1"}, mode="w")
    with pytest.raises(pt.IndexFileError, match="no index"):
        fsspec.filesystem("ptar", fo=path, build="never")
    index = tmp_path / "index"
    with fsspec.open(f"ptar://a::{path}", ptar={"index_path": str(index)}) as file:
        assert file.read() == b"1"
    assert listing(tmp_path) == ["a.tar", "index"]
    with pytest.raises(FileNotFoundError):
        fsspec.filesystem("ptar", fo=tmp_path / "none.tar")


@pytest.fixture
def remote() -> Iterator[str]:
    """The URL of an archive that is not on this machine."""
    files = fsspec.filesystem("memory")
    files.pipe("/remote/a.tar.gz", _packed())
    yield "memory://remote/a.tar.gz"
    files.rm("/remote", recursive=True)


def _packed() -> bytes:
    return gzip.compress(bytes(tar_bytes(list(FILES.items()))))


def test_an_archive_elsewhere_needs_a_local_copy(remote: str, tmp_path: Path) -> None:
    for call in (
        lambda: fsspec.open(f"ptar://top.txt::{remote}").open(),
        lambda: fsspec.filesystem("ptar", fo=remote),
    ):
        with pytest.raises(ValueError, match=r"kind `memory`.*filecache::memory://"):
            call()
    with pytest.raises(TypeError, match="BytesIO"):
        fsspec.filesystem("ptar", fo=io.BytesIO(b""))
    for cache in ("filecache", "simplecache"):
        options = {cache: {"cache_storage": str(tmp_path / cache)}}
        with fsspec.open(f"ptar://top.txt::{cache}::{remote}", **options) as file:
            assert file.read() == FILES["top.txt"]
        files = fsspec.filesystem("ptar", fo=f"{cache}::{remote}", target_options=options)
        assert files.cat(list(FILES)) == FILES
    with fsspec.open(f"ptar://photos/readme::simplecache::{remote}") as file:
        assert file.read() == FILES["photos/readme"]


def test_a_file_system_goes_to_other_processes(ours: Any) -> None:
    copy = pickle.loads(pickle.dumps(ours))  # noqa: S301
    assert copy.cat(list(FILES)) == FILES
    again = fsspec.AbstractFileSystem.from_json(ours.to_json())
    assert again.ls("photos", detail=False) == ours.ls("photos", detail=False)


def test_the_protocol_is_known_without_importing_the_package(path: Path) -> None:
    """By the entry point of the installed distribution."""
    code = (
        "import json, sys, fsspec\n"
        "assert 'ptarmigan' not in sys.modules\n"
        "with fsspec.open(sys.argv[1]) as file: print(json.dumps(len(file.read())))"
    )
    url = f"ptar://photos/readme::{path}"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, check=True)
    assert json.loads(done.stdout) == 200_000
