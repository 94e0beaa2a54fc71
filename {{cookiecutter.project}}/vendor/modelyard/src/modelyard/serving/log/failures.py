"""A line of JSON on stderr for each request that did not succeed, so that a failure can be found by its id.

No line has a value of a row, a key or a token.
"""

from __future__ import annotations

import contextlib
import datetime
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

MOST = 20  # lines in a second; whoever sends bad requests must not fill the log or hold up other requests


class FailureLog:
    """Writes at most MOST lines in a second; how many were suppressed before a line is said in it.

    worker: the number of this process, which its lines have.
    """

    def __init__(self, worker: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._worker, self._clock = worker, clock
        self._second = 0.0
        self._written = self._suppressed = 0

    def write(self, status: int, **details: Any) -> None:
        """Report a request by its status and details; a detail that is None is left out."""
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._written = now, 0
        if self._written >= MOST:
            self._suppressed += 1
            return
        self._written += 1
        self._print({"status": status} | {name: value for name, value in details.items() if value is not None})

    def tell_suppressed(self) -> None:
        """Report how many lines were suppressed, where no line has done so; to be called once a second."""
        if self._suppressed and self._clock() - self._second >= 1.0:
            self._print({})

    def _print(self, line: dict[str, Any]) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        said = {"failure": now, "worker": self._worker, **line}
        if self._suppressed:
            said["suppressed"] = self._suppressed
            self._suppressed = 0
        with contextlib.suppress(OSError, ValueError):  # stderr is closed or full: requests are answered all the same
            print(_text(said), file=sys.stderr, flush=True)


def _text(line: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(line).decode()
    except UnicodeEncodeError:  # half a character in a caller's name
        plain = {
            name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for name, value in line.items()
        }
        return msgspec.json.encode(plain).decode()
