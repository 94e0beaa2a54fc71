"""Reads the body of a request, with limits on its size and time."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from ..refusal import Refusal
from .encoding import decompressed
from .room import SMALL, Room, busy

SECONDS = 10.0  # from the head of a request to the end of its body
AT_ONCE = 2  # of the largest bodies that a process holds
READ_ON = 4  # times the limit are read of a body that is too large, so that its sender receives the refusal

Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The client has disconnected; no response is needed."""


class Bodies:
    """Reads bodies of up to `limit` bytes.

    A timer for each request would cost more than reading it, so `sweep` checks the waiting ones once a second. There is
    room for AT_ONCE of the largest; call `done` when a request is answered.
    """

    def __init__(self, limit: int, seconds: float = SECONDS) -> None:
        self._limit, self._seconds = limit, seconds
        self._room = Room(AT_ONCE * limit)
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: dict[asyncio.Task[Any], bool] = {}  # and whether it waited for room

    async def read(self, receive: Receive, length: bytes | None, continues: bool) -> bytes:
        """The body. length: its Content-Length. continues: whether the client waits for "100 Continue" to send it.

        Raises Refusal with status 413 if it is too large, 408 if it arrives too slowly and 503 if there is no room for
        it, and Gone.
        """
        if length is not None and int(length) > self._limit and continues:
            raise self._too_large()
        task: Any = asyncio.current_task()
        self._since[task] = time.monotonic()
        try:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                body: bytes = message["body"]
                if len(body) > self._limit:
                    raise self._too_large()
                return body
            return await self._rest(receive, message, None if length is None else int(length))
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            if self._late[task]:
                raise busy() from None
            detail = f"the body did not come within {self._seconds:g} s"
            raise Refusal(408, "too slow", detail, headers=[(b"connection", b"close")]) from None
        finally:
            del self._since[task]
            self._late.pop(task, None)

    def decompressed(self, body: bytes, encoding: bytes) -> bytes:
        """The body, decompressed. Raises Refusal with status 413 if it is too large then, and 400 if it is broken."""
        content = decompressed(body, encoding, self._limit)
        if content is None:
            raise self._too_large()
        return content

    def done(self) -> None:
        """The current request is answered, so that its body is no longer in memory."""
        self._room.leave()

    async def _rest(self, receive: Receive, message: Any, length: int | None) -> bytes:
        received = io.BytesIO()  # which gives its content away without a copy, as joining parts would make one
        size = 0
        is_kept = length is None or length <= self._limit
        if is_kept and length is not None:
            await self._take(length)
        while True:
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if is_kept and size <= self._limit:
                received.write(part)
                if length is None and size > SMALL:
                    await self._take(self._limit)
            else:
                received = io.BytesIO()
            if size > READ_ON * self._limit or not message.get("more_body"):
                break
            message = await receive()
        if size > self._limit or not is_kept:
            raise self._too_large()
        return received.getvalue()

    async def _take(self, size: int) -> None:
        if await self._room.take(size):
            self._since[cast(Any, asyncio.current_task())] = time.monotonic()  # from now on it is the client's time

    def sweep(self) -> None:
        """Cancel requests that have waited for too long."""
        limit = time.monotonic() - self._seconds
        for task, since in list(self._since.items()):
            if since < limit and task not in self._late:
                self._late[task] = self._room.waits(task)
                task.cancel()

    def _too_large(self) -> Refusal:
        detail = f"the body is larger than {self._limit / 1e6:g} MB; send the rows in parts"
        return Refusal(413, "too large", detail, headers=[(b"connection", b"close")])
