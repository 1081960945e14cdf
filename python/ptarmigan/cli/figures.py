"""Turns the figures of `ptarmigan.info` into tables."""

from __future__ import annotations

from typing import Any, Final

from ptarmigan.cli.long_tail import draw_tail
from ptarmigan.cli.terminal import Cell, print_table, put, say, shown

__all__ = ["print_figures"]

Figures = dict[str, Any]


def print_figures(figures: dict[str, Any], table: str | None = None) -> None:
    """Prints what `ptarmigan.info.describe` found.

    Args:
        figures: What it returned, maybe with ``expectations``.
        table: The only table to print.
    """
    found = figures["annotations"]
    if table is not None and not _has(figures, table):
        say(f"there is nothing for the table `{table}`: the files that it is of are not here")
    if found is not None:
        for name, show in _TABLES.items():
            if table in (None, name):
                show(found)
    if figures["files"]:
        _print_files(figures["files"])
    for archive in figures["archives"]:
        _print_archive(archive)
    if "expectations" in figures:
        _print_expectations(figures["expectations"])


def _has(figures: Figures, table: str) -> bool:
    """Whether there is something to print in a table."""
    keys = {
        "supercategory": ("supercategories",),
        "boxes": ("boxes",),
        "distribution": ("distribution",),
        "fields": ("licenses", "fields", "locations"),
    }
    if table not in keys:
        return bool(figures["archives" if table == "census" else table])
    found = figures["annotations"]
    return found is not None and any(found[key] for key in keys[table])


def _cell(value: Any) -> Cell:
    return "-" if value is None else value


def _print_with_total(title: str, heads: tuple[str, ...], rows: Any, total: Any) -> None:
    cells = [[_cell(value) for value in row.values()] for row in rows]
    print_table(title, heads, [*cells, ["Total", *map(_cell, total.values())]], total=True)


def _print_images(found: Figures) -> None:
    splits = [key for key in found["total"] if key != "categories"]
    heads = ("super category", "category count", *(f"{split} images" for split in splits))
    if found["supercategories"]:
        _print_with_total("Images", heads, found["supercategories"], found["total"])


def _print_boxes(found: Figures) -> None:
    if found["boxes"] is None:
        return
    heads = ("super category", "train boxes", "val boxes")
    _print_with_total("Bounding boxes", heads, found["boxes"], found["boxes_total"])
    checks = found["box_checks"]
    rows: list[list[Cell]] = [
        [text, *(_cell(split[name]) for split in checks.values())]
        for name, text in _BOX_CHECKS.items()
    ]
    print_table(f"Boxes of {found['boxed_categories']:,} categories", ("", *checks), rows)
    for split, figures in checks.items():
        for name, ids in figures["first"].items():
            if name != "images_with_several" or split == "val":
                say(f"{split}: {_BOX_CHECKS[name]}: image {', '.join(map(str, ids))} ...")


def _print_distribution(found: Figures) -> None:
    heads = ("min", "median", "max", "imbalance", "top_share", "empty")
    spreads = found["distribution"]
    if not spreads:
        return
    print_table(
        "Images a category",
        ("split", *heads[:-2], "share of the top 1 %", "empty"),
        [[split, *(row.get(head, "-") for head in heads)] for split, row in spreads.items()],
    )
    split, row = next(iter(spreads.items()))
    if "curve" in row:
        put(f"The long tail: {split} images of each category, commonest first (log scale)")
        for line in draw_tail(row["curve"], found["total"]["categories"] - row["empty"]):
            put(line)
        put()


def _print_fields(found: Figures) -> None:
    if found["licenses"]:
        print_table(
            "Licences",
            ("id", "licence", "images"),
            [[row["id"], row["name"], row["images"]] for row in found["licenses"]],
        )
    for title, key, texts in (
        ("Fields of the images", "fields", _FIELDS),
        ("Locations", "locations", _LOCATIONS),
    ):
        splits = found[key]
        if splits:
            rows: list[list[Cell]] = [
                [text, *(_cell(split[name]) for split in splits.values())]
                for name, text in texts.items()
            ]
            print_table(title, ("", *splits), rows)


def _print_files(files: list[Figures]) -> None:
    print_table(
        "Files",
        ("file", "bytes", "published", "state"),
        [
            [
                file["name"],
                "-" if file["size"] is None else f"{file['size']:,}",
                f"{file['expected_size']:,}"
                if file["expected_size"]
                else file["shown_size"] or "-",
                file["state"],
            ]
            for file in files
        ],
    )
    # As md5sum prints them; in the table they would leave no room on a narrow terminal.
    for file in files:
        if file["md5"] is not None:
            differs = file["expected_md5"] not in (None, file["md5"])
            wanted = f", published {file['expected_md5']}" if differs else ""
            put(f"{file['md5']}  {file['name']}{wanted}")
    put()


def _print_archive(found: Figures) -> None:
    if found["members"] is None:
        reason = found.get("problem", "`ptarmigan index` makes it")
        say(f"{found['archive']} has no index: {reason}")
        return
    _print_census(found)
    joined = found["join"]
    if joined is None:
        return
    rows: list[list[Cell]] = [[text, _cell(joined[name])] for name, text in _JOIN.items()]
    print_table(f"{found['splits']}: annotations and archive", ("figure", "number"), rows)
    for name, text in _JOIN.items():
        for member in joined.get(f"first_{name}", ()):
            put(f"{text}: {member}")
    put()


def _exactly(cell: Cell) -> str:
    """Six digits of a fraction: four could hide that two differ."""
    return f"{cell:,.6g}" if isinstance(cell, float) else shown(cell)


def _print_expectations(found: Figures) -> None:
    signs = {"=": "", "<=": "at most ", ">": "more than "}
    print_table(
        f"Published figures of {found['version']}",
        ("figure", "expected", "found", "state", "source"),
        [
            [
                row["figure"],
                signs[row["relation"]] + _exactly(row["expected"]),
                _exactly(_cell(row["found"])),
                row["state"],
                row["source"],
            ]
            for row in found["figures"]
        ],
    )


_BOX_CHECKS: Final = {
    "boxes": "boxes",
    "images": "images with a box",
    "categories": "categories with a box",
    "images_with_several": "images with several boxes",
    "wrong_area": "area is not half of width x height",
    "crowds": "marked as a crowd",
    "empty": "no width or height",
    "outside": "reaches out of the picture",
    "unknown_images": "image is not in the annotations",
    "other_category": "category is not the image's",
}
_FIELDS: Final = {
    "images": "images",
    "no_rights_holder": "without a rights holder",
    "no_license": "without a licence",
    "unlisted_license": "licence is not in the list",
    "no_size": "without width and height",
}
_LOCATIONS: Final = {
    "records": "records",
    "no_place": "without latitude or longitude",
    "no_uncertainty": "without uncertainty",
    "no_date": "without date",
    "no_user": "without user",
    "unknown_images": "image is not in the annotations",
    "images_without": "images without a record",
}
_JOIN: Final = {
    "images": "images in the annotations",
    "missing": "not in the archive",
    "extra": "in the archive only",
    "other_size": "other width or height than the file",
    "swapped": "width and height exchanged",
}
_TABLES: Final = {
    "supercategory": _print_images,
    "boxes": _print_boxes,
    "distribution": _print_distribution,
    "fields": _print_fields,
}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "-"


def _print_census(found: dict[str, Any]) -> None:
    percentiles = found["megapixels"]
    rows: list[list[Cell]] = [
        ["members", f"{found['members']:,}"],
        ["bytes of members", f"{found['bytes']:,}"],
        ["md5 of the archive", found["md5"] or "-"],
        ["ends too early", found["stopped"] or "no"],
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
