"""Prometheus' own tools and servers read the rules and configurations that a generated project brings."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from projects import ROOT, run

PROMETHEUS = ROOT / "{{cookiecutter.project}}/deploy/prometheus"
TRIED = ROOT / "tests/alerts.test.yml"
TOOLS = ("promtool", "amtool", "prometheus", "prometheus-alertmanager")
LONGEST = 60.0  # seconds from a dropped line to its alarm, on a busy machine; 8 to 12 on an idle one

# a person's machine may lack them, the one that judges a change has them
missing = [tool for tool in TOOLS if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(
    bool(missing) and not os.environ.get("CI"), reason=f"not on the PATH: {', '.join(missing)}"
)


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))  # which is YAML too
    return path


def test_the_rules_are_rules_and_fire_when_they_should(tmp_path: Path) -> None:
    assert "10 rules found" in run(["promtool", "check", "rules", "--lint-fatal", "alerts.yml"], PROMETHEUS)
    shutil.copy(PROMETHEUS / "alerts.yml", tmp_path)
    assert "SUCCESS" in run(["promtool", "test", "rules", shutil.copy(TRIED, tmp_path)], tmp_path)


def test_each_alert_is_tried_and_says_what_happened_and_what_to_do() -> None:
    (group,) = read(PROMETHEUS / "alerts.yml")["groups"]
    tried = TRIED.read_text()
    for rule in group["rules"]:
        name = rule["alert"]
        assert re.search(rf'alertname(: |="){name}\b', tried), f"{name} is not tried"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "action"}


@pytest.mark.parametrize("changed", ["code=~", "> 0.2", "answered_by!=", "count by (stage, variant, model, bundle)"])
def test_a_rule_that_is_changed_fails_its_test(tmp_path: Path, changed: str) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "alerts.yml").read_text()
    other = {"code=~": "code!~", "> 0.2": "> 20", "answered_by!=": "answered_by="}.get(changed, "count by (stage)")
    assert changed in text
    (tmp_path / "alerts.yml").write_text(text.replace(changed, other))
    assert "FAILED" in run(["promtool", "test", "rules", shutil.copy(TRIED, tmp_path)], tmp_path, ok=False)


def test_the_configurations_are_read_by_what_they_are_for(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "serving.key").write_text("secret")
    assert "SUCCESS" in run(["promtool", "check", "config", "prometheus.yml"], tmp_path)
    assert "2 receivers" in run(["amtool", "check-config", "alertmanager.yml"], tmp_path)
    # Debian's Prometheus is built without the discovery of pods; the rest of that file it reads
    cluster = read(PROMETHEUS / "prometheus.kubernetes.yml")
    (job,) = cluster["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    job["file_sd_configs"] = [{"files": ["targets.yml"]}]
    assert "SUCCESS" in run(["promtool", "check", "config", write(tmp_path / "p.yml", cluster)], tmp_path)
    beside = read(PROMETHEUS / "prometheus.yml")
    del job["file_sd_configs"], job["relabel_configs"], beside["scrape_configs"][0]["file_sd_configs"]
    assert cluster == beside


class _Service(BaseHTTPRequestHandler):
    """Metrics of a service whose disk is full from the third time on that it is asked."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Bearer secret":
            self.send_error(401)
            return
        self.server.asked += 1  # type: ignore[attr-defined]
        dropped = 0 if self.server.asked < 3 else 7  # type: ignore[attr-defined]
        name = "modelyard_prediction_log_dropped_lines_total"
        text = f'# TYPE {name} counter\n{name}{{reason="disk"}} {dropped}\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


class _Pager(BaseHTTPRequestHandler):
    """Takes what Alertmanager sends."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.put((self.path, sent))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked, server.taken = 0, queue.Queue()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
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


def test_a_dropped_line_of_the_prediction_log_becomes_a_page(tmp_path: Path) -> None:
    shutil.copy(PROMETHEUS / "alerts.yml", tmp_path / "alerts.yml")
    (tmp_path / "serving.key").write_text("secret\n")
    routes, scraped = read(PROMETHEUS / "alertmanager.yml"), read(PROMETHEUS / "prometheus.yml")
    with serve(_Service) as service, serve(_Pager) as pager:
        for receiver in routes["receivers"]:
            (hook,) = receiver["webhook_configs"]
            hook["url"] = re.sub(r"//[^/]+/", f"//127.0.0.1:{pager.server_port}/", hook["url"])
        write(tmp_path / "alertmanager.yml", routes)
        target = {"targets": [f"127.0.0.1:{service.server_port}"], "labels": {"stage": "staging", "variant": "stable"}}
        write(tmp_path / "targets.yml", [target])
        scraped["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        silent = ["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0", "--storage.path=alerts"]
        with program(tmp_path, "prometheus-alertmanager", "--config.file=alertmanager.yml", *silent) as address:
            scraped["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [address]}]}]
            write(tmp_path / "prometheus.yml", scraped)
            kept = ["--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data"]
            with program(tmp_path, "prometheus", "--config.file=prometheus.yml", *kept):
                path, sent = pager.taken.get(timeout=LONGEST)  # type: ignore[attr-defined]
    assert path == "/page"
    assert sent["status"] == "firing"
    (alert,) = sent["alerts"]
    assert alert["labels"]["alertname"] == "PredictionsNotLogged"
    assert alert["labels"]["stage"] == "staging"
    assert alert["annotations"]["summary"].startswith(f"127.0.0.1:{service.server_port} (staging) has dropped ")
