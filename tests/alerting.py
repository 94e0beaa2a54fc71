"""Prometheus and Alertmanager with a project's own rules, over what the library's own code serves as metrics."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from library.figures import UNTIL, figures
from modelyard.production.gauges import render
from modelyard.production.ship import shipping_text
from modelyard.production.shipping import Shipped, Waiting
from modelyard.serving.log.metrics import SECONDS, Metrics
from modelyard.serving.log.shared import Shared
from ruamel.yaml import YAML

from projects import ROOT

PROJECT = ROOT / "{{cookiecutter.project}}"
PROMETHEUS = PROJECT / "deploy/prometheus"
KINDS = ("drift", "performance", "coverage", "skew", "logs")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))  # which is YAML too
    return path


class Replica:
    """A replica of the service, whose metrics are the service's own code. odd: its bundle while it is not healthy."""

    def __init__(self, odd: str = "0123") -> None:
        self.up, self.healthy = True, True
        self._bundles = {True: "0123", False: odd}
        self._metrics = Metrics(Shared(1), 0)
        self._model = {"model": "m", "variant": "stable"}
        known = {**self._model, "bundle": "0123"}
        self._metrics.common("model_learned_until_timestamp_seconds", **known)(time.time() - 9e6)
        self._scores = self._metrics.histogram("prediction_score", (0.2, 0.5, 0.8), **known)
        self._seconds = self._metrics.histogram("http_request_duration_seconds", SECONDS)
        self._failing = self._metrics.level("prediction_log_failing_workers")
        for name, labels in (
            ("stuck_workers_total", {}),
            ("prediction_log_dropped_lines_total", {"reason": "disk"}),
            ("http_requests_total", {"path": "/predict", "code": "500"}),
            ("predictions_total", {**self._model, "answered_by": "baseline"}),
        ):
            self._metrics.counter(name, **labels)(0.0)

    def text(self) -> str | None:
        """The metrics after some more requests; None while it is down."""
        if not self.up:
            return None
        count, healthy = self._metrics.counter, self.healthy
        for bundle in self._bundles.values():
            in_service = float(bundle == self._bundles[healthy])
            self._metrics.level("model_info", **self._model, bundle=bundle)(in_service)
        count("http_requests_total", path="/predict", code="200" if healthy else "500")(20)
        count("predictions_total", **self._model, answered_by="model" if healthy else "baseline")(20)
        count("prediction_log_written_lines_total")(20 if healthy else 0)
        count("prediction_log_dropped_lines_total", reason="disk")(0 if healthy else 20)
        count("stuck_workers_total")(0 if healthy else 1)
        self._failing(0.0 if healthy else 1.0)
        for _ in range(20):
            self._seconds.add(0.001 if healthy else 0.4)
            self._scores.add(0.3)
        return self._metrics.text().decode()


class Shipper:
    """What ships the log and serves the figures, told by the library; `fault` is what is wrong with it."""

    def __init__(self, fault: str) -> None:
        self.healthy, self._fault = True, fault
        self.shipped = Shipped()

    def waiting(self) -> Waiting:
        """What waits in its folder."""
        fault = "" if self.healthy else self._fault
        oldest = time.time() - (4_000 if fault == "slow" else 9)
        return Waiting(files=3, bytes=1_500_000_000 if fault == "store" else 10**6, allotment=2 * 10**9, oldest=oldest)

    def text(self) -> str | None:
        """The metrics; None while it is down."""
        if not self.healthy and self._fault == "store":
            self.shipped.failures += 1
            self.shipped.lost_lines += 1_000
        is_down = not self.healthy and self._fault == "down"
        if not self.healthy and self._fault == "unwatched":
            return shipping_text([self])  # type: ignore[list-item]
        return None if is_down else shipping_text([self]) + self._figures()  # type: ignore[list-item]

    def _figures(self) -> str:
        latest = figures()
        raised = [{"key": kind, "kind": kind, "subject": f"the {kind}"} for kind in KINDS]
        latest["alarms"] = [] if self.healthy else raised
        return render(latest, datetime.fromisoformat(UNTIL) + timedelta(days=0 if self.healthy else 3))


class Targets(BaseHTTPRequestHandler):
    """What Prometheus scrapes: each path is one of the server's `targets`."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.scrapes[name] = self.server.scrapes.get(name, 0) + 1  # type: ignore[attr-defined]
        key = self.headers.get("Authorization", "")
        text = self.server.targets[name].text()  # type: ignore[attr-defined]
        if isinstance(self.server.targets[name], Replica) and key != "Bearer secret":  # type: ignore[attr-defined]
            self.send_error(401)
        elif text is None:
            self.send_error(503)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


class Pager(BaseHTTPRequestHandler):
    """Takes what Alertmanager sends."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.put((self.path, sent))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serve(server: ThreadingHTTPServer, **kept: Any) -> Iterator[ThreadingHTTPServer]:
    """A server that runs meanwhile, with attributes for its handler."""
    with server:
        vars(server).update(kept, taken=queue.Queue(), scrapes={})
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@contextmanager
def program(folder: Path, *command: str) -> Iterator[str]:
    """A server of Prometheus's family; the address that it says it listens on."""
    log = folder / f"{command[0]}.log"
    with log.open("w") as opened:
        process = subprocess.Popen(command, cwd=folder, stdout=opened, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            if found := re.search(r'msg="Listening on" address=(127\.0\.0\.1:\d+)', log.read_text()):
                yield found[1]
                return
            assert process.poll() is None, log.read_text()[-3000:]
            threading.Event().wait(0.1)
        pytest.fail(f"{command[0]} does not listen: {log.read_text()[-3000:]}")
    finally:
        process.terminate()
        process.wait(timeout=30)


def alertmanager(folder: Path, pager: int, relay: int) -> Any:
    """Alertmanager with a project's configuration, its receivers on this machine, and no patience."""
    routes = read(PROMETHEUS / "alertmanager.yml")
    for route in (routes["route"], *routes["route"]["routes"]):
        route |= {"group_wait": "100ms", "group_interval": "500ms"}
    text = json.dumps(routes).replace("//alerts:8080/", f"//127.0.0.1:{pager}/")
    text = text.replace("//relay:9096/", f"//127.0.0.1:{relay}/")
    (folder / "alertmanager.yml").write_text(text)
    given = ["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0", "--storage.path=alerts"]
    return program(folder, "prometheus-alertmanager", "--config.file=alertmanager.yml", *given)


def prometheus(folder: Path, port: int, targets: dict[str, Any], relay: int, manager: str) -> Any:
    """Prometheus with a project's rules and configuration; what takes minutes takes seconds."""
    rules = (PROMETHEUS / "alerts.yml").read_text()
    for words, soon in ((r"\bfor: \d+[ms]", "for: 1s"), (r"\[\d+m\]", "[5s]"), (r"\boffset \d+d", "offset 1s")):
        rules = re.sub(words, soon, rules)
    (folder / "alerts.yml").write_text(rules)
    (folder / "serving.key").write_text("secret\n")

    def at(name: str) -> dict[str, Any]:
        stage = name.rpartition("-")[2] if isinstance(targets[name], Shipper) else "production"
        labels = {"__metrics_path__": f"/{name}", "instance": name, "stage": stage}
        labels |= {"variant": "stable"} if isinstance(targets[name], Replica) else {}
        return {"targets": [f"127.0.0.1:{port}"], "labels": labels}

    configuration = read(PROMETHEUS / "prometheus.yml")
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "500ms"}
    configuration["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [manager]}]}]
    _, shipping, relaying = configuration["scrape_configs"]
    write(folder / "targets.yml", [at(name) for name, one in targets.items() if isinstance(one, Replica)])
    shipping["static_configs"] = [at(name) for name, one in targets.items() if isinstance(one, Shipper)]
    relaying["static_configs"] = [{"targets": [f"127.0.0.1:{relay}"]}]
    write(folder / "prometheus.yml", configuration)
    given = ["--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data"]
    return program(folder, "prometheus", "--config.file=prometheus.yml", *given)


def ask(address: str, expression: str) -> list[dict[str, Any]]:
    """What Prometheus answers to an expression now."""
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]["result"]
