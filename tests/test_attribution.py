"""Whose each photo is, licence filters, and the terms that are shown once."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import ptarmigan as pt
from exports_made import expected_credits
from inaturalist_made import annotation_file, make_photos, write_zip
from ptarmigan import terms
from ptarmigan.attribution import COLUMNS, licenses_of, rows_licensed
from ptarmigan.cli import main
from ptarmigan.exporting.selection import select

pytestmark = pytest.mark.usefixtures("own_configuration")

DEEDS = (
    (1, "Attribution-NonCommercial-NoDerivatives License", "by-nc-nd/4.0/", "BY-NC-ND"),
    (2, "Attribution-NonCommercial-ShareAlike License", "by-nc-sa/4.0/", "BY-NC-SA"),
    (3, "Attribution-NonCommercial License", "by-nc/4.0/", "BY-NC"),
    (6, "Attribution License", "by/4.0/", "BY"),
)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    assert main(["attribution", *map(str, arguments)]) == 0
    return capsys.readouterr()


@pytest.mark.parametrize("split", ["train", "val", "test", "train+val"])
def test_csv_is_what_the_data_set_says_of_every_photo(made, split, capsys):
    out, _ = printed(capsys, made.root, "--split", split)
    head, *rows = csv.reader(io.StringIO(out))
    assert tuple(head) == COLUMNS
    dataset = pt.INaturalist(made.root, split=split)
    assert [row[1] for row in rows] == list(dataset.file_names)
    assert sorted(rows, key=lambda row: int(row[0])) == expected_credits(dataset)
    assert any("Zoë" in row[2] for row in rows)


def test_the_photos_need_not_be_there(made, tmp_path, capsys):
    (tmp_path / "train_val2017.zip").write_bytes((made.root / "train_val2017.zip").read_bytes())
    out, _ = printed(capsys, tmp_path)
    assert out.count("\n") == 1 + len(made.of("train+val"))


def test_names_with_commas_quotes_and_line_ends_come_back(tmp_path, capsys):
    photos = make_photos(1)
    holders = ['A "B", C', "two\nlines", "日本 語", "  "]
    for photo, holder in zip(photos, holders, strict=False):
        photo.record["rights_holder"] = holder
    content = annotation_file(photos)
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": content})
    out, err = printed(capsys, tmp_path, "--split", "train")
    rows = {int(row[0]): row[2] for row in list(csv.reader(io.StringIO(out)))[1:]}
    expected = {photo.image_id: photo.record["rights_holder"] or "" for photo in photos}
    assert rows == expected
    nobody = sum(not holder.strip() for holder in expected.values())
    assert f"images without a rights holder: {nobody}\n" in err


def test_json_has_null_for_what_is_not_known(made, capsys):
    out, _ = printed(capsys, made.root, "--split", "train", "--json")
    records = {record["id"]: record for record in
               ({"id": row.pop("image_id"), **row} for row in json.loads(out))}  # fmt: skip
    dataset = pt.INaturalist(made.root, split="train")
    for row, image_id in enumerate(dataset.image_ids.tolist()):
        assert records[image_id] == {"id": image_id, **dataset.attribution(row)}


def test_a_licence_that_the_list_lacks_is_kept_and_named(made, capsys):
    out, err = printed(capsys, made.root)
    rows = list(csv.reader(io.StringIO(out)))[1:]
    unlisted = [row for row in rows if row[3] == "99"]
    unlicensed = [row for row in rows if row[3] == ""]
    assert unlisted
    assert unlicensed
    assert all(row[4:] == ["", ""] for row in unlisted + unlicensed)
    assert f"licence 99, which the list of licences lacks: {len(unlisted)}\n" in err
    assert f"images without a licence: {len(unlicensed)}\n" in err


def test_ids_choose_by_number_name_or_stem(made, capsys):
    one, two = made.of("val")[:2]
    for words in (
        [one.image_id, two.image_id],
        [one.file_name, Path(two.file_name).stem],
        [Path(one.file_name).name, two.file_name],
    ):
        out, _ = printed(capsys, made.root, "--split", "val", "--ids", *words)
        found = {int(row[0]) for row in list(csv.reader(io.StringIO(out)))[1:]}
        assert found == {one.image_id, two.image_id}


def test_an_id_of_another_split_is_an_error(made, capsys):
    other = made.of("train")[0].image_id
    assert main(["attribution", str(made.root), "--split", "val", "--ids", str(other)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"`{other}`" in printed.err


def deeds_table(folder: Path, *, urls: bool = True):
    base = "http://creativecommons.org/"
    licenses = [{"id": id_, "name": name, "url": f"{base}licenses/{url}" if urls else None}
                for id_, name, url, _ in DEEDS]  # fmt: skip
    zero = f"{base}publicdomain/zero/1.0/" if urls else None
    licenses.append({"id": 7, "name": "Public Domain Dedication", "url": zero})
    licenses.append({"id": 8, "name": "No known copyright restrictions", "url": "http://f.org/"})
    photos = make_photos(3)
    choices = [1, 2, 3, 6, 7, 8, 9, None]
    for number, photo in enumerate(photos):
        photo.record["license"] = choices[number % len(choices)]
    content = annotation_file(photos) | {"licenses": licenses}
    write_zip(folder / "train_val2017.zip", {"train2017.json": content})
    return select(folder, "2017", "train").table


@pytest.mark.parametrize("urls", [True, False])
def test_short_codes_come_from_the_address_or_the_name(tmp_path, urls):
    codes = {row.id: row.code for row in licenses_of(deeds_table(tmp_path, urls=urls))}
    assert codes == {id_: code for id_, _, _, code in DEEDS} | {7: "CC0", 8: None}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CC BY-NC", "BY-NC"),
        ("cc by nc sa 4.0", "BY-NC-SA"),
        ("BY-ND", "BY-ND"),
        ("CC0", "CC0"),
        ("CC", None),
        ("BY-SA-ND", None),
        ("by a friend", None),
    ],
)
def test_a_name_may_be_a_short_code_itself(tmp_path, name, code):
    content = annotation_file(make_photos(1)) | {
        "licenses": [{"id": 1, "name": name, "url": "https://example.org/"}]
    }
    write_zip(tmp_path / "train_val2017.zip", {"train2017.json": content})
    (license_,) = licenses_of(select(tmp_path, "2017", "train").table)
    assert license_.code == code


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["BY"], {6}),
        (["cc0", "by"], {6, 7}),
        (["CC BY-NC 4.0"], {3}),
        (["cc-by-nc-sa"], {2}),
        (["BY NC ND"], {1}),
        (["attribution license"], {6}),
        (["No known copyright restrictions"], {8}),
        ([3, "7"], {3, 7}),
        (["9"], {9}),
        (["none"], {-1}),
        ([None, 3], {-1, 3}),
        ([float("nan")], {-1}),
        ([" CC0 ", "none"], {7, -1}),
    ],
)
def test_licences_are_known_by_number_code_and_name(tmp_path, words, ids):
    table = deeds_table(tmp_path)
    rows = rows_licensed(table, words)
    assert set(table.license_ids[rows].tolist()) == ids
    assert not set(table.license_ids[~rows].tolist()) & ids


@pytest.mark.parametrize("word", ["NC", "BY-XX", "10", "-1", "", "GPL", "CC"])
def test_an_unknown_licence_is_an_error_that_lists_the_known(tmp_path, word):
    with pytest.raises(ValueError, match=r"\(1 BY-NC-ND, .*7 CC0, 8 No known.*found `") as caught:
        rows_licensed(deeds_table(tmp_path), [word])
    assert f"`{word}`" in str(caught.value)


def test_a_filter_by_licence_drops_what_is_not_known(tmp_path, capsys):
    deeds_table(tmp_path)
    out, err = printed(capsys, tmp_path, "--split", "train", "--license", "CC0,BY")
    found = {row[3] for row in list(csv.reader(io.StringIO(out)))[1:]}
    assert found == {"6", "7"}
    assert "lacks" not in err
    assert main(["attribution", str(tmp_path), "--split", "train", "--license", "MIT"]) == 2


def test_terms_are_shown_once_and_again_when_they_change(monkeypatch):
    stream = io.StringIO()
    assert terms.show_once(stream)
    assert "non-commercial" in stream.getvalue()
    assert "https://github.com/visipedia/inat_comp\n" in stream.getvalue()
    assert not terms.show_once(stream)
    monkeypatch.setattr(terms, "TERMS", "other terms")
    assert terms.show_once(stream)
    assert stream.getvalue().endswith("other terms\n")


def test_the_variable_keeps_the_terms_away_and_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv(terms.VARIABLE, "1")
    stream = io.StringIO()
    assert not terms.show_once(stream)
    assert not (tmp_path / "config").exists()
    monkeypatch.setenv(terms.VARIABLE, "0")
    assert terms.show_once(stream)


def test_terms_that_cannot_be_remembered_are_shown_and_the_work_goes_on(tmp_path):
    (tmp_path / "config").write_text("a file, so no folder can be made in it")
    stream = io.StringIO()
    assert terms.show_once(stream)
    assert "cannot be remembered" in stream.getvalue()
    assert terms.show_once(stream)


def test_without_a_configuration_home_the_file_is_below_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert terms.memory_path() == tmp_path / ".config" / "ptarmigan" / "terms-shown"


def test_reading_credits_shows_no_terms(made, capsys):
    _, err = printed(capsys, made.root)
    assert "terms" not in err
