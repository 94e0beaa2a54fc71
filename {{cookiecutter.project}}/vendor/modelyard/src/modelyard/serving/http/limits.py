"""The rate limit of a caller, and the headers of every response."""

from __future__ import annotations

import time
from collections.abc import Callable

CALLERS = 10_000

# no HSTS, which is for the proxy that terminates TLS
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class Limiter:
    """A token bucket for each caller: `burst` requests at once, and `per_second` in the long run (0: no limit).

    It counts within one process: with n workers a caller gets up to n times as much. A burst of 0 means `per_second`
    requests. For each caller, only the time at which its bucket is full again is stored; full buckets are removed.
    """

    def __init__(
        self, per_second: float, burst: int, callers: int = CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._callers = clock, callers
        self._step = 1 / per_second if per_second else 0.0  # seconds until a token is refilled
        self._depth = self._step * (max(1, burst or int(per_second)) - 1)
        self._full: dict[str, float] = {}

    def take(self, name: str) -> float:
        """Take a token and return 0 if the caller's request may pass; else return the seconds until it may."""
        if not self._step:
            return 0.0
        now = self._clock()
        full = max(self._full.get(name, now), now)
        wait = full - now - self._depth
        if wait > 1e-9:  # less is rounding
            return wait
        if name not in self._full and len(self._full) >= self._callers:
            self._forget(now)
        self._full[name] = full + self._step
        return 0.0

    def _forget(self, now: float) -> None:
        """Make room: remove all full buckets, or if there are none, the one that is full soonest."""
        refilling = {name: full for name, full in self._full.items() if full > now}
        if len(refilling) == len(self._full):
            del refilling[min(refilling, key=refilling.__getitem__)]
        self._full = refilling
