"""Turns what was saved of a run into a position that a loader can go on from, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import natural

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORDERS", "VERSION", "check"]

VERSION = 1
ORDERS = ("exact", "local", "sequential")
# What must agree for a run to go on exactly, and what to do where it does not.
_STRICT = {
    "fingerprint": "it is another archive or another selection of its members",
    "seed": "give the loader the seed of the state",
    "order": "give the loader the order of the state",
    "shuffle": "give the loader the shuffle of the state",
    "labels": "a class has another number; give the data set the labels of the state",
    "labels_checksum": "the numbering has the same name, but a class has another number",
}
# States of earlier versions do not have them, and say nothing of the labels.
_LATER = {"labels", "labels_checksum"}


def check(state: Mapping[str, Any], own: Mapping[str, Any], samples: int, *, strict: bool) -> None:
    """Fails unless a loader can go on from ``state``.

    Args:
        state: What was saved.
        own: The loader's own state.
        samples: Number of samples of the loader's data set.
        strict: Whether the data set and the way through it must be the same.

    Raises:
        ValueError: If it cannot.
    """
    missing = sorted(set(own) - set(state) - _LATER)
    if missing:
        msg = f"this is no state of a loader: it has no {', '.join(missing)}"
        raise ValueError(msg)
    if state["version"] != VERSION:
        msg = f"the state has version {state['version']!r}, this version reads {VERSION}"
        raise ValueError(msg)
    for key, hint in _STRICT.items():
        if strict and state.get(key, own[key]) != own[key]:
            msg = (
                f"the state was taken with {key} {state[key]!r}, this loader has {own[key]!r}: "
                f"{hint}, or pass strict=False"
            )
            raise ValueError(msg)
    natural("seed", state["seed"])
    natural("epoch", state["epoch"])
    if state["order"] not in ORDERS or not isinstance(state["shuffle"], bool):
        msg = f"the state has order {state['order']!r} and shuffle {state['shuffle']!r}"
        raise ValueError(msg)
    if natural("position", state["position"]) > samples:
        msg = f"the state is at position {state['position']}, the data set has {samples} samples"
        raise ValueError(msg)
