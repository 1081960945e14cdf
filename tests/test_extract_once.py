"""An archive without an index becomes the files that one with an index becomes, read only once."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import ptarmigan as pt
from exports_made import tree
from programs import run
from ptarmigan.cli import main
from ptarmigan.exporting.one_pass import extract_passing
from ptarmigan.exporting.places import members_matching
from synthetic import write_tar
from tars import Dribble, gzip_member, listing, noise, tar_bytes

MEMBERS = {
    "photos/a/one.jpg": b"one" * 1000,
    "photos/a/two.jpg": b"",
    "photos/b c/three [x].jpg": bytes(range(256)) * 40,
    "photos/b c/d/four.jpg": b"4",
    "top.txt": b"top",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "x.tar.gz", MEMBERS)


def extract(*arguments: object) -> int:
    return main(["extract", *map(str, arguments)])


def packed(members: list[tuple[str, bytes | str]]) -> bytes:
    """A tar; where there is a name instead of bytes, the member is a hard link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.LNKTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_every_source_gives_the_files_and_leaves_no_index(tmp_path, mode):
    path = write_tar(tmp_path / "x.tar", MEMBERS, mode=mode)
    data = path.read_bytes()
    for number, source in enumerate((path, str(path), io.BytesIO(data), Dribble(data, 700))):
        found = pt.extract(source, tmp_path / "out" / str(number))
        assert tree(tmp_path / "out" / str(number)) == MEMBERS
        assert (found.images, found.bytes) == (5, sum(map(len, MEMBERS.values())))
        assert (found.kept, found.skipped, found.credits) == (0, [], None)
    with path.open("rb") as file:
        pt.extract(file, tmp_path / "out" / "file")
    assert extract(path, "-C", tmp_path / "out" / "command") == 0
    assert tree(tmp_path / "out" / "file") == tree(tmp_path / "out" / "command") == MEMBERS
    assert {entry.name for entry in tmp_path.iterdir()} == {"x.tar", "out"}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_command_reads_a_pipe(tmp_path, mode):
    path = write_tar(tmp_path / "x.tar", MEMBERS, mode=mode)
    command = [sys.executable, "-m", "ptarmigan", "extract", "-", "photos/b*", "-C", tmp_path / "o"]
    done = subprocess.run(
        [*command, "--strip-components", "1"], input=path.read_bytes(), capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"wrote 2 to" in done.stderr
    expected = {"b c/three [x].jpg": MEMBERS["photos/b c/three [x].jpg"], "b c/d/four.jpg": b"4"}
    assert tree(tmp_path / "o") == expected


def test_an_index_that_is_there_or_asked_for_is_used(path, tmp_path):
    assert extract(path, "-C", tmp_path / "1", "--index", tmp_path / "i") == 0
    assert (tmp_path / "i").exists()
    pt.Archive(path)
    index = Path(f"{path}.ptidx")
    index.write_bytes(b"no index")
    assert extract(path, "-C", tmp_path / "2") == 1
    with pytest.raises(pt.IndexFileError):
        pt.extract(path, tmp_path / "2")
    index.unlink()
    pt.Archive(path)
    pt.extract(path, tmp_path / "2", [0, "top.txt"])
    assert set(tree(tmp_path / "2")) == {"photos/a/one.jpg", "top.txt"}


def test_a_folder_is_not_an_archive_that_goes_by(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a")
    assert extract(tmp_path / "in", "-C", tmp_path / "out") == 0
    assert tree(tmp_path / "out") == {"a": b"a"}


NAMES = ["a", "b", "d/a", "d/b", "d/e/a", "./a", "/b", "d//a", "d", "../a", "d/e"]
CONTENT = st.binary(max_size=3) | st.sampled_from(NAMES)
MEMBER_LISTS = st.lists(st.tuples(st.sampled_from(NAMES[:5]) | st.sampled_from(NAMES), CONTENT),
                        max_size=7)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    members=MEMBER_LISTS,
    patterns=st.lists(st.sampled_from(["a", "d", "*", "*a", "d/*", "b/", "x"]), max_size=2),
    strip=st.integers(0, 1),
    there=st.dictionaries(st.sampled_from(["a", "d/a", "b"]), st.binary(max_size=3), max_size=2),
    overwrite=st.booleans(),
    skip_existing=st.booleans(),
    limit=st.none() | st.integers(1, 4),
)
def test_one_pass_gives_what_an_index_gives(
    tmp_path_factory, members, patterns, strip, there, overwrite, skip_existing, limit
):
    # A file that has the size of the last member of its name is overwritten by an earlier one.
    twice = len(dict(members)) < len(members)
    assume(not (twice and overwrite and skip_existing))
    # Where reading ends with the last that is wanted, none is found again behind.
    assume(not (twice and limit))
    folder = tmp_path_factory.mktemp("any")
    path = folder / "a.tar"
    path.write_bytes(packed(members))
    options = {
        "strip_components": strip,
        "overwrite": overwrite,
        "skip_existing": skip_existing,
        "threads": 1,
    }

    def outcome(name, work):
        out = folder / name
        for file, data in there.items():
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_bytes(data)
        try:
            found = work(out)
        except (pt.PtarmiganError, OSError) as error:
            assert not list(out.glob(".ptarmigan*"))
            return type(error)
        return tree(out), found.images + found.kept

    def indexed(out):
        archive = pt.Archive(path, index_path=folder / "i")
        chosen = members_matching(archive, patterns)
        return pt.extract(archive, out, chosen[:limit], **options)

    expected = outcome("indexed", indexed)
    passed = outcome(
        "passed",
        lambda out: extract_passing(path, out, patterns=patterns, limit=limit, **options),
    )
    event("refused" if isinstance(expected, type) else "extracted")
    if isinstance(expected, type):
        # Of several reasons the one that comes by first counts.
        assert isinstance(passed, type)
    else:
        assert passed == expected
    shutil.rmtree(folder)


def test_the_last_of_a_name_counts_and_hard_links_become_files(tmp_path):
    members = [("./a//b", b"old"), ("c", b"c"), ("l", "c"), ("m", "l"), ("./a//b", b"newer"),
               ("c", b"second"), ("n", "./c"), ("c", b"last")]  # fmt: skip
    data = packed(members)
    found = pt.extract(io.BytesIO(data), tmp_path / "out")
    assert tree(tmp_path / "out") == {
        "a/b": b"newer", "c": b"last", "l": b"c", "m": b"c", "n": b"second",
    }  # fmt: skip
    assert (found.images, found.bytes) == (5, 5 + 4 + 1 + 1 + 6)


def test_a_link_to_what_is_not_extracted_is_read_afterwards_or_named(tmp_path, capsys):
    path = tmp_path / "a.tar"
    path.write_bytes(packed([("in/c", b"c"), ("out/l", "in/c"), ("out/m", b"m")]))
    assert extract(path, "out", "-C", tmp_path / "1") == 0
    assert tree(tmp_path / "1") == {"out/l": b"c", "out/m": b"m"}
    assert listing(tmp_path) == ["1", "a.tar"]
    with pytest.raises(pt.ArchiveError, match=r"`out/l`.*hard link to `in/c`.*1 are not") as caught:
        pt.extract(Dribble(path.read_bytes()), tmp_path / "2", ["out/l", "out/m"])
    assert caught.value.member == "out/l"
    assert tree(tmp_path / "2") == {"out/m": b"m"}


def test_a_link_is_not_made_of_a_file_that_only_has_the_right_size(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(packed([("c", b"right"), ("l", "c")]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c").write_bytes(b"other")
    found = pt.extract(path, tmp_path / "out", skip_existing=True)
    assert (found.images, found.kept) == (1, 1)
    assert tree(tmp_path / "out") == {"c": b"other", "l": b"right"}


def test_the_limit_ends_the_reading(tmp_path):
    members = [(f"{number % 2}/{number}", noise(number, 100_000)) for number in range(200)]
    data = gzip_member(bytes(tar_bytes(members)))
    source = Dribble(data, 1 << 20)
    found = extract_passing(source, tmp_path / "1", limit=3)
    assert (found.images, source.calls) == (3, 1)
    assert tree(tmp_path / "1") == dict(members[:3])
    # What comes last decides whether the second pattern is right.
    source = Dribble(data, 1 << 20)
    extract_passing(source, tmp_path / "2", patterns=["1", "*/198"], limit=3)
    assert tree(tmp_path / "2") == {
        name: data for name, data in members if name in ("1/1", "1/3", "1/5")
    }
    assert source.calls > 15


def test_a_pattern_that_matches_nothing_is_named_at_the_end(path, tmp_path, capsys):
    assert extract(path, "nothing/*", "-C", tmp_path / "1") == 1
    assert capsys.readouterr().err == f"ptarmigan: `{path}`: no member matches `nothing/*`\n"
    assert not (tmp_path / "1").exists()
    assert extract(path, "top.txt", "nothing", "-C", tmp_path / "2") == 1
    assert tree(tmp_path / "2") == {"top.txt": b"top"}
    with pytest.raises(pt.MemberNotFoundError, match="no member `top`") as caught:
        pt.extract(path, tmp_path / "3", ["top", b"top.txt"])
    assert caught.value.member == "top"
    with pytest.raises(ValueError, match="by name, found 0"):
        pt.extract(path, tmp_path / "3", [0])


@pytest.mark.parametrize("name", ["../out", "a/..", "..", "fine/below", "./fine"])
def test_a_name_that_is_refused_stops_behind_whole_files(tmp_path, name):
    path = write_tar(tmp_path / "a.tar", {"fine": b"1", name: b"2", "later": b"3"})
    with pytest.raises(pt.ArchiveError, match=r"its name (has `\.\.`|would become)"):
        pt.extract(path, tmp_path / "into" / "here")
    assert tree(tmp_path / "into") == {"here/fine": b"1"}
    assert not list(tmp_path.rglob(".ptarmigan*"))
    pt.extract(path, tmp_path / "into" / "there", ["fine"])
    assert tree(tmp_path / "into" / "there") == {"fine": b"1"}


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"skip_existing": True}])
def test_nothing_is_written_through_a_link(path, tmp_path, options):
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "photos").symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectoryError, match="link"):
        pt.extract(path, tmp_path / "out", **options)
    assert not list((tmp_path / "outside").iterdir())


def test_files_that_are_there(path, tmp_path):
    out = tmp_path / "out"
    (out / "photos" / "a").mkdir(parents=True)
    (out / "photos" / "a" / "one.jpg").write_bytes(b"mine")
    (out / "top.txt").write_bytes(b"TOP")
    with pytest.raises(FileExistsError, match="overwriting replaces") as caught:
        pt.extract(path, out)
    assert caught.value.filename == str(out / "photos" / "a" / "one.jpg")
    with pytest.raises(FileExistsError, match="1 of the files are there with another size"):
        pt.extract(path, out, skip_existing=True)
    expected = MEMBERS | {"top.txt": b"TOP"}
    assert tree(out) == expected | {"photos/a/one.jpg": b"mine"}
    found = pt.extract(path, out, skip_existing=True, overwrite=True)
    assert (found.images, found.kept) == (1, 4)
    assert tree(out) == expected
    assert pt.extract(path, out, overwrite=True).images == 5
    assert tree(out) == MEMBERS


def test_what_was_extracted_is_kept_where_a_name_comes_twice(tmp_path):
    data = packed([("a", b"old"), ("a", b"newest")])
    pt.extract(io.BytesIO(data), tmp_path / "out")
    found = pt.extract(io.BytesIO(data), tmp_path / "out", skip_existing=True)
    assert (found.images, found.kept) == (0, 1)
    assert tree(tmp_path / "out") == {"a": b"newest"}


def test_what_a_stream_cannot_have_is_refused(path, tmp_path, capsys, monkeypatch):
    for option in (["--split", "train"], ["--where", "a=b"], ["--license", "BY"],
                   ["--release", "2018"], ["--index", tmp_path / "i"], ["--limit", 0],
                   ["--threads", 0], ["--strip-components", -1]):  # fmt: skip
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        assert extract("-", "-C", tmp_path / "out", *option) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert listing(tmp_path) == ["x.tar.gz"]


def test_progress_counts_and_may_stop(path, tmp_path):
    calls: list[tuple[int, int | None, int]] = []
    pt.extract(path, tmp_path / "out", progress=lambda *args: calls.append(args))
    assert calls[-1] == (sum(map(len, MEMBERS.values())), None, 5)

    def stop(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        pt.extract(path, tmp_path / "again", progress=stop)
    assert tree(tmp_path / "again") == {"photos/a/one.jpg": MEMBERS["photos/a/one.jpg"]}


BOUNDED = """
import sys
import ptarmigan as pt
import ptarmigan.exporting.one_pass

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024

before = peak()
pt.extract(sys.argv[1], sys.argv[2])
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path):
    data = os.urandom(1_000_000)
    path = write_tar(tmp_path / "a.tar", {f"p/{number}": data for number in range(150)}, mode="w")
    done = run(BOUNDED, path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60
    assert len(tree(tmp_path / "out")) == 150
