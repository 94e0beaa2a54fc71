"""The service as it runs: processes, signals and sockets. Every test starts one, so they are few."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from modelyard.serving.access.key import add


class Load:
    """Clients that ask again and again, on connections that they keep as long as the service lets them."""

    def __init__(self, service, path, row, clients=4):
        self._service, self._path, self._body = service, path, json.dumps(row)
        self._ends = threading.Event()
        self.answers, self.failed = [], []
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self):
        connection = self._service.connect()
        while not self._ends.is_set():
            try:
                connection.request("POST", self._path, self._body, {"content-type": "application/json"})
                response = connection.getresponse()
                body = response.read()
            except ConnectionRefusedError:
                return  # it listens no more, which is no broken promise
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                return
            self.answers.append((response.status, json.loads(body)["bundle"]))
            if response.getheader("connection") == "close":
                connection.close()


def raw(service, *parts, wait=0.0):
    """What comes back for bytes that are sent in parts."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(wait)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while got := connection.recv(65536):
                answer += got
        return answer


def swap(bundle, other):
    """Put another bundle in a bundle's place, in one step."""
    link = bundle.with_name("next")
    link.symlink_to(other)
    link.replace(bundle)


def wait_until(true):
    """Wait until something is true; it must be in time."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def damaged(bundle):
    """Files of a bundle, each with bytes that must not be taken: cut off, no JSON, without a key, of another type."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    changes = [{"files": []}, {"training": None}, {"threshold": "x"}, {"classes": 1}, {"name": "other"}, {"format": []}]
    damages = [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, json.dumps(manifest).encode()[:-50]]
    damages += [json.dumps(manifest | change).encode() for change in changes]
    for left in manifest.keys() - {"copy", "package", "cause"}:  # those need not be there
        damages.append(json.dumps({key: value for key, value in manifest.items() if key != left}).encode())
    others = ("contract.json", "probe.json", "model.onnx", "metrics.json")
    return [("manifest.json", raw) for raw in damages] + [(name, raw) for name in others for raw in (b"", b"{}")]


@pytest.fixture
def two(made, tmp_path, copied):
    """A link to a bundle, and two bundles that it may lead to."""
    first, second = copied(made, "first"), copied(made, "second")
    (tmp_path / "bundle").symlink_to(first)
    return tmp_path / "bundle", first, second


def test_requests_of_all_kinds_over_real_sockets(service, made, probe):
    one = service("--bundle", made.root / "bundle", "--open", "--workers", "2")
    name = made.contract.name
    assert one.said.endswith(" with 2 workers\n")
    assert len(one.workers()) == 2
    row = json.dumps(probe["rows"][0]).encode()
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    for _ in range(8):
        assert one.post("/predict", probe["rows"][0]).json()["predictions"][0]["prediction"] == probe["answers"][0]
    in_parts = [b"%scontent-length: %d\r\n\r\n" % (head, len(row)), row[:20], row[20:40], row[40:]]
    assert b"200 OK" in raw(one, *in_parts, wait=0.02)
    chunked = head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(row), row)
    assert b"200 OK" in raw(one, chunked)
    bad = {
        b"truncated": head + b"content-length: 500\r\n\r\n" + row[:30],
        b"no http": b"\x16\x03\x01 hello\r\n\r\n",
        b"endless head": b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 200_000,
        b"two lengths": head + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}",
        b"negative": head + b"content-length: -5\r\n\r\n{}",
        b"bad chunk": head + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}",
        b"upgrade": b"GET /predict HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"path": b"GET /%00%ff/..%2f HTTP/1.1\r\nhost: x\r\n\r\n",
    }
    for sent in bad.values():
        assert b"HTTP/1.1 5" not in raw(one, sent)
    assert raw(one, bad[b"endless head"]).startswith(b"HTTP/1.1 431")
    large = b'{"rows": [' + b"{}," * 6_000_000 + b"{}]}"
    told = raw(one, b"%scontent-length: %d\r\n\r\n" % (head, len(large)), large)
    assert told.startswith(b"HTTP/1.1 413")
    assert one.post(f"/models/{name}/predict", probe["rows"][0]).status == 200
    metrics = one.get("/metrics").body.decode()
    assert f'modelyard_predictions_total{{model="{name}",variant="stable",answered_by="model"}} 11' in metrics
    assert 'code="5' not in metrics
    assert 'modelyard_http_requests_total{path="unread",code="431"} 2' in metrics
    assert "modelyard_worker_starts_total 2" in metrics
    for worker in ("parent", "0", "1"):
        assert re.search(rf'process_resident_memory_bytes{{worker="{worker}"}} \d{{7}}', metrics)
    assert one.end() == 0
    assert "Traceback" not in one.errors.read_text()


def test_a_worker_that_dies_is_started_again(service, made, probe):
    one = service("--bundle", made.root / "bundle", "--open", "--workers", "1")
    before = one.post("/predict", probe["rows"][0])
    (worker,) = one.workers()
    os.kill(worker, signal.SIGKILL)
    # the socket is open all the while, so who comes now waits
    after = one.post("/predict", probe["rows"][0])
    assert after.json() == before.json()
    assert one.workers() != [worker]
    assert 'answered_by="model"} 2' in one.get("/metrics").body.decode()
    assert "worker 0 ended with -9; it is started again" in one.errors.read_text()


def test_a_new_bundle_is_loaded_without_a_dropped_request(service, two, probe, tmp_path, short):
    bundle, first, second = two
    keys = tmp_path / "keys.json"
    admin, client = add(keys, "admin", ["admin"]), add(keys, "client", ["predict", "read"])
    config = tmp_path / "serving.json"
    config.write_text(json.dumps({"models": {"flights": {"bundle": str(bundle)}}, "access": {"keys": str(keys)}}))
    one = service("--config", config, "--workers", "2")

    class Keyed(Load):
        def _ask(self):
            connection = self._service.connect()
            while not self._ends.is_set():
                headers = {"content-type": "application/json", "x-api-key": client}
                began = time.monotonic()
                connection.request("POST", self._path, self._body, headers)
                response = connection.getresponse()
                self.answers.append((response.status, json.loads(response.read())["bundle"], began))

    old, new = short(first), short(second)
    with Keyed(one, "/predict", probe["rows"][0]) as load:
        time.sleep(0.3)
        swap(bundle, second)
        told = one.post("/admin/reload", None, x_api_key=admin)
        assert told.json() == {"models": {"flights": new}, "workers": 2}
        reloaded = time.monotonic()
        time.sleep(0.3)
        shutil.rmtree(first)
        for name, raw in damaged(second):
            whole = (second / name).read_bytes()
            (second / name).write_bytes(raw)
            refused = one.post("/admin/reload", None, x_api_key=admin)
            assert refused.status == 409, (name, raw[:60])
            assert refused.json()["detail"].startswith("nothing has changed: "), raw[:60]
            (second / name).write_bytes(whole)
        bundle.unlink()
        refused = one.post("/admin/reload", None, x_api_key=admin)
        assert refused.status == 409
        time.sleep(0.1)
    assert {status for status, *_ in load.answers} == {200}
    assert {bundle for _, bundle, began in load.answers if began < reloaded} >= {old}
    assert {bundle for _, bundle, began in load.answers if began > reloaded} == {new}
    metrics = one.get("/metrics", x_api_key=client).body.decode()
    assert [line for line in metrics.splitlines() if line.startswith("modelyard_model_info")] == [
        f'modelyard_model_info{{model="flights",bundle="{new}",variant="stable"}} 1'
    ]
    lines = [line for line in one.errors.read_text().splitlines() if line.startswith('{"audit":"reload"')]
    outcomes = [json.loads(line)["outcome"] for line in lines]
    assert [outcome.partition(":")[0] for outcome in outcomes] == ["done", *["refused"] * (len(damaged(second)) + 1)]
    assert "Traceback" not in one.errors.read_text()


def test_a_signal_loads_the_bundles_and_another_one_drains(service, two, probe, short):
    bundle, _, second = two
    one = service("--bundle", bundle, "--open", "--workers", "2")
    with Load(one, "/predict", probe["rows"][0]) as load:
        time.sleep(0.2)
        swap(bundle, second)
        one.process.send_signal(signal.SIGHUP)
        wait_until(lambda: short(second) in {it for _, it in load.answers[-20:]})
        assert one.end() == 0
    assert load.failed == []
    assert {status for status, _ in load.answers} == {200}


def test_what_hinders_the_start_is_said_and_ends_it(made, tmp_path):
    def run(*arguments):
        given = ["--host", "127.0.0.1", *map(str, arguments)]
        command = [sys.executable, "-m", "flight_delays", "serve", *given]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    bundle = made.root / "bundle"
    told = run("--port", "0", "--bundle", bundle)
    assert (told.returncode, "Traceback" in told.stderr) == (1, False)
    assert "error: nobody could call the service: make a key with" in told.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run("--port", port, "--bundle", bundle, "--open")
    advice = "say another with --host and --port, as in ARGS='--port 9000'"
    assert told.stderr == f"error: 127.0.0.1:{port}: Address already in use; {advice}\n"
    (tmp_path / "bundle").mkdir()
    shutil.copyfile(bundle / "contract.json", tmp_path / "bundle/contract.json")
    told = run("--port", "0", "--bundle", tmp_path / "bundle", "--open", "--workers", "1")
    assert told.returncode == 1
    assert "holds no bundle (no manifest.json)" in told.stderr


LOOPS = """
import dataclasses, sys
from modelyard import run
from modelyard.serving.process import board, worker, workers
from flight_delays import project

for module in (board, worker, workers):
    module.STUCK_SECONDS = 2.0
worker.ROWS_A_DEADLINE = 1e9

def features(columns, contract):
    while (columns["distance"] == 1234).any():
        pass
    return project.features(columns, contract)

run(dataclasses.replace(project, features=features))
"""


def test_a_worker_that_makes_no_progress_is_replaced_and_counted(service, made, probe):
    one = service("--bundle", made.root / "bundle", "--open", "--workers", "1", program=("-c", LOOPS))
    row = probe["rows"][0]
    loop = row | {"distance": 1234}
    assert all(row["distance"] != 1234 for row in probe["rows"])

    def stop(worker):
        os.kill(worker, signal.SIGSTOP)

    def ask(content):
        def send(_worker):
            with contextlib.suppress(OSError, http.client.HTTPException):  # its connection ends with the worker
                one.post("/predict", content)

        return send

    for number, hinder in enumerate((stop, ask(loop), ask({"rows": [loop] * 1000})), 1):
        (worker,) = one.workers()
        hinder(worker)
        wait_until(lambda worker=worker: worker not in one.workers())
        assert one.post("/predict", row).json()["predictions"][0]["prediction"] == probe["answers"][0]
        counted = f"stuck_workers_total {number}"
        wait_until(lambda counted=counted: counted in one.get("/metrics").body.decode())
    told = one.errors.read_text()
    assert told.count("worker 0 made no progress for 2 s and is killed") == 3
    assert one.end() == 0


def resident(service):
    """The resident memory of all processes of a service, in 10^6 bytes."""
    pages = 0
    for process in (service.process.pid, *service.workers()):
        with contextlib.suppress(OSError):
            pages += int(open(f"/proc/{process}/statm").read().split()[1])  # noqa: SIM115
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_two_of_the_largest_bodies_at_once_take_no_more_memory_than_a_pod_has(service, made, probe):
    one = service("--bundle", made.root / "bundle", "--open", "--workers", "2")
    rows = [probe["rows"][number % 100] for number in range(100_000)]
    body = json.dumps({"columns": {name: [row[name] for row in rows] for name in rows[0]}}).encode()
    assert 8e6 < len(body) < 16e6
    answers = []

    def ask():
        connection = one.connect()
        connection.request("POST", "/predict", body, {"content-type": "application/json"})
        response = connection.getresponse()
        answers.append((response.status, json.loads(response.read())["columns"]["prediction"][:100]))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for pair in (clients[:2], clients[2:]):
        for client in pair:
            client.start()
        while any(client.is_alive() for client in pair):
            assert resident(one) < 400
            time.sleep(0.01)
    assert len(answers) == 4
    for status, predictions in answers:
        assert status == 200
        assert predictions == pytest.approx(probe["answers"], rel=1e-12)
