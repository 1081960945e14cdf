"""What a stream costs: threads that end, memory that is bounded, and what a fork leaves."""

from __future__ import annotations

import gc
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ptarmigan as pt
from forks import in_child
from synthetic import write_tar
from tars import END, Dribble, header, noise, tar_bytes


def threads_now() -> int:
    return len(os.listdir("/proc/self/task"))


def test_threads_end_with_the_stream(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {f"{n}": noise(n, 500_000) for n in range(40)}, mode="w")
    before = threads_now()

    def settled() -> bool:
        until = time.monotonic() + 20
        while threads_now() > before and time.monotonic() < until:
            time.sleep(0.01)
        return threads_now() <= before

    stream = pt.stream(path)
    assert next(stream).name == "0"
    assert threads_now() > before
    del stream
    gc.collect()
    assert settled()
    with pt.stream(path) as stream:
        next(stream)
    assert list(stream) == []
    assert settled()
    assert len(list(pt.stream(path))) == 40
    assert settled()
    # One that nobody has taken a member of.
    pt.stream(path).close()
    assert settled()


def test_a_stream_is_not_read_far_ahead() -> None:
    tar = bytes(tar_bytes([(str(number), noise(number, 100_000)) for number in range(200)]))
    source = Dribble(tar, 1 << 20)
    stream = pt.stream(source)
    next(stream)
    assert source.calls == 1
    assert len(list(stream)) == 199


def test_a_forked_process_is_told_that_the_threads_are_not_there(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {f"{n}": noise(n, 500_000) for n in range(40)}, mode="w")
    streams = [pt.stream(path)]
    next(streams[0])

    def drop_and_stream_anew() -> None:
        with pytest.raises(RuntimeError, match="forked"):
            next(streams[0])
        # Dropping the old one does not hang, and a new stream works.
        streams.clear()
        gc.collect()
        assert len(list(pt.stream(path))) == 40

    assert in_child(drop_and_stream_anew) == 0
    assert len(list(streams[0])) == 39


def test_ctrl_c_ends_the_wait_for_a_pipe(tmp_path: Path) -> None:
    code = "import os, sys, ptarmigan as pt\nprint(flush=True)\nnext(pt.stream(sys.stdin.buffer))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
        assert process.stderr is not None
        assert b"KeyboardInterrupt" in process.stderr.read()


PEAK = """
import sys
import ptarmigan as pt
count = 0
for name, data in pt.stream(eval(sys.argv[1])):
    count += len(data)
status = open("/proc/self/status").read()
print(count, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.parametrize("source", ["sys.argv[2]", "sys.stdin.buffer", "open(sys.argv[2], 'rb')"])
def test_much_that_compresses_well_stays_small(tmp_path: Path, source: str) -> None:
    zeros = header(b"zeros", 1 << 20) + bytes(1 << 20)
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(1200):
            file.write(zeros)
        file.write(END)
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, source, str(path)],
            stdin=file,
            capture_output=True,
            check=True,
        )
    count, peak = map(int, done.stdout.split())
    assert count == 1200 << 20
    assert peak < 200
