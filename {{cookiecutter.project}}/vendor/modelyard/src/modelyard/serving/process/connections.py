"""How many connections a worker may have: as many as it has descriptors for, and memory.

Where a process has no descriptor left, the kernel's queue fills and clients wait without a reason. So the limit is
raised as far as it may be, and a connection that is one too many is told why and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import ClassVar

from .protocol import Protocol

MOST = 10_000  # connections of a worker; each takes some kilobytes
RESERVED = 128  # descriptors for files, bundles and what a reload opens
LARGEST = 2**20  # descriptors; more cannot be used, and where there is no limit, no number can be named

_BODY = b'{"type":"about:blank","title":"too many connections","status":503,"detail":"connect again in a second"}'
TURNED_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
    b"retry-after: 1\r\nconnection: close\r\n\r\n%s" % (len(_BODY), _BODY)
)


def raise_limit() -> None:
    """Let this process and those that it starts open as many descriptors as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LARGEST if hard == resource.RLIM_INFINITY else min(hard, LARGEST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # a kernel with a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """How many connections this process may have at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    return min(max(soft - RESERVED, soft // 4), MOST)


class CountedProtocol(Protocol):
    """A connection, unless it is one too many. `config.app` must be an `App`, which counts those."""

    most: ClassVar[int] = MOST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or turn it away."""
        if len(self.connections) < self.most:
            super().connection_made(transport)
            return
        self.transport = transport
        self._is_deaf = True
        self.config.app.turn_away()  # type: ignore[union-attr]
        transport.write(TURNED_AWAY)
        transport.close()
