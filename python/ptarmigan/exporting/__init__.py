"""Turns a data set into what other programs read: files, class folders, tar shards, tables.

Everything here reads with several threads in bounded memory, writes aside and renames, and puts
the credits of the photos beside them.
"""

from __future__ import annotations

from .annotation_file import write_annotations
from .extraction import Written, extract
from .folders import write_folder
from .parquet import write_parquet
from .reencoding import Reencoding
from .webdataset import write_shards

__all__ = [
    "Reencoding",
    "Written",
    "extract",
    "write_annotations",
    "write_folder",
    "write_parquet",
    "write_shards",
]
