"""Turns nothing into a score: makes a data set, indexes it, trains, predicts, submits, scores.

The classifier is a softmax regression on colour and texture statistics of random crops, in NumPy:
small enough to train in seconds, and every step is the one of a real run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DemoResult", "SoftmaxClassifier", "describe_pictures", "run_demo"]

Features = NDArray[np.float32]

SIZE: Final = 48
BATCH: Final = 64
# Colour histograms have this many levels a channel, texture histograms this many steps.
LEVELS: Final = 4
STEPS: Final = 6


@dataclass(frozen=True)
class DemoResult:
    """The figures of one run; errors are shares of the test images.

    Attributes:
        members: Members of the two archives.
        categories: Number of categories.
        index_megabytes_per_second: Millions of archive bytes a second, md5 included.
        images_per_second: Random crops read, decoded and resized while training.
        val_top_1_error: On the validation split.
        top_1_error: On the test split.
        top_5_error: On the test split.
        guess_top_1_error: On the test split, of always naming the commonest category.
        guess_top_5_error: On the test split, of always naming the five commonest.
        official_top_5_error: As the competition's own program counts.
        submission: The file that was scored.
        seconds: Of the whole run.
    """

    members: int
    categories: int
    index_megabytes_per_second: float
    images_per_second: float
    val_top_1_error: float
    top_1_error: float
    top_5_error: float
    guess_top_1_error: float
    guess_top_5_error: float
    official_top_5_error: float
    submission: Path
    seconds: float = field(compare=False)

    def rows(self) -> list[tuple[str, str]]:
        """The figures as table rows."""
        return [
            ("members indexed", f"{self.members:,} in {self.categories:,} categories"),
            ("index, with md5", f"{self.index_megabytes_per_second:,.0f} MB/s"),
            ("random crops in training", f"{self.images_per_second:,.0f} images/s"),
            ("validation top-1 error", f"{self.val_top_1_error:.1%}"),
            (
                "test top-1 error",
                f"{self.top_1_error:.1%}  (guessing {self.guess_top_1_error:.1%})",
            ),
            (
                "test top-5 error",
                f"{self.top_5_error:.1%}  (guessing {self.guess_top_5_error:.1%})",
            ),
            ("official top-5 error", f"{self.official_top_5_error:.1%}"),
            ("whole run", f"{self.seconds:.1f} s"),
        ]


def describe_pictures(images: NDArray[np.uint8]) -> Features:
    """Turns pictures into colour and texture statistics that do not depend on where things are.

    Args:
        images: (N, H, W, 3) uint8.

    Returns:
        (N, F) float32: a joint colour histogram, means and deviations of the channels, and how
        much neighbours at several distances differ across and down.
    """
    count = len(images)
    flat = images.reshape(count, -1, 3)
    bins = (flat.astype(np.int32) * LEVELS) >> 8
    joint = (bins[..., 0] * LEVELS + bins[..., 1]) * LEVELS + bins[..., 2]
    joint += (np.arange(count, dtype=np.int32) * LEVELS**3)[:, None]
    histogram = np.bincount(joint.reshape(-1), minlength=count * LEVELS**3)
    colours = np.sqrt(histogram.reshape(count, -1) / flat.shape[1])
    light = images.astype(np.float32).mean(axis=3) / 255
    texture = [
        np.abs(np.roll(light, -step, axis) - light).mean(axis=(1, 2))
        for axis in (1, 2)
        for step in range(1, STEPS)
    ]
    parts = [colours, flat.mean(axis=1) / 255, flat.std(axis=1) / 255, np.stack(texture, axis=1)]
    return np.concatenate(parts, axis=1).astype(np.float32)


class SoftmaxClassifier:
    """Multinomial logistic regression, trained by Adam on batches.

    Args:
        features: Inputs.
        classes: Outputs.
        seed: Decides the first weights.
    """

    def __init__(self, features: int, classes: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.weights = random.normal(0, 0.01, (features + 1, classes)).astype(np.float32)
        self._mean = np.zeros(features, np.float32)
        self._scale = np.ones(features, np.float32)
        self._moments = [np.zeros_like(self.weights) for _ in range(2)]
        self._steps = 0

    def fit_scale(self, features: Features) -> None:
        """Takes from examples what makes features comparable: mean 0, deviation 1."""
        self._mean = features.mean(axis=0)
        self._scale = 1 / np.maximum(features.std(axis=0), 1e-3)

    def _inputs(self, features: Features) -> Features:
        scaled = (features - self._mean) * self._scale
        return np.concatenate([scaled, np.ones((len(scaled), 1), np.float32)], axis=1)

    def logits(self, features: Features) -> Features:
        """(N, classes) float32, larger where a class is likelier."""
        return self._inputs(features) @ self.weights

    def train_step(self, features: Features, labels: NDArray[np.int64], rate: float) -> None:
        """One step of Adam (Kingma and Ba, 2015) with its usual constants, and weight decay."""
        inputs = self._inputs(features)
        scores = inputs @ self.weights
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        scores[np.arange(len(labels)), labels] -= 1
        gradient = inputs.T @ scores / len(labels) + 1e-4 * self.weights
        self._steps += 1
        first, second = self._moments
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        unbiased = first / (1 - 0.9**self._steps)
        spread = np.sqrt(second / (1 - 0.999**self._steps)) + 1e-8
        self.weights -= rate * unbiased / spread


def _index(root: Path, say: Callable[[str], None]) -> tuple[dict[str, Any], float]:
    """Indexes both archives; returns them and the megabytes a second."""
    import hashlib

    from ptarmigan import Archive

    archives, size, seconds = {}, 0, 0.0
    for name in ("train_val_images.tar.gz", "test2017.tar.gz"):
        data = (root / name).read_bytes()
        expected = hashlib.md5(data, usedforsecurity=False).hexdigest()
        started = time.perf_counter()
        archives[name] = Archive(root / name, build="rebuild", expected_md5=expected)
        seconds += time.perf_counter() - started
        size += len(data)
        say(f"indexed {name}: {len(archives[name]):,} members, md5 {expected}")
    return archives, size / seconds / 1e6


def _train(
    dataset: Any, epochs: int, seed: int, threads: int | None, say: Callable[[str], None]
) -> tuple[SoftmaxClassifier, float]:
    """Trains on random crops; returns the classifier and the images a second of loading."""
    from ptarmigan import Loader, RandomResizedCrop

    crop = RandomResizedCrop(SIZE, scale=(0.35, 1.0))
    loader = Loader(dataset, batch_size=BATCH, transform=crop, seed=seed, threads=threads)
    classifier, images, waited = None, 0, 0.0
    for epoch in range(epochs):
        loader.set_epoch(epoch)
        started = time.perf_counter()
        batches = [(batch.images, batch.labels) for batch in loader]
        waited += time.perf_counter() - started
        images += sum(len(labels) for _, labels in batches)
        described = [describe_pictures(pictures) for pictures, _ in batches]
        if classifier is None:
            classifier = SoftmaxClassifier(described[0].shape[1], len(dataset.classes), seed)
            classifier.fit_scale(np.concatenate(described))
        rate = 0.03 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for features, (_, labels) in zip(described, batches, strict=True):
            classifier.train_step(features, labels, rate)
        say(f"epoch {epoch + 1} of {epochs}: {images / waited:,.0f} images/s")
    if classifier is None:
        raise ValueError(f"`epochs` must be at least 1, not `{epochs}`")
    return classifier, images / waited


def _predict(
    classifier: SoftmaxClassifier, dataset: Any, threads: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], Features]:
    """The ids, labels and logits of every sample, in order."""
    from ptarmigan import Loader, ResizeCenterCrop

    centre = ResizeCenterCrop(SIZE + SIZE // 8, SIZE)
    loader = Loader(dataset, batch_size=BATCH, transform=centre, shuffle=False, threads=threads)
    batches = [
        (batch.ids, batch.labels, classifier.logits(describe_pictures(batch.images)))
        for batch in loader
    ]
    ids, labels, logits = (np.concatenate(column) for column in zip(*batches, strict=True))
    return ids, labels, logits


def _guess_errors(targets: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """The errors of naming the commonest training categories whatever the picture shows."""
    common = np.argsort(-np.bincount(targets), kind="stable")
    return float((truth != common[0]).mean()), float((~np.isin(truth, common[:5])).mean())


def run_demo(
    folder: str | Path,
    *,
    seed: int = 0,
    images: int = 2400,
    epochs: int = 8,
    threads: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> DemoResult:
    """Runs the whole path on a made-up data set.

    Args:
        folder: Where data, index and submission go.
        seed: Decides data, batches and weights.
        images: Training and validation images.
        epochs: Passes over the training images.
        threads: Threads; by default one a processor.
        say: Called with lines of prose.

    Returns:
        The figures.
    """
    from ptarmigan import INaturalist, score, top_k, write_submission
    from ptarmigan.synth import write_dataset

    started = time.perf_counter()
    root = Path(folder)
    say("making a data set of made-up pictures ...")
    made = write_dataset(root, scale=0.01, images=images, max_side=128, seed=seed, threads=threads)
    archives, speed = _index(root, say)
    train, val, test = (
        INaturalist(root, version="2017", split=split) for split in ("train", "val", "test")
    )
    classifier, rate = _train(train, epochs, seed, threads, say)
    _, labels, logits = _predict(classifier, val, threads)
    val_error = float((top_k(logits, k=1)[:, 0] != labels).mean())
    ids, _, logits = _predict(classifier, test, threads)
    submission = root / "submission.csv"
    write_submission(submission, ids, top_k(logits, k=5))

    solution = root / "test2017_solution.csv"
    strict = score(submission, solution)
    official = score(submission, solution, official=True)
    truth = np.loadtxt(solution, np.int64, delimiter=",", skiprows=1, usecols=1)
    guess = _guess_errors(np.asarray(train.targets), truth)
    return DemoResult(
        members=sum(len(archive) for archive in archives.values()),
        categories=made.categories,
        index_megabytes_per_second=speed,
        images_per_second=rate,
        val_top_1_error=val_error,
        top_1_error=strict.top_1_error,
        top_5_error=strict.top_k_error,
        guess_top_1_error=guess[0],
        guess_top_5_error=guess[1],
        official_top_5_error=official.top_k_error,
        submission=submission,
        seconds=time.perf_counter() - started,
    )
