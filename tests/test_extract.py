"""Members become files as tar makes them, whole or not at all, and nowhere else."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from exports_made import tree
from programs import run
from ptarmigan.cli import main
from ptarmigan.exporting.places import places_of
from synthetic import write_tar

MEMBERS = {
    "photos/a/one.jpg": b"one" * 1000,
    "photos/a/two.jpg": b"",
    "photos/b c/three [x].jpg": bytes(range(256)) * 40,
    "photos/b c/d/four.jpg": b"4",
    "top.txt": b"top",
}


@pytest.fixture
def archive(tmp_path: Path) -> pt.Archive:
    return pt.Archive(write_tar(tmp_path / "x.tar.gz", MEMBERS))


def untarred(path: Path, folder: Path, *options: str) -> dict[str, bytes]:
    folder.mkdir()
    command = ["tar", "-xf", str(path), "-C", str(folder), *options]
    subprocess.run(command, check=True, capture_output=True)
    return tree(folder)


@pytest.mark.parametrize("threads", [1, 3])
def test_files_are_those_of_tar(archive, tmp_path, threads):
    found = pt.extract(archive, tmp_path / "ours", threads=threads)
    assert tree(tmp_path / "ours") == untarred(Path(archive.path), tmp_path / "tars") == MEMBERS
    assert (found.images, found.bytes) == (5, sum(map(len, MEMBERS.values())))
    assert (found.kept, found.skipped, found.credits) == (0, [], None)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_hard_links_duplicates_and_odd_names_are_as_tar_has_them(tmp_path, mode):
    path = tmp_path / "odd.tar"
    with tarfile.open(path, mode, format=tarfile.GNU_FORMAT) as tar:
        for name, data in (("./a//b", b"old"), ("c", b"c"), ("./a//b", b"new"), ("é\udcff", b"e")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.LNKTYPE, "c"
        tar.addfile(link)
    pt.extract(pt.Archive(path), tmp_path / "ours")
    assert tree(tmp_path / "ours") == untarred(path, tmp_path / "tars")
    assert tree(tmp_path / "ours") == {"a/b": b"new", "c": b"c", "l": b"c", "é\udcff": b"e"}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_parts_are_stripped_as_tar_does(archive, tmp_path, count):
    pt.extract(archive, tmp_path / "ours", strip_components=count)
    theirs = untarred(Path(archive.path), tmp_path / "tars", f"--strip-components={count}")
    assert tree(tmp_path / "ours") == theirs


@pytest.mark.parametrize("pattern", ["photos", "./photos/", "photos/*", "*/one.jpg"])
@pytest.mark.parametrize("indexed", [True, False])
def test_a_dot_before_the_names_does_not_matter_to_a_pattern(tmp_path, pattern, indexed, capsys):
    names = ["./photos/one.jpg", "./photos/b/one.jpg", "./other/two.jpg"]
    path = write_tar(tmp_path / "dots.tar.gz", {name: name.encode() for name in names})
    if indexed:
        pt.Archive(path)
    assert main(["extract", str(path), pattern, "-C", str(tmp_path / "out")]) == 0
    assert sorted(tree(tmp_path / "out")) == ["photos/b/one.jpg", "photos/one.jpg"]
    capsys.readouterr()
    assert main(["ls", str(path), pattern]) == 0
    assert capsys.readouterr().out.splitlines() == names[:2]


@pytest.mark.parametrize("indexed", [True, False])
def test_a_folder_in_the_way_of_a_file_is_named_and_stays(archive, tmp_path, indexed):
    (tmp_path / "out" / "top.txt" / "inner").mkdir(parents=True)
    source = archive if indexed else io.BytesIO(Path(archive.path).read_bytes())
    with pytest.raises(IsADirectoryError) as raised:
        pt.extract(source, tmp_path / "out", ["top.txt"], overwrite=True)
    assert raised.value.filename == str(tmp_path / "out" / "top.txt")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["inner", "top.txt"]


def test_a_leading_slash_is_dropped_as_tar_does(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"/abs/file": b"1", "//twice/file": b"2"})
    pt.extract(pt.Archive(path), tmp_path / "ours")
    theirs = untarred(path, tmp_path / "tars")
    assert tree(tmp_path / "ours") == theirs == {"abs/file": b"1", "twice/file": b"2"}


@pytest.mark.parametrize(
    "name", ["../out", "a/../../out", "a/..", "/../out", "..", "./../out", "a/b/../../../../out"]
)
def test_a_name_that_leads_out_is_refused_before_anything_is_written(tmp_path, name):
    path = write_tar(tmp_path / "a.tar", {"fine": b"1", name: b"2"})
    archive = pt.Archive(path)
    before = tree(tmp_path)
    with pytest.raises(pt.ArchiveError, match=r"`\.\.`") as caught:
        pt.extract(archive, tmp_path / "into" / "here")
    assert (caught.value.path, caught.value.member) == (str(path), name)
    assert tree(tmp_path) == before
    pt.extract(archive, tmp_path / "into" / "here", ["fine"])
    assert tree(tmp_path / "into") == {"here/fine": b"1"}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "..", ".", "", " ", "c\\"]), max_size=5),
             min_size=1, max_size=4, unique_by=tuple),
    st.integers(0, 2),
)  # fmt: skip
def test_no_name_lands_outside_or_on_another(archive, parts, strip):
    class Named:
        path = "x.tar"
        names = ["/".join(part) for part in parts]  # noqa: RUF012 - a stand-in for one attribute

    try:
        places = places_of(Named(), range(len(parts)), strip)
    except pt.ArchiveError:
        return
    names = [place.name for place in places]
    assert len(set(names)) == len(names)
    for name in names:
        assert os.path.normpath(name) == name
        assert not name.startswith(("/", "../"))
        assert name not in ("", ".", "..")
        assert not any(other.startswith(f"{name}/") for other in names)


def test_two_members_that_would_be_one_file_are_refused(tmp_path):
    archive = pt.Archive(write_tar(tmp_path / "a.tar", {"x/1.jpg": b"1", "y/1.jpg": b"2"}))
    with pytest.raises(pt.ArchiveError, match=r"`y/1\.jpg`.*`1\.jpg`, as `x/1\.jpg` does"):
        pt.extract(archive, tmp_path / "out", strip_components=1)
    assert not (tmp_path / "out").exists()


def test_a_member_that_others_need_as_a_folder_is_refused(tmp_path):
    archive = pt.Archive(write_tar(tmp_path / "a.tar", {"a/b": b"1", "a/b/c/d": b"2"}))
    with pytest.raises(pt.ArchiveError, match=r"`a/b`.*as a folder"):
        pt.extract(archive, tmp_path / "out")


@pytest.mark.parametrize("where", ["photos", "photos/a"])
@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"skip_existing": True}])
def test_nothing_is_written_through_a_link(archive, tmp_path, where, options):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "out" / where
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(NotADirectoryError, match="link") as caught:
        pt.extract(archive, tmp_path / "out", **options)
    assert caught.value.filename == str(link)
    assert not list(outside.iterdir())
    assert not tree(tmp_path / "out")


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(archive, tmp_path):
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "top.txt").symlink_to(target)
    for options in ({}, {"skip_existing": True}):
        with pytest.raises(FileExistsError):
            pt.extract(archive, tmp_path / "out", **options)
    pt.extract(archive, tmp_path / "out", overwrite=True)
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "out" / "top.txt").is_symlink()
    assert tree(tmp_path / "out") == MEMBERS


def test_what_is_there_is_refused_before_anything_is_written(archive, tmp_path):
    out = tmp_path / "out"
    (out / "photos" / "a").mkdir(parents=True)
    (out / "photos" / "a" / "one.jpg").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="1 of the files") as caught:
        pt.extract(archive, out)
    assert caught.value.filename == str(out / "photos" / "a" / "one.jpg")
    assert tree(out) == {"photos/a/one.jpg": b"mine"}
    pt.extract(archive, out, overwrite=True)
    assert tree(out) == MEMBERS


def test_files_of_the_right_size_are_kept(archive, tmp_path):
    out = tmp_path / "out"
    pt.extract(archive, out, [0, "top.txt"])
    other = b"x" * len(MEMBERS["top.txt"])
    (out / "top.txt").write_bytes(other)
    found = pt.extract(archive, out, skip_existing=True)
    assert (found.images, found.kept) == (3, 2)
    assert tree(out) == MEMBERS | {"top.txt": other}
    (out / "top.txt").write_bytes(b"longer than before")
    with pytest.raises(FileExistsError, match="with another size"):
        pt.extract(archive, out, skip_existing=True)
    found = pt.extract(archive, out, skip_existing=True, overwrite=True)
    assert (found.images, found.kept) == (1, 4)
    assert tree(out) == MEMBERS


def test_a_damaged_member_leaves_no_file(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"a": b"a" * 600, "b": b"b" * 600}, mode="w")
    archive = pt.Archive(path)
    start = path.read_bytes().index(b"b" * 600)
    with path.open("r+b") as file:
        file.seek(start + 5)
        file.write(b"X")
    with pytest.raises(pt.ArchiveError, match="`b`"):
        pt.extract(archive, tmp_path / "out", threads=1)
    assert tree(tmp_path / "out") in ({}, {"a": b"a" * 600})


def test_a_large_member_is_copied_in_pieces(tmp_path):
    large = os.urandom(1 << 16) * 260
    path = write_tar(tmp_path / "a.tar.gz", {"large": large, "small": b"s"}, compresslevel=1)
    pt.extract(pt.Archive(path), tmp_path / "out")
    assert tree(tmp_path / "out") == {"large": large, "small": b"s"}


def test_progress_counts_to_the_end_and_may_stop(archive, tmp_path):
    calls: list[tuple[int, int | None, int]] = []
    pt.extract(archive, tmp_path / "out", progress=lambda *args: calls.append(args))
    size = archive.total_bytes
    assert calls[-1] == (size, size, 5)

    def stop(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        pt.extract(archive, tmp_path / "again", progress=stop)
    assert not list((tmp_path / "again").glob(".ptarmigan*"))


KILLED = """
import os, signal, sys
import ptarmigan as pt

def stop(done, total, members):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)

pt.extract(pt.Archive(sys.argv[1]), sys.argv[2], threads=2, progress=stop)
"""


def test_kill_leaves_whole_files_and_the_next_run_goes_on(tmp_path):
    members = {f"p/{number % 7}/{number}.jpg": os.urandom(150_000) for number in range(200)}
    path = write_tar(tmp_path / "a.tar", members, mode="w")
    archive = pt.Archive(path)
    out = tmp_path / "out"
    assert run(KILLED, path, out).returncode == -signal.SIGKILL
    staging = list(out.glob(".ptarmigan-part-*"))
    assert len(staging) == 1
    there = {name: data for name, data in tree(out).items() if not name.startswith(".")}
    assert 50 < len(there) < 200
    assert all(members[name] == data for name, data in there.items())
    found = pt.extract(archive, out, skip_existing=True)
    assert (found.images, found.kept) == (200 - len(there), len(there))
    assert tree(out) == members
    assert not list(out.glob(".ptarmigan-part-*"))


def test_the_folder_of_a_living_process_is_left_alone(archive, tmp_path):
    out = tmp_path / "out"
    seen = []

    def meanwhile(*_: object) -> None:
        if not seen:
            seen.append(sorted(out.glob(".ptarmigan-part-*")))
            code = "import sys, ptarmigan as pt; pt.extract(pt.Archive(sys.argv[1]), sys.argv[2])"
            other = write_tar(tmp_path / "other.tar", {"other": b"o"})
            assert run(code, other, out).returncode == 0
            assert sorted(out.glob(".ptarmigan-part-*")) == seen[0]

    pt.extract(archive, out, threads=1, progress=meanwhile)
    assert len(seen[0]) == 1
    assert tree(out) == MEMBERS | {"other": b"o"}


BOUNDED = """
import sys
import ptarmigan as pt
import ptarmigan.exporting

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024

archive = pt.Archive(sys.argv[1])
before = peak()
pt.extract(archive, sys.argv[2], threads=2)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path):
    data = os.urandom(1_000_000)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(120):
            info = tarfile.TarInfo(f"p/{number}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("large")
        info.size = 60 * len(data)
        tar.addfile(info, io.BytesIO(data * 60))
    done = run(BOUNDED, path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60
    assert (tmp_path / "out" / "large").stat().st_size == 60 * len(data)
