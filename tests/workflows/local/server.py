"""The HTTP server in front of the local GitHub: one thread per request, on a port of its own."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from .http import Refused, Request, Response, Route, token_of

if TYPE_CHECKING:
    from .github import GitHub


class Server:
    """Serves a GitHub at `url` from its making until `stop`."""

    def __init__(self, github: GitHub, routes: Sequence[Route]) -> None:
        self.github = github
        self.routes = list(routes)
        self.errors: list[str] = []
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def stop(self) -> None:
        """Stop listening, and wait for what is being answered."""
        self._http.shutdown()
        self._thread.join(timeout=30)
        self._http.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        """What the first route that matches says, or why it refuses."""
        parts = urlsplit(target)
        try:
            value = token_of(headers)
            token = self.github.tokens.get(value) if value is not None else None
            if value is not None and not token:
                raise Refused(401, "Bad credentials")
            fault = self._fault(f"{method} {parts.path}")
            for route in self.routes:
                given = route.match(method, parts.path)
                if given is not None:
                    if fault and not self.github.carried_out:
                        break
                    query = dict(parse_qsl(parts.query, keep_blank_values=True))
                    request = Request(self.github, method, parts.path, given, query, headers, body, token)
                    answer = route.answer(request)
                    if fault:
                        break
                    return answer
            raise fault or Refused(404, "Not Found")
        except Refused as refused:
            return refused.response
        except Exception:
            # a fault of this stand-in, not of what is tested: the tests ask for it at the end
            self.errors.append(f"{method} {target}\n{traceback.format_exc()}")
            return Response(500, {"message": "Server Error"})

    def _fault(self, call: str) -> Refused | None:
        for fault in self.github.faults:
            if call.startswith(fault[0]):
                self.github.faults.remove(fault)
                words = {
                    403: "Resource not accessible by integration",
                    422: "Validation Failed",
                    410: "Issues are disabled",
                }
                return Refused(fault[1], words.get(fault[1], "Server Error"))
        return None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, server: Server) -> None:
        self.ours = server
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    timeout = 60

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        response = self.server.ours.answer(self.command, self.path, headers, body)
        data = response.encoded()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        # a client that keeps the line open would hold up the end
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the tests print what they need."""
