"""Turns the iNaturalist files, as downloaded, into samples of one split."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _core
from .annotated import AnnotatedSamples
from .annotations import Table
from .archive import Archive
from .arguments import one_of
from .classes import Classes
from .conditions import rows_where
from .errors import AnnotationError
from .labels import LabelMap, checksum, label_map_of
from .metadata import Extras
from .release import (
    RANKS,
    Release,
    find_annotations,
    find_categories,
    find_photos,
    release_and_split,
)
from .subset import rows_of_subset
from .taxonomy import Taxonomy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .progress import OnProgress
    from .samples import MemberFile

__all__ = ["INaturalist"]

MISSING = ("raise", "skip")


class INaturalist(AnnotatedSamples):
    """iNaturalist from the files as downloaded, with the splits of the competition.

    Has the arguments, the samples and the attributes of ``torchvision.datasets.INaturalist``, and
    three differences: ``split`` selects the competition's split, samples are sorted by the bytes
    of ``file_name`` (torchvision's order is that of the file system), and images are always RGB.

    ``root`` holds the files of the release under the names they are downloaded by: for 2017
    ``train_val_images.tar.gz`` and ``train_val2017.zip``. An archive may also be a plain tar or
    the folder that comes out of it, under its own name or torchvision's; JSON files may be
    unpacked. Boxes and locations are read when they are first asked for. ``docs/dataset.md``
    lists the files of every release.

    Args:
        root: The folder with the files.
        version: ``"2017"``, ``"2018"``, ``"2019"``, ``"2021"``, torchvision's ``"2021_train"``,
            ``"2021_train_mini"`` or ``"2021_valid"``, which name a split too, or one that
            `ptarmigan.register_release` added.
        split: ``"train"``, ``"val"``, ``"test"``, ``"train+val"`` (2017 to 2019) or ``"mini"``
            (2021); by default what ``version`` names, else ``"train"``.
        target_type: ``"full"`` (the class), ``"super"`` (the super category), a rank (2018 to 2021:
            ``"kingdom"``, ``"phylum"``, ``"class"``, ``"order"``, ``"family"``, ``"genus"``), or
            a list of them: then a target is a tuple, but for a list of one. An empty list gives
            None.
        transform: Called with the ``PIL.Image``.
        target_transform: Called with the target.
        download: Not possible yet; True is an error that says where the files are.
        loader: Called with a binary file (`ptarmigan.samples.MemberFile`) instead of decoding.
        labels: The number that a class has: ``"json"`` (its ``category_id``), ``"torchvision"``,
            ``"list"``, ``"first_seen"``, ``"compact"`` (see `ptarmigan.labels.LabelMap`), a dict
            from category id to number, or the `LabelMap` of another data set, for its numbering.
        subset: Which images to keep: image ids, or ``file_name`` strings, base names or stems.
        where: Conditions that images must fulfil to be kept, such as
            ``{"supercategory": "Aves", "license": ["BY", "CC0"]}``: a value, several of which an
            image must have one, or a function that takes the column and gives (N,) bool, such as
            ``{"latitude": lambda degrees: degrees > 60}``. Keys are ``"category"`` (names or ids),
            ``"supercategory"``, the ranks, ``"license"`` (numbers, names, short names such as
            ``"BY-NC"``, or ``"none"``), ``"rights_holder"``, the names that ``field`` takes and
            the columns of ``meta``. None and NaN are a value that is not known. A value that the
            split does not have is a ValueError; see ``docs/dataset.md``.
        missing: What to do about images that the archive lacks: ``"raise"`` or ``"skip"``.
        index_path: As for `ptarmigan.Archive`.
        build: As for `ptarmigan.Archive`.
        expected_md5: As for `ptarmigan.Archive`.
        progress: As for `ptarmigan.Archive`.
        threads: How many threads decode a list of samples; see `ptarmigan.samples.Samples`.

    Attributes:
        root: The folder, a string, as given.
        version: The version of the release, such as ``"2021"``.
        split: The split.
        labels: The name of the numbering; ``"custom"`` for a dict.
        label_map: The `ptarmigan.labels.LabelMap` between all numberings, whatever ``labels`` is.
        target_type: The argument as a list.
        archive: The `ptarmigan.Archive`.
        members: (N,) int64, the member of every sample.
        targets: (N,) int64: what the first of ``target_type`` says; -1 where it is not known, as
            in the test split.
        category_ids: (N,) int64: ``category_id``, whatever ``labels`` is; -1 in the test split.
        image_ids: (N,) int64.
        file_names: N strings, as in the annotations.
        widths: (N,) int32 in pixels, as in the annotations; -1 where not given.
        heights: (N,) int32 in pixels, as in the annotations; -1 where not given.
        classes: What ``targets`` count: names of the categories, super categories or taxa.
        supercategories: Names of the super categories, sorted.
        all_categories: The folder of every class: ``"Aves/Ardea alba"``.
        categories_index: Numbers of the super categories, ``{"super": {name: number}}``; for 2021
            of the taxa of every rank.
        categories_map: ``{"super": number}`` for every class; for 2021 all ranks.
        info: ``info`` of the annotations, as text.

    Raises:
        FileNotFoundError: If a file is missing; the message says which ones were looked for.
        AnnotationError: If the annotations are damaged, contradict each other, lack what an
            argument asks for, or name images that the archive lacks.
        ArchiveError: If the archive is damaged.
        ValueError: If an argument can never work.

    Source: https://github.com/visipedia/inat_comp
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        version: str | Release = "2017",
        split: str | None = None,
        target_type: Sequence[str] | str = "full",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,  # noqa: FBT002 - torchvision's signature
        loader: Callable[[MemberFile], Any] | None = None,
        *,
        labels: str | Mapping[int, int] | LabelMap = "json",
        subset: Iterable[int] | Iterable[str] | None = None,
        where: Mapping[str, Any] | None = None,
        missing: str = "raise",
        index_path: str | os.PathLike[str] | None = None,
        build: Literal["auto", "never", "rebuild"] = "auto",
        expected_md5: str | None = None,
        progress: bool | OnProgress | None = None,
        threads: int | None = None,
    ) -> None:
        _check_split(split)
        self._release, self.split = release_and_split(version, split)
        self.root = os.fspath(root)
        self.version = self._release.version
        self.target_type = _target_types(target_type, self._release)
        one_of("missing", missing, MISSING)
        if download:
            msg = (
                f"downloading is not built yet: download the files from {self._release.address} "
                f"into `{self.root}` and leave out `download=True`"
            )
            raise NotImplementedError(msg)
        # Some files are opened later, when the working directory may be another.
        folder = Path(root).absolute()
        photos = find_photos(Path(root), self.split, self._release)
        self._table = Table(
            find_annotations(folder, self.split, self._release),
            categories=find_categories(folder, self._release),
        )
        self._check_labelled()
        taxonomy = Taxonomy(self._table, self._release)
        kinds = [kind for kind in self.target_type if kind != "full"]
        groups = {kind: taxonomy.groups(kind) for kind in kinds}
        self.label_map = label_map_of(labels, self._table, taxonomy, self._release, folder)
        self._extras = Extras(str(folder), self.split, self._release, self._table)
        self._choose(taxonomy, subset, where)
        archive = Archive(
            photos.path,
            index_path=index_path,
            build=build,
            expected_md5=expected_md5,
            progress=progress,
            threads=threads,
        )
        members = self._join(archive, photos.match, missing)
        numbers = self.label_map.numbers()
        self._classes = Classes(taxonomy, numbers)
        self.supercategories = taxonomy.supercategories
        self._columns = {"full": numbers, **{kind: column for kind, (_, column) in groups.items()}}
        self._targets = [self._numbered(kind) for kind in self.target_type or ["full"]]
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
        first = self.target_type[0] if self.target_type else "full"
        self.classes = self._classes.names if first == "full" else groups[first][0]

    def _choose(
        self,
        taxonomy: Taxonomy,
        subset: Iterable[int] | Iterable[str] | None,
        where: Mapping[str, Any] | None,
    ) -> None:
        """Drops the images that are not wanted; both arguments are about the whole split."""
        keep = np.ones(len(self._table), np.bool_)
        if subset is not None:
            keep &= rows_of_subset(self._table, subset)
        if where is not None:
            keep &= rows_where(self._table, taxonomy, self._extras, where)
        if not keep.all():
            self._table.keep(keep)
            self._extras.forget()

    def _check_labelled(self) -> None:
        labelled = all(part.labelled for part in self._release.parts(self.split))
        if labelled and len(self._table) and not (self._table.category_ids >= 0).any():
            msg = f"the annotation file of the split `{self.split}` has no `annotations`"
            raise AnnotationError(msg)

    def _numbered(self, kind: str) -> NDArray[np.int64]:
        """(N,) the class or group of every sample; -1 where it is not known."""
        # One more element, so that -1 finds -1.
        numbers = np.append(self._columns[kind], np.int64(-1))[self.category_ids]
        lost = (numbers < 0) & (self.category_ids >= 0)
        if kind == "full" and lost.any():
            row = int(lost.argmax())
            msg = (
                f"{lost.sum()} images are of classes that have no number in the labels "
                f"{self.labels!r}; the first is `{self.file_names[row]}` of category "
                f"{self.category_ids[row]}; leave them out with `where`"
            )
            raise AnnotationError(msg)
        return numbers

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
        if not self.target_type:
            return None
        first = int(self.targets[row])
        others = [int(targets[row]) for targets in self._targets[1:]]
        return (first, *others) if others else first

    @cached_property
    def index(self) -> list[tuple[int, str]]:
        """(class, base name) of every sample, as torchvision has it; made when first asked for."""
        names = (name.rpartition("/")[2] for name in self.file_names)
        return list(zip(self._numbered("full").tolist(), names, strict=True))

    @property
    def labels(self) -> str:
        """The name of the numbering."""
        return self.label_map.labels

    @property
    def numbering(self) -> tuple[str, str]:
        """What ``targets`` count, and a checksum that tells it from other numberings of it."""
        kind = self.target_type[0] if self.target_type else "full"
        return self.labels if kind == "full" else kind, checksum(self._columns[kind])

    @property
    def all_categories(self) -> list[str]:
        """The folder of every class, such as ``"Aves/Ardea alba"``."""
        return self._classes.folders

    @property
    def categories_index(self) -> dict[str, dict[str, int]]:
        """Numbers of the super categories, or (2021) of the taxa of every rank."""
        return self._classes.categories_index

    @property
    def categories_map(self) -> list[dict[str, int]]:
        """For every class the number of its super category, or (2021) of its taxa."""
        return self._classes.categories_map

    def category_name(self, category_type: str, category_id: int) -> str:
        """The name of a class, a super category or a taxon, as torchvision gives it.

        Args:
            category_type: One of the target types.
            category_id: Its number.

        Returns:
            A folder such as ``"Aves/Ardea alba"`` for ``"full"``, else a name.

        Raises:
            ValueError: If there is no such type or number.
            AnnotationError: If the categories do not have this rank.
        """
        return self._classes.category_name(category_type, category_id)

    @property
    def target_types(self) -> tuple[str, ...]:
        """What ``target_type`` may be: ``"full"``, ``"super"`` and the ranks that are known."""
        return self._classes.target_types

    def class_groups(self, target_type: str = "super") -> list[str]:
        """The super category, or the taxon of a rank, of every class.

        Args:
            target_type: ``"super"`` or a rank.

        Returns:
            A name for each class, in the order of their numbers; ``""`` where it is not known.

        Raises:
            AnnotationError: If the categories do not have this rank.
        """
        return self._classes.groups(target_type)

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


def _check_split(split: object) -> None:
    if isinstance(split, list) or split in ("full", "super", *RANKS):
        msg = (
            f"the third argument is the split, not {split!r}: give torchvision's arguments after "
            f"`version` by name, as target_type={split!r}"
        )
        raise ValueError(msg)


def _target_types(target_type: Sequence[str] | str, release: Release) -> list[str]:
    types = [target_type] if isinstance(target_type, str) else list(target_type)
    known = ("full", "super", *release.ranks)
    return [one_of("target_type", kind, known) for kind in types]
