"""`ptarmigan bench --peers`: what is measured, and what becomes of peers that cannot be."""

from __future__ import annotations

import ast
import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ptarmigan.cli import main
from ptarmigan.peers import TASKS, best_peers, processes, run_peers
from ptarmigan.peers.environments import (
    PeerError,
    environment_python,
    find_peers,
    programs_folder,
    read_header,
)
from synthetic import make_jpeg

HEADER = """
HEADER = {"name": "Odd", "distribution": "numpy", "requirements": ["numpy"], "does": "",
          "python": [None, None], "notes": {"decode": "odd"}, "cannot": {"entropy": "too odd"}}
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        data = make_jpeg(seed, 330, 290 + seed, quality=88, subsampling=2 * (seed % 2))
        (folder / f"{seed}.jpg").write_bytes(data)
    (folder / "grey.jpg").write_bytes(make_jpeg(9, mode="L"))
    turned = Image.Exif()
    turned[0x0112] = 6
    (folder / "turned.jpg").write_bytes(make_jpeg(8, exif=turned.tobytes()))
    return folder


@pytest.fixture
def odd_peer(tmp_path):
    """A folder of peers with one more, which is made of the given code."""

    def make(code: str) -> str:
        source = tmp_path / "source"
        shutil.copytree(programs_folder(), source)
        (source / "odd.py").write_text(HEADER + code)
        return str(source)

    return make


def run_odd(photos: Path, source: str, task: str = "decode"):
    rows = run_peers(
        str(photos), peers=["odd"], tasks=[task], environments=None, source=source, rounds=2
    )
    return {row.peer: row for row in rows}


def test_all_tasks_beside_pillow_are_equal(photos):
    said, done = [], []
    rows = run_peers(
        str(photos),
        peers=["pillow"],
        environments=None,
        rounds=2,
        say=said.append,
        progress=lambda *counts: done.append(counts),
    )
    assert [row.task for row in rows] == [task for task in TASKS for _ in range(2)]
    assert done == [(1, 2), (2, 2)]
    assert said
    for row in rows:
        if (row.peer, row.task) == ("ptarmigan", "entropy"):
            assert row.milliseconds is None
            assert "cargo bench" in row.note
            continue
        assert row.equal is True
        assert row.psnr is None
        assert row.images_per_second > 0
        assert row.megabytes_per_second > 0
        assert row.milliseconds > 0
    crops = {row.crc32 for row in rows if row.task == "random_crop"}
    assert len(crops) == 1
    best = best_peers(rows)
    assert list(best) == ["decode", "random_crop", "central_crop"]
    assert all(row.peer == "pillow" and row.ratio > 0 for row in best.values())


def test_the_fastest_is_first_and_those_without_figures_last(photos, odd_peer):
    code = "import time\ndef decode(files):\n    raise RuntimeError('no\\nluck')\n"
    rows = list(run_odd(photos, odd_peer(code)).values())
    assert [row.peer for row in rows][-1] == "odd"
    assert rows[0].milliseconds <= rows[1].milliseconds


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("raise SystemExit(3)", "status 3"),
        ("import os\nos._exit(7)", "status 7"),
        ("def decode(files):\n    raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import os\ndef decode(files):\n    os._exit(9)", "status 9"),
        ("decode = None", "has no such function"),
        ("def decode(files):\n    return []", "0 images of 4 photos"),
        (
            "import numpy\ndef decode(files): return [numpy.zeros((1, 2, 3), 'u1')] * len(files)",
            "photo 0 is (1, 2, 3), Pillow's (290, 330, 3)",
        ),
        (
            "import numpy\ndef decode(files): return [numpy.zeros((1, 2, 3), 'f4')] * len(files)",
            "float32, not uint8",
        ),
    ],
)
def test_a_peer_that_fails_is_a_row_with_the_reason(photos, odd_peer, code, reason):
    rows = run_odd(photos, odd_peer(code))
    assert reason in rows["odd"].note
    assert rows["odd"].images_per_second is None
    assert rows["odd"].ratio is None
    assert rows["odd"].equal is None
    assert rows["ptarmigan"].equal is True
    assert rows["pillow"].ratio > 0


def test_a_peer_that_fails_later_is_a_row_with_the_reason(photos, odd_peer):
    code = (
        "import pillow_side\nTURNS = []\ndef decode(files):\n    TURNS.append(1)\n"
        "    if len(TURNS) > 2:\n        raise MemoryError('full')\n"
        "    return pillow_side.decode(files)\n"
    )
    source = odd_peer(code.replace("pillow_side", "odd_side"))
    shutil.copy(Path(source, "pillow.py"), Path(source, "odd_side.py"))
    code = f"import sys\nsys.path.append({source!r})\n" + Path(source, "odd.py").read_text()
    Path(source, "odd.py").write_text(code)
    rows = run_odd(photos, source)
    assert rows["odd"].note == "MemoryError: full"
    assert rows["odd"].milliseconds is None
    assert rows["pillow"].ratio > 0


def test_a_peer_that_hangs_is_given_up(photos, odd_peer, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 3.0)
    rows = run_odd(photos, odd_peer("import time\ndef decode(files):\n    time.sleep(600)"))
    assert rows["odd"].note == "no answer within 3 s"
    assert rows["ptarmigan"].equal is True


def test_other_pixels_are_told_in_decibels(photos, odd_peer):
    code = (
        "import io, numpy as np\nfrom PIL import Image\nprint('{} is no answer')\n"
        "def decode(files):\n    print('nor is this')\n"
        "    return [np.asarray(Image.open(io.BytesIO(file))) ^ 1 for file in files]\n"
    )
    row = run_odd(photos, odd_peer(code))["odd"]
    assert row.equal is False
    assert row.psnr == pytest.approx(20 * np.log10(255))
    assert row.note == "odd"
    assert row.cells()[-2:] == ("48.1 dB", "odd")


def test_images_of_other_places_are_not_compared(photos, odd_peer):
    code = (
        "import numpy as np\nHEADER['not_compared'] = ['random_crop']\n"
        "def random_crop(files, boxes, size=224):\n"
        "    return np.zeros((len(files), size, size, 3), np.float32)\n"
    )
    row = run_odd(photos, odd_peer(code), "random_crop")["odd"]
    assert (row.equal, row.psnr) == (None, None)
    assert row.milliseconds > 0


def test_the_command_prints_json(photos, capsys):
    options = ["--peers-here", "--peer", "pillow", "--photos", "2", "--rounds", "1", "--json"]
    assert main(["bench", "--peers", str(photos), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["processor"]
    assert len(found["rows"]) == 2 * len(TASKS)
    assert set(found["best"]) == set(TASKS) - {"entropy"}
    assert found["best"]["decode"]["peer"] == "pillow"


def test_the_command_prints_tables(photos, capsys):
    options = ["--peers-here", "--peer", "pillow", "--rounds", "1", "--crop"]
    assert main(["bench", "--peers", str(photos), *options]) == 0
    printed = capsys.readouterr()
    assert "Random crops to 224 x 224\npeer" in printed.out
    assert "Whole images" not in printed.out
    assert printed.out.count("Best peer: Pillow") == 2
    assert "processor: " in printed.err


def test_the_command_fails_where_our_pixels_differ(photos, odd_peer, capsys):
    source = Path(odd_peer(""))
    own = source / "ptarmigan.py"
    own.write_text(own.read_text().replace("pt.decode(file)", "pt.decode(file) ^ 1"))
    options = ["--peers-here", "--peers-source", str(source), "--peer", "pillow", "--decode"]
    assert main(["bench", "--peers", str(photos), *options, "--rounds", "1"]) == 1
    assert "48.1 dB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--peers", "--peer", "nobody"], "there is no peer `nobody`; there are "),
        (["--peer", "pillow"], "`--peer` needs `--peers`"),
        (["--peers-here"], "`--peers-here` needs `--peers`"),
        (["--peers", "--threads", "2"], "`--threads` does not go with `--peers`"),
        (["--peers", "--seconds", "2"], "`--seconds` does not go with `--peers`"),
        (["--peers", "--loader"], "`--loader` does not go with `--peers`"),
        (["--peers", "--rounds", "0"], "`rounds` must be from 1 to 10000, not `0`"),
        (["--peers", "--photos", "-1"], "`photos` must be from 1 to 10000, not `-1`"),
    ],
)
def test_a_wrong_call_exits_with_2(options, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *options]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_without_peers_exits_with_1(tmp_path, capsys):
    assert main(["bench", "--peers", "--peers-source", str(tmp_path)]) == 1
    assert "benches/peers" in capsys.readouterr().err


def test_a_task_must_be_one(photos):
    with pytest.raises(ValueError, match="`fly` is none of the tasks"):
        run_peers(str(photos), tasks=["fly"], environments=None)


@pytest.mark.parametrize("header", find_peers(programs_folder()), ids=lambda header: header.key)
def test_every_peer_has_each_task_or_says_why_not(header):
    named = {}
    for node in ast.parse(header.path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            named[node.name] = True
        elif isinstance(node, ast.Assign):
            named[ast.unparse(node.targets[0])] = ast.unparse(node.value) != "None"
    for task in TASKS:
        assert task in named
        assert named[task] != (task in header.cannot)
    assert set(header.notes) | set(header.not_compared) <= {task for task in TASKS if named[task]}


@pytest.mark.parametrize(
    ("code", "words"),
    [("A = 1\n", "no constant `HEADER`"), ("HEADER = {'name': 'Odd'}\n", "lacks '")],
)
def test_a_bad_header_is_told(tmp_path, code, words):
    path = tmp_path / "odd.py"
    path.write_text(code)
    with pytest.raises(ValueError, match=words):
        read_header(path)


def write_wheel(folder: Path, version: str) -> Path:
    """A wheel with one module, which pip installs without a network."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    about = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        wheel.writestr(
            f"{about}/RECORD", f"tiny.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )
    return path


def header_for(folder: Path, requirement: object, python: str = "[None, None]"):
    path = folder / "odd.py"
    code = HEADER.replace('["numpy"]', json.dumps([str(requirement)]))
    path.write_text(code.replace("[None, None]", python))
    return read_header(path)


def test_an_environment_is_made_once_and_again_for_other_requirements(tmp_path):
    said: list[str] = []
    header = header_for(tmp_path, write_wheel(tmp_path, "1.0"))
    python = environment_python(header, tmp_path / "peers", said.append)
    assert Path(python).is_relative_to(tmp_path / "peers" / "odd")
    assert len(said) == 1
    assert environment_python(header, tmp_path / "peers", said.append) == python
    assert len(said) == 1
    newer = header_for(tmp_path, write_wheel(tmp_path, "2.0"))
    environment_python(newer, tmp_path / "peers", said.append)
    assert len(said) == 2
    assert list((tmp_path / "peers" / "odd").glob("lib/*/site-packages/tiny-2.0.dist-info"))


def test_what_cannot_be_installed_is_told_with_its_log(tmp_path):
    header = header_for(tmp_path, tmp_path / "missing-1.0-py3-none-any.whl")
    with pytest.raises(PeerError, match=r"cannot be installed: .*missing.*odd\.log"):
        environment_python(header, tmp_path / "peers", lambda _: None)


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path):
    kept = tmp_path / "peers" / "odd" / "thesis.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    header = header_for(tmp_path, "numpy")
    with pytest.raises(PeerError, match="is no virtual environment"):
        environment_python(header, tmp_path / "peers", lambda _: None)
    assert kept.read_text() == "mine"


def test_a_python_that_is_not_here_is_told(tmp_path):
    header = header_for(tmp_path, "numpy", '["3.99", None]')
    with pytest.raises(PeerError, match=r"needs Python 3\.99 or later, which is not here"):
        environment_python(header, tmp_path / "peers", lambda _: None)
    assert not (tmp_path / "peers").exists()


def test_a_peer_without_requirements_runs_here(tmp_path):
    (ours,) = find_peers(programs_folder(), ["ptarmigan"])
    assert environment_python(ours, tmp_path / "peers", lambda _: None) == sys.executable


def test_the_package_has_the_peers_of_the_source():
    source = Path(__file__).resolve().parents[1] / "benches" / "peers"
    assert source.is_dir()
    kept = {path.name: path.read_bytes() for path in source.glob("*.py")}
    assert {path.name: path.read_bytes() for path in programs_folder().glob("*.py")} == kept
    assert "runner.py" in kept
