"""Turns counts of wrong predictions into error rates, for a class, a group and a whole split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClassScore", "GroupScore", "Score"]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The errors over some images: the share whose true label was not predicted, 0 to 1.

    Attributes:
        n: Images.
        top_1_error: Share of the images whose first label is wrong.
        top_k_error: Share of the images whose first k labels are all wrong.
    """

    n: int
    top_1_error: float
    top_k_error: float

    @classmethod
    def of(cls, counts: Sequence[int]) -> ClassScore:
        """From (images, wrong at top-1, wrong at top-k); without images both errors are 1."""
        n, wrong_top_1, wrong_top_k = counts
        if n == 0:
            return cls(0, 1.0, 1.0)
        return cls(n, wrong_top_1 / n, wrong_top_k / n)


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The errors of several classes together, averaged in both ways that papers report.

    Attributes:
        n: Images.
        top_1_error: Over the images: every image weighs the same.
        top_k_error: Likewise.
        classes: Classes that have an image.
        class_top_1_error: The mean over those classes: every class weighs the same.
        class_top_k_error: Likewise.
    """

    n: int
    top_1_error: float
    top_k_error: float
    classes: int
    class_top_1_error: float
    class_top_k_error: float

    @classmethod
    def of(cls, images: Sequence[int], classes: int, class_errors: Sequence[float]) -> GroupScore:
        """From the images' counts and the mean of the classes' errors."""
        score = ClassScore.of(images)
        top_1, top_k = class_errors if classes else (1.0, 1.0)
        return cls(score.n, score.top_1_error, score.top_k_error, classes, top_1, top_k)


@dataclass(frozen=True, slots=True)
class Score:
    """What a submission is worth. Errors are shares from 0 (best) to 1; accuracy is 1 - error.

    Attributes:
        k: How many labels of a row counted.
        n: Images.
        top_1_error: Share of the images whose first label is wrong.
        top_k_error: Share of the images whose first k labels are all wrong; for k = 5 this is
            the metric of the 2017 competition.
        class_top_1_error: The mean over classes of their top-1 error.
        class_top_k_error: The mean over classes of their top-k error.
        by_class: `ClassScore` of each true label that has an image, by rising label. Under
            ``official=True`` a label that is no plain integer is a string.
        by_supercategory: `GroupScore` of each super category by name; empty where unknown.
        public_error: Top-k error over the public images, where the truth tells; else None.
        private_error: Top-k error over the private images, where the truth tells; else None.
        official: Whether it was counted as the competition's own script does.
    """

    k: int
    n: int
    top_1_error: float
    top_k_error: float
    class_top_1_error: float
    class_top_k_error: float
    by_class: dict[int | str, ClassScore] = field(repr=False)
    by_supercategory: dict[str, GroupScore] = field(repr=False)
    public_error: float | None = None
    private_error: float | None = None
    official: bool = False

    @classmethod
    def of(
        cls,
        parts: Any,
        k: int,
        supercategories: Mapping[int, str] | Sequence[str] | None,
        *,
        official: bool,
    ) -> Score:
        """From the core's counts: all, public, private, and those of each label.

        Raises:
            ValueError: If a label has no super category although some have.
        """
        whole, public, private, by_class = parts
        by_label = sorted(((_number(label), counts) for label, counts in by_class), key=_place)
        labels, counts = [label for label, _ in by_label], [counts for _, counts in by_label]
        ((_, classes, averages),) = _core.score_groups(counts, [0] * len(counts), 1)
        total = GroupScore.of(whole, classes, averages)
        public_error, private_error = (
            None if part is None else ClassScore.of(part).top_k_error for part in (public, private)
        )
        return cls(
            k=k,
            n=total.n,
            top_1_error=total.top_1_error,
            top_k_error=total.top_k_error,
            class_top_1_error=total.class_top_1_error,
            class_top_k_error=total.class_top_k_error,
            by_class={label: ClassScore.of(count) for label, count in by_label},
            by_supercategory=_groups(labels, counts, supercategories),
            public_error=public_error,
            private_error=private_error,
            official=official,
        )

    def to_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists and dicts only, as ``json.dumps`` takes them."""
        from dataclasses import asdict

        result = asdict(self)
        result["by_class"] = {str(label): score for label, score in result["by_class"].items()}
        return result

    def __str__(self) -> str:
        """A table for people: the whole, the parts, the super categories."""
        lines = [
            f"{self.n:,} images in {len(self.by_class):,} classes"
            + (", counted as the competition's script does" if self.official else ""),
            _row("", "images", "top-1 error", f"top-{self.k} error"),
            _row("every image the same", self.n, self.top_1_error, self.top_k_error),
            _row("every class the same", "", self.class_top_1_error, self.class_top_k_error),
        ]
        for name, error in (("public", self.public_error), ("private", self.private_error)):
            if error is not None:
                lines.append(_row(name, "", "", error))
        by_size = sorted(self.by_supercategory.items(), key=lambda item: (-item[1].n, item[0]))
        lines.extend(_row(name, s.n, s.top_1_error, s.top_k_error) for name, s in by_size)
        return "\n".join(lines)


def _number(label: int | str) -> int | str:
    """The integer that a text is the plain spelling of."""
    if isinstance(label, str) and label.isdecimal() and str(int(label)) == label:
        return int(label)
    return label


def _place(item: tuple[int | str, Any]) -> tuple[bool, int | str]:
    return isinstance(item[0], str), item[0]


def _groups(
    labels: Sequence[int | str],
    counts: list[list[int]],
    supercategories: Mapping[int, str] | Sequence[str] | None,
) -> dict[str, GroupScore]:
    if supercategories is None:
        return {}
    try:
        names = [supercategories[label] for label in labels]  # type: ignore[index]
    except (LookupError, TypeError) as error:
        raise ValueError(
            f"expected a super category for each of the {len(labels)} true labels, found only "
            f"{len(supercategories)}"
        ) from error
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    groups = _core.score_groups(counts, [places[name] for name in names], len(places))
    return {name: GroupScore.of(*group) for name, group in zip(places, groups, strict=True)}


def _row(name: str, images: int | str, *errors: float | str) -> str:
    count = f"{images:,}" if isinstance(images, int) else images
    shares = [error if isinstance(error, str) else f"{error:.2%}" for error in errors]
    return f"{name:<24}{count:>9}" + "".join(f"{share:>14}" for share in shares).rstrip()
