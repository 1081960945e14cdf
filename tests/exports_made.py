"""Runs exports and reads what they leave."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

import ptarmigan as pt
from ptarmigan.cli import main


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def photos_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder of photos but ``CREDITS.csv``, which must be there."""
    files = tree(folder)
    del files["CREDITS.csv"]
    return files


def export(*arguments: object) -> int:
    """The status of ``ptarmigan export``."""
    return main(["export", *map(str, arguments)])


def credits_in(folder: Path) -> list[list[str]]:
    """The rows of ``CREDITS.csv`` without its head."""
    with (folder / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def expected_credits(dataset: pt.INaturalist) -> list[list[str]]:
    """The rows that ``CREDITS.csv`` must have for all photos of a data set."""
    rows = []
    for row in range(len(dataset)):
        credit = dataset.attribution(row)
        values = [credit["file_name"], credit["rights_holder"], credit["license_id"],
                  credit["license_name"], credit["license_url"]]  # fmt: skip
        rows.append([int(dataset.image_ids[row]), *values])
    rows.sort(key=lambda row: row[0])
    return [["" if value is None else str(value) for value in row] for row in rows]


def encoded(data: bytes, longest: int | None, quality: int = 95) -> bytes:
    """What Pillow makes of a photo: the larger side at most ``longest``."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        picture = image.convert("RGB")
    width, height = picture.size
    if longest is not None and max(width, height) > longest:
        scale = longest / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def samples_in(shard: Path) -> dict[str, dict[str, bytes]]:
    """Key -> extension -> content, by the rules of WebDataset, read with tarfile."""
    samples: dict[str, dict[str, bytes]] = {}
    previous = None
    with tarfile.open(shard, "r:") as tar:
        for info in tar:
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
            assert info.isreg()
            key, _, extension = info.name.partition(".")
            # The files of a sample lie together.
            assert key == previous or key not in samples
            previous = key
            samples.setdefault(key, {})[extension] = tar.extractfile(info).read()
    return samples


def shards_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def below(file_name: str) -> str:
    """A file name of 2017 without its first folder."""
    return file_name.removeprefix("train_val_images/")


def order_of(folder: Path) -> list[int]:
    """The image ids in the order of all shards of a folder."""
    return [int(key) for path in shards_in(folder) for key in samples_in(path)]


def read_parquet(path: Path) -> Any:
    """A table, read by pyarrow."""
    return pytest.importorskip("pyarrow.parquet").read_table(path)
