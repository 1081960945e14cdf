"""Turns the dates of photos, as text, into ``datetime64[s]`` in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .annotations import Strings

__all__ = ["read_dates"]

# So many rows at a time, to be a matrix of characters.
ROWS = 1 << 16
# `2010-07-14`, `2010-07-14 20:19` or `2010-07-14 20:19:00`; then a fraction and a zone.
LENGTHS = (0, 10, 16, 19)
HEAD, LONGEST = 19, 40
TAIL = re.compile(rb"(?:\.\d{1,9})?(?:Z|([+-])(\d\d):?(\d\d))?")
CHARACTERS = np.frombuffer(b"0123456789-: T\0", np.uint8)


def read_dates(texts: Strings, image_ids: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """The time that each text means; a day is its beginning, a time without a zone is UTC.

    Args:
        texts: N texts in the format of ISO 8601, with a space or a ``T``; ``""`` is null.
        image_ids: (N,) what a message calls the rows.

    Returns:
        (N,) datetime64[s], NaT for null. Fractions of a second are cut off.

    Raises:
        AnnotationError: If a text is no date; names the image.
    """
    dates = np.empty(len(texts), "datetime64[s]")
    for start in range(0, len(texts), ROWS):
        part = slice(start, start + ROWS)
        matrix, lengths = _characters(texts[part])
        bad = ~np.isin(np.minimum(lengths, HEAD), LENGTHS) | (lengths > LONGEST)
        head = matrix[:, :HEAD]
        bad |= ~np.isin(head, CHARACTERS).all(axis=1)
        bad |= (lengths > 0) & ~_starts_with_a_day(matrix)
        head_texts = np.ascontiguousarray(head).view(f"S{HEAD}").ravel()
        if not bad.any():
            try:
                # "" gives NaT.
                dates[part] = head_texts.astype("datetime64[s]") - _zones(matrix[:, HEAD:])
            except ValueError:
                bad = np.array([not _is_date(text) for text in texts[part]])
        if bad.any():
            row = start + int(bad.argmax())
            raise AnnotationError(
                f"image {image_ids[row]}: expected a date such as `2010-07-14` or "
                f"`2010-07-14 20:19:00+00:00`, found `{texts[row]}`"
            )
    return dates


def _characters(texts: Strings) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(N, 40) the first characters of every text, zeros behind its end; and (N,) lengths."""
    data, starts, ends = texts.pool()
    lengths = (ends - starts).astype(np.int64)
    columns = np.arange(LONGEST)
    inside = columns < lengths[:, np.newaxis]
    matrix = np.zeros(inside.shape, np.uint8)
    matrix[inside] = data[(starts.astype(np.int64)[:, np.newaxis] + columns)[inside]]
    return matrix, lengths


def _starts_with_a_day(matrix: NDArray[np.uint8]) -> NDArray[np.bool_]:
    # NumPy takes words such as `now` and years before Christ too.
    digits = matrix[:, [0, 1, 2, 3, 5, 6, 8, 9]]
    inside = (digits >= ord("0")) & (digits <= ord("9"))
    lines = matrix[:, [4, 7]] == ord("-")
    return np.asarray(np.concatenate([inside, lines], axis=1).all(axis=1))


def _zones(tails: NDArray[np.uint8]) -> NDArray[np.timedelta64]:
    """(N,) how far ahead of UTC the zone is that each text ends in.

    Raises:
        ValueError: If one ends in something else.
    """
    texts = np.ascontiguousarray(tails).view(f"S{tails.shape[1]}").ravel()
    known, rows = np.unique(texts, return_inverse=True)
    seconds = [_seconds(text) for text in known.tolist()]
    return np.array(seconds, "timedelta64[s]")[rows]


def _seconds(tail: bytes) -> int:
    match = TAIL.fullmatch(tail)
    if match is None:
        raise ValueError(f"no zone: {tail!r}")
    sign, hours, minutes = match.groups()
    if sign is None:
        return 0
    return (-1 if sign == b"-" else 1) * (int(hours) * 3600 + int(minutes) * 60)


def _is_date(text: str) -> bool:
    try:
        np.datetime64(text[:HEAD], "s")
        _seconds(text[HEAD:].encode())
    except ValueError:
        return False
    return True
