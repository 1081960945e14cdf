# ruff: noqa: RUF001 - the names of hybrids have a sign of multiplication
"""Makes a tiny data set under the file names and in the formats of iNaturalist 2017."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthetic import make_jpeg, write_tar

# Names and super categories of real classes, in an order that no sorting gives; the five hybrids
# are in folders whose names lack the sign of multiplication.
CATEGORIES = (
    ("Nicrophorus tomentosus", "Insecta"),
    ("Malus ×domestica", "Plantae"),
    ("Storeria occipitomaculata occipitomaculata", "Reptilia"),
    ("Larus glaucescens × occidentalis", "Aves"),
    ("Betula lenta", "Plantae"),
    ("Crocosmia × crocosmiiflora", "Plantae"),
    ("Notophthalmus viridescens viridescens", "Amphibia"),
    ("Anas superciliosa × platyrhynchos", "Aves"),
    ("Ardea alba", "Aves"),
    ("Pelargonium × hortorum", "Plantae"),
)
HYBRID_FOLDERS = {
    "Malus ×domestica": "Malus domestica",
    "Larus glaucescens × occidentalis": "Larus glaucescens  occidentalis",
    "Crocosmia × crocosmiiflora": "Crocosmia  crocosmiiflora",
    "Anas superciliosa × platyrhynchos": "Anas superciliosa  platyrhynchos",
    "Pelargonium × hortorum": "Pelargonium  hortorum",
}
LICENSES = (
    {"id": 3, "name": "Attribution-NonCommercial License", "url": "https://example.org/by-nc"},
    {"id": 6, "name": "Attribution License", "url": "https://example.org/by"},
)
INFO = {
    "year": 2017,
    "version": "1",
    "description": "made",
    "contributor": "tests",
    "url": None,
    "date_created": "2017-04-01 00:00:00",
}


@dataclass
class Photo:
    """One made photo."""

    image_id: int
    category_id: int
    split: str
    file_name: str
    data: bytes
    width: int
    height: int
    record: dict[str, Any] = field(default_factory=dict)


@dataclass
class Made:
    """A made data set: where it is and what is in it."""

    root: Path
    photos: list[Photo]

    def of(self, split: str) -> list[Photo]:
        """The photos of a split, sorted by file name."""
        kept = [photo for photo in self.photos if photo.split in split.split("+")]
        return sorted(kept, key=lambda photo: photo.file_name.encode())

    def untar(self) -> Path:
        """Untars the photos beside the archive and returns the folder."""
        with tarfile.open(self.root / "train_val_images.tar.gz") as archive:
            archive.extractall(self.root, filter="data")
        return self.root / "train_val_images"


def folder_of(name: str, supercategory: str) -> str:
    return f"{supercategory}/{HYBRID_FOLDERS.get(name, name)}"


def make_photos(per_class: int = 4) -> list[Photo]:
    """Train and val photos of every class, in no order, and test photos."""
    photos = []
    count = per_class * len(CATEGORIES)
    for number in range(count + 5):
        category = number % len(CATEGORIES)
        data, width, height = _picture(number)
        stem = hashlib.md5(data, usedforsecurity=False).hexdigest()
        test = number >= count
        split = "test" if test else "val" if number // len(CATEGORIES) == 0 else "train"
        folder = folder_of(*CATEGORIES[category])
        name = f"{stem}.jpg" if test else f"train_val_images/{folder}/{stem}.jpg"
        # Ids of train and val are mixed and say nothing of the order of the names.
        image_id = number if test else (number * 7) % count
        record = {
            "id": image_id,
            "width": width,
            "height": height,
            "file_name": name,
            "license": (3, 6, None, 99)[number % 4],
            "rights_holder": None if number % 5 == 0 else f"Zoë {number % 3}",
        }
        photos.append(Photo(image_id, category, split, name, data, width, height, record))
    return photos


def _picture(number: int) -> tuple[bytes, int, int]:
    mode = {3: "L", 5: "CMYK"}.get(number % 11, "RGB")
    width, height = 40 + number % 5, 32 + number % 3
    return make_jpeg(number, width, height, mode), width, height


def annotation_file(photos: list[Photo], *, labelled: bool = True) -> dict[str, Any]:
    """The content of ``train2017.json`` for these photos; without labels, of ``test2017.json``."""
    categories = [
        {"id": number, "name": name, "supercategory": supercategory}
        for number, (name, supercategory) in enumerate(CATEGORIES)
    ]
    content: dict[str, Any] = {
        "info": INFO,
        "images": [photo.record for photo in photos],
        "categories": categories[::-1],
        "licenses": list(LICENSES),
    }
    if labelled:
        content["annotations"] = [
            {"id": number, "image_id": photo.image_id, "category_id": photo.category_id}
            for number, photo in enumerate(photos)
        ]
    return content


def box_file(photos: list[Photo]) -> dict[str, Any]:
    """The content of ``train_2017_bboxes.json``: boxes for two of three photos, up to three."""
    content = annotation_file(photos, labelled=False)
    content["annotations"] = [
        {
            "id": 0,
            "image_id": photo.image_id,
            "category_id": photo.category_id,
            "bbox": [number, 1.5, 10 + number, 20],
            "area": (10 + number) * 10,
            "iscrowd": 0,
        }
        for photo in photos
        if photo.image_id % 3
        for number in range(1 + photo.image_id % 3)
    ]
    return content


def location_file(photos: list[Photo]) -> list[dict[str, Any]]:
    """The content of ``train2017_locations.json``: no record for some, nulls for others."""
    return [
        {
            "id": photo.image_id,
            "lat": 0.0 if photo.image_id % 4 == 1 else None,
            "lon": -120.5 if photo.image_id % 4 == 1 else None,
            "loc_uncert": 30.0 if photo.image_id % 4 == 1 else None,
            "date": "2016-05-01",
            "date_c": 0.25,
            "user_id": photo.image_id + 1000,
        }
        for photo in photos
        if photo.image_id % 4
    ]


def write_zip(path: Path, contents: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return path


def write_inaturalist(root: Path, per_class: int = 4) -> Made:
    """Writes all seven files into ``root``."""
    made = Made(root, make_photos(per_class))
    root.mkdir(exist_ok=True)
    train, val, test = (
        [photo for photo in made.photos if photo.split == split]
        for split in ("train", "val", "test")
    )
    # The order in the archive: by class, within a class not by name.
    archived = sorted(train + val, key=lambda photo: (photo.file_name.split("/")[1:3], photo.data))
    write_tar(root / "train_val_images.tar.gz", {p.file_name: p.data for p in archived})
    write_tar(root / "test2017.tar.gz", {f"test2017/{p.file_name}": p.data for p in test})
    write_zip(
        root / "train_val2017.zip",
        {"train2017.json": annotation_file(train), "val2017.json": annotation_file(val)},
    )
    write_zip(root / "test2017.zip", {"test2017.json": annotation_file(test, labelled=False)})
    write_zip(root / "train_2017_bboxes.zip", {"train_2017_bboxes.json": box_file(train)})
    write_zip(root / "val_2017_bboxes.zip", {"val_2017_bboxes.json": box_file(val)})
    write_zip(
        root / "inat2017_locations.zip",
        {
            "train2017_locations.json": location_file(train),
            "val2017_locations.json": location_file(val),
        },
    )
    return made
