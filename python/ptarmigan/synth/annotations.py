"""Turns a plan into the competition's annotation, box and location files, record by record."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ptarmigan._core import Camera
from ptarmigan.synth.boxes import BoxPlan, boxes_of, page_boxes, scaled_boxes
from ptarmigan.synth.holders import draw_holders, make_holders
from ptarmigan.synth.plan import Pictures
from ptarmigan.synth.records import chunks, json_list, json_object, quoted, records, write_zip
from ptarmigan.synth.taxa import SUPERCATEGORIES, Category
from ptarmigan.whole_file import written_aside

__all__ = ["Annotations"]

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
_INFO: Final = {
    "year": 2017,
    "version": "1.0",
    "description": "made-up pictures in the format of the iNaturalist 2017 competition",
    "contributor": "ptarmigan synth",
    "url": "",
    "date_created": "2017-04-05 00:00:00.000000",
}


class Annotations:
    """Writes every annotation file of one plan.

    Args:
        categories: All categories.
        pictures: The training and validation images.
        test: The test images.
        camera: What makes the pictures.
        seed: Decides licences, holders, places and boxes.
        page: Whether each super category has as many boxes as on the competition page.
    """

    def __init__(
        self,
        categories: list[Category],
        pictures: Pictures,
        test: Pictures,
        camera: Camera,
        seed: int,
        *,
        page: bool = False,
    ) -> None:
        self._categories = categories
        self._pictures = pictures
        self._test = test
        self._camera = camera
        self._seed = seed
        self._page = page
        self._plan_boxes = page_boxes if page else scaled_boxes
        self._holders = quoted(make_holders(len(pictures), seed))

    def write(self, folder: Path) -> None:
        """Writes all files; two at a time, because half of the work is compressing them."""
        writers: dict[str, Callable[[Path], None]] = {
            "train_2017_bboxes.zip": partial(self.write_boxes, val=False),
            "train_val2017.zip": self.write_train_val,
            "inat2017_locations.zip": self.write_locations,
            "val_2017_bboxes.zip": partial(self.write_boxes, val=True),
            "test2017.zip": self.write_test,
            "test2017_solution.csv": self.write_solution,
        }
        with ThreadPoolExecutor(2) as threads:
            for _ in threads.map(lambda name: writers[name](folder / name), writers):
                pass

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

    def _file(self, images: Iterator[str], annotations: Iterator[str] | None) -> Iterator[str]:
        """A whole file, its keys in the order of the page."""
        head = self._head()
        fields = {"info": head["info"], "images": images, "categories": head["categories"]}
        if annotations is not None:
            fields["annotations"] = annotations
        return json_object(fields | {"licenses": head["licenses"]})

    def _rows(self, *, val: bool) -> NDArray[np.int64]:
        """The image ids of a split, in the order of its file: not sorted, as the real one.

        At the page's size the images of a category stay together, or the zip would be half as
        large again as the real one.
        """
        rows = np.flatnonzero(self._pictures.val == val)
        random = np.random.default_rng([self._seed, 6])
        if not self._page:
            return random.permutation(rows)
        place = random.permutation(len(self._categories))[self._pictures.category[rows]]
        return np.asarray(rows[np.argsort(place, kind="stable")])

    def _images(
        self, pictures: Pictures, rows: NDArray[np.int64], first_id: int = 0
    ) -> Iterator[str]:
        random = np.random.default_rng([self._seed, 7])
        shares = np.cumsum([share for _, _, share in _LICENCES])
        licences = np.searchsorted(shares, random.random(len(pictures)) * shares[-1], "right") + 1
        holders = draw_holders(len(self._holders), len(pictures), random)
        bare = pictures is self._test
        for some in chunks(rows):
            names = [pictures.names[row] for row in some.tolist()]
            yield records(
                {
                    "id": (some + first_id).tolist(),
                    "width": pictures.width[some].tolist(),
                    "height": pictures.height[some].tolist(),
                    "file_name": quoted(map(posixpath.basename, names) if bare else names),
                    "license": licences[some].tolist(),
                    "rights_holder": [self._holders[row] for row in holders[some].tolist()],
                }
            )

    def _labels(self, rows: NDArray[np.int64]) -> Iterator[str]:
        for some in chunks(rows):
            ids = some.tolist()
            categories = self._pictures.category[some].tolist()
            yield records({"id": ids, "image_id": ids, "category_id": categories})

    def write_train_val(self, path: Path) -> None:
        """Writes ``train_val2017.zip``: train2017.json and val2017.json."""
        files = {}
        for split in ("train", "val"):
            rows = self._rows(val=split == "val")
            files[f"{split}2017.json"] = self._file(
                self._images(self._pictures, rows), self._labels(rows)
            )
        write_zip(path, files)

    def write_test(self, path: Path) -> None:
        """Writes ``test2017.zip``: bare file names and no annotations; ids count from 1."""
        images = self._images(self._test, np.arange(len(self._test)), first_id=1)
        write_zip(path, {"test2017.json": self._file(images, None)})

    def write_solution(self, path: Path) -> None:
        """Writes the truth of the test images: ``id,expected,usage``, half of it public."""
        public = np.random.default_rng([self._seed, 8]).random(len(self._test)) < 0.5
        lines = ["id,expected,usage\n"]
        rows = zip(self._test.category.tolist(), public.tolist(), strict=True)
        for number, (category, is_public) in enumerate(rows, 1):
            lines.append(f"{number},{category},{'Public' if is_public else 'Private'}\n")
        with written_aside(path) as file:
            file.write("".join(lines).encode())

    def write_boxes(self, path: Path, *, val: bool) -> None:
        """Writes ``train_2017_bboxes.zip`` or ``val_2017_bboxes.zip``."""
        rows = self._rows(val=val)
        plan = self._plan_boxes(self._categories, self._pictures, rows, self._seed, val=val)
        name = f"{'val' if val else 'train'}_2017_bboxes.json"
        images = self._images(self._pictures, plan.rows)
        write_zip(path, {name: self._file(images, self._boxes(plan))})

    def _boxes(self, plan: BoxPlan) -> Iterator[str]:
        found = boxes_of(plan, self._categories, self._pictures, self._camera, self._seed)
        first = 0
        for rows, corners in found:
            # No outline was drawn: the competition takes half of the box.
            areas = corners[:, 2] * corners[:, 3] / 2
            yield records(
                {
                    "id": range(first, first + len(rows)),
                    "image_id": rows.tolist(),
                    "category_id": self._pictures.category[rows].tolist(),
                    "bbox": corners.tolist(),
                    "area": areas.tolist(),
                    "iscrowd": [0] * len(rows),
                }
            )
            first += len(rows)

    def _places(self, *, val: bool) -> Iterator[str]:
        random = np.random.default_rng([self._seed, 11 + val])
        for some in chunks(self._rows(val=val)):
            count = len(some)
            known, exact, signed = random.random((3, count)) > [[0.03], [0.2], [0.02]]
            days = random.integers(365, size=count)
            yield records(
                {
                    "id": some.tolist(),
                    "lat": _nullable(random.uniform(-60, 75, count).round(5), known),
                    "lon": _nullable(random.uniform(-180, 180, count).round(5), known),
                    "loc_uncert": _nullable(random.integers(1, 5000, count), known & exact),
                    "date": quoted((np.datetime64("2015-01-01") + days).astype(str).tolist()),
                    "date_c": ((days + 1) / 365 * 2 - 1).round(6).tolist(),
                    "user_id": _nullable(random.integers(1, 20_000, count), signed),
                }
            )

    def write_locations(self, path: Path) -> None:
        """Writes ``inat2017_locations.zip``: one list a split, with gaps."""
        files = {
            f"{split}2017_locations.json": json_list(self._places(val=split == "val"))
            for split in ("train", "val")
        }
        write_zip(path, files)


def _nullable(column: NDArray[Any], known: NDArray[np.bool_]) -> list[Any]:
    pairs = zip(column.tolist(), known.tolist(), strict=True)
    return [value if there else "null" for value, there in pairs]
