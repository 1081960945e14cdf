"""Fills in for what `annotations.Table` does not read yet; to be deleted."""

from __future__ import annotations

import json
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from . import annotations
from .annotations import JsonFile, Strings

KNOWN_IMAGE = {"id", "width", "height", "file_name", "license", "rights_holder"}
KNOWN_CATEGORY = {"id", "name", "supercategory"}


def load(file: JsonFile) -> Any:
    if file.member is None:
        return json.loads(Path(file.path).read_text())
    if zipfile.is_zipfile(file.path):
        with zipfile.ZipFile(file.path) as archive:
            return json.loads(archive.read(file.member))
    with tarfile.open(file.path) as archive:
        name = next(n for n in archive.getnames() if n.rpartition("/")[2] == file.member)
        return json.loads(archive.extractfile(name).read())


def strings(values: list[str]) -> Strings:
    data = [v.encode() for v in values]
    ends = np.cumsum([len(d) for d in data], dtype=np.uint64)
    starts = ends - np.array([len(d) for d in data], np.uint64)
    return Strings(np.frombuffer(b"".join(data) or b"\0", np.uint8), starts, ends)


class Table(annotations.Table):
    def __init__(self, files, categories=None):
        contents = [load(f) for f in files]
        listed = contents[0]["categories"]
        if categories is not None:
            listed = load(categories)
            listed = listed["categories"] if isinstance(listed, dict) else listed
        with tempfile.TemporaryDirectory() as folder:
            plain = []
            for n, c in enumerate(contents):
                p = Path(folder) / f"{n}.json"
                p.write_text(json.dumps({**c, **({"categories": listed} if categories else {})}))
                plain.append(JsonFile(str(p)))
            super().__init__(plain)
        records = {c["id"]: c for c in listed}
        ids = self.categories[0]
        keys = sorted({k for c in listed for k in c} - KNOWN_CATEGORY)
        self.category_columns = {k: [records[i].get(k) for i in ids] for k in keys}
        place = {c["id"]: n for n, c in enumerate(listed)}
        self.positions = np.array([place[i] for i in ids], np.int64)
        images = {r["id"]: r for c in contents for r in c["images"]}
        self.meta = {}
        for key in sorted({k for r in images.values() for k in r} - KNOWN_IMAGE):
            values = [images[i].get(key) for i in self.image_ids.tolist()]
            if all(isinstance(v, bool) for v in values):
                self.meta[key] = np.array(values)
            elif all(isinstance(v, int) for v in values):
                self.meta[key] = np.array(values, np.int64)
            elif all(v is None or isinstance(v, int | float) for v in values):
                self.meta[key] = np.array([np.nan if v is None else v for v in values], float)
            else:
                self.meta[key] = strings(["" if v is None else str(v) for v in values])

    def keep(self, rows):
        super().keep(rows)
        for key, column in self.meta.items():
            self.meta[key] = column.select(rows) if isinstance(column, Strings) else column[rows]
