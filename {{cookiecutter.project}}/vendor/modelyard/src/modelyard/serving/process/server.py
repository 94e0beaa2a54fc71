"""The HTTP server of a worker: it closes connections that make no progress, and drains the others when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

HEAD_SECONDS = 10.0  # from the first byte of a request's head to its last
STUCK_SECONDS = 60.0  # without a byte read of the response, or sent of the body
LEAVE_SECONDS = 2.0  # from SIGTERM until connections without a request are closed

Hook = Callable[[uvicorn.Server], None]


class Server(uvicorn.Server):
    """uvicorn without its signal handling, and with a timeout for connections that make no progress.

    begin: called once, when the server is ready. look: called once a second.
    """

    def __init__(self, config: uvicorn.Config, begin: Hook, look: Hook) -> None:
        super().__init__(config)
        self._begin, self._look = begin, look
        self._since: dict[int, tuple[Any, float]] = {}

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer requests."""
        await super().startup(sockets)
        self._begin(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the last connections, close the sockets and finish the requests that have begun."""
        for listener in sockets or []:
            listener.listen(0)  # one client may wait to be accepted; others retry later and are then refused
        until = time.monotonic() + LEAVE_SECONDS / 2
        await asyncio.sleep(0.02)
        # closing a socket resets the connections that wait there
        while sockets and time.monotonic() < until and select.select(sockets, [], [], 0)[0]:
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        until = time.monotonic() + LEAVE_SECONDS / 2
        while self.server_state.connections and time.monotonic() < until:  # a request may be under way
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            self._look(self)
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        """Close connections that have been in the middle of a head, a body or an answer, or idle, for too long."""
        now = time.monotonic()
        tracked: dict[int, tuple[Any, float]] = {}
        for connection in list(self.server_state.connections):
            one: Any = connection
            cycle = one.cycle
            if cycle is not None and not cycle.response_complete:
                state, limit, close = ("busy", cycle), STUCK_SECONDS, one.transport.abort
            elif one.is_idle:
                state, limit, close = ("idle", cycle), self.config.timeout_keep_alive, one.transport.close
            else:
                state, limit, close = ("head", cycle), HEAD_SECONDS, one.transport.abort
            since = self._since.get(id(connection), (None, now))
            since = since if since[0] == state else (state, now)
            tracked[id(connection)] = since
            if now - since[1] > limit:
                close()
        self._since = tracked
