"""Trains a softmax classifier over loader batches and stops and resumes in the middle.

Usage: python train_numpy.py [ROOT]
Without an argument it makes a small data set of made-up pictures.
"""

from __future__ import annotations

import sys
import tempfile

import numpy as np

import ptarmigan as pt
from ptarmigan.demo import SoftmaxClassifier, describe_pictures
from ptarmigan.synth import write_dataset


def train(root: str, epochs: int = 3) -> None:
    """Trains, keeping the loader's state as a checkpoint would."""
    train_split = pt.INaturalist(root, split="train")
    crop = pt.RandomResizedCrop(48, scale=(0.35, 1.0))
    loader = pt.Loader(train_split, batch_size=64, transform=crop, seed=1)
    first = next(iter(pt.Loader(train_split, batch_size=256, transform=crop, seed=2)))
    examples = describe_pictures(first.images)
    classifier = SoftmaxClassifier(examples.shape[1], len(train_split.classes), seed=0)
    classifier.fit_scale(examples)
    for epoch in range(epochs):
        for batch in loader:
            classifier.train_step(describe_pictures(batch.images), batch.labels, 0.02)
        state = loader.state_dict()
        print(f"epoch {epoch + 1}: state to resume from: {state}")

    val = pt.INaturalist(root, split="val")
    centre = pt.ResizeCenterCrop(54, 48)
    batches = pt.Loader(val, batch_size=64, transform=centre, shuffle=False)
    logits = np.concatenate(
        [classifier.logits(describe_pictures(batch.images)) for batch in batches]
    )
    print(pt.score(pt.top_k(logits, k=5), val, ids=val.image_ids))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_dataset(folder, scale=0.004, images=600, max_side=96)
            train(folder)
