"""Opening the annotations of train and val, beside `zipfile`, `json.load` and a join by dict.

The zip has the counts of 2017, and names, holders and licences like its own; every side turns it
into file names, ids, categories, sizes, licences and holders of 675,170 images, sorted by file
name. The memory of each side is that of a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ptarmigan.annotations import Table
from ptarmigan.synth.taxa import SUPERCATEGORIES, Category, make_categories

SIZES = ((800, 600), (800, 533), (600, 800), (800, 800), (800, 534), (533, 800), (800, 450))
HOLDERS = 25_000

MEMORY = """
import sys
{work}
# Not ru_maxrss: that of a new program begins with that of the process it was forked from.
with open("/proc/self/status") as status:
    lines = dict(line.split(":", 1) for line in status)
print(*(int(lines[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS")))
"""
OURS = """
from ptarmigan.annotations import Table
table = Table([(sys.argv[1], name) for name in ("train2017.json", "val2017.json")], cache={cache})
"""
PEER = """
from bench_annotations import join_by_dict
columns = join_by_dict(sys.argv[1])
"""


def join_by_dict(path: str) -> tuple[list[object], ...]:
    """The columns as a script would make them."""
    rows = []
    for name in ("train2017.json", "val2017.json"):
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            content = json.load(file)
        category = {one["image_id"]: one["category_id"] for one in content["annotations"]}
        rows += [
            (
                image["file_name"],
                image["id"],
                category[image["id"]],
                image["width"],
                image["height"],
                image["license"],
                image["rights_holder"],
            )
            for image in content["images"]
        ]
    rows.sort()
    return tuple(zip(*rows, strict=True))  # type: ignore[arg-type]


def _records(
    categories: list[Category], ids: np.ndarray, counts: np.ndarray, random: np.random.Generator
) -> tuple[list[str], list[str]]:
    """The images and annotations of one split, in the order of their ids."""
    number = len(ids)
    labels = np.repeat(np.arange(len(categories)), counts)
    stems = random.bytes(16 * number).hex()
    size = random.integers(len(SIZES), size=number).tolist()
    licence = random.choice([1, 2, 3, 6, 7], p=[0.04, 0.08, 0.76, 0.1, 0.02], size=number).tolist()
    holder = (random.pareto(1.0, number) * 40).astype(int) % HOLDERS
    # One in thirty has a letter that json.dump escapes.
    names = [
        f"Observer {number}" if number % 30 else f"Observ\\u00e9r {number}"
        for number in range(HOLDERS)
    ]
    folders = [category.directory for category in categories]
    images, annotations = [], []
    for row, (image, label, person) in enumerate(
        zip(ids.tolist(), labels.tolist(), holder.tolist(), strict=True)
    ):
        width, height = SIZES[size[row]]
        images.append(
            f'{{"id": {image}, "width": {width}, "height": {height}, "file_name": '
            f'"{folders[label]}/{stems[32 * row : 32 * row + 32]}.jpg", "license": {licence[row]}, '
            f'"rights_holder": "{names[person]}"}}'
        )
        annotations.append(f'{{"id": {image}, "image_id": {image}, "category_id": {label}}}')
    return images, annotations


def _split_counts(categories: list[Category], column: str) -> np.ndarray:
    """How many images each category has; the sums of the super categories are those of 2017."""
    counts = np.zeros(len(categories), int)
    for place, group in enumerate(SUPERCATEGORIES):
        members = [row for row, one in enumerate(categories) if one.supercategory == place]
        share = np.diff(np.linspace(0, getattr(group, column), len(members) + 1).astype(int))
        counts[members] = share
    return counts


def _texts() -> Iterator[tuple[str, str]]:
    """Name and text of each split's file."""
    random = np.random.default_rng(0)
    categories = make_categories(1, 0)
    counts = {name: _split_counts(categories, name) for name in ("train", "val")}
    total = sum(int(one.sum()) for one in counts.values())
    val = np.zeros(total, bool)
    val[random.choice(total, int(counts["val"].sum()), replace=False)] = True
    listed = [
        {
            "id": number,
            "name": category.name,
            "supercategory": SUPERCATEGORIES[category.supercategory].name,
        }
        for number, category in enumerate(categories)
    ]
    licenses = [
        {"id": number, "name": f"Licence {number}", "url": f"http://creativecommons.org/{number}/"}
        for number in range(1, 9)
    ]
    for name in ("train", "val"):
        ids = np.flatnonzero(val == (name == "val"))
        images, annotations = _records(categories, ids, counts[name], random)
        text = (
            f'{{"info": {{"year": 2017, "version": "1"}}, "images": [{", ".join(images)}], '
            f'"categories": {json.dumps(listed)}, "annotations": [{", ".join(annotations)}], '
            f'"licenses": {json.dumps(licenses)}}}'
        )
        yield f"{name}2017.json", text


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "train_val2017.zip"
    write(path)
    return path


def write(path: Path) -> None:
    """Writes the zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _texts():
            archive.writestr(name, text)


def read(path: Path, *, cache: bool) -> Table:
    files = [(str(path), name) for name in ("train2017.json", "val2017.json")]
    return Table(files, cache=cache)


def bench_first_open(compare: Callable[..., None], path: Path) -> None:
    table = read(path, cache=False)
    names, ids, labels, *_ = join_by_dict(str(path))
    assert list(table.file_names) == list(names)
    assert table.image_ids.tolist() == list(ids)
    assert table.category_ids.tolist() == list(labels)
    compare(
        "annotations of train and val, first open",
        len(table),
        "images",
        {
            "ptarmigan": lambda: read(path, cache=False),
            "zipfile + json.load + dict": lambda: join_by_dict(str(path)),
        },
    )


def bench_second_open(compare: Callable[..., None], path: Path) -> None:
    count = len(read(path, cache=True))
    compare(
        "annotations of train and val, second open",
        count,
        "images",
        {
            "ptarmigan": lambda: read(path, cache=True),
            "without the cache": lambda: read(path, cache=False),
        },
    )


def bench_memory(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    for kept in path.parent.glob("*.ptcols"):
        kept.unlink()
    sides = {
        "ptarmigan, without the cache": OURS.format(cache=False),
        "ptarmigan, first open": OURS.format(cache=True),
        "ptarmigan, second open": OURS.format(cache=True),
        "zipfile + json.load + dict": PEER,
    }
    for name, work in sides.items():
        command = [sys.executable, "-c", MEMORY.format(work=work), str(path)]
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
        peak, resident = (int(one) / 1e6 for one in done.stdout.split())
        with capsys.disabled():
            print(f"\n{name}: peak {peak:.0f} MB, resident {resident:.0f} MB")
