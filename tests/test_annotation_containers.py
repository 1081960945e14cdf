"""Every way in which a zip or a tar.gz around a JSON file can be wrong: an error that says what."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import zipfile
from pathlib import Path

from ptarmigan.annotations import Table
from test_annotation_damage import GOOD, NAME, message


def zipped(path: Path, members: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path.read_bytes()


def zip_message(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    return message(path, NAME)


def test_a_zip_cut_anywhere_is_refused(tmp_path):
    data = zipped(tmp_path / "a.zip", {NAME: GOOD})
    for end in range(0, len(data), 5):
        found = zip_message(tmp_path, data[:end])
        assert "download it again" in found, (end, found)


def test_a_wrong_checksum_is_refused_though_the_text_is_good(tmp_path):
    data = zipped(tmp_path / "a.zip", {NAME: GOOD}, zipfile.ZIP_STORED)
    found = zip_message(tmp_path, data.replace(b"t/A/a/1.jpg", b"t/A/a/3.jpg"))
    assert re.search("cannot be read to its end.*[Cc]hecksum.*download it again", found)


def test_a_damaged_zip_is_told_before_what_it_makes_of_the_text(tmp_path):
    data = zipped(tmp_path / "a.zip", {NAME: GOOD}, zipfile.ZIP_STORED)
    found = zip_message(tmp_path, data.replace(b'"images"', b'"imag;s"').replace(b": [", b": {"))
    assert re.search("cannot be read to its end.*[Cc]hecksum", found)


def test_an_encrypted_member_is_refused(tmp_path):
    data = bytearray(zipped(tmp_path / "a.zip", {NAME: GOOD}))
    central = data.index(b"PK\1\2")
    data[6] |= 1
    data[central + 8] |= 1
    assert "found one with a password; download it again" in zip_message(tmp_path, bytes(data))


def test_a_method_that_is_unknown_is_refused(tmp_path):
    data = zipped(tmp_path / "a.zip", {NAME: GOOD}, zipfile.ZIP_BZIP2)
    assert re.search("packed with Bzip2, expected deflate", zip_message(tmp_path, data))


def test_a_member_that_is_not_there_or_twice_is_refused(tmp_path):
    found = zip_message(tmp_path, zipped(tmp_path / "a.zip", {"x.txt": "", "val.json": GOOD}))
    assert "no such file in the archive; it has `x.txt`, `val.json`; download it again" in found
    data = zipped(tmp_path / "a.zip", {f"a/{NAME}": GOOD, f"b/{NAME}": GOOD})
    found = zip_message(tmp_path, data)
    assert f"expected one such file in the archive, found `a/{NAME}` and `b/{NAME}`" in found
    data = zipped(tmp_path / "a.zip", {NAME: GOOD, NAME.upper(): GOOD})
    found = zip_message(tmp_path, data.replace(NAME.upper().encode(), NAME.encode()))
    assert "the zip has 2 members under 1 names; download it again" in found


def test_what_is_no_zip_is_refused(tmp_path):
    for data in (b"<html>not found</html>", b"", b"PK\3\4", b"PK\5\6" + bytes(18)):
        found = zip_message(tmp_path, data)
        assert "download it again" in found, data


def test_sizes_of_four_gigabytes_and_more_are_believed_only_when_they_come(tmp_path):
    path = tmp_path / "a.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(NAME, "w", force_zip64=True) as file,
    ):
        file.write(GOOD.encode())
    data = path.read_bytes()
    assert len(Table([(str(path), NAME)], cache=False)) == 2
    # The central record says that the sizes are in a zip64 field: 5 GB each, which is not so.
    at = data.index(b"PK\1\2")
    name_bytes, extra_bytes = struct.unpack_from("<HH", data, at + 28)
    record = bytearray(data[at : at + 46 + name_bytes])
    record[20:28] = b"\xff" * 8
    field = struct.pack("<HHQQ", 1, 16, 5 << 30, 5 << 30)
    record[30:32] = struct.pack("<H", len(field))
    end = bytearray(data[data.index(b"PK\5\6") :])
    size = len(record) + len(field)
    end[12:16] = struct.pack("<I", size)
    forged = data[:at] + bytes(record) + field + bytes(end)
    assert extra_bytes == 0
    path.write_bytes(forged)
    assert zipfile.ZipFile(path).infolist()[0].file_size == 5 << 30
    assert len(Table([(str(path), NAME)], cache=False)) == 2


def test_bytes_behind_a_zip_do_not_make_it_another(tmp_path):
    data = zipped(tmp_path / "a.zip", {NAME: GOOD})
    path = tmp_path / "b.zip"
    path.write_bytes(data + b"behind it")
    assert len(Table([(str(path), NAME)], cache=False)) == 2


def tarred(members: dict[str, str | None]) -> bytes:
    """A tar; a member without text is a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            data = b"" if text is None else text.encode()
            info.size = len(data)
            if text is None:
                info.type, info.linkname = tarfile.LNKTYPE, "x"
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_message(tmp_path: Path, data: bytes, member: str | None = NAME) -> str:
    path = tmp_path / "train2018.json.tar.gz"
    path.write_bytes(data)
    return message(path, member)


def test_a_tar_gz_cut_anywhere_is_refused(tmp_path):
    data = gzip.compress(tarred({NAME: GOOD}), mtime=0)
    for end in [*range(0, len(data), 9), len(data) - 1]:
        found = tar_message(tmp_path, data[:end])
        assert "download it again" in found, (end, found)


def test_a_tar_gz_with_a_wrong_checksum_is_refused(tmp_path):
    data = bytearray(gzip.compress(tarred({NAME: GOOD}), mtime=0))
    data[-6] ^= 1
    found = tar_message(tmp_path, bytes(data))
    assert re.search(r"(CRC|checksum).*\(at byte \d+\); download it again", found), found


def test_members_of_a_tar_gz_are_told_apart(tmp_path):
    found = tar_message(tmp_path, gzip.compress(tarred({"x.txt": "", "val.json": GOOD})))
    assert "no such file in the archive; it has `x.txt`, `val.json`; download it again" in found
    found = tar_message(tmp_path, gzip.compress(tarred({NAME: GOOD, f"./{NAME}": GOOD})))
    assert f"expected one such file in the archive, found `{NAME}` and `./{NAME}`" in found
    found = tar_message(tmp_path, gzip.compress(tarred({"a.json": GOOD, "b.json": "{}"})), None)
    assert "found `a.json` and `b.json`; give the whole name" in found
    found = tar_message(tmp_path, gzip.compress(tarred({"x": GOOD, NAME: None})))
    assert "expected a file, found a link" in found
    assert "download it again" in tar_message(tmp_path, gzip.compress(GOOD.encode()))
    assert "download it again" in tar_message(tmp_path, b"<html>not found</html>")
