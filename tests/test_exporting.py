"""Class folders, tar shards and Parquet tables, read back by the programs they are for."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import tarfile
from pathlib import Path

import numpy as np
import pytest

import ptarmigan as pt
from exports_made import credits_in, expected_credits, run, tree
from inaturalist_made import (
    CATEGORIES,
    HYBRID_FOLDERS,
    Made,
    annotation_file,
    box_file,
    location_file,
    make_photos,
    write_inaturalist,
    write_zip,
)
from ptarmigan import terms
from ptarmigan.cli import main
from ptarmigan.exporting import Reencoding, write_folder, write_parquet, write_shards
from synthetic import make_jpeg, write_tar


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(terms.VARIABLE, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write_inaturalist(tmp_path_factory.mktemp("inat"))


@pytest.fixture(scope="module")
def train(made: Made) -> pt.INaturalist:
    return pt.INaturalist(made.root, split="train")


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[pt.INaturalist, str]:
    """A data set of which one photo is cut off, and that member's name."""
    root = tmp_path / "damaged"
    root.mkdir()
    photos = [photo for photo in make_photos(2) if photo.split == "train"]
    bad = photos[3]
    bad.data = bad.data[: len(bad.data) // 2]
    write_tar(root / "train_val_images.tar.gz", {p.file_name: p.data for p in photos})
    write_zip(root / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    return pt.INaturalist(root), bad.file_name


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


def below(file_name: str) -> str:
    return file_name.removeprefix("train_val_images/")


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((800, 600), 512, (512, 384)),
        ((600, 800), 512, (384, 512)),
        ((800, 533), 512, (512, 341)),
        ((512, 512), 512, (512, 512)),
        ((300, 200), 512, (300, 200)),
        ((800, 1), 512, (512, 1)),
        ((1000, 3), 100, (100, 1)),
        ((801, 600), None, (801, 600)),
    ],
)
def test_the_longer_side_is_what_is_asked_for(size, longest, expected):
    assert Reencoding(longest).size(*size) == expected


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("size", [(96, 72), (72, 96), (131, 17), (64, 64), (40, 30)])
def test_smaller_photos_are_the_files_that_pillow_makes(size, interpolation):
    from PIL import Image

    data = make_jpeg(size[0], *size)
    ours = Reencoding(64, 90, interpolation)(data, "m", "a")
    with Image.open(io.BytesIO(data)) as image:
        smaller = image.convert("RGB")
        new = Reencoding(64).size(*size)
        if new != size:
            smaller = smaller.resize(new, Image.Resampling[interpolation.upper()])
    buffer = io.BytesIO()
    smaller.save(buffer, "JPEG", quality=90)
    assert ours == buffer.getvalue()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_stays_and_other_metadata_goes(orientation):
    from PIL import Image, ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    data = make_jpeg(1, 90, 60, exif=exif)
    smaller = Reencoding(45)(data, "m", "a")
    with Image.open(io.BytesIO(smaller)) as image:
        assert image.size == (45, 30)
        kept = dict(image.getexif())
        upright = ImageOps.exif_transpose(image).size
    assert kept == ({} if orientation == 1 else {0x0112: orientation})
    assert upright == ((30, 45) if orientation in (6, 8) else (45, 30))


@pytest.mark.parametrize(
    "options", [(0,), (65_536,), (8, 0), (8, 101), (8, 95, "nearest"), (8, 95, "")]
)
def test_encodings_that_can_never_work_are_refused(options):
    with pytest.raises(ValueError, match="found"):
        Reencoding(*options)


def test_a_folder_is_the_tree_of_the_archive(made, tmp_path, capsys):
    dataset = pt.INaturalist(made.root, split="train+val")
    found = write_folder(dataset, tmp_path / "out")
    files = tree(tmp_path / "out")
    del files["CREDITS.csv"]
    assert files == {below(photo.file_name): photo.data for photo in made.of("train+val")}
    assert (found.images, found.bytes) == (len(dataset), sum(map(len, files.values())))
    assert credits_in(tmp_path / "out") == expected_credits(dataset)
    assert "non-commercial" in capsys.readouterr().err


def test_image_folder_reads_both_layouts(made, train, tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    write_folder(train, tmp_path / "two")
    write_folder(train, tmp_path / "one", layout="category")
    names = {HYBRID_FOLDERS.get(name, name): number for number, (name, _) in enumerate(CATEGORIES)}
    data = {Path(photo.file_name).name: photo for photo in made.of("train")}
    one = datasets.ImageFolder(tmp_path / "one")
    assert one.classes == sorted(names)
    assert len(one) == len(train)
    for path, target in one.samples:
        photo = data[Path(path).name]
        assert names[one.classes[target]] == photo.category_id
        assert Path(path).read_bytes() == photo.data
    two = datasets.ImageFolder(tmp_path / "two")
    assert two.classes == train.supercategories
    assert len(two) == len(train)
    aves = datasets.ImageFolder(tmp_path / "two" / "Aves")
    assert set(aves.classes) == {
        HYBRID_FOLDERS.get(name, name) for name, above in CATEGORIES if above == "Aves"
    }


@pytest.mark.parametrize(("resize", "quality"), [(24, None), (24, 60), (None, 70), (1000, None)])
def test_folders_of_smaller_photos_hold_what_pillow_makes(made, train, tmp_path, resize, quality):
    write_folder(train, tmp_path / "out", resize=resize, quality=quality, threads=3)
    files = tree(tmp_path / "out")
    del files["CREDITS.csv"]
    assert files == {
        below(photo.file_name): encoded(photo.data, resize, quality or 95)
        for photo in made.of("train")
    }


def test_the_test_split_goes_into_one_folder(made, tmp_path):
    write_folder(pt.INaturalist(made.root, split="test"), tmp_path / "out")
    files = tree(tmp_path / "out")
    del files["CREDITS.csv"]
    assert files == {f"test/{photo.file_name}": photo.data for photo in made.of("test")}


def test_an_export_of_a_folder_can_be_gone_on_with(train, tmp_path):
    out = tmp_path / "out"
    half = write_folder(train, out, rows=range(0, len(train), 2), resize=24)
    with pytest.raises(FileExistsError):
        write_folder(train, out, resize=24)
    rest = write_folder(train, out, resize=24, skip_existing=True)
    assert (half.images, rest.images, rest.kept) == (15, 15, 15)
    write_folder(train, tmp_path / "once", resize=24)
    assert tree(out) == tree(tmp_path / "once")


def test_a_photo_that_cannot_be_decoded_is_named_or_left_out(damaged, tmp_path):
    dataset, bad = damaged
    for write in (write_folder, write_shards):
        out = tmp_path / write.__name__
        with pytest.raises(pt.DecodeError) as caught:
            write(dataset, out / "raise", resize=20)
        assert (caught.value.member, caught.value.path) == (bad, dataset.archive.path)
        assert f"`{bad}`" in str(caught.value)
        assert dataset.archive.path in str(caught.value)
        found = write(dataset, out / "skip", resize=20, on_error="skip")
        assert [name for name, _ in found.skipped] == [bad]
        assert found.images == len(dataset) - 1
        # Files that are only copied are not looked into.
        assert write(dataset, out / "copy").images == len(dataset)
    assert below(bad) not in tree(tmp_path / "write_folder" / "skip")
    assert not list((tmp_path / "write_shards" / "raise").glob("*.tar"))


def test_two_categories_of_one_name_need_two_levels(tmp_path):
    photos = [photo for photo in make_photos(1) if photo.split == "val"][:2]
    for photo, above in zip(photos, ("Aves", "Fungi"), strict=True):
        photo.file_name = f"train_val_images/{above}/Same name/{photo.image_id}.jpg"
        photo.record["file_name"] = photo.file_name
    content = annotation_file(photos)
    content["categories"] = [
        {"id": photo.category_id, "name": "Same name", "supercategory": above}
        for photo, above in zip(photos, ("Aves", "Fungi"), strict=True)
    ]
    write_tar(tmp_path / "train_val_images.tar.gz", {p.file_name: p.data for p in photos})
    write_zip(tmp_path / "train_val2017.zip", {"val2017.json": content})
    dataset = pt.INaturalist(tmp_path, split="val")
    with pytest.raises(pt.AnnotationError, match="would share the folder `Same name`"):
        write_folder(dataset, tmp_path / "out", layout="category")
    assert not (tmp_path / "out").exists()
    assert write_folder(dataset, tmp_path / "out").images == 2


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


@pytest.mark.parametrize("split", ["train", "test", "train+val"])
def test_shards_hold_photo_label_and_record(made, tmp_path, split):
    dataset = pt.INaturalist(made.root, split=split)
    found = write_shards(dataset, tmp_path / "out", shard_samples=7)
    paths = shards_in(tmp_path / "out")
    prefix = split.replace("+", "-")
    assert [path.name for path in paths] == [f"{prefix}-{n:06d}.tar" for n in range(len(paths))]
    assert found.files == tuple(path.name for path in paths)
    assert found.bytes == sum(path.stat().st_size for path in paths)
    counts = [len(samples_in(path)) for path in paths]
    assert counts[:-1] == [7] * (len(paths) - 1)
    assert sum(counts) == found.images == len(dataset)
    photos = {f"{photo.image_id:08d}": photo for photo in made.of(split)}
    rows = {int(image_id): row for row, image_id in enumerate(dataset.image_ids)}
    for path in paths:
        for key, files in samples_in(path).items():
            photo = photos.pop(key)
            assert files["jpg"] == photo.data
            label = None if split == "test" else photo.category_id
            assert files.get("cls") == (None if split == "test" else str(label).encode())
            record = json.loads(files["json"])
            row = rows[photo.image_id]
            credit = dataset.attribution(row)
            assert record == {
                "id": photo.image_id,
                "file_name": credit.pop("file_name"),
                "label": label,
                "category": None if label is None else CATEGORIES[label][0],
                "supercategory": None if label is None else CATEGORIES[label][1],
                "location": dataset.location(row),
                "credits": credit,
            }
    assert not photos
    assert credits_in(tmp_path / "out") == expected_credits(dataset)


# In a process of its own, because the library leaves the shards open.
READER = """
import hashlib, json, sys
import webdataset

shards = webdataset.WebDataset(sys.argv[1], shardshuffle=False, empty_check=False)
for key, pixels, label, record in shards.decode("rgb8").to_tuple("__key__", "jpg", "cls", "json"):
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    print(json.dumps([key, pixels.shape, digest, label, record]))
"""


def test_webdataset_reads_the_shards(made, train, tmp_path):
    pytest.importorskip("webdataset")
    write_shards(train, tmp_path / "out", shard_samples=8, resize=24)
    done = run(READER, tmp_path / "out" / "train-{000000..000003}.tar")
    assert done.returncode == 0, done.stderr
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    photos = {photo.image_id: photo for photo in made.of("train")}
    for key, shape, digest, label, record in samples:
        photo = photos.pop(int(key))
        assert record["id"] == photo.image_id
        assert label == record["label"] == photo.category_id
        pixels = pt.decode(encoded(photo.data, 24))
        assert tuple(shape) == pixels.shape
        assert digest == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert not photos


def order_of(folder: Path) -> list[int]:
    return [int(key) for path in shards_in(folder) for key in samples_in(path)]


def test_shards_are_in_the_order_of_the_archive_or_of_the_seed(train, tmp_path, monkeypatch):
    monkeypatch.setattr("ptarmigan.exporting.reading._GROUP_MEMBERS", 2)
    write_shards(train, tmp_path / "a")
    by_member = train.image_ids[np.argsort(train.members)].tolist()
    assert order_of(tmp_path / "a") == by_member
    orders = []
    for seed in (0, 0, 1):
        folder = tmp_path / f"s{len(orders)}"
        write_shards(train, folder, shuffle=True, seed=seed, shard_samples=11)
        orders.append(order_of(folder))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != by_member
    assert all(sorted(order) == sorted(by_member) for order in orders)


def test_shards_have_the_same_bytes_for_any_number_of_threads(train, tmp_path, monkeypatch):
    monkeypatch.setattr("ptarmigan.exporting.reading._GROUP_MEMBERS", 2)
    trees = []
    for threads in (1, 2, 5):
        monkeypatch.setenv("TZ", f"UTC+{threads}")
        folder = tmp_path / str(threads)
        write_shards(train, folder, resize=20, shuffle=True, shard_bytes=40_000, threads=threads)
        trees.append(tree(folder))
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) > 2


@pytest.mark.parametrize("shard_bytes", [1, 10_240, 20_480, 30_720, 10**9])
def test_no_shard_is_larger_than_asked_for_unless_one_sample_is(train, tmp_path, shard_bytes):
    write_shards(train, tmp_path / "out", shard_bytes=shard_bytes)
    total = 0
    for path in shards_in(tmp_path / "out"):
        count = len(samples_in(path))
        total += count
        assert path.stat().st_size % 10_240 == 0
        assert path.stat().st_size <= shard_bytes or count == 1
    assert total == len(train)


def test_two_splits_fit_in_one_folder_and_old_shards_do_not_mix(made, train, tmp_path):
    out = tmp_path / "out"
    val = pt.INaturalist(made.root, split="val")
    write_shards(train, out, shard_samples=5)
    write_shards(val, out, shard_samples=5)
    assert credits_in(out) == expected_credits(pt.INaturalist(made.root, split="train+val"))
    before = tree(out)
    with pytest.raises(FileExistsError, match="6 shards") as caught:
        write_shards(train, out, shard_samples=20)
    assert caught.value.filename == str(out / "train-000000.tar")
    assert tree(out) == before
    write_shards(train, out, shard_samples=20, overwrite=True)
    assert [path.name for path in shards_in(out)] == [
        "train-000000.tar",
        "train-000001.tar",
        "val-000000.tar",
        "val-000001.tar",
    ]


def test_without_a_locations_file_the_record_has_no_location(made, tmp_path):
    for name in ("train_val_images.tar.gz", "train_val2017.zip"):
        (tmp_path / name).write_bytes((made.root / name).read_bytes())
    write_shards(pt.INaturalist(tmp_path, split="val"), tmp_path / "out")
    for files in samples_in(tmp_path / "out" / "val-000000.tar").values():
        assert "location" not in json.loads(files["json"])
    write_parquet(tmp_path / "out" / "t.parquet", tmp_path, split="val")
    names = read_parquet(tmp_path / "out" / "t.parquet").column_names
    assert not {"latitude", "date", "boxes"} & set(names)


KILLED = """
import os, signal, sys
import ptarmigan as pt
from ptarmigan.exporting import write_folder, write_shards

def stop(done, total, members):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)

dataset = pt.INaturalist(sys.argv[1], split="train+val")
options = {"shard_samples": 100} if sys.argv[3] == "write_shards" else {}
write = {"write_folder": write_folder, "write_shards": write_shards}[sys.argv[3]]
write(dataset, sys.argv[2], threads=2, progress=stop, resize=32, **options)
"""


@pytest.mark.parametrize("write", [write_folder, write_shards])
def test_kill_leaves_only_whole_files(tmp_path, write):
    made = write_inaturalist(tmp_path / "inat", per_class=60)
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert run(KILLED, made.root, out, write.__name__).returncode == -signal.SIGKILL
    assert len(list(out.glob(".ptarmigan-part-*"))) == 1
    options = {"shard_samples": 100} if write is write_shards else {}
    dataset = pt.INaturalist(made.root, split="train+val")
    write(dataset, whole, resize=32, **options)
    expected = tree(whole)
    there = {name: data for name, data in tree(out).items() if not name.startswith(".")}
    assert 1 < len(there) < len(expected)
    assert all(expected[name] == data for name, data in there.items())
    again = {"overwrite": True} if write is write_shards else {"skip_existing": True}
    write(dataset, out, resize=32, **options, **again)
    assert tree(out) == expected


BOUNDED = """
import sys
import ptarmigan as pt
from ptarmigan.exporting import write_shards

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024

dataset = pt.INaturalist(sys.argv[1])
before = peak()
write_shards(dataset, sys.argv[2], threads=2)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_shards(tmp_path):
    photos = [photo for photo in make_photos(13) if photo.split == "train"]
    data = os.urandom(1_000_000)
    write_tar(
        tmp_path / "train_val_images.tar",
        {photo.file_name: photo.data + data for photo in photos},
        mode="w",
    )
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    done = run(BOUNDED, tmp_path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60
    assert (tmp_path / "out" / "train-000000.tar").stat().st_size > 110_000_000


def read_parquet(path: Path):
    return pytest.importorskip("pyarrow.parquet").read_table(path)


@pytest.mark.parametrize("split", ["train", "test", "train+val"])
def test_parquet_has_all_that_the_annotations_say(made, tmp_path, split):
    path = tmp_path / "out" / "images.parquet"
    found = write_parquet(path, made.root, split=split)
    rows = read_parquet(path).to_pylist()
    dataset = pt.INaturalist(made.root, split=split)
    photos = made.of(split)
    assert [row["file_name"] for row in rows] == [photo.file_name for photo in photos]
    assert (found.images, found.destination) == (len(photos), str(path))
    for number, (row, photo) in enumerate(zip(rows, photos, strict=True)):
        known = split != "test"
        credit = dataset.attribution(number)
        place = dataset.location(number) or {}
        boxes = dataset.boxes(number)
        expected = {
            "image_id": photo.image_id,
            "file_name": photo.file_name,
            "split": photo.split,
            "category_id": photo.category_id if known else None,
            "category": CATEGORIES[photo.category_id][0] if known else None,
            "supercategory": CATEGORIES[photo.category_id][1] if known else None,
            "width": photo.width,
            "height": photo.height,
            **credit,
            "latitude": place.get("lat"),
            "longitude": place.get("lon"),
            "location_uncertainty": place.get("loc_uncert"),
            "date": place.get("date"),
            "user_id": place.get("user_id"),
            "boxes": None
            if boxes is None
            else [dict(zip(("x", "y", "width", "height"), box, strict=True)) for box in boxes],
        }
        assert row == expected
    assert credits_in(path.parent) == expected_credits(dataset)


def test_parquet_is_written_in_groups_with_dictionaries(tmp_path, monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    photos = [photo for photo in make_photos(6) if photo.split == "train"]
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": annotation_file(photos)})
    write_zip(tmp_path / "train_2017_bboxes.zip", {"train_2017_bboxes.json": box_file(photos)})
    places = {"train2017_locations.json": location_file(photos)}
    write_zip(tmp_path / "inat2017_locations.zip", places)
    write_parquet(tmp_path / "one.parquet", tmp_path)
    monkeypatch.setattr("ptarmigan.exporting.parquet._GROUP_ROWS", 8)
    write_parquet(tmp_path / "many.parquet", tmp_path)
    file = pq.ParquetFile(tmp_path / "many.parquet")
    assert file.metadata.num_row_groups == -(-len(photos) // 8)
    for name in ("category", "supercategory", "license_name", "rights_holder", "split"):
        assert str(file.schema_arrow.field(name).type).startswith("dictionary<values=string")
    one, many = (read_parquet(tmp_path / f"{name}.parquet") for name in ("one", "many"))
    assert one.to_pylist() == many.to_pylist()
    write_parquet(tmp_path / "again.parquet", tmp_path)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()


def test_parquet_needs_no_photos_and_is_filtered(made, tmp_path):
    (tmp_path / "train_val2017.zip").write_bytes((made.root / "train_val2017.zip").read_bytes())
    path = tmp_path / "aves.parquet"
    options = {"where": {"supercategory": ["Aves"]}, "licenses": ["3"]}
    write_parquet(path, tmp_path, **options)
    rows = read_parquet(path).to_pylist()
    expected = [
        photo.image_id
        for photo in made.of("train")
        if photo.file_name.startswith("train_val_images/Aves/") and photo.record["license"] == 3
    ]
    assert [row["image_id"] for row in rows] == expected
    with pytest.raises(FileExistsError):
        write_parquet(path, tmp_path, **options)
    write_parquet(path, tmp_path, **options, limit=1, overwrite=True)
    assert [row["image_id"] for row in read_parquet(path).to_pylist()] == expected[:1]


def export(*arguments: object) -> int:
    return main(["export", *map(str, arguments)])


def test_the_commands_write_what_the_functions_do(made, train, tmp_path, capsys):
    write_folder(train, tmp_path / "f", resize=24, layout="category")
    write_shards(train, tmp_path / "w", shuffle=True, seed=3, shard_samples=9, prefix="p")
    capsys.readouterr()
    assert export("folder", made.root, "-o", tmp_path / "F", "--resize", 24,
                  "--layout", "category") == 0  # fmt: skip
    assert export("wds", made.root, "-o", tmp_path / "W", "--shuffle", "--seed", 3,
                  "--shard-samples", 9, "--prefix", "p", "--json") == 0  # fmt: skip
    assert tree(tmp_path / "F") == tree(tmp_path / "f")
    assert tree(tmp_path / "W") == tree(tmp_path / "w")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["images"] == len(train)
    assert f"wrote {len(train)} to {tmp_path / 'F'}" in printed.err


def test_the_commands_filter_and_limit_in_the_archives_order(made, train, tmp_path):
    options = ["--where", "supercategory=Plantae", "--license", "6", "--limit", 3]
    assert export("wds", made.root, "-o", tmp_path / "w", *options) == 0
    names = made.of("train")
    ids = {p.image_id for p in names
           if CATEGORIES[p.category_id][1] == "Plantae" and p.record["license"] == 6}  # fmt: skip
    by_member = train.image_ids[np.argsort(train.members)].tolist()
    assert order_of(tmp_path / "w") == [id_ for id_ in by_member if id_ in ids][:3]
    assert export("parquet", made.root, "-o", tmp_path / "t.parquet", *options) == 0
    assert len(read_parquet(tmp_path / "t.parquet")) == 3


def test_the_command_says_what_it_leaves_out(damaged, tmp_path, capsys):
    dataset, bad = damaged
    call = ("folder", dataset.root, "-o", tmp_path / "out", "--resize", 20)
    assert export(*call) == 1
    assert f"`{bad}`" in capsys.readouterr().err
    assert export(*call, "--on-error", "skip", "--skip-existing") == 0
    assert f"left out: `{dataset.archive.path}`: member `{bad}`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["folder", "--resize", "0"], 2),
        (["folder", "--quality", "101"], 2),
        (["folder", "--interpolation", "nearest"], 2),
        (["wds", "--shard-samples", "0"], 2),
        (["wds", "--prefix", "a/b"], 2),
        (["wds", "--split", "train", "--where", "genus=Ardea"], 2),
        (["parquet", "--license", "GPL"], 2),
        (["parquet", "--limit", "0"], 2),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    made, tmp_path, arguments, status, capsys
):
    kind, *options = arguments
    assert export(kind, made.root, "-o", tmp_path / "out" / "x", *options) == status
    printed = capsys.readouterr()
    assert printed.err.startswith("ptarmigan: ")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_export_needs_a_format_and_a_destination(capsys):
    for arguments in (["export"], ["export", "zip", "root"], ["export", "wds", "root"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    for kind in ("folder", "wds", "parquet", "coco"):
        with pytest.raises(SystemExit) as stopped:
            main(["export", kind, "--help"])
        assert stopped.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_credits_are_csv_that_others_read(train, tmp_path):
    write_folder(train, tmp_path / "out")
    with (tmp_path / "out" / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert [int(record["image_id"]) for record in records] == sorted(train.image_ids.tolist())
