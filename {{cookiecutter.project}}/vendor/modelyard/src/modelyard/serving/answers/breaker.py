"""A circuit breaker: whoever failed several times in a row is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 5
SECONDS = 10.0


class Breaker:
    """Closed: all may pass. After `failures` bad ends in a row it is open, and nobody may.

    After `seconds` one may try (half-open). That one's good end closes it, a bad end opens it again; who never comes
    back counts as bad after another `seconds`.
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
        """Whether all may pass."""
        return self._closed

    def may_pass(self) -> bool:
        """Whether the next may pass; where it is half-open, asking takes the one place."""
        if self._closed:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_try:
                return False
            self._next_try = now + self._seconds
            return True

    def good(self) -> None:
        """Who passed came to a good end."""
        if self._in_a_row or not self._closed:
            with self._lock:
                self._in_a_row, self._closed = 0, True

    def bad(self) -> None:
        """Who passed came to a bad end."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._failures or not self._closed:
                self._closed = False
                self._next_try = self._clock() + self._seconds
