"""What a handler gets and gives, and which handler a path has."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..access.access import Caller
from ..access.key import Role
from ..log.log_lines import Asked

JSON = b"application/json"


class HttpRequest:
    """A request as handlers receive it. `body` is empty for methods without one.

    id: the service's own, which no client can choose. client_id: the client's `X-Request-ID`, or None. started: the
    `perf_counter` time of its head or, where it has a body, of the body's end. encoding: how the body is compressed, or
    None. refused: why it was refused, or None.
    """

    __slots__ = (
        "body",
        "caller",
        "client_id",
        "encoding",
        "headers",
        "id",
        "method",
        "path",
        "refused",
        "started",
        "traceparent",
        "version",
    )

    def __init__(self, scope: Any, id_: str) -> None:
        self.path: str = scope["path"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.method: str = scope["method"]
        self.version: str = scope.get("http_version", "1.1")
        self.id, self.started = id_, time.perf_counter()
        self.refused: str | None = None
        self.client_id: str | None = None
        self.traceparent: str | None = None
        self.body = b""
        self.caller: Caller | None = None
        self.encoding: bytes | None = None

    @property
    def shown_id(self) -> str:
        """The id by which the client knows the request."""
        return self.client_id or self.id

    def asked(self) -> Asked:
        """The request as it is named in the prediction log."""
        return Asked(self.id, self.caller.name if self.caller else None, self.client_id, self.traceparent)

    def header(self, name: bytes) -> bytes | None:
        """The value of a header; `name` is in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Reply(NamedTuple):
    """The response of a handler."""

    body: bytes
    status: int = 200
    kind: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()


Handler = Callable[[HttpRequest], Awaitable[Reply]]


class Route(NamedTuple):
    """A path: its label in metrics, a handler for each method, and the role that it needs (None: open to all)."""

    label: str
    handlers: Mapping[str, Handler]
    role: Role | None = None
    is_v2: bool = False
