"""Turns a folder into which published files are there, with the published size and md5 or not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ptarmigan.errors import IndexFileError
from ptarmigan.progress import progress_reporter

if TYPE_CHECKING:
    from ptarmigan.info.sources import Sources
    from ptarmigan.published import PublishedFile

__all__ = ["describe_files"]

_CHUNK: Final = 1 << 20


def _md5(path: Path, progress: bool | Callable[..., object] | None) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file, progress_reporter(progress, f"md5 of {path.name}") as report:
        while data := file.read(_CHUNK):
            digest.update(data)
            done += len(data)
            if report is not None:
                report(done, total, 0)
    return digest.hexdigest()


def _md5_of_index(path: Path) -> str | None:
    """The md5 that the index of an archive has, where there is an index of this very file."""
    from ptarmigan.archive import Archive, default_index_path

    if not Path(default_index_path(path)).exists():
        return None
    try:
        return Archive(path, build="never", progress=False).md5
    except IndexFileError:
        return None


def _other_form(sources: Sources, file: PublishedFile) -> str | None:
    """What is there instead of the file: an unpacked archive, plain JSON files."""
    if file.splits:
        found = [photos.path for splits, photos in sources.photos.items() if splits == file.splits]
    else:
        members = file.content.split(", ")
        kinds = (sources.annotations, sources.boxes, sources.locations)
        paths = [Path(json.path) for kind in kinds for json in kind.values()]
        found = [path for path in paths if path.name in members]
    return ", ".join(str(path.relative_to(sources.root)) for path in found) or None


def _state(file: PublishedFile, size: int, md5: str | None) -> str:
    if file.size is not None and size != file.size:
        return "other size"
    if file.md5 is not None and md5 is not None:
        return "as published" if md5 == file.md5 else "other md5"
    if file.md5 is not None:
        return "md5 unknown: no index"
    return "size as published" if file.size is not None else "nothing published"


def describe_files(
    sources: Sources,
    published: tuple[PublishedFile, ...],
    progress: bool | Callable[..., object] | None = None,
) -> list[dict[str, Any]]:
    """Compares the files of a folder with those of the competition page.

    The md5 of an archive of images is that of its index, if it has one; those of the others are
    computed.

    Args:
        sources: What is in the folder.
        published: The files of the release.
        progress: As for `ptarmigan.Archive`, while an md5 is computed.

    Returns:
        For each published file ``name``, ``content``, ``size`` and ``md5`` (None where unknown),
        ``expected_size``, ``shown_size`` (as on the page), ``expected_md5`` and ``state``:
        ``missing``, ``found as ...`` (in another form), ``other size``, ``other md5``,
        ``as published`` (the md5 is right), ``md5 unknown: no index`` (and the size is right, where
        it is known), ``size as published`` (there is no published md5), or ``nothing
        published`` (but the name).

    Raises:
        OSError: If a file cannot be read.
    """
    rows = []
    for file in published:
        path = sources.root / file.name
        size = md5 = None
        if path.is_file():
            size = path.stat().st_size
            md5 = _md5_of_index(path) if file.splits else _md5(path, progress)
            state = _state(file, size, md5)
        else:
            other = _other_form(sources, file)
            state = "missing" if other is None else f"found as {other}"
        rows.append(
            {
                "name": file.name,
                "content": file.content,
                "size": size,
                "expected_size": file.size,
                "shown_size": file.shown,
                "md5": md5,
                "expected_md5": file.md5,
                "state": state,
            }
        )
    return rows
