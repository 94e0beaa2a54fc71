"""The relay's HTTP: one path for Alertmanager, bounded in size, time and number of requests at once."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from ..errors import YardError

LARGEST = 1_000_000  # bytes of a body
SECONDS = 15.0  # in which a request must have arrived
AT_ONCE = 16


class Taker(Protocol):
    """What answers webhooks."""

    def admits(self, authorization: str) -> bool:
        """Whether a request's header is that of the one who may send."""

    def take(self, body: bytes) -> tuple[int, str]:
        """The status and text that answer a body."""

    def count(self, outcome: str, status: int, text: str) -> tuple[int, str]:
        """Count a request that is answered so."""

    def metrics(self) -> str:
        """What was counted."""


class RelayServer(ThreadingHTTPServer):
    """Serves a relay; connections beyond AT_ONCE are closed."""

    daemon_threads = True
    request_queue_size = 2 * AT_ONCE

    def __init__(self, address: tuple[str, int], relay: Taker) -> None:
        self.relay = relay
        self._places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, WebhookHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if there is room for one more."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke; a fault of ours is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class WebhookHandler(BaseHTTPRequestHandler):
    """One request."""

    server: RelayServer
    server_version, sys_version = "modelyard", ""
    timeout = SECONDS

    def setup(self) -> None:
        """Cut a connection off that sends too slowly."""
        super().setup()
        self._alarm = threading.Timer(SECONDS, self._cut_off)
        self._alarm.daemon = True
        self._alarm.start()

    def finish(self) -> None:
        """End the connection."""
        self._alarm.cancel()
        super().finish()

    def _cut_off(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        """Metrics, and whether this runs."""
        if self.path == "/metrics":
            self._answer(200, self.server.relay.metrics())
        elif self.path == "/healthz":
            self._answer(200, "it runs\n")
        else:
            self._answer(404, "there are /alerts, /metrics and /healthz\n")

    def do_POST(self) -> None:
        """A webhook."""
        try:
            status, text = self._status()
        except YardError as error:  # the token cannot be read now
            status, text = self.server.relay.count("failed", 503, str(error))
        self._answer(status, f"{text}\n")

    def _status(self) -> tuple[int, str]:
        relay, length = self.server.relay, self.headers.get("Content-Length", "")
        if self.path != "/alerts":
            return relay.count("refused", 404, "Alertmanager's webhook is to be sent to /alerts")
        if not relay.admits(self.headers.get("Authorization", "")):
            return relay.count("refused", 401, "the bearer token is not the one of this relay")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return relay.count("refused", 411, "a Content-Length is needed")
        if len(length) > len(str(LARGEST)) or int(length) > LARGEST:
            return relay.count("refused", 413, f"a body has at most {LARGEST} bytes")
        if self.headers.get_content_type() != "application/json":
            return relay.count("refused", 415, "a body is application/json")
        body = self.rfile.read(int(length))
        self._alarm.cancel()
        if len(body) < int(length):
            return relay.count("refused", 400, "the body is not complete")
        return relay.take(body)

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request: the relay says what it did."""
