"""Turns lists of records into the JSON text of an annotation file, some records at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

__all__ = ["write_lists"]

# Records that become text at once: few calls to write, and little memory.
_BLOCK = 4096


def write_lists(
    file: IO[bytes], head: Mapping[str, str], lists: Mapping[str, Iterable[dict[str, Any]]]
) -> dict[str, int]:
    """Writes an object with ``head``, which is JSON text by key, and ``lists``, a record a line.

    Returns:
        How many records each list has.
    """
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    first = "{"
    for name, value in head.items():
        file.write(f"{first}{encode(name)}: {value}".encode())
        first = ",\n"
    counts = {}
    for name, records in lists.items():
        file.write(f"{first}{encode(name)}: [".encode())
        counts[name] = _write_records(file, records, encode)
        file.write(b"]")
        first = ",\n"
    file.write(b"}\n")
    return counts


def _write_records(file: IO[bytes], records: Iterable[dict[str, Any]], encode: Any) -> int:
    count, block = 0, []
    for record in records:
        block.append(("\n" if count == 0 else ",\n") + encode(record))
        count += 1
        if len(block) == _BLOCK:
            file.write("".join(block).encode())
            block.clear()
    file.write("".join(block).encode())
    return count
