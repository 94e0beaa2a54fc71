"""How many bytes of large bodies a process holds at once: further ones wait before they are read."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any

from ..refusal import Refusal

SMALL = 65_536  # bytes of a body that is not counted
WAITING = 16  # requests that may wait; a part of each body is in memory already


class Room:
    """So many bytes, of which each request takes what its body needs, in the order in which they came."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._held: dict[asyncio.Task[Any], int] = {}
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._waits: set[asyncio.Task[Any]] = set()

    async def take(self, size: int) -> bool:
        """Wait until there is room for so many bytes of the current request, which takes it until it calls `leave`.

        It returns whether the request had to wait.

        Raises Refusal with status 503 if too many wait already.
        """
        task: Any = asyncio.current_task()
        if size <= SMALL or task in self._held:
            return False
        must_wait = bool(self._waiting) or size > self._free
        if must_wait:
            if len(self._waiting) >= WAITING:
                raise busy()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (size, future)
            self._waiting.append(entry)
            self._waits.add(task)
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self._free += size
                else:
                    with contextlib.suppress(ValueError):  # it may have been passed over already
                        self._waiting.remove(entry)
                self._let_in()
                raise
            finally:
                self._waits.discard(task)
        else:
            self._free -= size
        self._held[task] = size
        return must_wait

    def waits(self, task: asyncio.Task[Any]) -> bool:
        """Whether a request waits for room."""
        return task in self._waits

    def leave(self) -> None:
        """Give back what the current request has taken."""
        if self._held:
            task: Any = asyncio.current_task()
            self._free += self._held.pop(task, 0)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, future = self._waiting.popleft()
            if not future.done():
                self._free -= size
                future.set_result(None)


def busy() -> Refusal:
    """The refusal of a large request while others are answered."""
    detail = "too many large requests at once; send fewer at a time, or smaller ones"
    return Refusal(503, "busy", detail, headers=[(b"retry-after", b"1"), (b"connection", b"close")])
