"""The annotations as a Parquet table, read back by pyarrow."""

from __future__ import annotations

import pytest

import ptarmigan as pt
from exports_made import credits_in, expected_credits, read_parquet
from inaturalist_made import (
    CATEGORIES,
    annotation_file,
    box_file,
    location_file,
    make_photos,
    write_zip,
)
from ptarmigan.exporting import write_parquet

pytestmark = pytest.mark.usefixtures("own_configuration")


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
