"""Large requests are answered in a thread of their own, one at a time, so that other requests need not wait for them.

Of the largest there is one at a time in all processes of the service, because each takes several times the memory of
its body.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

LARGE = 1_000_000  # bytes of a body that is answered alone in the service
MEDIUM = 131_072  # bytes of a body that is answered in the other thread; in the event loop it takes up to 50 ms

Result = TypeVar("Result")


class Apart:
    """The thread of one process. lock: an open file that all processes have, or None if there is one process only."""

    def __init__(self, lock: int | None = None) -> None:
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, "large")
        self._first = asyncio.Lock()  # of this process, which the file's lock does not tell apart
        self._began: float | None = None

    @property
    def seconds(self) -> float:
        """For how long the present call has been running; 0.0 if there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    async def run(self, call: Callable[[], Result]) -> Result:
        """Run a call in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, call)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one of the largest requests in the service, until nothing of it is held any more."""
        async with self._first:
            taken = asyncio.get_running_loop().run_in_executor(self._thread, self._take_turn)
            try:
                await asyncio.shield(taken)
            except asyncio.CancelledError:
                await asyncio.wait([taken])
                self._end_turn()
                raise
            try:
                with _without_gc():
                    yield
            finally:
                self._end_turn()

    def close(self) -> None:
        """End the thread after its calls."""
        self._thread.shutdown()

    def _run(self, call: Callable[[], Result]) -> Result:
        self._began = time.monotonic()
        try:
            return call()
        finally:
            self._began = None

    def _take_turn(self) -> None:
        # a lock of this kind belongs to the process, so that of a process that was killed is free again
        if self._lock is not None:
            fcntl.lockf(self._lock, fcntl.LOCK_EX)

    def _end_turn(self) -> None:
        _trim()
        if self._lock is not None:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)


@contextmanager
def _without_gc() -> Iterator[None]:
    """Searching millions of new objects for cycles again and again would hold up all threads."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _trim() -> None:
    """Give memory that is free back to the system; glibc keeps it, and each process would keep its own."""
    if _malloc_trim is not None:
        _malloc_trim(0)


_malloc_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
