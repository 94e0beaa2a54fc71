"""A port with `/healthz`, `/readyz` and `/metrics`, as the service has them. It answers no rows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ...errors import ContractError
from ..access.access import Access
from ..log.metrics import Metrics
from ..refusal import Refusal, problem_json

STUCK_SECONDS = 60.0  # without progress until the process counts as dead
READ_SECONDS = 5.0  # for a request to come

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class StreamHealth:
    """What the port tells: `status` is `starting`, `waiting for partitions`, `ready` or `draining`."""

    def __init__(self, metrics: Metrics, access: Access, bundles: dict[str, str]) -> None:
        self.status = "starting"
        self._metrics, self._access, self._bundles = metrics, access, bundles
        self._beat = time.monotonic()

    def beat(self) -> None:
        """Report progress."""
        self._beat = time.monotonic()

    def listen(self, host: str, port: int) -> str:
        """Answer at this address in threads of their own; return its URL. Raises ContractError if it is taken."""
        told = self

        class HealthHandler(BaseHTTPRequestHandler):
            timeout = READ_SECONDS

            def do_GET(self) -> None:
                self._tell(self.wfile.write)

            def do_HEAD(self) -> None:
                self._tell(lambda _body: None)

            def _tell(self, write: Callable[[bytes], object]) -> None:
                headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
                status, kind, body = told.answer(self.path.partition("?")[0], headers)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                write(body)

            def log_message(self, *_: object) -> None:
                pass

        try:
            server = ThreadingHTTPServer((host, port), HealthHandler)
        except OSError as error:
            raise ContractError(
                f"{host}:{port}: {error.strerror or error}; say another with --host and --port, or --port 0"
            ) from None
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        return f"http://{host}:{server.server_address[1]}"

    def answer(self, path: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, str, bytes]:
        """Status, type and body of the answer to a path."""
        answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": lambda: (200, TEXT, self._metrics.text()),
        }
        try:
            if path not in answers:
                raise Refusal(404, "not found", f"there are {', '.join(answers)}")
            if path == "/metrics":
                self._access.check(headers, "read")
            return answers[path]()
        except Refusal as refusal:
            return refusal.status, "application/problem+json", problem_json(refusal, "")

    def _alive(self) -> tuple[int, str, bytes]:
        seconds = time.monotonic() - self._beat
        if seconds < STUCK_SECONDS:
            return 200, "application/json", b'{"status":"alive"}'
        return 503, "application/json", json.dumps({"status": f"no progress for {seconds:.0f} s"}).encode()

    def _ready(self) -> tuple[int, str, bytes]:
        content = {"status": self.status, "models": self._bundles}
        return 200 if self.status == "ready" else 503, "application/json", json.dumps(content).encode()
