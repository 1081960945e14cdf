"""Turns the figures of `ptarmigan.info` into tables."""

from __future__ import annotations

from typing import Any

from ptarmigan.cli.terminal import Cell, print_table

__all__ = ["print_figures"]


def print_figures(figures: dict[str, Any]) -> None:
    """Prints what `ptarmigan.info.describe` found."""
    if figures["annotations"] is not None:
        _print_annotations(figures["annotations"])
    if figures["images"] is not None:
        _print_census(figures["images"])


def _print_annotations(found: dict[str, Any]) -> None:
    rows = [list(row.values()) for row in found["supercategories"]]
    print_table(
        "Images",
        ("super category", "category count", "train images", "val images"),
        [*rows, ["Total", *found["total"].values()]],
        total=True,
    )
    if found["boxes"] is not None:
        rows = [list(row.values()) for row in found["boxes"]]
        print_table(
            "Bounding boxes",
            ("super category", "train boxes", "val boxes"),
            [*rows, ["Total", *found["boxes_total"].values()]],
            total=True,
        )
    heads = ("min", "median", "max", "imbalance", "empty")
    print_table(
        "Images a category",
        ("split", *heads),
        [[split, *(row.get(head, "-") for head in heads)]
         for split, row in found["distribution"].items()],
    )  # fmt: skip
    print_table(
        "Licences",
        ("id", "licence", "images"),
        [[row["id"], row["name"], row["images"]] for row in found["licenses"]],
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "-"


def _print_census(found: dict[str, Any]) -> None:
    percentiles = found["megapixels"]
    rows: list[list[Cell]] = [
        ["members", f"{found['members']:,}"],
        ["bytes of members", f"{found['bytes']:,}"],
        ["md5 of the archive", found["md5"] or "-"],
        ["formats", _listed(found["formats"])],
        ["JPEG modes", _listed(found["modes"])],
        ["colour sampling", _listed(found["samplings"])],
        ["progressive", f"{found['progressive']:,}"],
        ["rotated by EXIF", f"{found['rotated']:,}"],
        ["unreadable headers", f"{found['unreadable']:,}"],
        ["longest side", f"{found['max_side']:,} px" if found["max_side"] else "-"],
        [
            "megapixels (5, 50, 95 %)",
            ", ".join(f"{share:.3f}" for share in percentiles) if percentiles else "-",
        ],
        ["bits per pixel", f"{found['bits_per_pixel']:.2f}" if percentiles else "-"],
    ]
    print_table(f"Members of {found['archive']}", ("figure", "value"), rows)
