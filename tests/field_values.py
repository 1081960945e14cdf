"""What fields hold: their names and types, which values are null, and what a date means."""

from __future__ import annotations

import datetime

import numpy as np

NAMES = ("latitude", "longitude", "location_uncertainty", "date", "user_id")
EVERYWHERE = ("width", "height", "license_id")
TYPES = {
    "latitude": np.float64,
    "longitude": np.float64,
    "location_uncertainty": np.float64,
    "date": "datetime64[s]",
    "user_id": np.int64,
    "width": np.int32,
    "height": np.int32,
    "license_id": np.int64,
}


def is_null(values: np.ndarray) -> np.ndarray:
    return values == -1 if values.dtype.kind == "i" else np.isnan(values)


def moment(text: str | None) -> np.datetime64 | None:
    """The time in UTC, by the standard library."""
    if text is None:
        return None
    time = datetime.datetime.fromisoformat(text)
    if time.tzinfo is not None:
        time = time.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(time, "s")
