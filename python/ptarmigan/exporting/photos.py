"""Turns the photos of a data set that are wanted into rows in a fixed order, with their folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import AnnotationError
from ..taxonomy import Taxonomy
from .places import inner_parts
from .reencoding import Reencoding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..inaturalist import INaturalist

__all__ = ["archive_order", "check_on_error", "folders_of", "reencoding_of"]


def archive_order(dataset: INaturalist, rows: Iterable[int] | None) -> NDArray[np.int64]:
    """The rows of a data set (all of them by default) in the order that the archive has them.

    Raises:
        IndexError: If there is no such row.
    """
    if rows is None:
        chosen = np.arange(len(dataset))
    else:
        chosen = np.unique(np.asarray(list(rows), np.int64))
        wrong = chosen[(chosen < 0) | (chosen >= len(dataset))]
        if len(wrong):
            raise IndexError(f"there is no sample {wrong[0]}: the data set has {len(dataset)}")
    return chosen[np.argsort(dataset.members[chosen], kind="stable")]


def folders_of(dataset: INaturalist) -> dict[int, str]:
    """The folder of every category that has photos, such as ``Aves/Ardea alba``.

    Raises:
        AnnotationError: If one would lead out of where it is put.
    """
    found = {}
    for id_, folder in enumerate(Taxonomy(dataset._table, dataset._release).folders):
        if folder:
            parts = inner_parts(folder)
            if not parts:
                raise AnnotationError(f"category {id_} has the folder `{folder}`, which is no name")
            found[id_] = "/".join(parts)
    return found


def reencoding_of(resize: int | None, quality: int | None, interpolation: str) -> Reencoding | None:
    """What is done to each file; None where neither a size nor a quality is given.

    Raises:
        ImportError: If Pillow is needed and missing.
        ValueError: If an argument can never work.
    """
    encoding = Reencoding(resize, 95 if quality is None else quality, interpolation)
    if resize is None and quality is None:
        return None
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError("Pillow encodes the photos anew: pip install pillow") from error
    return encoding


def check_on_error(on_error: str) -> bool:
    """Whether ``on_error`` is ``"skip"``.

    Raises:
        ValueError: If it is neither that nor ``"raise"``.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"expected on_error='raise' or 'skip', found {on_error!r}")
    return on_error == "skip"
