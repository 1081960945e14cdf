"""Turns images that were predicted wrongly into small pictures with their credits."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..inaturalist import INaturalist
    from ..predictions import Submission

__all__ = ["WrongPhoto", "wrong_photos"]

MAX_SIDE: Final = 320
QUALITY: Final = 80


@dataclass(frozen=True)
class WrongPhoto:
    """A photo whose class is not among its first k labels.

    Attributes:
        label: The true class.
        image_id: The image.
        predicted: The k labels, best first.
        width: Of the small picture, in pixels.
        height: Of the small picture, in pixels.
        jpeg: The small picture, with nothing of the file's own metadata.
        credit: What `INaturalist.attribution` says.
    """

    label: int
    image_id: int
    predicted: tuple[int, ...]
    width: int
    height: int
    jpeg: bytes = field(repr=False)
    credit: dict[str, Any]

    @property
    def address(self) -> str:
        """The picture itself as a ``data:`` address."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()

    @property
    def license_link(self) -> str | None:
        """The licence's address where it is one of the web; an annotation file may say anything."""
        url = self.credit["license_url"] or ""
        return url if url.startswith(("https://", "http://")) else None


def wrong_photos(
    dataset: INaturalist,
    submission: Submission,
    truth: NDArray[np.int64],
    labels: Iterable[int],
    k: int = 5,
) -> list[WrongPhoto]:
    """One wrongly predicted photo of each of some classes, of those the one with the least id.

    The terms of the competition forbid to distribute its images: so is a page that shows them.

    Args:
        dataset: Where the photos are; those that it lacks are passed over.
        submission: The predictions.
        truth: (N,) the true label of each row of the submission.
        labels: The classes.
        k: How many labels of a row count.

    Returns:
        The photos in the order of ``labels``; classes without one are left out.

    Raises:
        ImportError: If Pillow is missing.
        ArchiveError: If the archive is damaged.
        DecodeError: If a photo is.
    """
    wrong = (submission.predicted[:, :k] != truth[:, np.newaxis]).all(axis=1)
    wrong &= np.isin(submission.ids, dataset.image_ids)
    found = []
    for label in labels:
        rows = np.flatnonzero(wrong & (truth == label))
        if not len(rows):
            continue
        row = int(rows[submission.ids[rows].argmin()])
        place = int(np.flatnonzero(dataset.image_ids == submission.ids[row])[0])
        picture = dataset[place][0]
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=QUALITY, optimize=True)
        found.append(
            WrongPhoto(
                label=int(label),
                image_id=int(submission.ids[row]),
                predicted=tuple(submission.predicted[row, :k].tolist()),
                width=picture.width,
                height=picture.height,
                jpeg=stream.getvalue(),
                credit=dataset.attribution(place),
            )
        )
    return found
