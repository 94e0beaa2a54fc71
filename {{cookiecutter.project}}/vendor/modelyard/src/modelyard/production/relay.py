"""Pass Alertmanager's alerts on to GitHub: one `repository_dispatch` when an incident begins, one when it is over.

Listens for Alertmanager's webhook at POST /alerts, with a bearer token. An incident is a group of alerts, known by its
group key, from its first alert to its last; what is repeated meanwhile is not passed on. What GitHub does not take is
answered with 503: Alertmanager keeps it and sends it again, so nothing is lost while this is restarted either. The
workflows get the event `alert`. GET /metrics counts it all, for Prometheus.

The token for GitHub needs the permission to write contents of the one repository. Both tokens are read from files
whenever they are needed, and are never printed.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..errors import YardError
from ..github.api import PUBLIC, Client, GitHubError, checked_repository
from .alert_messages import Message, read_message
from .relay_http import RelayServer

EVENT = "alert"
FORGOTTEN = 3 * 86_400.0  # seconds; Alertmanager repeats an alert that lasts at least daily
MOST = 1_000  # incidents at a time
HELP = {
    "webhooks": ("counter", "Requests of Alertmanager, by what came of them"),
    "failures": ("counter", "Events that GitHub did not take, by its status (0: no answer)"),
    "incidents": ("gauge", "Incidents that last"),
}


class RelayError(YardError):
    """The relay cannot work as it was started."""


class Relay:
    """What is known of incidents, and how GitHub is told.

    state: a file that keeps the incidents over a restart; without it, one that lasts is passed on once more after it.
    Raises RelayError if a file cannot be read.
    """

    def __init__(self, repository: str, token: Path, webhook_token: Path, state: Path | None, base: str) -> None:
        self.repository, self._token, self._webhook_token = repository, token, webhook_token
        self._base, self._state = base, state
        self._server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
        self._lock = threading.RLock()
        self._sending: set[str] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        for path in (token, webhook_token):
            secret(path)
        self._incidents = _read_state(state)  # group key: when Alertmanager last said so, in seconds since 1970

    def admits(self, authorization: str) -> bool:
        """Whether a request's header carries the webhook's token."""
        expected = f"Bearer {secret(self._webhook_token)}"
        return hmac.compare_digest(authorization.encode(), expected.encode())

    def take(self, body: bytes) -> tuple[int, str]:
        """The status and text that answer a webhook."""
        try:
            message = read_message(body, f"{self._server}/{self.repository}/blob/HEAD")
        except ValueError as error:
            return self.count("refused", 400, str(error))
        with self._lock:
            if message.group in self._sending:
                return self.count("waiting", 503, "this group is being passed on; send it again")
            now, seen = time.time(), self._incidents.get(message.group)
            if message.firing and seen is not None and now - seen < FORGOTTEN:
                self._incidents[message.group] = now
                return self.count("known", 200, "it is known")
            if not message.firing and seen is None:
                return self.count("known", 200, "it is over, or was never passed on")
            if message.firing and len(self._incidents) >= MOST:
                return self.count("failed", 503, f"there are {MOST} incidents at a time")
            self._sending.add(message.group)
        try:
            return self._pass_on(message)
        finally:
            with self._lock:
                self._sending.discard(message.group)

    def _pass_on(self, message: Message) -> tuple[int, str]:
        payload = {"event_type": EVENT, "client_payload": message.payload}
        try:
            github = Client(self._base, secret(self._token))
            github.request("POST", f"/repos/{self.repository}/dispatches", payload)
        except YardError as error:
            status = error.status if isinstance(error, GitHubError) else 0
            with self._lock:
                self._counts["failures", str(status)] += 1
            say(f"not passed on: {json.dumps(message.payload['key'])}: {error}")
            return self.count("failed", 503, "GitHub did not take it; send it again")
        with self._lock:
            now = time.time()
            if message.firing:
                self._incidents[message.group] = now
            else:
                self._incidents.pop(message.group, None)
            self._incidents = {key: seen for key, seen in self._incidents.items() if now - seen < FORGOTTEN}
            self._keep()
        say(f"passed on: {message.payload['status']} {json.dumps(message.payload['key'])}")
        return self.count("sent", 200, "passed on")

    def _keep(self) -> None:
        if not self._state:
            return
        part = self._state.with_name(f"{self._state.name}.part")
        try:
            part.write_text(json.dumps(self._incidents))
            part.replace(self._state)
        except OSError as error:
            say(f"{self._state} cannot be written, so a restart passes on again what lasts: {error.strerror}")

    def count(self, outcome: str, status: int, text: str) -> tuple[int, str]:
        """Count a request, and answer it."""
        with self._lock:
            self._counts["webhooks", outcome] += 1
        return status, text

    def metrics(self) -> str:
        """What was counted, in Prometheus's text format. Each series begins at 0, so that an increase is seen."""
        with self._lock:
            series = {f'webhooks_total{{outcome="{one}"}}': 0 for one in ("sent", "known", "failed", "refused")}
            series |= {f'failures_total{{status="{one}"}}': 0 for one in ("0", "401", "403", "404", "422", "502")}
            for (name, value), number in sorted(self._counts.items()):
                label = "outcome" if name == "webhooks" else "status"
                series[f'{name}_total{{{label}="{value}"}}'] = number
            series["incidents"] = len(self._incidents)
        lines = []
        for name, (kind, text) in HELP.items():
            full = f"modelyard_relay_{name}{'_total' if kind == 'counter' else ''}"
            lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
            lines += [f"modelyard_relay_{one} {number}" for one, number in series.items() if one.startswith(name)]
        return "".join(f"{line}\n" for line in lines)


def secret(path: Path) -> str:
    """The token in a file of one line. Raises RelayError, without its text."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RelayError(f"the token in {path} cannot be read: {reason}") from None
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise RelayError(f"{path} does not hold a token: one line of letters and digits is needed")
    return text


def say(line: str) -> None:
    """Write a line to the log."""
    print(line, file=sys.stderr, flush=True)


def _read_state(state: Path | None) -> dict[str, float]:
    if not state or not state.exists():
        return {}
    try:
        content: Mapping[str, Any] = json.loads(state.read_text(encoding="utf-8"))
        return {str(key): float(seen) for key, seen in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RelayError(f"{state} cannot be read as what a relay keeps ({error}); remove it to begin anew") from None


def listen(relay: Relay, address: str) -> ThreadingHTTPServer:
    """A server for the relay at host:port, not yet running. Raises RelayError if it cannot listen there."""
    host, _, port = address.rpartition(":")
    try:
        return RelayServer((host, int(port)), relay)
    except (OSError, ValueError, OverflowError) as error:
        raise RelayError(f"the relay cannot listen on {address!r}: {error}; give host:port") from None


def main(arguments: list[str] | None = None) -> None:
    """The verb `relay`."""
    parser = argparse.ArgumentParser(
        prog="relay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    parser.add_argument("--token", type=Path, required=True, metavar="FILE", help="with the token for GitHub")
    parser.add_argument("--webhook-token", type=Path, required=True, metavar="FILE", help="with Alertmanager's token")
    parser.add_argument("--listen", default="127.0.0.1:9096", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keeps the incidents over a restart")
    options = parser.parse_args(arguments)
    base = os.environ.get("GITHUB_API_URL") or PUBLIC
    relay = Relay(checked_repository(options.repository), options.token, options.webhook_token, options.state, base)
    with listen(relay, options.listen) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        say(f"listening on http://{server.server_address[0]!s}:{server.server_port}/alerts for {relay.repository}")
        server.serve_forever(poll_interval=0.2)
