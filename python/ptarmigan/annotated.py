"""Turns the records of annotation files into columns and details of samples."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from .metadata import attribution
from .samples import Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .annotations import Strings, Table
    from .metadata import Column, Extras

__all__ = ["AnnotatedSamples"]


class AnnotatedSamples(Samples):
    """Samples that are the rows of an annotation table; base of `ptarmigan.INaturalist`."""

    _table: Table
    _extras: Extras

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

    @property
    def meta(self) -> dict[str, Column]:
        """What else image records, annotations and the locations file say: N rows for each key.

        Columns are float64 (null is NaN), int64, bool, or strings (null is ``""``); of a locations
        file ``user_id`` is int64 and ``valid`` int8, where null is -1. Where several have a key,
        the locations file counts, then the image record. Without a locations file its keys are
        not there; of several records of one image the first counts.

        Raises:
            AnnotationError: If the locations file is damaged.
        """
        try:
            return dict(self._extras.columns())
        except FileNotFoundError:
            return self._extras.own()

    def field(self, name: str) -> NDArray[Any]:
        """A column under the same name and in the same type for every release.

        Args:
            name: ``"latitude"`` and ``"longitude"`` (float64, degrees), ``"date"``
                (datetime64[s], UTC), ``"user_id"`` (int64), ``"location_uncertainty"`` (float64,
                metres, as stored: some are negative), ``"width"`` and ``"height"`` (int32,
                pixels), ``"license_id"`` (int64), or a column of numbers of ``meta``.

        Returns:
            (N,), with NaN, NaT or -1 for null; all null in a test split without places.

        Raises:
            ValueError: If the release has no such field; the message has those it has.
            FileNotFoundError: If the locations file is missing.
            AnnotationError: If it is damaged, or a date is none.
        """
        return self._extras.field(name)

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
            None where it has none; None where no record has anything of the image. 2021 has places
            in its image records, 2019 has none.

        Raises:
            FileNotFoundError: If the locations file is missing.
            AnnotationError: If it is damaged.
        """
        return self._extras.location(self._row(index))

    def attribution(self, index: int) -> dict[str, Any]:
        """Who holds the rights of a photo, and under which licence it may be used.

        Args:
            index: As for ``ds[index]``.

        Returns:
            ``rights_holder``, ``license_id``, ``license_name``, ``license_url``, each None where
            the annotations do not say, and ``file_name``.
        """
        return attribution(self._table, self._row(index))
