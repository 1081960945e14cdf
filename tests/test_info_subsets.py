"""`info` on whatever is there of a release, and what it says of files that do not fit together."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from ptarmigan import Archive
from ptarmigan.cli import main
from ptarmigan.errors import AnnotationError
from ptarmigan.info import TABLES, describe
from ptarmigan.info.files import describe_files
from ptarmigan.info.sources import find_sources
from ptarmigan.published import PublishedFile
from ptarmigan.synth import SyntheticDataset, write_dataset
from synthetic import make_jpeg

IMAGES, TEST = "train_val_images.tar.gz", "test2017.tar.gz"
FILES = (
    IMAGES, "train_val2017.zip", "train_2017_bboxes.zip", "val_2017_bboxes.zip",
    "inat2017_locations.zip", TEST, "test2017.zip",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDataset:
    root = tmp_path_factory.mktemp("inat")
    return write_dataset(root, scale=0.005, images=200, max_side=48, test_images=8)


def part(made: SyntheticDataset, root: Path, *names: str) -> Path:
    for name in names:
        shutil.copy(made.root / name, root / name)
    return root


def read_zip(path: Path, member: str) -> dict:
    with zipfile.ZipFile(path) as files:
        return json.loads(files.read(member))


def write_zip(path: Path, **members: object) -> None:
    with zipfile.ZipFile(path, "w") as files:
        for name, content in members.items():
            files.writestr(f"{name}.json", json.dumps(content))


def members_of(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}


def pack(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def states(found: dict) -> dict[str, str]:
    return {file["name"]: file["state"] for file in found["files"]}


@pytest.mark.parametrize("name", FILES)
def test_one_file_alone_is_enough(made, tmp_path, capsys, name):
    root = part(made, tmp_path, name)
    assert main(["info", str(root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    whole = describe(made.root)
    missing = {file for file, state in states(found).items() if state == "missing"}
    assert missing == set(FILES) - {name}
    mine, all_of_it = found["annotations"], whole["annotations"]
    if name in (IMAGES, TEST):
        (archive,) = found["archives"]
        assert archive["members"] == (200 if name == IMAGES else 8)
        assert archive["join"] is None
    else:
        assert found["archives"] == []
    if name == "train_val2017.zip":
        for key in ("supercategories", "total", "distribution"):
            assert mine[key] == all_of_it[key]
        assert mine["boxes"] is mine["test"] is None
    elif name.endswith("bboxes.zip"):
        split = name.partition("_")[0]
        assert mine["boxes_total"][split] == all_of_it["boxes_total"][split]
        assert mine["boxes_total"].keys() - {split} == {
            other for other, number in mine["boxes_total"].items() if number is None
        }
        # The box files list all categories, but nobody knows how many images there are.
        assert mine["total"]["categories"] == made.categories
        assert mine["total"]["train"] is None
        assert mine["box_checks"][split]["outside"] is None
    elif name == "inat2017_locations.zip":
        assert mine["locations"]["train"]["records"] == made.train
        assert mine["locations"]["val"]["images_without"] is None
    elif name == "test2017.zip":
        assert mine["test"] == 8
        assert mine["total"] == {"categories": made.categories, "train": None, "val": None}
    assert main(["info", str(root)]) == 0
    assert "missing" in capsys.readouterr().out


def test_no_file_at_all_is_listed_as_seven_missing(tmp_path, capsys):
    assert main(["info", str(tmp_path), "--release", "2017", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(states(found).values()) == {"missing"}
    assert len(found["files"]) == 7
    assert main(["info", str(tmp_path / "none")]) == 1


def test_files_of_another_release_are_recognised(tmp_path, capsys):
    (tmp_path / "val2019.json.tar.gz").write_bytes(b"not the real one")
    assert main(["info", str(tmp_path), "--table", "files", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == "2019"
    assert states(found)["val2019.json.tar.gz"] == "other md5"


def test_unpacked_files_count_as_the_same(made, tmp_path):
    whole = describe(made.root)
    with tarfile.open(made.root / IMAGES) as archive:
        archive.extractall(tmp_path, filter="data")
    with zipfile.ZipFile(made.root / "train_val2017.zip") as files:
        files.extractall(tmp_path)  # noqa: S202 - we made it
    found = describe(tmp_path)
    assert states(found)[IMAGES] == "found as train_val_images"
    assert states(found)["train_val2017.zip"] == "found as train2017.json, val2017.json"
    (archive,) = found["archives"]
    assert archive["join"] == whole["archives"][0]["join"]
    assert found["annotations"]["supercategories"] == whole["annotations"]["supercategories"]
    assert archive["modes"] == whole["archives"][0]["modes"]


def test_one_split_of_the_annotations_is_enough(made, tmp_path):
    part(made, tmp_path, IMAGES)
    val = read_zip(made.root / "train_val2017.zip", "val2017.json")
    write_zip(tmp_path / "train_val2017.zip", val2017=val)
    found = describe(tmp_path)
    assert found["annotations"]["total"]["val"] == made.val
    assert found["annotations"]["total"]["train"] is None
    assert list(found["annotations"]["distribution"]) == ["val"]
    joined = found["archives"][0]["join"]
    assert (joined["images"], joined["missing"]) == (made.val, 0)
    # The other members may well be training images.
    assert joined["extra"] is None


def test_members_that_either_side_lacks_are_named(made, tmp_path, capsys):
    part(made, tmp_path, "train_val2017.zip", "test2017.zip")
    members = members_of(made.root / IMAGES)
    lost = sorted(members)[3:10]
    kept = {name: data for name, data in members.items() if name not in lost}
    strangers = {f"train_val_images/Aves/Nova nova/{number}.jpg": b"" for number in "123"}
    pack(tmp_path / IMAGES, kept | strangers)
    tests = members_of(made.root / TEST)
    first, second = sorted(tests)[:2]
    # Only the base name counts: another folder is none of our business, another name is.
    moved = {f"elsewhere/{Path(name).name}": data for name, data in tests.items() if name != second}
    pack(tmp_path / TEST, moved | {"test2017/other.jpg": tests[second]})
    train_val, test = describe(tmp_path)["archives"]
    joined = train_val["join"]
    assert (joined["missing"], joined["extra"]) == (7, 3)
    assert len(joined["first_missing"]) == 5
    assert set(joined["first_missing"]) <= set(lost)
    assert joined["first_extra"] == list(strangers)
    assert test["join"]["first_missing"] == [Path(second).name]
    assert test["join"]["first_extra"] == ["test2017/other.jpg"]
    assert main(["info", str(tmp_path), "--table", "census"]) == 0
    printed = capsys.readouterr().out
    assert f"not in the archive: {joined['first_missing'][0]}" in printed
    assert "in the archive only: test2017/other.jpg" in printed
    assert "super category" not in printed
    assert first != second


def test_sizes_are_compared_with_the_headers_of_the_files(made, tmp_path):
    members = members_of(made.root / IMAGES)
    odd, turned, broken = sorted(members)[:3]
    splits = {
        f"{split}2017": read_zip(made.root / "train_val2017.zip", f"{split}2017.json")
        for split in ("train", "val")
    }
    images = {i["file_name"]: i for split in splits.values() for i in split["images"]}
    size = images[turned]["width"], images[turned]["height"]
    if size[0] == size[1]:
        size = (48, 31)
        members[turned] = make_jpeg(1, *size)
    images[turned]["width"], images[turned]["height"] = size[1], size[0]
    members[odd] = make_jpeg(2, 17, 19)
    members[broken] = members[broken][:10]
    pack(tmp_path / IMAGES, members)
    write_zip(tmp_path / "train_val2017.zip", **splits)
    (archive,) = describe(tmp_path)["archives"]
    joined = archive["join"]
    assert (joined["other_size"], joined["swapped"]) == (2, 1)
    assert sorted(joined["first_other_size"]) == [odd, turned]
    assert archive["unreadable"] == 1


def test_no_changed_byte_of_a_zip_is_more_than_an_error_of_the_data(made, tmp_path):
    val = read_zip(made.root / "train_val2017.zip", "val2017.json")
    for key in ("images", "annotations"):
        val[key] = val[key][:2]
    val["categories"] = val["categories"][:3] + [
        category for category in val["categories"][3:]
        if category["id"] in {label["category_id"] for label in val["annotations"]}
    ]  # fmt: skip
    path = tmp_path / "train_val2017.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("val2017.json", json.dumps(val))
    data = path.read_bytes()
    assert describe(tmp_path, tables=("supercategory",))["annotations"]["total"]["val"] == 2
    refused = 0
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        for cache in tmp_path.glob("*.ptcols"):
            cache.unlink()  # It knows the file by its size and checksum, not by every byte.
        try:
            describe(tmp_path, tables=("supercategory",))
        except AnnotationError as error:
            assert "train_val2017.zip" in str(error)  # noqa: PT017 - some changes do no harm
            refused += 1
    assert refused > len(data) / 2


def test_boxes_that_break_the_page_s_rules_are_counted(made, tmp_path, capsys):
    part(made, tmp_path, "train_val2017.zip", "train_2017_bboxes.zip")
    val = read_zip(made.root / "val_2017_bboxes.zip", "val_2017_bboxes.json")
    boxes = val["annotations"]
    _, _, width, height = boxes[0]["bbox"]
    boxes[0]["area"] = width * height
    boxes[1]["iscrowd"] = 1
    boxes[2]["bbox"] = [40, 40, 20, 20]
    boxes[2]["area"] = 200
    boxes.append({**boxes[3], "id": 10_000})
    boxes[4]["category_id"] = next(
        c["id"] for c in val["categories"] if c["id"] != boxes[4]["category_id"]
    )
    boxes[5]["area"] *= 1.0009
    write_zip(tmp_path / "val_2017_bboxes.zip", val_2017_bboxes=val)
    checks = describe(tmp_path, tables=("boxes",))["annotations"]["box_checks"]
    found = checks["val"]
    for kind, box in (
        ("wrong_area", boxes[0]), ("crowds", boxes[1]), ("outside", boxes[2]),
        ("images_with_several", boxes[3]), ("other_category", boxes[4]),
    ):  # fmt: skip
        assert found[kind] == 1, kind
        assert found["first"][kind] == [box["image_id"]], kind
    assert (found["empty"], found["unknown_images"]) == (0, 0)
    assert found["boxes"] == len(boxes)
    assert checks["train"]["wrong_area"] == checks["train"]["outside"] == 0
    assert main(["info", str(tmp_path), "--table", "boxes"]) == 0
    assert f"image {boxes[0]['image_id']}" in capsys.readouterr().err


def test_fields_without_a_value_are_counted(made, tmp_path):
    train = read_zip(made.root / "train_val2017.zip", "train2017.json")
    images = train["images"]
    for image in images:
        image["rights_holder"] = "somebody"
    images[0]["rights_holder"] = None
    images[1]["rights_holder"] = ""
    images[2]["license"] = None
    images[3]["license"] = 77
    del images[4]["width"]
    places = [{"id": image["id"], "lat": 0.0, "lon": 0.0, "loc_uncert": None, "date": None,
               "date_c": 0.5, "user_id": None} for image in images[1:]]  # fmt: skip
    places[0]["lat"] = None
    places[1]["date"] = "2015-02-03"
    places[2]["user_id"] = 5
    places.append({**places[3], "id": 123_456_789})
    write_zip(tmp_path / "train_val2017.zip", train2017=train)
    write_zip(tmp_path / "inat2017_locations.zip", train2017_locations=places)
    found = describe(tmp_path)["annotations"]
    assert found["fields"]["train"] == {
        "images": len(images), "no_rights_holder": 2, "no_license": 1, "unlisted_license": 1,
        "no_size": 1,
    }  # fmt: skip
    assert found["locations"]["train"] == {
        "records": len(places), "no_place": 1, "no_uncertainty": len(places),
        "no_date": len(places) - 1, "no_user": len(places) - 1, "unknown_images": 1,
        "images_without": 1,
    }  # fmt: skip


def test_files_are_compared_with_their_published_size_and_md5(made, tmp_path):
    part(made, tmp_path, IMAGES, "train_val2017.zip", "test2017.zip")
    digests = {name: md5_of(tmp_path / name)
               for name in (IMAGES, "train_val2017.zip", "test2017.zip")}  # fmt: skip
    size = (tmp_path / "train_val2017.zip").stat().st_size

    def look(name: str, size: int | None, md5: str | None) -> dict:
        file = PublishedFile(name, size, md5, None, "", "train+val" if name == IMAGES else "")
        (row,) = describe_files(find_sources(tmp_path, "2017"), (file,), progress=False)
        return row

    name = "train_val2017.zip"
    assert look(name, size, digests[name])["state"] == "as published"
    assert look(name, None, digests[name])["state"] == "as published"
    assert look(name, size, None)["state"] == "size as published"
    assert look(name, None, None)["state"] == "nothing published"
    assert look(name, size + 1, digests[name])["state"] == "other size"
    wrong = look(name, size, "0" * 32)
    assert (wrong["state"], wrong["md5"]) == ("other md5", digests[name])
    data = bytearray((tmp_path / name).read_bytes())
    data[100] ^= 1
    (tmp_path / name).write_bytes(data)
    assert look(name, size, digests[name])["state"] == "other md5"
    (tmp_path / name).write_bytes(data[:-1])
    assert look(name, size, digests[name])["state"] == "other size"
    # An archive of images is not read for this; its index knows.
    assert look(IMAGES, None, digests[IMAGES])["state"] == "md5 unknown: no index"
    Archive(tmp_path / IMAGES)
    assert look(IMAGES, None, digests[IMAGES])["state"] == "as published"
    assert look(IMAGES, None, "0" * 32)["state"] == "other md5"
    other = gzip.compress(gzip.decompress((tmp_path / IMAGES).read_bytes()), 1)
    (tmp_path / IMAGES).write_bytes(other)
    assert look(IMAGES, None, digests[IMAGES])["state"] == "md5 unknown: no index"


def test_an_md5_reports_its_progress(made):
    seen = []
    describe(made.root, tables=("files",), progress=lambda *report: seen.append(report))
    sizes = {(made.root / name).stat().st_size for name in FILES if name not in (IMAGES, TEST)}
    assert {total for _, total, _ in seen} == sizes
    assert {done for done, total, _ in seen if done == total} == sizes


def test_an_index_is_made_only_where_it_is_wanted(made, tmp_path, capsys):
    part(made, tmp_path, IMAGES, "train_val2017.zip")
    for table in TABLES:
        if table != "census":
            assert main(["info", str(tmp_path), "--table", table]) == 0
    assert main(["info", str(tmp_path), "--no-index"]) == 0
    printed = capsys.readouterr()
    assert "has no index" in printed.err
    assert "Members of" not in printed.out
    assert not list(tmp_path.glob("*.ptidx"))
    assert main(["info", str(tmp_path)]) == 0
    assert (tmp_path / f"{IMAGES}.ptidx").exists()
    assert main(["info", str(tmp_path), "--no-index"]) == 0
    assert "Members of" in capsys.readouterr().out


_TITLES = (
    "Images\n", "Bounding boxes\n", "Images a category\n", "Licences\n", "Files\n", "Members of ",
)  # fmt: skip
_NAMES = ("supercategory", "boxes", "distribution", "fields", "files", "census")


@pytest.mark.parametrize(("table", "title"), [*zip(_NAMES, _TITLES, strict=True)])
def test_one_table_is_printed_alone(made, capsys, table, title):
    assert main(["info", str(made.root), "--table", table]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(title)
    others = [head for head in _TITLES if head != title]
    assert not [head for head in others if f"\n\n{head}" in f"\n\n{printed}"]
    assert main(["info", str(made.root), "--table", table, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "2017"


@pytest.mark.parametrize(
    "options",
    [
        ["--strict"],
        ["--expect", "2017", "--table", "boxes"],
        ["--expect", "2017", "--release", "2018"],
        ["--expect", "2016"],
        ["--table", "none"],
    ],
)
def test_calls_that_make_no_sense_exit_with_2(made, capsys, options):
    try:
        status = main(["info", str(made.root), *options])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert capsys.readouterr().out == ""


def test_an_archive_cannot_be_compared_with_a_release(made, capsys):
    assert main(["info", str(made.root / IMAGES), "--expect", "2017"]) == 2
    assert "needs the folder of a release" in capsys.readouterr().err
