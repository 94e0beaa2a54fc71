"""A circuit breaker: after several failures in a row, calls are blocked for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 5
SECONDS = 10.0


class Breaker:
    """While it is closed, all calls may pass. After `failures` failures in a row it opens, and none may.

    After `seconds`, one call may pass (half-open): its success closes the breaker, its failure opens it again. A call
    that never reports its end counts as failed after another `seconds`.
    """

    def __init__(
        self, failures: int = FAILURES, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._closed = True
        self._next_try = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether all calls may pass."""
        return self._closed

    def may_pass(self) -> bool:
        """Whether the next call may pass; while half-open, only the first to ask may."""
        if self._closed:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_try:
                return False
            self._next_try = now + self._seconds
            return True

    def good(self) -> None:
        """Report that a call succeeded."""
        if self._in_a_row or not self._closed:
            with self._lock:
                self._in_a_row, self._closed = 0, True

    def bad(self) -> None:
        """Report that a call failed."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._failures or not self._closed:
                self._closed = False
                self._next_try = self._clock() + self._seconds
