"""Turns requests on standard input into timings of one peer, a JSON line for each.

``python runner.py PEER.py FOLDER CORE``: the peer's file, the folder of photos with ``boxes.json``,
and the processor to stay on (-1 for any). It runs in the peer's own environment, which has NumPy
and nothing of ours. The first line that it writes says which tasks the peer has; then a request
``{"do": "time" | "write" | "compare", "task": ..., "folder": ...}`` gets one line of answer, in
which ``error`` says what went wrong.
"""

import sys

if not sys.flags.isolated:
    # The folder of this file is first there, and has files with the names of the libraries.
    sys.path.pop(0)

import importlib.metadata
import importlib.util
import json
import os
import time
import zlib
from pathlib import Path

TASKS = ("decode", "random_crop", "central_crop", "entropy")


def load(path):
    """Imports a peer's file under a name that no library has."""
    spec = importlib.util.spec_from_file_location("peer_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Side:
    """One peer, the photos, and what it makes of them."""

    def __init__(self, path, folder):
        self.peer = load(path)
        self.folder = Path(folder)
        self.files = [file.read_bytes() for file in sorted(self.folder.glob("*.jpg"))]
        self.boxes = json.loads((self.folder / "boxes.json").read_text(encoding="utf-8"))
        prepare = getattr(self.peer, "prepare", None)
        if prepare is not None:
            prepare(self.folder)

    def ready(self):
        """What the peer is, and which tasks it has."""
        header = self.peer.HEADER
        version = importlib.metadata.version(header["distribution"])
        tasks = [task for task in TASKS if getattr(self.peer, task, None) is not None]
        return {"version": version, "tasks": tasks, "python": sys.version.split()[0]}

    def run(self, task):
        """The images of one task."""
        function = getattr(self.peer, task)
        if task == "random_crop":
            return function(self.files, self.boxes)
        return function(self.files)

    def time(self, task, _folder):
        """Processor and wall seconds of one pass over the photos, and not of freeing them."""
        # Threads of another side may still spin for some milliseconds.
        time.sleep(0.03)
        wall, processor = time.perf_counter(), time.process_time()
        images = self.run(task)
        found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}
        return found | {"images": len(images)}

    def write(self, task, folder):
        """Keeps the images as what the others are compared with."""
        import numpy as np

        for number, image in enumerate(self.run(task)):
            np.save(Path(folder, f"{task}-{number}.npy"), np.asarray(image))
        return {}

    def compare(self, task, folder):
        """How far the images are from those that were kept."""
        import numpy as np

        images = self.run(task)
        if len(images) != len(self.files):
            raise ValueError(f"{len(images)} images of {len(self.files)} photos")
        checksum = equal = values = 0
        squares = 0.0
        for number, image in enumerate(images):
            mine = np.ascontiguousarray(image)
            if task in self.peer.HEADER.get("not_compared", ()):
                checksum = zlib.crc32(mine, checksum)
                continue
            if mine.dtype != np.uint8:
                raise TypeError(f"pixels are {mine.dtype}, not uint8")
            checksum = zlib.crc32(mine, checksum)
            kept = Path(folder, f"{task}-{number}.npy")
            if not kept.is_file():
                continue
            theirs = np.load(kept)
            if mine.shape != theirs.shape:
                raise ValueError(f"photo {number} is {mine.shape}, Pillow's {theirs.shape}")
            equal += bool(np.array_equal(mine, theirs))
            squares += float(np.sum((mine.astype(np.float32) - theirs) ** 2, dtype=np.float64))
            values += mine.size
        found = {"crc32": checksum, "equal": None, "psnr": None}
        if values:
            found["equal"] = equal == len(images)
            error = squares / values
            found["psnr"] = float(10 * np.log10(255**2 / error)) if error else None
        return found


def answer(work, *arguments):
    """The result of some work, or why there is none."""
    try:
        return work(*arguments)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    """Answers until there are no more requests."""
    path, folder, core = sys.argv[1:]
    if int(core) >= 0:
        os.sched_setaffinity(0, {int(core)})
    # Libraries that print must not break the protocol.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sides = []

    def start():
        sides.append(Side(path, folder))
        return sides[0].ready()

    def reply(value):
        replies.write(json.dumps(value) + "\n")
        replies.flush()

    reply(answer(start))
    if not sides:
        return
    works = {"time": sides[0].time, "write": sides[0].write, "compare": sides[0].compare}
    for line in sys.stdin:
        request = json.loads(line)
        reply(answer(works[request["do"]], request["task"], request.get("folder")))


if __name__ == "__main__":
    main()
