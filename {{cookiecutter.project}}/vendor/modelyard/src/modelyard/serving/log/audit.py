"""The audit log: a line of JSON for each administrative act, with caller, act, time and outcome."""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path
from typing import Any

import msgspec


class Audit:
    """Writes to a file, which several workers may share, or to stderr.

    If the file cannot be written, the line goes to stderr with the reason, so that no act is unrecorded.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def write(self, caller: str, act: str, outcome: str, **details: Any) -> None:
        """Record an act of a caller. outcome: `done`, or why it failed."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = {"audit": act, "time": now, "caller": caller, "outcome": outcome, **details}
        if self._path is not None:
            try:
                return _append(self._path, msgspec.json.encode(line) + b"\n")
            except OSError as error:
                line["unwritten"] = f"{self._path}: {error.strerror}"
        print(msgspec.json.encode(line).decode(), file=sys.stderr, flush=True)
        return None


def _append(path: Path, line: bytes) -> None:
    """Append a line with a single write, so that lines of several processes do not mix."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.write(handle, line) < len(line):
            raise OSError(28, "only a part of the line could be written")
    finally:
        os.close(handle)
