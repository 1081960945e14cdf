"""Turns the core's measures of detected boxes into average precision and recall by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._core import GroundTruth

__all__ = ["BoxMeasures", "BoxScore"]


@dataclass(frozen=True)
class BoxMeasures:
    """Average precision (AP) and recall (AR) from 0 to 1, -1 where there is no true box to measure.

    Attributes:
        classes: Classes that have a true box; 1 for one class.
        boxes: True boxes, crowds included.
        detections: Detections, before any limit.
        ap: Mean over ten overlaps, 0.50 to 0.95.
        ap50: At an overlap of 0.50.
        ap75: At an overlap of 0.75.
        ap_small: As ``ap``, of boxes with an area of at most 32 x 32 square pixels.
        ap_medium: Of boxes between these and 96 x 96.
        ap_large: Of boxes of at least 96 x 96.
        ar: Recall, the mean over the ten overlaps, for each number of ``max_dets``.
        ar_small: As ``ar`` at the largest of them, of small boxes.
        ar_medium: Of medium boxes.
        ar_large: Of large boxes.
    """

    classes: int
    boxes: int
    detections: int
    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar: dict[int, float]
    ar_small: float
    ar_medium: float
    ar_large: float


@dataclass(frozen=True)
class BoxScore(BoxMeasures):
    """What detections are worth: `BoxMeasures`, each the mean over the classes, and the parts.

    Attributes:
        images: Images that were scored.
        left_out: Detections in images of the data set whose boxes are not known; none of the other
            numbers has them.
        granularity: ``"species"``, ``"super"`` or ``"any"``.
        det_area: ``"full"`` or ``"half"``.
        max_dets: Numbers of detections an image and class, rising.
        by_class: The measures of each class that has a true box: by ``category_id``, by the name
            of the super category, or under ``"any"``.
        by_supercategory: For species: the mean over the classes of each super category that has a
            name, every class weighing the same.
    """

    images: int
    left_out: int
    granularity: str
    det_area: str
    max_dets: tuple[int, ...]
    by_class: dict[int | str, BoxMeasures] = field(repr=False)
    by_supercategory: dict[str, BoxMeasures] = field(repr=False)

    @classmethod
    def of(
        cls,
        parts: Any,
        truth: GroundTruth,
        *,
        images: int,
        granularity: str,
        det_area: str,
        max_dets: Sequence[int],
    ) -> BoxScore:
        """From what `GroundTruth.score` gave; ``max_dets`` rise."""
        found, left_out, mean, classes, means = parts
        names: Sequence[int | str] = ["any"]
        if granularity != "any":
            names = truth.categories[0] if granularity == "species" else truth.supercategories
        by_class = {
            names[number]: BoxMeasures(1, boxes, detections, **_named(measures, max_dets))
            for number, boxes, detections, measures in classes
        }
        by_supercategory = {}
        for number, rows, measures in means:
            boxes, detections = (sum(classes[row][place] for row in rows) for place in (1, 2))
            if name := truth.supercategories[number]:
                by_supercategory[name] = BoxMeasures(
                    len(rows), boxes, detections, **_named(measures, max_dets)
                )
        return cls(
            classes=len(classes),
            boxes=sum(boxes for _, boxes, _, _ in classes),
            detections=found,
            **_named(mean, max_dets),
            images=images,
            left_out=left_out,
            granularity=granularity,
            det_area=det_area,
            max_dets=tuple(max_dets),
            by_class=by_class,
            by_supercategory=by_supercategory,
        )

    def to_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists and dicts with string keys only, as ``json.dumps`` takes them."""
        from dataclasses import asdict

        plain: dict[str, Any] = _with_string_keys(asdict(self))
        plain["max_dets"] = list(self.max_dets)
        return plain

    def __str__(self) -> str:
        """A table for people, in percent: the mean, and each super category."""
        parts = self.by_supercategory if self.granularity == "species" else self.by_class
        rows: dict[str, BoxMeasures] = {"all": self}
        if self.granularity != "any":
            by_size = sorted(parts.items(), key=lambda item: (-item[1].boxes, str(item[0])))
            rows |= {str(name): measures for name, measures in by_size}
        heads = ["AP", "AP50", "AP75", "APs", "APm", "APl"]
        heads += [f"AR{most}" for most in self.max_dets] + ["ARs", "ARm", "ARl"]
        lines = [
            f"{self.boxes:,} boxes in {self.images:,} images, {self.detections:,} detections"
            + (f" ({self.left_out:,} more where no box is known)" if self.left_out else "")
            + f"; granularity {self.granularity}, detection area {self.det_area}; percent",
            f"{'':<16}{'classes':>8}{'boxes':>9}" + "".join(f"{head:>7}" for head in heads),
        ]
        for name, measures in rows.items():
            cells = "".join(f"{_percent(value):>7}" for value in _values(measures))
            lines.append(f"{name:<16}{measures.classes:>8,}{measures.boxes:>9,}{cells}")
        return "\n".join(lines)


def _named(measures: Sequence[float], max_dets: Sequence[int]) -> dict[str, Any]:
    """The core's measures by the names of `BoxMeasures`."""
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
    named: dict[str, Any] = dict(zip(names, measures[:6], strict=True))
    named["ar"] = dict(zip(max_dets, measures[6:-3], strict=True))
    return named | dict(zip(("ar_small", "ar_medium", "ar_large"), measures[-3:], strict=True))


def _values(m: BoxMeasures) -> list[float]:
    precisions = [m.ap, m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large]
    return [*precisions, *m.ar.values(), m.ar_small, m.ar_medium, m.ar_large]


def _percent(value: float) -> str:
    return "-" if value < 0 else f"{100 * value:.1f}"


def _with_string_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_string_keys(item) for key, item in value.items()}
    return value
