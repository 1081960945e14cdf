"""Turns photos into a table of every other way to decode and crop them, on one processor.

Each peer runs in an environment and a process of its own; the processes take turns, so that other
work on the machine meets all of them, and what they make is compared with Pillow's pixels.

Not here: the peers themselves, one file each in ``benches/peers`` of the source and in
``programs`` of the installed package.
"""

from __future__ import annotations

from ptarmigan.peers.comparison import EPOCH, SEED, TASKS, PeerRow, best_peers, run_peers

__all__ = ["EPOCH", "SEED", "TASKS", "PeerRow", "best_peers", "run_peers"]
