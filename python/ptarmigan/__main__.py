"""Runs the command line as ``python -m ptarmigan``."""

from __future__ import annotations

import sys

from ptarmigan.cli import main

if __name__ == "__main__":
    sys.exit(main())
