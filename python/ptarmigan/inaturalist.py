"""Turns the iNaturalist files, as downloaded, into samples of one split."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import _core
from .annotations import Table
from .archive import Archive
from .errors import AnnotationError
from .labels import LABELS, LabelMap, LabelSpace
from .metadata import Extras, attribution
from .release import ADDRESS, SPLITS, VERSIONS, find_annotations, find_photos
from .samples import Samples
from .subset import rows_of_subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from .annotations import Strings
    from .progress import OnProgress
    from .samples import MemberFile

__all__ = ["INaturalist"]

TARGET_TYPES = ("full", "super")
MISSING = ("raise", "skip")


class INaturalist(Samples):
    """iNaturalist 2017 from the files as downloaded, with the splits of the competition.

    Has the arguments, the samples and the attributes of ``torchvision.datasets.INaturalist``, and
    three differences: ``split`` selects the competition's split (torchvision has none), samples
    are sorted by the bytes of ``file_name`` (torchvision's order is that of the file system), and
    images are always RGB.

    ``root`` holds, under the names they are downloaded by, ``train_val_images.tar.gz`` (or
    ``.tar``, or the folder ``train_val_images`` that comes out of it, or torchvision's
    ``2017.tgz`` or folder ``2017``) and ``train_val2017.zip`` (or the ``train2017.json`` and
    ``val2017.json`` in it); for the test split ``test2017.tar.gz`` and ``test2017.zip``. Boxes
    and locations are read when they are first asked for, from ``train_2017_bboxes.zip``,
    ``val_2017_bboxes.zip`` and ``inat2017_locations.zip``.

    Args:
        root: The folder with the files.
        version: ``"2017"``.
        split: ``"train"``, ``"val"``, ``"test"`` or ``"train+val"``.
        target_type: ``"full"`` (the class), ``"super"`` (the super category), or a list of them:
            then a target is a tuple, but for a list of one.
        transform: Called with the ``PIL.Image``.
        target_transform: Called with the target.
        download: Not possible yet; True is an error that says where the files are.
        loader: Called with a binary file (`ptarmigan.samples.MemberFile`) instead of decoding.
        labels: ``"json"``: a class's number is its ``category_id``; ``"torchvision"``: the number
            that torchvision gives it. They agree for one class of 5,089.
        subset: Which images to keep: image ids, or ``file_name`` strings, base names or stems.
        missing: What to do about images that the archive lacks: ``"raise"`` or ``"skip"``.
        index_path: As for `ptarmigan.Archive`.
        build: As for `ptarmigan.Archive`.
        expected_md5: As for `ptarmigan.Archive`.
        progress: As for `ptarmigan.Archive`.
        threads: How many threads decode a list of samples; see `ptarmigan.samples.Samples`.

    Attributes:
        root: The folder, a string.
        version: The argument.
        split: The argument.
        labels: The argument.
        target_type: The argument as a list.
        archive: The `ptarmigan.Archive`.
        members: (N,) int64, the member of every sample.
        targets: (N,) int64: class or super category as the first of ``target_type`` says; -1 in
            the test split.
        category_ids: (N,) int64: ``category_id``, whatever ``labels`` is; -1 in the test split.
        image_ids: (N,) int64.
        file_names: N strings, as in the annotations.
        widths: (N,) int32 in pixels, as in the annotations; -1 where not given.
        heights: (N,) int32 in pixels, as in the annotations; -1 where not given.
        classes: What ``targets`` count: names of the categories, or of the super categories.
        supercategories: Names of the super categories, sorted.
        all_categories: ``"Aves/Ardea alba"`` for every class.
        categories_index: ``{"super": {name: number}}``.
        categories_map: ``{"super": number}`` for every class.
        info: ``info`` of the annotations, as text.

    Raises:
        FileNotFoundError: If a file is missing; the message says which ones were looked for.
        AnnotationError: If the annotations are damaged, contradict each other, or name images
            that the archive lacks.
        ArchiveError: If the archive is damaged.
        ValueError: If an argument can never work.

    Source: https://github.com/visipedia/inat_comp/tree/master/2017
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        version: str = "2017",
        split: str = "train",
        target_type: list[str] | str = "full",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,  # noqa: FBT002 - torchvision's signature
        loader: Callable[[MemberFile], Any] | None = None,
        *,
        labels: str = "json",
        subset: Iterable[int] | Iterable[str] | None = None,
        missing: str = "raise",
        index_path: str | os.PathLike[str] | None = None,
        build: Literal["auto", "never", "rebuild"] = "auto",
        expected_md5: str | None = None,
        progress: bool | OnProgress | None = None,
        threads: int | None = None,
    ) -> None:
        self.root = os.fspath(root)
        self.version = _version(version)
        self.split = _split(split)
        self.target_type = _target_types(target_type)
        self.labels = _one_of("labels", labels, LABELS)
        _one_of("missing", missing, MISSING)
        if download:
            msg = (
                f"downloading is not built yet: download the files from {ADDRESS} into "
                f"`{self.root}` and leave out `download=True`"
            )
            raise NotImplementedError(msg)
        photos = find_photos(Path(root), split)
        self._table = Table(find_annotations(Path(root), split))
        if split != "test" and len(self._table) and not (self._table.category_ids >= 0).any():
            msg = f"the annotation file of the split `{split}` has no `annotations`"
            raise AnnotationError(msg)
        self._space = LabelSpace(self._table, labels)
        if subset is not None:
            self._table.keep(rows_of_subset(self._table, subset))
        archive = Archive(
            photos.path,
            index_path=index_path,
            build=build,
            expected_md5=expected_md5,
            progress=progress,
            threads=threads,
        )
        members = self._join(archive, photos.match, missing)
        self._targets = [self._space.targets(self.category_ids, kind) for kind in self.target_type]
        super().__init__(
            archive,
            members=members,
            targets=self._targets[0],
            image_ids=self._table.image_ids,
            transform=transform,
            target_transform=target_transform,
            loader=loader,
            threads=threads,
        )
        by_class = self.target_type[0] == "full"
        self.classes = self._space.names if by_class else self._space.supercategories
        self._extras = Extras(self.root, self.split)

    def _join(self, archive: Archive, match: str, missing: str) -> NDArray[np.int64]:
        """The member of every image; images without one are an error, or are dropped."""
        members = _core.find_members(archive._core, *self._table.file_names.pool(), match)
        absent = members < 0
        if not absent.any():
            return members
        if missing == "raise":
            first = self._table.file_names[int(absent.argmax())]
            msg = (
                f"the archive `{archive.path}` lacks {absent.sum()} of {len(absent)} images, the "
                f"first is `{first}`; give missing='skip' to go on without them"
            )
            raise AnnotationError(msg)
        self._table.keep(~absent)
        return members[~absent]

    def _target(self, row: int) -> Any:
        first = int(self.targets[row])
        others = [int(targets[row]) for targets in self._targets[1:]]
        return (first, *others) if others else first

    @property
    def category_ids(self) -> NDArray[np.int64]:
        """(N,) int64: the ``category_id`` of every sample, -1 in the test split."""
        return self._table.category_ids

    @property
    def file_names(self) -> Strings:
        """N strings: the ``file_name`` of every sample."""
        return self._table.file_names

    @property
    def widths(self) -> NDArray[np.int32]:
        """(N,) int32 in pixels, as in the annotations."""
        return self._table.widths

    @property
    def heights(self) -> NDArray[np.int32]:
        """(N,) int32 in pixels, as in the annotations."""
        return self._table.heights

    @property
    def info(self) -> dict[str, str]:
        """``info`` of the annotations, as text."""
        return self._table.info

    @cached_property
    def samples(self) -> list[tuple[str, int]]:
        """(``file_name``, target) of every sample; made when it is first asked for."""
        return list(zip(self.file_names, self.targets.tolist(), strict=True))

    @cached_property
    def index(self) -> list[tuple[int, str]]:
        """(class, base name) of every sample, as torchvision has it; made when first asked for."""
        classes = self._space.targets(self.category_ids, "full").tolist()
        names = (name.rpartition("/")[2] for name in self.file_names)
        return list(zip(classes, names, strict=True))

    @property
    def supercategories(self) -> list[str]:
        """Names of the super categories, sorted."""
        return self._space.supercategories

    @property
    def all_categories(self) -> list[str]:
        """The folder of every class, such as ``"Aves/Ardea alba"``."""
        return self._space.folders

    @cached_property
    def categories_index(self) -> dict[str, dict[str, int]]:
        """``{"super": {name: number}}``."""
        return {"super": {name: place for place, name in enumerate(self.supercategories)}}

    @cached_property
    def categories_map(self) -> list[dict[str, int]]:
        """``{"super": number}`` for every class."""
        return [{"super": number} for number in self._space.supers.tolist()]

    @property
    def label_map(self) -> LabelMap:
        """The two numberings of the classes, whatever ``labels`` is.

        Example: ``predicted = ds.label_map.torchvision_to_json[predicted]``.
        """
        return self._space.label_map

    def category_name(self, category_type: str, category_id: int) -> str:
        """The name of a class or super category, as torchvision gives it.

        Args:
            category_type: ``"full"`` or ``"super"``.
            category_id: Its number.

        Returns:
            A folder such as ``"Aves/Ardea alba"`` for ``"full"``, a name for ``"super"``.

        Raises:
            ValueError: If there is no such type or number.
        """
        _one_of("category_type", category_type, TARGET_TYPES)
        names = self.all_categories if category_type == "full" else self.supercategories
        if not 0 <= category_id < len(names):
            msg = f"`category_id` must be 0 to {len(names) - 1}, not {category_id!r}"
            raise ValueError(msg)
        return names[category_id]

    def boxes(self, index: int) -> NDArray[np.float64] | None:
        """The boxes of a sample.

        Args:
            index: As for ``ds[index]``.

        Returns:
            (B, 4) float64: x, y, width, height in pixels from the upper left; None where the
            image was not annotated with boxes, which does not mean that nothing is on it.

        Raises:
            FileNotFoundError: If a box file is missing.
            AnnotationError: If it is damaged.
        """
        return self._extras.boxes(int(self.image_ids[self._row(index)]))

    def location(self, index: int) -> dict[str, Any] | None:
        """Where and when a photo was taken.

        Args:
            index: As for ``ds[index]``.

        Returns:
            ``id``, ``lat`` and ``lon`` (degrees), ``loc_uncert`` (metres), ``date``
            (``YYYY-MM-DD``), ``date_c``, ``user_id`` and ``valid`` as in the locations file, each
            None where it has none; None where the file has no record of the image.

        Raises:
            FileNotFoundError: If the locations file is missing.
            AnnotationError: If it is damaged.
        """
        return self._extras.location(int(self.image_ids[self._row(index)]))

    def attribution(self, index: int) -> dict[str, Any]:
        """Who holds the rights of a photo, and under which licence it may be used.

        Args:
            index: As for ``ds[index]``.

        Returns:
            ``rights_holder``, ``license_id``, ``license_name``, ``license_url``, each None where
            the annotations do not say, and ``file_name``.
        """
        return attribution(self._table, self._row(index))

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        # Long lists of Python objects that the columns give back when they are asked for.
        state.pop("samples", None)
        state.pop("index", None)
        return state

    def __repr__(self) -> str:
        # Without a folder: the same data set must look the same on every machine.
        return (
            f"INaturalist(version={self.version!r}, split={self.split!r}, "
            f"labels={self.labels!r}, target_type={self.target_type!r}, samples={len(self)})"
        )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        msg = f"`{name}` must be one of {', '.join(map(repr, known))}, not {value!r}"
        raise ValueError(msg)
    return value


def _version(version: str) -> str:
    if version not in VERSIONS:
        msg = f"version {version!r} cannot be read yet: this release reads {', '.join(VERSIONS)}"
        raise ValueError(msg)
    return version


def _split(split: str) -> str:
    if isinstance(split, list) or split in TARGET_TYPES:
        msg = (
            f"the third argument is the split, not {split!r}: give torchvision's arguments after "
            f"`version` by name, as target_type={split!r}"
        )
        raise ValueError(msg)
    return _one_of("split", split, SPLITS)


def _target_types(target_type: list[str] | tuple[str, ...] | str) -> list[str]:
    types = [target_type] if isinstance(target_type, str) else list(target_type)
    if not types:
        msg = f"`target_type` must name at least one of {', '.join(TARGET_TYPES)}"
        raise ValueError(msg)
    return [_one_of("target_type", kind, TARGET_TYPES) for kind in types]
