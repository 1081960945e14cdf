"""Reads photos from the middle of a tar.gz without untarring it.

Usage: python read_members.py [train_val_images.tar.gz]
Without an argument it makes a small archive of made-up pictures.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import ptarmigan as pt
from ptarmigan.synth import write_dataset


def main(path: str | Path) -> None:
    """Opens the archive (the first time makes its index) and reads a few members."""
    archive = pt.Archive(path)
    print(f"{len(archive):,} members, md5 {archive.md5}")
    for number in range(0, len(archive), max(1, len(archive) // 5)):
        name = archive.names[number]
        pixels = pt.decode(archive.read(name))
        print(f"{pixels.shape[1]:>4} x {pixels.shape[0]:<4} {name}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_dataset(folder, scale=0.001, images=40, max_side=96)
            main(Path(folder, "train_val_images.tar.gz"))
