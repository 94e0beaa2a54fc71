"""The note of a shipper in the folder of the prediction log, for the services that write there.

While a shipper is at work, a service also closes its file after some time, so that lines of quiet hours are shipped.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

NAME = ".shipping"
GONE = 3600.0  # seconds without a sign of the shipper, after which it no longer counts
LOOK = 5.0  # seconds between two looks of a service


def read_note(path: Path) -> dict[str, Any]:
    """What the shipper has noted; nothing if there is no whole note."""
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


class ShippingNote:
    """After how many seconds the shipper of a folder wants files to be closed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._due = 0.0
        self._seconds: float | None = None

    def close_seconds(self) -> float | None:
        """The seconds, or None if no shipper is at work."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + LOOK
            self._seconds = self._read()
        return self._seconds

    def _read(self) -> float | None:
        try:
            if time.time() - self._path.stat().st_mtime > GONE:
                return None
        except OSError:
            return None
        seconds = read_note(self._path).get("close_seconds")
        return float(seconds) if isinstance(seconds, int | float) else None
