"""Move the log files of the service to the store, as long as this runs: closed and compressed ones, the oldest first.

A file is removed here when it is stored. While the store is away, files wait, and it is tried again after longer and
longer pauses; the service goes on, and removes its oldest files when its allotment is full. SIGTERM has it close and
ship what nobody writes any more. /metrics tells what waits, was shipped and was lost, and the figures of `monitor`.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import YardError
from ..runtime.project import Project
from .layout import LATEST
from .shipping import Shipper, totals
from .store import Store, StoreError

PREFIX = "modelyard_ship_"
LONGEST = 300.0  # seconds of a pause after failures
FIGURES = 300.0  # seconds between two looks for new figures
GRACE = 20.0  # seconds after SIGTERM for what is still written


class Figures:
    """The newest figures of `monitor` in the store, as text for Prometheus."""

    def __init__(self, store: Store) -> None:
        self._store, self._due = store, 0.0
        self._latest: dict[str, Any] | None = None

    def look(self) -> None:
        """Read them, if it is time to."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + FIGURES
        try:
            self._latest = json.loads(self._store.read(LATEST)) if self._store.has(LATEST) else None
        except (StoreError, ValueError):
            return  # those from before are told, with their age

    def text(self) -> str:
        """The metrics; nothing before there are figures."""
        if self._latest is None:
            return ""
        from .gauges import render

        return render(self._latest)


def shipping_text(shippers: list[Shipper]) -> str:
    """The metrics of shippers in Prometheus's text format."""
    return "".join(
        f"# HELP {PREFIX}{name} {text}\n# TYPE {PREFIX}{name} {kind}\n{PREFIX}{name} {value:.15g}\n"
        for name, kind, text, value in totals(shippers)
    )


def serve_metrics(host: str, port: int, text: Callable[[], str]) -> http.server.ThreadingHTTPServer:
    """Answer GET /metrics in a thread. Raises YardError if the port cannot be used."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in ("/metrics", "/healthz"):
                return self.send_error(404)
            content = text().encode() if self.path == "/metrics" else b"alive\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return None

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line."""

    try:
        server = http.server.ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise YardError(f"{host}:{port}: {error.strerror}; give another --port") from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def ship_all(shippers: list[Shipper], is_end: bool = False) -> bool:
    """One pass of each shipper; whether all have shipped what is closed."""
    done = [shipper.ship(is_end) for shipper in shippers]
    return all(done)


def run(shippers: list[Shipper], figures: Figures, stop: threading.Event, interval: float, grace: float) -> None:
    """Ship until `stop` is set, then what is left, for at most `grace` seconds while it is still written."""
    pause = 0.0
    while not stop.wait(pause):
        figures.look()
        is_done = ship_all(shippers)
        # several hosts must not come back at the same moment
        pause = interval if is_done else min(LONGEST, max(interval, 2 * pause)) * random.uniform(0.75, 1.0)  # noqa: S311
    until = time.monotonic() + grace
    while True:
        is_done = ship_all(shippers, is_end=True)
        if (is_done and not any(shipper.is_written for shipper in shippers)) or time.monotonic() >= until:
            return
        time.sleep(0.2)


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `ship`."""
    parser = argparse.ArgumentParser(
        prog="ship", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--folder", type=Path, action="append", required=True, help="a folder of the prediction log; may be repeated")
    add("--store", default=os.environ.get("STORE"), help="the folder or URL to ship to ($STORE)")
    add("--host-name", default=socket.gethostname(), help="what the name of the folder in the store begins with")
    add("--close-after", type=float, default=300.0, metavar="SECONDS", help="the age at which a file is closed (300)")
    add("--interval", type=float, default=5.0, metavar="SECONDS", help="the pause between two looks (5)")
    add("--grace", type=float, default=GRACE, metavar="SECONDS", help="after SIGTERM, for what is still written (20)")
    add("--address", default="0.0.0.0", help="where /metrics listens (all interfaces)")  # noqa: S104 - in a container
    add("--port", type=int, default=9100, help="the port of /metrics (9100); 0 takes a free one")
    add("--once", action="store_true", help="close and ship all that nobody writes, and end; for jobs")
    options = parser.parse_args(arguments)
    if not options.store:
        raise YardError("there is no store to ship to: give --store, or set STORE")
    store = Store(options.store)
    shippers = [Shipper(folder, store, options.host_name, options.close_after, _say) for folder in options.folder]
    if options.once:
        _once(shippers)
        return
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    figures = Figures(store)
    server = serve_metrics(options.address, options.port, lambda: shipping_text(shippers) + figures.text())
    _say(f"ships to {store.shown}; metrics at port {server.server_address[1]}")
    run(shippers, figures, stop, options.interval, options.grace)
    server.shutdown()


def _once(shippers: list[Shipper]) -> None:
    is_done = ship_all(shippers, is_end=True)
    files, lines = (sum(getattr(shipper.shipped, name) for shipper in shippers) for name in ("files", "lines"))
    _say(f"shipped files: {files}, with {lines} lines")
    if not is_done:
        sys.exit(1)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
