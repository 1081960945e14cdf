"""The releases that are known without being registered, one file each."""

from __future__ import annotations

from .inat2017 import INAT2017
from .inat2018 import INAT2018
from .inat2019 import INAT2019
from .inat2021 import INAT2021

__all__ = ["BUILT_IN"]

BUILT_IN = (INAT2017, INAT2018, INAT2019, INAT2021)
