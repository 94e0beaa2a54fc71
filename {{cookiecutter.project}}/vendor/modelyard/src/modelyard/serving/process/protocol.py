"""A connection: uvicorn's, with limits on everything of a request but its body, and deaf to requests for an upgrade.

Nothing bounds what a client may send as request line, header lines, chunk extensions and trailers, neither in uvicorn
nor in its parser, so all of it is counted here while it is parsed.

The callbacks of the parser stand here in full: they are called several times for each request, and calling uvicorn's
from them would take as long as some of them.
"""

from __future__ import annotations

import urllib.parse
from functools import partial
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HIGH_WATER_LIMIT

from ..refusal import Refusal
from .cycle import CLOSE, Connection, Lingering

URL_BYTES = 8 * 1024
LINES = 100  # of headers and trailers
BYTES = 32 * 1024  # of request line, headers and trailers
CHUNKS = 1024  # of a body, and one more for each CHUNK_BYTES of it: less costs more to parse than to answer
CHUNK_BYTES = 64
WAITING = 16  # pipelined requests that wait for their turn
SLICE = 16 * 1024  # bytes that are parsed before the limits are checked again
HELD_BYTES = 16 * 1024 * 1024  # of unfinished requests without their bodies, in this process
LINE_COST = 150  # bytes that Python needs for a line beside its text
LINGER_BYTES = 128 * 1024  # that are read on after a refusal, so that its sender receives it

_CLOSE = [CLOSE]
_NOT_HEARD = (b"upgrade", b"http2-settings")


class Protocol(Connection):
    """One connection. `config.app` must be an `App`, which writes the refusals."""

    held: ClassVar[int] = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_deaf = False  # what else comes on this connection is read and forgotten
        self._discarded = 0
        self._held = self._last = 0
        self._begin()
        self._is_begun = False

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and answer requests whose head is complete."""
        if self.is_idle:
            self._go_on()
        if self._is_deaf:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self.transport.close()
            return
        try:
            if len(data) <= SLICE:
                self._feed(data)
            else:
                view = memoryview(data)
                for start in range(0, len(data), SLICE):
                    self._feed(view[start : start + SLICE])
            if self._is_begun or self._held:
                self._hold()
        except Refusal as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Full):
                self.cycle.keep_alive = False
                self._is_deaf = True
            elif isinstance(error.__context__, Refusal):
                self._refuse(error.__context__)
            else:
                self._refuse(Refusal(400, "no HTTP", f"this is no request of HTTP/1.1: {error}", headers=_CLOSE))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._is_begun = False
        self._hold()
        super().connection_lost(exc)

    # Callbacks of the parser; it hands on what they raise as the context of a HttpParserError

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        self.url += url
        self._silent = 0
        self._room -= len(url)
        if len(self.url) > URL_BYTES:
            raise Refusal(414, "URL too long", f"the URL has more than {URL_BYTES} bytes", headers=_CLOSE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer, which nobody needs."""
        self._silent = 0
        self._lines -= 1
        self._room -= len(name) + len(value)
        if self._room < 0 or self._lines < 0:
            raise _too_large()
        if not self._is_body:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Have the request answered, unless its head is going to be parsed again without `Upgrade`."""
        parser = self.parser
        if parser.should_upgrade():
            if parser.get_method() == b"CONNECT":
                raise Refusal(405, "wrong method", "this is no proxy", headers=_CLOSE)
            return
        if len(self.pipeline) >= WAITING:
            raise _Full
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope = self._scope(
            version,
            parser.get_method().decode("ascii"),
            urllib.parse.unquote(path) if "%" in path else path,
            url.path,
            url.query or b"",
        )
        before = self.cycle
        self.cycle = self._cycle(version != "1.0" and parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        self._is_body = True

    def on_chunk_header(self) -> None:
        """Begin a chunk of a body."""
        self._silent = 0
        self._chunks += 1
        if self._chunks > CHUNKS + self._body // CHUNK_BYTES:
            detail = f"the body comes in chunks of less than {CHUNK_BYTES} bytes; send larger ones"
            raise Refusal(413, "chunks too small", detail, headers=_CLOSE)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._silent = self._last = 0
        self._body += len(body)
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End a request."""
        if self._is_body:
            if not self.cycle.response_complete:
                self.cycle.more_body = False
                self.cycle.message_event.set()
            self._is_begun = False

    def _begin(self) -> None:
        self._is_begun, self._is_body = True, False
        self._room, self._lines = BYTES, LINES
        self._silent = 0  # bytes that the parser has taken since its last callback
        self._chunks = self._body = 0

    def _feed(self, data: bytes | memoryview) -> None:
        rest: bytes | memoryview = data
        self._last = len(data)
        self._silent += self._last
        while True:
            try:
                self.parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
            self._hear_no_upgrade()
        if self._silent > BYTES:
            raise _too_large()

    def _hear_no_upgrade(self) -> None:
        """Parse the head again as if it requested no upgrade: the parser would not take its body for one."""
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] not in _NOT_HEARD]
        version = self.parser.get_http_version().encode()
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (self.parser.get_method(), self.url, version, b"".join(lines))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(head)

    def _hold(self) -> None:
        """Keep count of what unfinished requests hold, at most. Raises Refusal if it is too much."""
        held = 0
        if self._is_begun:
            reported = BYTES - self._room + LINE_COST * (LINES - self._lines)
            held = reported + max(self._silent, self._last)
        Protocol.held += held - self._held
        self._held = held
        if Protocol.held > HELD_BYTES and held > 4096:
            raise Refusal(503, "too many heads", "too many requests are unfinished", headers=_CLOSE)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the request that is being parsed with a refusal, in its turn, and close the connection after it."""
        self._is_deaf = True
        refuse = partial(self.config.app.refuse, refusal)  # type: ignore[union-attr]
        before = self.cycle
        if self._is_begun and self._is_body:
            if before.response_complete:
                self.transport.close()
                return
            before.keep_alive = False
            if self.pipeline and self.pipeline[0][0] is before:
                self.pipeline[0] = (before, refuse)
                return
            if before.response_started:
                return
            before.disconnected = True
            before.message_event.set()
        else:
            if not self._is_begun:
                self.on_message_begin()
            self.scope = self._scope("1.1", "GET", self.url.decode("latin-1"), self.url, b"")
            self.headers.clear()
        self.cycle = self._cycle(False, Lingering(self))
        if before is None or before.response_complete or before.disconnected:
            self._start_asgi_task(self.cycle, refuse)
        else:
            self.pipeline.appendleft((self.cycle, refuse))


class _Full(Exception):
    """As many pipelined requests wait as may; those that follow are for another connection."""


def _too_large() -> Refusal:
    detail = f"request line, headers and trailers have more than {BYTES} bytes or {LINES} lines"
    return Refusal(431, "head too large", detail, headers=_CLOSE)
