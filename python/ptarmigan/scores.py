"""Turns counts of wrong predictions into error rates, for a class, a group and a whole split."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from . import _core
from .errors import SubmissionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bootstrap", "ClassScore", "GroupScore", "Grouping", "Score"]

Names: TypeAlias = "Mapping[int, str] | Mapping[int, str | None] | Sequence[str | None]"
"""The group of each label; None or empty where it is in none."""

NO_GROUP = "(none)"
"""Stands for the group of labels that are in none."""


class Bootstrap(NamedTuple):
    """How the intervals of a score are made.

    Attributes:
        resamples: How often the images are drawn again; 0 for no interval.
        confidence: The part of the draws that an interval holds.
        seed: Decides the draws.
    """

    resamples: int
    confidence: float
    seed: int

    def interval(self, n: int, wrong: int, which: int) -> list[float] | None:
        """The interval of the share ``wrong / n``; ``which`` keeps the draws of several apart.

        Raises:
            ValueError: If the arguments make no sense.
        """
        if not 0 < self.confidence < 1:
            raise ValueError(f"expected a confidence above 0 and below 1, found {self.confidence}")
        if self.resamples < 0:
            raise ValueError(f"expected bootstrap of 0 or more, found {self.resamples}")
        if self.resamples == 0 or n == 0:
            return None
        return _core.bootstrap_interval(
            n,
            wrong,
            resamples=self.resamples,
            confidence=self.confidence,
            seed=self.seed % 2**64,
            which=which,
        )


@dataclass(frozen=True)
class Grouping:
    """Labels in groups, such as those of a super category.

    Attributes:
        groups: The group of each label that is in one.
        names: The groups' names, sorted.
    """

    groups: dict[int, str]
    names: list[str]

    @classmethod
    def of(cls, names: Names) -> Grouping:
        """From the group of each label; a label whose group is None or empty is in none."""
        items = names.items() if isinstance(names, Mapping) else enumerate(names)
        groups = {int(label): name for label, name in items if name}
        return cls(groups, sorted(set(groups.values())))

    def require(self, labels: Sequence[int | str], where: str) -> None:
        """Refuses true labels that are in no group; ``where`` they were read, or empty.

        Raises:
            SubmissionError: If there are any.
        """
        without = [label for label in labels if label not in self.groups]
        if without:
            raise SubmissionError(
                f"{where}expected a super category for each of the {len(labels)} true labels, "
                f"found none for {len(without)}; the first is `{without[0]}`"
            )

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uintp], int]:
        """Labels, the number of the group of each, and how many groups there are."""
        places = {name: place for place, name in enumerate(self.names)}
        labels = np.fromiter(self.groups, np.int64, len(self.groups))
        groups = np.array([places[name] for name in self.groups.values()], np.uintp)
        return labels, groups, len(places)

    def confusion(self, cells: list[int]) -> dict[str, Any]:
        """The core's table as rows; the last row and column only where labels are in no group."""
        names = [*self.names, NO_GROUP]
        table = np.array(cells).reshape(len(names), len(names))
        if not table[-1].any() and not table[:, -1].any():
            names, table = self.names, table[:-1, :-1]
        return {"names": names, "counts": table.tolist()}

    def scores(self, labels: Sequence[int | str], counts: list[list[int]]) -> dict[str, GroupScore]:
        """The score of each group that one of these true labels is in."""
        known = [(self.groups[label], row) for label, row in zip(labels, counts, strict=True)
                 if label in self.groups]  # fmt: skip
        places = {name: place for place, name in enumerate(sorted({name for name, _ in known}))}
        groups = _core.score_groups(
            [row for _, row in known], [places[name] for name, _ in known], len(places)
        )
        return {name: GroupScore.of(*group) for name, group in zip(places, groups, strict=True)}


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
        scored_labels: How many labels the leaderboard of the release counts: k but in 2021,
            where it is 1 (`SubmissionFormat`).
        scored_error: The error of these, which a submission is ranked by.
        top_1_error: Share of the images whose first label is wrong.
        top_k_error: Share of the images whose first k labels are all wrong; for k = 5 this is
            the metric of the 2017 competition.
        class_top_1_error: The mean over classes of their top-1 error.
        class_top_k_error: The mean over classes of their top-k error.
        by_class: `ClassScore` of each true label that has an image, by rising label. Under
            ``official=True`` a label that is no plain integer is a string.
        by_supercategory: `GroupScore` of each super category by name; empty where unknown.
        public_error: The scored error over the public images, where the truth tells; else None.
        private_error: The scored error over the private images, where the truth tells; else None.
        official: Whether it was counted as the competition's own script does.
        top_errors: (k,) floats: item j - 1 is the top-j error.
        top_1_interval: ``[low, high]`` of the top-1 error, by the bootstrap; None without. Each
            draw is of n images with replacement; of 0 (or all) wrong images all draws are alike.
        top_k_interval: Likewise of the top-k error.
        confidence: The part of the draws that the intervals hold.
        bootstrap: How many draws there were; 0 for no intervals.
        by_rank: By rank (``"genus"``) and name, a `GroupScore`; empty where unknown.
        confusion: ``names`` of the super categories and ``counts``: row i, column j is how many
            images of super category i have a first label of super category j. A last name
            ``"(none)"`` stands for labels that have none. None where super categories are unknown.
    """

    k: int
    n: int
    scored_labels: int
    scored_error: float
    top_1_error: float
    top_k_error: float
    class_top_1_error: float
    class_top_k_error: float
    by_class: dict[int | str, ClassScore] = field(repr=False)
    by_supercategory: dict[str, GroupScore] = field(repr=False)
    public_error: float | None = None
    private_error: float | None = None
    official: bool = False
    top_errors: list[float] = field(default_factory=list)
    top_1_interval: list[float] | None = None
    top_k_interval: list[float] | None = None
    confidence: float = 0.95
    bootstrap: int = 0
    by_rank: dict[str, dict[str, GroupScore]] = field(default_factory=dict, repr=False)
    confusion: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        parts: Any,
        k: int,
        supercategories: Grouping | None,
        ranks: Mapping[str, Names],
        bootstrap: Bootstrap,
        *,
        official: bool,
        where: str,
        scored_labels: int,
    ) -> Score:
        """From the core's counts: all, public, private, by label, by place, by pair of groups.

        Raises:
            SubmissionError: If a label has no super category although some have.
        """
        whole, public, private, by_class, places, cells = parts
        by_label = sorted(((_number(label), counts) for label, counts in by_class), key=_place)
        labels, counts = [label for label, _ in by_label], [counts for _, counts in by_label]
        ((_, classes, averages),) = _core.score_groups(counts, [0] * len(counts), 1)
        total = GroupScore.of(whole, classes, averages)
        public_error, private_error = (
            None if part is None else _error_of(ClassScore.of(part), scored_labels)
            for part in (public, private)
        )
        by_supercategory = {}
        if supercategories is not None:
            supercategories.require(labels, where)
            by_supercategory = supercategories.scores(labels, counts)
        return cls(
            k=k,
            n=total.n,
            scored_labels=scored_labels,
            scored_error=_error_of(total, scored_labels),
            top_1_error=total.top_1_error,
            top_k_error=total.top_k_error,
            class_top_1_error=total.class_top_1_error,
            class_top_k_error=total.class_top_k_error,
            by_class={label: ClassScore.of(count) for label, count in by_label},
            by_supercategory=by_supercategory,
            public_error=public_error,
            private_error=private_error,
            official=official,
            top_errors=_top_errors(total.n, places),
            top_1_interval=bootstrap.interval(whole[0], whole[1], 1),
            top_k_interval=bootstrap.interval(whole[0], whole[2], k),
            confidence=bootstrap.confidence,
            bootstrap=bootstrap.resamples,
            by_rank={
                rank: Grouping.of(names).scores(labels, counts) for rank, names in ranks.items()
            },
            confusion=None if supercategories is None else supercategories.confusion(cells),
        )

    def to_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists and dicts only, as ``json.dumps`` takes them."""
        from dataclasses import asdict

        result = asdict(self)
        result["by_class"] = {str(label): score for label, score in result["by_class"].items()}
        return result

    def __str__(self) -> str:
        """A table for people: the whole, the parts, the super categories."""
        # The scored error first; of one label there is only one.
        columns = list(dict.fromkeys((self.scored_labels, 1, self.k)))

        def errors(one: Score | GroupScore, kind: str = "") -> list[float]:
            return [getattr(one, f"{kind}top_{'1' if n == 1 else 'k'}_error") for n in columns]

        def only(labels: int, error: float) -> list[float | str]:
            return [error if column == labels else "" for column in columns]

        lines = [
            f"top-{self.scored_labels} error {self.scored_error:.2%}: "
            f"{self.n:,} images in {len(self.by_class):,} classes"
            + (", counted as the competition's script does" if self.official else ""),
            _row("", "images", *(f"top-{labels} error" for labels in columns)),
            _row("every image the same", self.n, *errors(self)),
            _row("every class the same", "", *errors(self, "class_")),
        ]
        if self.top_1_interval is not None and self.top_k_interval is not None:
            both = {self.k: self.top_k_interval, 1: self.top_1_interval}
            for end, name in enumerate(("from", "to")):
                ends = [both[labels][end] for labels in columns]
                lines.append(_row(f"{self.confidence:.4g} interval, {name}", "", *ends))
        lines.extend(
            _row(f"among the first {place}", "", *only(self.k, self.top_errors[place - 1]))
            for place in range(2, self.k)
        )
        for name, error in (("public", self.public_error), ("private", self.private_error)):
            if error is not None:
                lines.append(_row(name, "", *only(self.scored_labels, error)))
        by_size = sorted(self.by_supercategory.items(), key=lambda item: (-item[1].n, item[0]))
        lines.extend(_row(name, one.n, *errors(one)) for name, one in by_size)
        return "\n".join(lines)


def _number(label: int | str) -> int | str:
    """The integer that a text is the plain spelling of."""
    if isinstance(label, str) and label.isdecimal() and str(int(label)) == label:
        return int(label)
    return label


def _place(item: tuple[int | str, Any]) -> tuple[bool, int | str]:
    return isinstance(item[0], str), item[0]


def _error_of(score: ClassScore | GroupScore, labels: int) -> float:
    return score.top_1_error if labels == 1 else score.top_k_error


def _top_errors(n: int, places: list[int]) -> list[float]:
    """The top-j errors from how many images have their true label at each place."""
    if n == 0:
        return [1.0] * len(places)
    return [(n - right) / n for right in itertools.accumulate(places)]


def _row(name: str, images: int | str, *errors: float | str) -> str:
    count = f"{images:,}" if isinstance(images, int) else images
    shares = [error if isinstance(error, str) else f"{error:.2%}" for error in errors]
    return f"{name:<24}{count:>9}" + "".join(f"{share:>14}" for share in shares).rstrip()
