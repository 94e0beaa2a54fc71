"""Verbs as `python3 vendor/yard` runs them: by the standard library alone, from the library's folder."""

from __future__ import annotations

import sys

from sample import LIBRARY

BARE = [sys.executable, "-S", "-c", "from modelyard.cli import run_bare; run_bare('yard')"]
LIBRARY_PATH = {"PYTHONPATH": str(LIBRARY.parent)}
