"""Turns an archive of photos into samples: `INaturalist` with annotations, `ImageArchive` without.

Not here: batches (`ptarmigan.loader`).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _core
from .archive import Archive
from .inaturalist import INaturalist
from .samples import MemberFile, Samples

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from .progress import OnProgress

__all__ = ["INaturalist", "ImageArchive", "MemberFile", "Samples"]


class ImageArchive(Samples):
    """The JPEGs and PNGs of any archive, sorted by name; an image's class is the folder it is in.

    Classes are sorted too, as those of ``torchvision.datasets.ImageFolder`` are. An image in no
    folder has the class ``""``. Of several members with one name the last counts, as for ``tar``.
    A member is one of them if its first bytes say so or its name ends in ``.jpg``, ``.jpeg`` or
    ``.png``.

    Args:
        path: A tar, a tar.gz or a folder.
        transform: Called with the ``PIL.Image``.
        target_transform: Called with the target.
        loader: Called with a binary file (`MemberFile`) instead of decoding.
        index_path: As for `ptarmigan.Archive`.
        build: As for `ptarmigan.Archive`.
        expected_md5: As for `ptarmigan.Archive`.
        progress: As for `ptarmigan.Archive`.
        threads: How many threads decode a list of samples; see `Samples`.

    Attributes:
        archive: The `ptarmigan.Archive`.
        members: (N,) int64, the member of every sample.
        targets: (N,) int64.
        image_ids: (N,) int64: 0 to N-1.
        classes: Names of the folders, sorted.

    Raises:
        FileNotFoundError: If there is no such archive.
        ArchiveError: If the archive is damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        *,
        loader: Callable[[MemberFile], Any] | None = None,
        index_path: str | os.PathLike[str] | None = None,
        build: Literal["auto", "never", "rebuild"] = "auto",
        expected_md5: str | None = None,
        progress: bool | OnProgress | None = None,
        threads: int | None = None,
    ) -> None:
        archive = Archive(
            path,
            index_path=index_path,
            build=build,
            expected_md5=expected_md5,
            progress=progress,
            threads=threads,
        )
        members, targets, classes = _core.folders(archive._core)
        self.classes = [name.decode("utf-8", "surrogateescape") for name in classes]
        super().__init__(
            archive,
            members=members,
            targets=targets,
            image_ids=np.arange(len(members)),
            transform=transform,
            target_transform=target_transform,
            loader=loader,
            threads=threads,
        )

    @cached_property
    def samples(self) -> list[tuple[str, int]]:
        """(Member name, target) of every sample; made when it is first asked for."""
        names = self.archive.names
        members = zip(self.members.tolist(), self.targets.tolist(), strict=True)
        return [(names[member], target) for member, target in members]

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        state.pop("samples", None)
        return state

    def __repr__(self) -> str:
        # Without a folder: the same data set must look the same on every machine.
        return f"ImageArchive({Path(self.archive.path).name!r}, samples={len(self)})"
