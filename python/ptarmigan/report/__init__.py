"""Turns a score into one HTML page that needs nothing beside itself.

Not here: the arithmetic of the score (`ptarmigan.predictions`).
"""

from __future__ import annotations

from .calibration import Calibration, calibrate
from .page import worst_classes, write_report
from .photos import WrongPhoto, wrong_photos
from .rows import in_order, true_labels

__all__ = [
    "Calibration",
    "WrongPhoto",
    "calibrate",
    "in_order",
    "true_labels",
    "worst_classes",
    "write_report",
    "wrong_photos",
]
