"""Turns an annotation file into the order in which its categories first appear."""

from __future__ import annotations

import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import AnnotationError

if TYPE_CHECKING:
    from .annotations import JsonFile

__all__ = ["categories_in_order"]


def categories_in_order(file: JsonFile) -> list[int]:
    """The category ids of ``annotations``, each once, in the order of the file.

    A `ptarmigan.annotations.Table` is sorted by file name and does not know it any more. The file
    is read by the standard library, with its whole text in memory.

    Raises:
        AnnotationError: If it is damaged or has no ``annotations``.
        OSError: If it cannot be read.
    """
    where = f"`{file.path}`" + (f", `{file.member}`" if file.member else "")
    try:
        with _opened(file) as stream:
            found = json.load(stream, object_pairs_hook=_category_or_list)
    except (ValueError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AnnotationError(f"{where}: {error}") from error
    if not isinstance(found, list) or not all(type(id_) is int and id_ >= 0 for id_ in found):
        raise AnnotationError(f"{where}: expected `annotations` with a `category_id` each")
    return list(dict.fromkeys(found))


def _category_or_list(pairs: list[tuple[str, Any]]) -> Any:
    """Of an annotation its category, of the whole file its annotations; nothing of all else."""
    record = dict(pairs)
    return record.get("category_id", record.get("annotations"))


@contextmanager
def _opened(file: JsonFile) -> Iterator[IO[bytes]]:
    if file.member is None:
        with Path(file.path).open("rb") as plain:
            yield plain
    elif file.path.endswith(".zip"):
        with zipfile.ZipFile(file.path) as archive:
            named = [name for name in archive.namelist() if _base(name) == file.member]
            with archive.open(named[0] if named else file.member) as stream:
                yield stream
    else:
        with tarfile.open(file.path, "r|*") as archive:
            for entry in archive:
                found = archive.extractfile(entry) if _base(entry.name) == file.member else None
                if found is not None:
                    yield found
                    return
            raise AnnotationError(f"`{file.path}`: there is no `{file.member}` in it")


def _base(name: str) -> str:
    return name.rpartition("/")[2]
