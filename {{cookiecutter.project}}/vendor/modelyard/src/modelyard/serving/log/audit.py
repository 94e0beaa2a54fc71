"""An audit line, in JSON, for each admin act: who, what, when, and how it ended."""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path
from typing import Any

import msgspec


class Audit:
    """Writes to a file, which several workers may share, or to stderr.

    Where the file cannot be written, the line goes to stderr with the reason: an act never goes unsaid.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def write(self, caller: str, act: str, outcome: str, **details: Any) -> None:
        """Say that a caller did something. outcome: `done`, or why not."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        said = {"audit": act, "time": now, "caller": caller, "outcome": outcome, **details}
        if self._path is not None:
            try:
                return _append(self._path, msgspec.json.encode(said) + b"\n")
            except OSError as error:
                said["unwritten"] = f"{self._path}: {error.strerror}"
        print(msgspec.json.encode(said).decode(), file=sys.stderr, flush=True)
        return None


def _append(path: Path, line: bytes) -> None:
    """Add a line with one call, so that lines of several processes do not mix."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.write(handle, line) < len(line):
            raise OSError(28, "only a part of the line could be written")
    finally:
        os.close(handle)
