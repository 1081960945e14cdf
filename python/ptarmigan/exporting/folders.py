"""Turns the photos of a data set into a folder a class, as torchvision's ``ImageFolder`` reads."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import AnnotationError
from ..progress import progress_reporter
from ..terms import show_once
from .credits import add_credits, check_credits
from .destination import Destination, make_room
from .extraction import Written, write_places
from .photos import archive_order, check_on_error, folders_of, reencoding_of
from .places import Place, inner_parts, refuse_collisions
from .reading import thread_count
from .selection import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from ..inaturalist import INaturalist
    from ..progress import OnProgress

__all__ = ["LAYOUTS", "write_folder"]

LAYOUTS = ("super/category", "category")


def write_folder(
    dataset: INaturalist,
    dest: str | os.PathLike[str],
    *,
    rows: Iterable[int] | None = None,
    layout: Literal["super/category", "category"] = "super/category",
    resize: int | None = None,
    quality: int | None = None,
    interpolation: str = "bicubic",
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
    skip_existing: bool = False,
    threads: int | None = None,
    progress: bool | OnProgress | None = None,
) -> Written:
    """Writes every photo into the folder of its class, and ``CREDITS.csv`` beside the folders.

    Without ``resize`` and ``quality`` files are those of the archive, byte for byte. The test
    split, which has no classes, goes into one folder ``test``.

    Args:
        dataset: The photos.
        dest: The folder to write into; it is made where it is missing.
        rows: Which samples; by default all.
        layout: ``"super/category"`` is the tree of the official archive:
            ``torchvision.datasets.ImageFolder`` takes the super categories for classes.
            ``"category"`` is one level: it takes the categories.
        resize: Pixels of the longer side; photos are decoded, made smaller, never larger, and
            encoded as JPEG. See `Reencoding`.
        quality: Pillow's JPEG quality, 95 with ``resize`` by default; without ``resize`` photos are
            encoded anew in their own size.
        interpolation: As for `Reencoding`.
        on_error: Whether a photo that cannot be decoded is an error, or left out and named in
            ``skipped``. Only encoding anew decodes.
        overwrite: Whether files that are there are replaced.
        skip_existing: Whether files that are there are kept: those of the right size, or of any
            where photos are encoded anew.
        threads: How many threads; by default the archive's, or one a processor.
        progress: As for `ptarmigan.Archive`; bytes are those read.

    Raises:
        AnnotationError: If two photos would become one file.
        ArchiveError: If a photo's bytes are damaged.
        DecodeError: If a photo cannot be decoded.
        FileExistsError: If a file is there already; nothing is written then.
        OSError: If a file cannot be written.
        ValueError: If an argument can never work.
    """
    start = time.perf_counter()
    convert = reencoding_of(resize, quality, interpolation)
    skip = check_on_error(on_error)
    count = thread_count(threads, dataset.archive.threads)
    order = archive_order(dataset, rows)
    places = _places(dataset, order, layout, jpeg=convert is not None)
    check_credits(Path(dest))
    show_once()
    with Destination(dest) as destination:
        sizes = dataset.archive.members["size"]
        wanted = {name: int(sizes[member]) if convert is None else None for member, name in places}
        kept = make_room(destination, wanted, overwrite=overwrite, skip_existing=skip_existing)
        credits_ = add_credits(destination, part_of(dataset._table, order))
        with progress_reporter(progress, f"writing {os.fspath(dest)}") as report:
            found = write_places(
                dataset.archive,
                [place for place in places if place.name not in kept],
                destination,
                threads=count,
                report=report,
                convert=convert,
                skip_errors=skip,
            )
    return Written(
        os.fspath(dest),
        found.images,
        found.bytes,
        len(kept),
        found.skipped,
        credits_,
        time.perf_counter() - start,
    )


def _places(
    dataset: INaturalist, order: NDArray[np.int64], layout: str, *, jpeg: bool
) -> list[Place]:
    categories = dataset.category_ids[order].tolist()
    folders = _class_folders(dataset, layout, set(categories))
    names = dataset.file_names.select(order)
    places = []
    for member, category, name in zip(
        dataset.members[order].tolist(), categories, names, strict=True
    ):
        parts = inner_parts(name)
        if not parts:
            raise AnnotationError(f"`{name}` is not the name of a photo")
        base = parts[-1]
        if jpeg and not base.lower().endswith((".jpg", ".jpeg")):
            base = f"{base.rpartition('.')[0] or base}.jpg"
        places.append(Place(member, f"{folders[category]}/{base}"))
    refuse_collisions(dataset.archive, places)
    return places


def _class_folders(dataset: INaturalist, layout: str, used: set[int]) -> dict[int, str]:
    """The folder of every category id that is used, and of -1."""
    if layout not in LAYOUTS:
        raise ValueError(f"expected a layout of {', '.join(LAYOUTS)}, found {layout!r}")
    folders = {id_: folder for id_, folder in folders_of(dataset).items() if id_ in used}
    if layout == "category":
        folders = {id_: folder.rpartition("/")[2] for id_, folder in folders.items()}
        first: dict[str, int] = {}
        for id_, folder in folders.items():
            other = first.setdefault(folder, id_)
            if other != id_:
                raise AnnotationError(
                    f"the categories {other} and {id_} would share the folder `{folder}`; "
                    "the layout super/category keeps them apart"
                )
    return {-1: "test", **folders}
