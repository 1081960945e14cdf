"""Turns a plan into the competition's annotation, box and location files, record by record."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from ptarmigan._core import Camera
from ptarmigan.synth.packing import written_aside
from ptarmigan.synth.plan import Pictures
from ptarmigan.synth.taxa import SUPERCATEGORIES, Category

__all__ = ["Annotations"]

Record = dict[str, Any]

_URL = "http://creativecommons.org/licenses/"
# Name, address, share of the images (shares of a 2018 list, rounded).
_LICENCES: Final = (
    ("Attribution-NonCommercial-NoDerivatives License", f"{_URL}by-nc-nd/4.0/", 0.04),
    ("Attribution-NonCommercial-ShareAlike License", f"{_URL}by-nc-sa/4.0/", 0.08),
    ("Attribution-NonCommercial License", f"{_URL}by-nc/4.0/", 0.75),
    ("Attribution-NoDerivatives License", f"{_URL}by-nd/4.0/", 0.01),
    ("Attribution-ShareAlike License", f"{_URL}by-sa/4.0/", 0.01),
    ("Attribution License", f"{_URL}by/4.0/", 0.10),
    ("Public Domain Dedication", "http://creativecommons.org/publicdomain/zero/1.0/", 0.005),
    ("No known copyright restrictions", "http://flickr.com/commons/usage/", 0.005),
)
_HOLDERS: Final = (
    "Aino Mäkelä",
    "B. Oduya",
    "Çelik Er",
    "D'Arcy Quill",
    "Øyvind V.",
    "佐藤 光",
    "",
)
_INFO: Final = {
    "year": 2017,
    "version": "1.0",
    "description": "made-up pictures in the format of the iNaturalist 2017 competition",
    "contributor": "ptarmigan synth",
    "url": "",
    "date_created": "2017-04-05 00:00:00.000000",
}


def _listed(records: Iterable[Any]) -> Iterator[str]:
    """A JSON array, one record a piece."""
    before = "["
    for record in records:
        yield before + json.dumps(record)
        before = ", "
    yield "[]" if before == "[" else "]"


def _object(fields: dict[str, Any]) -> Iterator[str]:
    """A JSON object whose iterators become arrays."""
    before = "{"
    for name, value in fields.items():
        yield f"{before}{json.dumps(name)}: "
        yield from _listed(value) if isinstance(value, Iterator) else (json.dumps(value),)
        before = ", "
    yield "}"


def _write_zip(path: Path, files: dict[str, Iterator[str]]) -> None:
    with written_aside(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, pieces in files.items():
            entry = zipfile.ZipInfo(name, (2017, 4, 5, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with (
                archive.open(entry, "w", force_zip64=True) as raw,
                io.TextIOWrapper(raw, "utf-8", newline="") as text,
            ):
                text.writelines(pieces)


class Annotations:
    """Writes every annotation file of one plan.

    Args:
        categories: All categories.
        pictures: The training and validation images.
        test: The test images.
        seed: Decides licences, holders, places and boxes.
    """

    def __init__(
        self, categories: list[Category], pictures: Pictures, test: Pictures, seed: int
    ) -> None:
        self._categories = categories
        self._pictures = pictures
        self._test = test
        self._seed = seed

    def _head(self) -> dict[str, Any]:
        return {
            "info": _INFO,
            "categories": [
                {
                    "id": number,
                    "name": category.name,
                    "supercategory": SUPERCATEGORIES[category.supercategory].name,
                }
                for number, category in enumerate(self._categories)
            ],
            "licenses": [
                {"id": number, "name": name, "url": url}
                for number, (name, url, _) in enumerate(_LICENCES, 1)
            ],
        }

    def _rows(self, *, val: bool) -> list[int]:
        """The image ids of a split, in the order of its file: not sorted, as the real one."""
        rows = np.flatnonzero(self._pictures.val == val)
        shuffled: list[int] = np.random.default_rng([self._seed, 6]).permutation(rows).tolist()
        return shuffled

    def _images(
        self, pictures: Pictures, rows: Iterable[int], first_id: int = 0
    ) -> Iterator[Record]:
        random = np.random.default_rng([self._seed, 7])
        shares = np.cumsum([share for _, _, share in _LICENCES])
        licences = np.searchsorted(shares, random.random(len(pictures)) * shares[-1], "right") + 1
        holders = random.integers(len(_HOLDERS), size=len(pictures))
        for row in rows:
            name = pictures.names[row]
            yield {
                "id": row + first_id,
                "width": int(pictures.width[row]),
                "height": int(pictures.height[row]),
                "file_name": name.rpartition("/")[2] if pictures is self._test else name,
                "license": int(licences[row]),
                "rights_holder": _HOLDERS[holders[row]],
            }

    def _labels(self, rows: Iterable[int]) -> Iterator[Record]:
        for row in rows:
            category = int(self._pictures.category[row])
            yield {"id": row, "image_id": row, "category_id": category}

    def write_train_val(self, path: Path) -> None:
        """Writes ``train_val2017.zip``: train2017.json and val2017.json."""
        files = {}
        for split in ("train", "val"):
            rows = self._rows(val=split == "val")
            head = self._head()
            files[f"{split}2017.json"] = _object(
                {
                    "info": head["info"],
                    "images": self._images(self._pictures, rows),
                    "categories": head["categories"],
                    "annotations": self._labels(rows),
                    "licenses": head["licenses"],
                }
            )
        _write_zip(path, files)

    def write_test(self, path: Path) -> None:
        """Writes ``test2017.zip``: bare file names and no annotations; ids count from 1."""
        images = self._images(self._test, range(len(self._test)), first_id=1)
        _write_zip(path, {"test2017.json": _object(self._head() | {"images": images})})

    def write_solution(self, path: Path) -> None:
        """Writes the truth of the test images: ``id,expected,usage``, half of it public."""
        public = np.random.default_rng([self._seed, 8]).random(len(self._test)) < 0.5
        with written_aside(path) as file:
            file.write(b"id,expected,usage\n")
            for row, category in enumerate(self._test.category.tolist()):
                usage = "Public" if public[row] else "Private"
                file.write(f"{row + 1},{category},{usage}\n".encode())

    def _boxed(self, *, val: bool) -> list[int]:
        """The image ids that have boxes: most of the nine super categories', as in earnest."""
        boxed = np.array([SUPERCATEGORIES[c.supercategory].boxed for c in self._categories])
        rows = np.array(self._rows(val=val), np.int64)
        rows = rows[boxed[self._pictures.category[rows]]]
        kept: list[int] = rows[
            np.random.default_rng([self._seed, 9]).random(len(rows)) < 0.874
        ].tolist()
        return kept

    def _boxes(self, camera: Camera, rows: list[int], *, val: bool) -> Iterator[Record]:
        """The subject's box; in training images some more, up to ten in all."""
        pictures, number = self._pictures, 0
        random = np.random.default_rng([self._seed, 10])
        for start in range(0, len(rows), 4096):
            some = np.array(rows[start : start + 4096], np.int64)
            groups = np.array([c.supercategory for c in self._categories], np.int64)
            found = camera.subject_boxes(
                pictures.category[some],
                groups[pictures.category[some]],
                pictures.key[some],
                pictures.width[some],
                pictures.height[some],
            )
            for row, subject in zip(some.tolist(), found, strict=True):
                boxes = [subject]
                if not val and random.random() < 0.12:
                    extra = min(9, int(random.geometric(0.35)))
                    shrunk = random.uniform(0.1, 0.5, (extra, 2))
                    x, y, w, h = subject
                    boxes += [[x, y, w * across, h * down] for across, down in shrunk]
                for box in boxes:
                    yield self._box(number, row, box)
                    number += 1

    def _box(self, number: int, row: int, box: list[float]) -> Record:
        x, y = int(box[0]), int(box[1])
        width, height = max(1, int(box[2])), max(1, int(box[3]))
        return {
            "id": number,
            "image_id": row,
            "category_id": int(self._pictures.category[row]),
            "bbox": [x, y, width, height],
            # No outline was drawn: the competition takes half of the box.
            "area": width * height / 2,
            "iscrowd": 0,
        }

    def write_boxes(self, path: Path, camera: Camera, *, val: bool) -> None:
        """Writes ``train_2017_bboxes.zip`` or ``val_2017_bboxes.zip``."""
        rows = self._boxed(val=val)
        name = f"{'val' if val else 'train'}_2017_bboxes.json"
        fields = self._head() | {
            "images": self._images(self._pictures, rows),
            "annotations": self._boxes(camera, rows, val=val),
        }
        _write_zip(path, {name: _object(fields)})

    def _places(self, *, val: bool) -> Iterator[Record]:
        random = np.random.default_rng([self._seed, 11 + val])
        for row in self._rows(val=val):
            known, exact, signed = random.random(3) > (0.03, 0.2, 0.02)
            day = int(random.integers(1, 366))
            date = np.datetime64("2015-01-01") + day - 1
            yield {
                "id": row,
                "lat": round(float(random.uniform(-60, 75)), 5) if known else None,
                "lon": round(float(random.uniform(-180, 180)), 5) if known else None,
                "loc_uncert": int(random.integers(1, 5000)) if known and exact else None,
                "date": str(date),
                "date_c": round(day / 365 * 2 - 1, 6),
                "user_id": int(random.integers(1, 20_000)) if signed else None,
            }

    def write_locations(self, path: Path) -> None:
        """Writes ``inat2017_locations.zip``: one list a split, with gaps."""
        files = {
            f"{split}2017_locations.json": _listed(self._places(val=split == "val"))
            for split in ("train", "val")
        }
        _write_zip(path, files)
