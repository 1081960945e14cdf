"""Makes tiny data sets under the file names and in the formats of iNaturalist 2018, 2019, 2021."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inaturalist_made import write_zip
from synthetic import make_jpeg, write_tar

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")
# Super category of 2018, ranks, epithet; in the order of the folders of 2021.
SPECIES = (
    ("Arachnida", "Animalia", "Arthropoda", "Arachnida", "Araneae", "Araneidae", "Argiope", "a"),
    ("Insecta", "Animalia", "Arthropoda", "Insecta", "Coleoptera", "Cleridae", "Trichodes", "b"),
    ("Insecta", "Animalia", "Arthropoda", "Insecta", "Diptera", "Syrphidae", "Eristalis", "c"),
    ("Aves", "Animalia", "Chordata", "Aves", "Pelecaniformes", "Ardeidae", "Ardea", "alba"),
    ("Aves", "Animalia", "Chordata", "Aves", "Pelecaniformes", "Ardeidae", "Ardea", "zoë"),
    (
        "Bacteria",
        "Bacteria",
        "Cyanobacteria",
        "Nostocia",
        "Nostocales",
        "Nostocaceae",
        "Nostoc",
        "d",
    ),
    ("Plantae", "Plantae", "Tracheophyta", "Liliopsida", "Araneae", "Araceae", "Arum", "e"),
    ("Plantae", "Plantae", "Tracheophyta", "Magnoliopsida", "Fagales", "Betulaceae", "Betula", "f"),
)
COUNT = len(SPECIES)
LICENSES = [
    {"id": 0, "name": "CC0", "url": "https://example.org/0"},
    {"id": 3, "name": "CC BY-NC", "url": "https://example.org/3"},
]
# The class of 2018 and 2019 with this id, of a folder with this number; neither sorted.
SPECIES_OF_ID = (5, 2, 7, 0, 3, 6, 1, 4)


@dataclass
class Photo:
    """One made photo and its records."""

    split: str
    category_id: int
    data: bytes
    record: dict[str, Any]
    location: dict[str, Any] | None = None


@dataclass
class Made:
    """A made release: where it is and what is in it."""

    root: Path
    version: str
    photos: list[Photo]
    categories: list[dict[str, Any]]
    archives: dict[str, str] = field(default_factory=dict)

    def of(self, split: str) -> list[Photo]:
        """The photos of a split, sorted by file name."""
        kept = [photo for photo in self.photos if photo.split in split.split("+")]
        return sorted(kept, key=lambda photo: photo.record["file_name"].encode())

    def category(self, category_id: int) -> dict[str, Any]:
        return next(record for record in self.categories if record["id"] == category_id)

    def untar(self, split: str, folder: Path) -> Path:
        """Untars the photos of a split as torchvision does and returns the folder."""
        with tarfile.open(self.root / self.archives[split]) as archive:
            first = archive.getnames()[0].partition("/")[0]
            archive.extractall(folder.parent, filter="data")
        (folder.parent / first).rename(folder)
        return folder


def taxa_of(species: int) -> dict[str, str]:
    return dict(zip(RANKS, SPECIES[species][1:7], strict=True))


def name_of(species: int) -> str:
    return f"{SPECIES[species][6]} {SPECIES[species][7]}"


def write_tar_json(path: Path, name: str, content: Any) -> None:
    write_tar(path, {name: json.dumps(content, ensure_ascii=False).encode()})


def annotation_file(photos: list[Photo], categories: list[Any], labelled: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "info": {"year": 2000, "version": "1", "description": "made"},
        "images": [photo.record for photo in photos],
        "categories": categories,
        "licenses": LICENSES,
    }
    if labelled:
        # In another order than the images.
        content["annotations"] = [
            {"id": number, "image_id": p.record["id"], "category_id": p.category_id}
            for number, p in enumerate(photos[::-1])
        ]
    return content


def make_photo(number: int, split: str, category_id: int, name: str) -> Photo:
    width, height = 24 + number % 3, 20 + number % 2
    record = {
        # Ids say nothing of the order.
        "id": number * 7 % 97,
        "width": width,
        "height": height,
        "file_name": name,
        "license": (0, 3, None)[number % 3],
        "rights_holder": f"Zoë {number % 4}",
    }
    return Photo(split, category_id, make_jpeg(number, width, height), record)


def numbered(root: Path, version: str, *, locations: bool) -> Made:
    """A release in the manner of 2018 and 2019."""
    photos = []
    for number in range(COUNT * 5 + 4):
        split = "test" if number >= COUNT * 5 else "val" if number < COUNT else "train"
        # Rare in the order of the ids: the first annotations of train are of class 4.
        category_id = (number * 3 + 4) % COUNT
        stem = f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}"
        folder = f"{SPECIES[SPECIES_OF_ID[category_id]][0]}/{category_id}"
        test = split == "test"
        name = f"test{version}/{stem}.jpg" if test else f"train_val{version}/{folder}/{stem}.jpg"
        photo = make_photo(number, split, category_id, name)
        if locations and not test and number % 5:
            photo.location = {
                "id": photo.record["id"],
                "lat": None if number % 5 == 4 else number / 4 - 5,
                "lon": None if number % 5 == 4 else 0.0,
                "loc_uncert": number * 10.0,
                "date": None if number % 5 == 3 else f"2017-0{number % 9 + 1}-02 03:04:05+00:00",
                "date_c": None,
                "user_id": None if number % 5 == 2 else number % 6,
                "valid": number % 2 == 0,
            }
        photos.append(photo)
    order = [3, 1, 0, 7, 6, 2, 5, 4]
    real = [
        {
            "id": id_,
            "name": name_of(SPECIES_OF_ID[id_]),
            **({} if version == "2019" else {"supercategory": SPECIES[SPECIES_OF_ID[id_]][0]}),
            **taxa_of(SPECIES_OF_ID[id_]),
        }
        for id_ in order
    ]
    keep = ("id", "name", "supercategory")
    hidden = [{k: v for k, v in {**c, "name": str(c["id"])}.items() if k in keep} for c in real]
    made = Made(root, version, photos, real)
    root.mkdir(exist_ok=True)
    archive = f"train_val{version}.tar.gz"
    made.archives = {"train": archive, "val": archive, "test": f"test{version}.tar.gz"}
    write_tar(root / archive, {p.record["file_name"]: p.data for p in made.of("train+val")})
    write_tar(
        root / f"test{version}.tar.gz", {p.record["file_name"]: p.data for p in made.of("test")}
    )
    for split in ("train", "val", "test"):
        part = [photo for photo in photos if photo.split == split]
        name = f"{split}{version}.json"
        content = annotation_file(part, hidden, split != "test")
        write_tar_json(root / f"{name}.tar.gz", name, content)
    # A bare list in one, an object in the other.
    listed: Any = real[::-1] if version == "2018" else {"categories": real[::-1]}
    write_tar_json(root / "categories.json.tar.gz", "categories.json", listed)
    if locations:
        write_zip(
            root / f"inat{version}_locations.zip",
            {
                f"{split}{version}_locations.json": [
                    p.location for p in photos if p.split == split and p.location
                ]
                for split in ("train", "val")
            },
        )
    return made


def write_2018(root: Path) -> Made:
    return numbered(root, "2018", locations=True)


def write_2019(root: Path) -> Made:
    return numbered(root, "2019", locations=False)


def write_2021(root: Path) -> Made:
    folders = [f"{n:05d}_{'_'.join([*s[1:7], s[7]])}" for n, s in enumerate(SPECIES)]
    # Ids that are not the numbers of the folders, so that nothing can take one for the other.
    ids = [(species * 3 + 1) % COUNT for species in range(COUNT)]
    categories = [
        {
            "id": ids[species],
            "name": name_of(species),
            "common_name": f"Common {species}",
            "supercategory": {"Aves": "Birds", "Insecta": "Insects"}.get(taxa[0], taxa[0]),
            **taxa_of(species),
            "specific_epithet": taxa[7],
            "image_dir_name": folders[species],
        }
        for species, taxa in enumerate(SPECIES)
    ]
    made = Made(root, "2021", [], categories)
    root.mkdir(exist_ok=True)
    names = {"train": "train", "mini": "train_mini", "val": "val", "test": "public_test"}
    for start, (split, name) in enumerate(names.items()):
        part = []
        for number in range(start * 17, start * 17 + COUNT + 3):
            species = (number * 5 + 2) % COUNT
            folder = "" if split == "test" else f"{folders[species]}/"
            stem = uuid.UUID(int=number * 0x9E3779B97F4A7C15 % 2**128)
            photo = make_photo(number, split, ids[species], f"{name}/{folder}{stem}.jpg")
            null = number % 4 == 1
            photo.record |= {
                "date": f"2010-07-14 20:19:{number % 60:02d}+00:00",
                "latitude": None if null else (0.0 if number % 4 == 2 else 43.83486),
                "longitude": None if null else -71.22231,
                "location_uncertainty": None if null else (-80, 106807033, 77)[number % 3],
            }
            part.append(photo)
        made.photos += part
        made.archives[split] = f"{name}.tar.gz"
        write_tar(root / f"{name}.tar.gz", {p.record["file_name"]: p.data for p in part})
        content = annotation_file(part, categories[::-1], split != "test")
        write_tar_json(root / f"{name}.json.tar.gz", f"{name}.json", content)
    return made


WRITERS = {"2018": write_2018, "2019": write_2019, "2021": write_2021}


def picture(data: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(data)).convert("RGB")
