"""The service as an ASGI application: from the head of a request to its response."""

from __future__ import annotations

import itertools
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sized
from typing import Any

from ..access.access import Access
from ..access.key import Role
from ..config import Config
from ..log.audit import Audit
from ..log.failures import FailureLog
from ..log.metrics import SECONDS, Histogram, Metrics
from ..refusal import Refusal, error_json, problem_json
from .body import Bodies, Gone, Receive
from .encoding import check_encoding
from .host import HOST, check_hosts
from .limits import SECURITY_HEADERS, Limiter
from .request import JSON, HttpRequest, Reply, Route
from .tensors import KIND as BINARY
from .tensors import LENGTH

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Send = Callable[[Any], Awaitable[None]]

_log = logging.getLogger(__name__)


class App:
    """Answers HTTP requests by `routes`, which may be replaced at any time: a request keeps the routes it began with.

    `open` counts the requests that are being answered; `begun` is the server's collection of requests, including those
    that wait for their turn.
    """

    def __init__(
        self, config: Config, access: Access, metrics: Metrics, audit: Audit, failures: FailureLog | None = None
    ) -> None:
        self.routes: Mapping[str, Route] = {}
        self.draining = False
        self.audit = audit
        self.failures = failures or FailureLog()
        self.metrics = metrics
        self.is_open = access.is_open
        self.has_keys = access.has_keys
        self._access = access
        self._limiter = Limiter(config.rate.per_second, config.rate.burst) if config.rate.per_second else None
        self.body_limit = int(config.body_mb * 1e6)
        self._bodies = Bodies(self.body_limit)
        self._ids = map(f"{os.urandom(8).hex()}-{{:x}}".format, itertools.count())
        self._counts: dict[tuple[str, int], Callable[[float], None]] = {}
        self._seconds: dict[str, Histogram] = {}
        self.open = 0
        self._in_flight = metrics.level("http_requests_in_flight")
        self._in_flight(0)  # a predecessor may have been killed with some
        self.begun: Sized = ()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only http is served here, not {scope['type']}")
        request = HttpRequest(scope, next(self._ids))
        route = self.routes.get(request.path, _UNKNOWN)
        self.open += 1
        self._in_flight(self.open)
        more: list[tuple[bytes, bytes]] = []
        try:
            reply = await self._answer(request, route, receive)
        except Refusal as refusal:
            reply = self._refuse(request, route, refusal)
            more = refusal.headers
        except Gone:
            self._count("refused_requests_total", reason="client gone")
            return
        except Exception:
            _log.exception("request %s to %s: a fault of the service", request.id, route.label)
            reply = self._refuse(request, route, Refusal(500, "fault", "the service has a fault; its log says more"))
        finally:
            self.open -= 1
            self._in_flight(self.open)
        await self._send(request, route, reply, more, send)

    async def refuse(self, refusal: Refusal, scope: Any, _receive: Receive, send: Send) -> None:
        """Answer a request that could not be read, as an ASGI application."""
        request = HttpRequest(scope, next(self._ids))
        await self._send(request, _UNREAD, self._refuse(request, _UNREAD, refusal), refusal.headers, send)

    def turn_away(self) -> None:
        """Count and report a connection that is one too many."""
        self._count("refused_connections_total")
        self.failures.write(503, reason="too many connections")

    async def _send(
        self, request: HttpRequest, route: Route, reply: Reply, more: list[tuple[bytes, bytes]], send: Send
    ) -> None:
        headers = [
            (b"content-type", reply.kind),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", request.shown_id.encode()),
            (b"x-service-request-id", request.id.encode()),
            *SECURITY_HEADERS,
            *reply.headers,
            *more,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        seconds = time.perf_counter() - request.started
        self._observe(route.label, reply.status, seconds)
        if reply.status >= 300:
            self._report(request, reply.status, seconds)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def plain(self, request: HttpRequest) -> bytes:
        """The body, decompressed. Raises Refusal with status 413 if it is too large then."""
        if request.encoding is None:
            return request.body
        return self._bodies.decompressed(request.body, request.encoding)

    def sweep(self) -> None:
        """Cancel requests whose bodies arrive too slowly; to be called once a second."""
        self._bodies.sweep()
        self.failures.tell_suppressed()

    async def _answer(self, request: HttpRequest, route: Route, receive: Receive) -> Reply:
        headers = dict(request.headers)  # of several with one name the last one
        host = headers.get(b"host")
        if host is None or len(headers) != len(request.headers) or not HOST.fullmatch(host):
            check_hosts([value for name, value in request.headers if name == b"host"], request.version)
        if (sent := headers.get(b"x-request-id")) is not None and REQUEST_ID.fullmatch(sent):
            request.client_id = sent.decode()
        if (sent := headers.get(b"traceparent")) is not None and TRACEPARENT.fullmatch(sent):
            request.traceparent = sent.decode()
        method = request.method
        handler = route.handlers.get(method)
        if handler is None:
            raise _no_handler(route, request.path, method)
        if route.role is not None:
            self._let_in(request, route.role)
        if method == "POST":
            kind = headers.get(b"content-type")
            if kind != JSON and not (kind == BINARY and route.is_v2 and LENGTH in headers):
                _check_kind(kind)
            if (encoding := headers.get(b"content-encoding")) is not None:
                request.encoding = check_encoding(encoding)
            try:
                try:
                    length = headers.get(b"content-length")
                    request.body = await self._bodies.read(receive, length, b"expect" in headers)
                finally:  # the client's time to send it is not the service's
                    request.started = time.perf_counter()
                return await handler(request)
            finally:
                self._bodies.done()
        return await handler(request)

    def _let_in(self, request: HttpRequest, role: Role) -> None:
        caller = request.caller = self._access.check(request.headers, role)
        if self._limiter is not None and (wait := self._limiter.take(caller.name)):
            seconds = b"%d" % max(1, -(-wait // 1))
            detail = f"{caller.name} sends more than its rate; ask again in {seconds.decode()} s"
            raise Refusal(429, "too many requests", detail, headers=[(b"retry-after", seconds)])

    def _refuse(self, request: HttpRequest, route: Route, refusal: Refusal) -> Reply:
        self._count("refused_requests_total", reason=refusal.title)
        request.refused = refusal.title
        if route.is_v2 or request.path.startswith(("/v1", "/v2")):
            return Reply(error_json(refusal), refusal.status)
        return Reply(problem_json(refusal, request.shown_id), refusal.status, b"application/problem+json")

    def _observe(self, label: str, status: int, seconds: float) -> None:
        count = self._counts.get((label, status))
        if count is None:
            count = self.metrics.counter("http_requests_total", path=label, code=str(status))
            self._counts[label, status] = count
            self._seconds.setdefault(
                label, self.metrics.histogram("http_request_duration_seconds", SECONDS, path=label)
            )
        count(1.0)
        self._seconds[label].add(seconds)

    def _report(self, request: HttpRequest, status: int, seconds: float) -> None:
        self.failures.write(
            status=status,
            reason=request.refused,
            method=request.method,
            path=request.path[:200],
            caller=request.caller.name if request.caller else None,
            request=request.id,
            client_request=request.client_id,
            traceparent=request.traceparent,
            seconds=round(seconds, 6),
        )

    def _count(self, name: str, **labels: str) -> None:
        self.metrics.counter(name, **labels)(1.0)


def _no_handler(route: Route, path: str, method: str) -> Refusal:
    if not route.handlers:
        return Refusal(404, "no such path", f"there is no {path[:200]}; /openapi.json lists what there is")
    allowed = ", ".join(route.handlers)
    return Refusal(405, "wrong method", f"{path} takes {allowed}, not {method}", headers=[(b"allow", allowed.encode())])


def _check_kind(kind: bytes | None) -> None:
    """Check that the content type is JSON in UTF-8; without a content type, JSON is assumed."""
    if kind is None:
        return
    main, _, parameters = kind.lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].strip(b' "')
    if main.strip() != JSON or charset not in (b"", b"utf-8", b"utf8", b"us-ascii"):
        raise Refusal(415, "wrong content type", f"send application/json in UTF-8, not {kind[:100].decode('latin-1')}")


_UNKNOWN = Route("other", {})
_UNREAD = Route("unread", {})
