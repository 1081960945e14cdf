"""Turns what was found in a folder and what is published into the figures that agree or do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from ptarmigan.published import PublishedRelease

__all__ = ["Expectation", "compare", "verdict"]

Number = int | float


class Expectation(NamedTuple):
    """One published figure.

    Attributes:
        figure: What is counted.
        expected: The published figure; text for a file.
        found: What was counted, or None where the files for it are absent.
        relation: How `found` must be to `expected`.
        source: ``page``; ``derived`` from the page; or ``paper``.
        decides: Whether the verdict depends on it. The paper's statistics decide nothing: its
            counts of images and boxes are not quite those of the files that were released.
    """

    figure: str
    expected: Number | str
    found: Number | str | None
    relation: Literal["=", "<=", ">"] = "="
    source: Literal["page", "derived", "paper"] = "page"
    decides: bool = True

    @property
    def met(self) -> bool | None:
        """Whether it is as published; None if it could not be checked."""
        if self.found is None:
            return None
        if isinstance(self.found, str) or isinstance(self.expected, str):
            return self.found == self.expected
        if self.relation == "<=":
            return self.found <= self.expected
        return self.found > self.expected if self.relation == ">" else self.found == self.expected


def _cell(found: dict[str, Any] | None, *keys: str) -> Any:
    for key in keys:
        if found is None:
            return None
        found = found.get(key)
    return found


def _sum(totals: dict[str, Any], splits: str) -> int | None:
    """A total, or that of several splits; None if one is not known."""
    if totals.get(splits) is not None:
        return int(totals[splits])
    parts = [totals.get(split) for split in splits.split("+")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _totals(annotations: dict[str, Any], release: PublishedRelease) -> Iterator[Expectation]:
    total = annotations["total"]
    for name, expected in release.totals.items():
        found = annotations["test"] if name == "test" else _sum(total, name)
        figure = name if name == "categories" else f"{name} images"
        # Of 2017, the page does not say it.
        paper = name == "test" and release.paper is not None
        yield Expectation(figure, expected, found, source="paper" if paper else "page")


def _image_rows(annotations: dict[str, Any], release: PublishedRelease) -> Iterator[Expectation]:
    if not release.images:
        return
    rows = {row["name"]: row for row in annotations["supercategories"]}
    absent = dict.fromkeys(("categories", *release.images[0].images), 0) if rows else {}
    for expected in release.images:
        row = rows.pop(expected.name, absent)
        yield Expectation(
            f"{expected.name}: categories", expected.categories, row.get("categories")
        )
        for split, images in expected.images.items():
            found = row.get(split)
            # A split whose file is absent is unknown in rows that are not there, too.
            if annotations["total"].get(split) is None:
                found = None
            yield Expectation(f"{expected.name}: {split} images", images, found)
    for name, row in rows.items():
        yield Expectation(f"{name}: categories, not on the page", 0, row["categories"])


def _boxes(annotations: dict[str, Any], release: PublishedRelease) -> Iterator[Expectation]:
    if not release.boxes:
        return
    rows = {row["name"]: row for row in annotations["boxes"] or ()}
    total = annotations["boxes_total"]
    for expected in release.boxes:
        row = rows.pop(expected.name, {})
        for split in ("train", "val"):
            found = row.get(split, 0) if _cell(total, split) is not None else None
            yield Expectation(f"{expected.name}: {split} boxes", getattr(expected, split), found)
    for name, row in rows.items():
        boxes = sum(row[split] or 0 for split in ("train", "val"))
        yield Expectation(f"{name}: boxes, not on the page", 0, boxes)
    for split in ("train", "val"):
        boxes = sum(getattr(row, split) for row in release.boxes)
        yield Expectation(f"{split} boxes", boxes, _cell(total, split))
    # Those of one split may be fewer.
    both = annotations["boxed_categories"] if len(annotations["box_checks"]) == 2 else None
    yield Expectation("categories with boxes", release.boxed_categories, both, source="derived")
    val = _cell(annotations, "box_checks", "val")
    yield Expectation(
        "val images with a box", release.boxed_val_images, _cell(val, "images"), source="derived"
    )
    yield Expectation("val images with several boxes", 0, _cell(val, "images_with_several"))
    for split in ("train", "val"):
        checks = _cell(annotations, "box_checks", split)
        for kind, text in (
            ("wrong_area", "whose area is not half of them"),
            ("crowds", "marked as crowds"),
        ):
            yield Expectation(f"{split} boxes {text}", 0, _cell(checks, kind))


def _archives(archives: list[dict[str, Any]], release: PublishedRelease) -> Iterator[Expectation]:
    by_splits = {found["splits"]: found for found in archives if found["members"] is not None}
    for splits in [file.splits for file in release.files if file.splits]:
        found = by_splits.get(splits)
        images = _sum(release.totals, splits)
        if images is not None:
            members = _cell(found, "formats", "jpeg")
            yield Expectation(f"{splits} archive: JPEG members", images, members, source="derived")
        for kind, text in (("missing", "not in the archive"), ("extra", "not in the annotations")):
            number = _cell(found, "join", kind)
            yield Expectation(f"{splits} images {text}", 0, number, source="derived")
        longest = _cell(found, "max_side")
        yield Expectation(
            f"{splits} archive: longest side in pixels", release.longest_side, longest, "<="
        )


def _paper(annotations: dict[str, Any], release: PublishedRelease) -> Iterator[Expectation]:
    paper = release.paper
    if paper is None:
        return
    found = annotations["distribution"].get("train")
    figures: tuple[tuple[str, str, float, Literal["=", ">"]], ...] = (
        ("median", "median", paper.median, "="),
        ("imbalance", "imbalance", paper.imbalance, "="),
        ("top_share", "share of the commonest 1 % of the categories", paper.top_share, ">"),
    )
    for name, text, expected, relation in figures:
        yield Expectation(
            f"train images a category: {text}",
            expected,
            _cell(found, name),
            relation,
            source="paper",
            decides=False,
        )


def _files(files: list[dict[str, Any]], *, strict: bool) -> Iterator[Expectation]:
    if not strict:
        return
    for file in files:
        here = not file["state"].startswith("missing")
        yield Expectation(file["name"], "there", "there" if here else "missing")
        for key in ("size", "md5"):
            if file[f"expected_{key}"] is not None:
                yield Expectation(f"{file['name']}: {key}", file[f"expected_{key}"], file[key])


def compare(
    figures: dict[str, Any], release: PublishedRelease, *, strict: bool = False
) -> list[Expectation]:
    """Every published figure beside what was found.

    Args:
        figures: What `ptarmigan.info.describe` gave.
        release: What is published.
        strict: Whether the files themselves are compared too: there, size, md5.
    """
    annotations = figures["annotations"]
    return [
        *_totals(annotations, release),
        *_image_rows(annotations, release),
        *_boxes(annotations, release),
        *_archives(figures["archives"], release),
        *_paper(annotations, release),
        *_files(figures["files"], strict=strict),
    ]


def verdict(
    figures: dict[str, Any], release: PublishedRelease, *, strict: bool = False
) -> dict[str, Any]:
    """The published figures that are met, not met, or not checked because a file is absent.

    Args:
        figures: What `ptarmigan.info.describe` gave.
        release: What is published.
        strict: Whether a figure that cannot be checked counts as not met, and whether the files
            themselves (there, size, md5) are compared too.

    Returns:
        ``version``, ``strict``, ``met`` (whether some figure is met and none that decides is not)
        and ``figures``: a list of ``figure``, ``expected``, ``found``, ``relation``, ``source``,
        ``decides`` and ``state`` (``met``, ``not met``, ``not checked``).
    """
    rows = compare(figures, release, strict=strict)
    states = {True: "met", False: "not met", None: "not checked"}
    bad = (False, None) if strict else (False,)
    deciding = [row.met for row in rows if row.decides]
    return {
        "version": release.version,
        "strict": strict,
        "met": any(deciding) and not any(met in bad for met in deciding),
        "figures": [row._asdict() | {"state": states[row.met]} for row in rows],
    }
