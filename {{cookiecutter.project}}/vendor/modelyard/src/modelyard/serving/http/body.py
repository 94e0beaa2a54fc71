"""Reads the body of a request, with limits on its size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..refusal import Refusal
from .encoding import decompressed

SECONDS = 10.0  # from the head of a request to the end of its body
READ_ON = 4  # times the limit are read of a body that is too large, so that its sender receives the refusal

Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The client has disconnected; no response is needed."""


class Bodies:
    """Reads bodies of up to `limit` bytes.

    A timer for each request would cost more than reading it, so `sweep` checks the waiting ones once a second.
    """

    def __init__(self, limit: int, seconds: float = SECONDS) -> None:
        self._limit, self._seconds = limit, seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, receive: Receive, length: bytes | None, continues: bool) -> bytes:
        """The body. length: its Content-Length. continues: whether the client waits for "100 Continue" to send it.

        Raises Refusal with status 413 if it is too large and 408 if it arrives too slowly, and Gone.
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
            return await self._rest(receive, message)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            detail = f"the body did not come within {self._seconds:g} s"
            raise Refusal(408, "too slow", detail, headers=[(b"connection", b"close")]) from None
        finally:
            del self._since[task]
            self._late.discard(task)

    def decompressed(self, body: bytes, encoding: bytes) -> bytes:
        """The body, decompressed. Raises Refusal with status 413 if it is too large then, and 400 if it is broken."""
        content = decompressed(body, encoding, self._limit)
        if content is None:
            raise self._too_large()
        return content

    async def _rest(self, receive: Receive, message: Any) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size <= self._limit:
                parts.append(part)
            else:
                parts.clear()
            if size > READ_ON * self._limit or not message.get("more_body"):
                break
            message = await receive()
        if size > self._limit:
            raise self._too_large()
        return b"".join(parts)

    def sweep(self) -> None:
        """Cancel requests that have waited for too long."""
        limit = time.monotonic() - self._seconds
        for task, since in list(self._since.items()):
            if since < limit and task not in self._late:
                self._late.add(task)
                task.cancel()

    def _too_large(self) -> Refusal:
        detail = f"the body is larger than {self._limit / 1e6:g} MB; send the rows in parts"
        return Refusal(413, "too large", detail, headers=[(b"connection", b"close")])
