"""Turns a seed into an iNaturalist-2017-shaped data set of made-up pictures.

Every file has the name and the format of the competition page, so what runs on the made-up data
runs on the download. No photograph and no real taxon is in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ptarmigan._core import Camera
from ptarmigan.synth.annotations import Annotations
from ptarmigan.synth.counts import REAL_IMAGES, page_counts, scaled_counts
from ptarmigan.synth.packing import pack
from ptarmigan.synth.plan import REAL_TEST_IMAGES, Pictures, plan_test, plan_train_val
from ptarmigan.synth.taxa import make_categories

__all__ = ["SyntheticDataset", "write_dataset"]


@dataclass(frozen=True)
class SyntheticDataset:
    """What `write_dataset` wrote.

    Attributes:
        root: The folder.
        categories: Number of categories.
        train: Number of training images.
        val: Number of validation images.
        test: Number of test images.
        image_bytes: Size of the two image archives in bytes; 0 without them.
        grey: Members with one component.
        cmyk: Members with four components.
        truncated: Members that end early.
    """

    root: Path
    categories: int
    train: int
    val: int
    test: int
    image_bytes: int
    grey: tuple[str, ...]
    cmyk: tuple[str, ...]
    truncated: tuple[str, ...]


def _count(name: str, given: int | None, otherwise: float) -> int:
    count = round(otherwise) if given is None else given
    if count < 1:
        raise ValueError(f"`{name}` must be at least 1, not `{count}`")
    return count


def _check_exact(**given: float | None) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"`exact_2017` decides `{name}`: leave out `{name}={value}`")


def _where(pictures: Pictures, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(pictures.names[row] for row in np.flatnonzero(rows))


def write_dataset(
    root: str | os.PathLike[str],
    *,
    scale: float | None = None,
    images: int | None = None,
    max_side: int = 800,
    seed: int = 0,
    bits_per_pixel: float = 4.9,
    grey: int = 0,
    cmyk: int = 0,
    truncated: int = 0,
    long_names: bool = True,
    test_images: int | None = None,
    exact_2017: bool = False,
    metadata_only: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SyntheticDataset:
    """Writes a data set with the file names and formats of the iNaturalist 2017 competition.

    ``train_val_images.tar.gz``, ``train_val2017.zip``, ``train_2017_bboxes.zip``,
    ``val_2017_bboxes.zip``, ``inat2017_locations.zip``, ``test2017.tar.gz``, ``test2017.zip``, and
    ``test2017_solution.csv``, which the competition keeps to itself. Each is written aside and
    renamed. The same arguments give the same bytes.

    Args:
        root: The folder; made if it is not there.
        scale: Share of the real 5,089 categories, and of the 675,170 images unless ``images`` says
            otherwise; every super category keeps at least one category. By default 0.01.
        images: Training and validation images together. Every category gets two (one of each
            split) if there are enough.
        max_side: Longer side of every picture in pixels.
        seed: Decides names, pictures and order.
        bits_per_pixel: Density of the image data (0.5 to 9); the real one is about 4.9.
        grey: Number of one-component files among the training and validation images.
        cmyk: Number of four-component files among them.
        truncated: Number of files among them that end early.
        long_names: Whether six categories lead to member paths of 100 to 105 bytes.
        test_images: Test images; by default in the real proportion to the others.
        exact_2017: Whether every super category has exactly the categories, images and boxes of
            the competition page, and the training images of the categories the paper's median and
            imbalance. Needs ``metadata_only``.
        metadata_only: Whether to leave out the two archives of pictures.
        threads: Threads that make pictures; by default one a processor.
        progress: Called with (pictures done, pictures in all); may raise to stop.

    Returns:
        What was written.

    Raises:
        ValueError: If a number is out of its range.
        OSError: If the folder cannot be written.

    Example:
        >>> from ptarmigan.synth import write_dataset
        >>> made = write_dataset("inat", scale=0.002, images=60, max_side=96)
        >>> made.train + made.val
        60
    """
    if exact_2017:
        _check_exact(scale=scale, images=images, test_images=test_images)
        if not metadata_only:
            raise ValueError("`exact_2017` would make 250 GB of pictures: give `metadata_only` too")
        scale = 1
    scale = 0.01 if scale is None else scale
    if not 0 < scale <= 1:
        raise ValueError(f"`scale` must be above 0 and at most 1, not `{scale}`")
    if not 8 <= max_side <= 8000:
        raise ValueError(f"`max_side` must be between 8 and 8000 pixels, not `{max_side}`")
    total = _count("images", images, REAL_IMAGES * scale)
    total_test = _count("test_images", test_images, max(1, total * REAL_TEST_IMAGES / REAL_IMAGES))
    workers = _count("threads", threads, os.cpu_count() or 1)
    odd = {"grey": grey, "cmyk": cmyk, "truncated": truncated}

    categories = make_categories(scale, seed, long_names=long_names)
    counts = page_counts(categories, seed) if exact_2017 else scaled_counts(categories, total, seed)
    pictures = plan_train_val(categories, counts, max_side=max_side, seed=seed, odd=odd)
    test = plan_test(categories, total_test, max_side=max_side, seed=seed)
    camera = Camera(seed, bits_per_pixel)
    folder = Path(root)
    folder.mkdir(parents=True, exist_ok=True)

    Annotations(categories, pictures, test, camera, seed, page=exact_2017).write(folder)

    done = 0

    def one_more(number: int) -> None:
        nonlocal done
        done += number
        if progress is not None:
            progress(done, total + total_test)

    groups = np.array([category.supercategory for category in categories], np.int64)
    archives = {"train_val_images.tar.gz": pictures, "test2017.tar.gz": test}
    if metadata_only:
        archives = {}
    for name, plan in archives.items():
        pack(folder / name, camera, plan, groups, threads=workers, progress=one_more)
    return SyntheticDataset(
        root=folder,
        categories=len(categories),
        train=int((~pictures.val).sum()),
        val=int(pictures.val.sum()),
        test=len(test),
        image_bytes=sum((folder / name).stat().st_size for name in archives),
        grey=_where(pictures, pictures.components == 1),
        cmyk=_where(pictures, pictures.components == 4),
        truncated=_where(pictures, pictures.truncated),
    )
