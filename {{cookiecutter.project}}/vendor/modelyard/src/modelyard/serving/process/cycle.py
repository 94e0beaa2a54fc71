"""The requests of a connection with their responses, each of which is written by one call.

uvicorn writes the head of a response and its body apart. That is another system call, wakes the client once more, and
took a tenth of the time of a request for one row.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

CLOSE = (b"connection", b"close")
LOOK_SECONDS = 60e-6  # a client on the same machine takes 20 to ask again
LINGER_SECONDS = 2.0  # in which what comes after a refusal is still read

# bytes that a header may have; a line break in one would end it
_ALLOWED = bytes(byte for byte in range(256) if byte == 9 or (byte >= 32 and byte != 127))


class Cycle(RequestResponseCycle):
    """Takes a response in two messages: its head, with a content-length, and all of its body.

    task: the one that runs `answer`.
    """

    task: asyncio.Task[None] | None = None
    _start: Any = None

    async def answer(self, app: Any, tasks: set[asyncio.Task[None]]) -> None:
        """Run the application; then the task is not in `tasks` any more.

        A callback of the task would do the same, in another iteration of the event loop.
        """
        try:
            await self.run_asgi(app)
        finally:
            tasks.discard(cast("asyncio.Task[None]", self.task))

    async def send(self, message: Any) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._start is None or self.response_complete or message.get("more_body"):
            raise RuntimeError("a response is one head and one body")
        head = self._head(self._start["status"], [*self.default_headers, *self._start["headers"]])
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.writelines((head, b"" if self.scope["method"] == "HEAD" else message["body"]))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        if CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append(CLOSE)
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        if lines.translate(None, _ALLOWED) != b"\r\n" * len(headers):  # one look at all of them
            raise RuntimeError("a header of the response has a control character")
        return b"%b%b\r\n" % (STATUS_LINE[status], lines)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, whose requests are answered by a `Cycle` each.

    is_idle: whether its last request is answered and nothing has come since; the server closes it after a while.

    Where a client asks again within LOOK_SECONDS of an answer, the process looks for the next request for as long
    before it sleeps: to fall asleep and to be woken takes more of the processor's time, and of the client's.
    """

    is_idle = False
    _is_quick = False
    _answered = 0.0

    def on_response_complete(self) -> None:
        """Go on with the next request. The server closes connections that lie idle; a timer for each costs more."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.is_idle = True
            self._answered = time.perf_counter()
            if self._is_quick:
                self.loop.call_soon(self._look)

    def _go_on(self) -> None:
        """Something has come on an idle connection."""
        self.is_idle = False
        self._is_quick = time.perf_counter() - self._answered < LOOK_SECONDS

    def _look(self) -> None:
        """Keep the event loop from sleeping."""
        if self.is_idle and time.perf_counter() - self._answered < LOOK_SECONDS:
            self.loop.call_soon(self._look)

    def _scope(self, version: str, method: str, path: str, raw_path: bytes, query: bytes) -> Any:
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": method,
            "root_path": self.root_path,
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
        }

    def _cycle(self, keep_alive: bool, transport: Any = None) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=transport or self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _start_asgi_task(self, cycle: Any, app: Callable[..., Any]) -> None:
        cycle.task = self.loop.create_task(cycle.answer(app, self.tasks))
        self.tasks.add(cycle.task)


class Lingering:
    """A transport that ends only its own direction: closing both would reset what the client has not read yet."""

    def __init__(self, connection: Connection) -> None:
        self._loop, self._transport = connection.loop, connection.transport
        self.write, self.writelines = self._transport.write, self._transport.writelines
        self.is_closing = self._transport.is_closing

    def close(self) -> None:
        """Send no more, and close both directions after LINGER_SECONDS."""
        if not self._transport.is_closing():
            self._transport.write_eof()
            self._loop.call_later(LINGER_SECONDS, self._transport.close)
