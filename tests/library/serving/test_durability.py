"""The whole service, as processes: what it answered is in its log, whatever becomes of it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time

import pytest
from modelyard.serving.access.key import LOOK_EVERY, add
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.prediction_log import PredictionLog

FLUSH = 0.8  # seconds


@pytest.fixture
def start(service, made, tmp_path):
    """Starts the service with keys and a log; what a caller must send."""
    key = add(tmp_path / "keys.json", "shop", ["predict", "read"])
    config = {
        "models": {"flights": {"bundle": str(made.root / "bundle")}},
        "workers": 2,
        "access": {"keys": str(tmp_path / "keys.json")},
        "log": {"folder": str(tmp_path / "log"), "flush_seconds": FLUSH},
    }
    (tmp_path / "serving.json").write_text(json.dumps(config))
    return lambda: (service("--config", tmp_path / "serving.json"), {"x-api-key": key})


def logged(folder):
    """The requests in the log once the next process has started. Each line must be whole, but for the last of a file,
    which a worker wrote when it was killed.
    """
    PredictionLog(folder, 0, FLUSH, 64, 16).close()
    texts = [path.read_text() for path in folder.glob("*.jsonl")]
    assert all(text.endswith("\n") for text in texts if text)
    torn = [line for text in texts for line in text.splitlines()[-1:] if not line.endswith("}")]
    lines = [json.loads(line) for line in read_lines(folder) if line.decode() not in torn]
    assert {line["caller"] for line in lines} <= {"shop"}
    return [line["client_request"] for line in lines]


class Load:
    """Callers that ask for single rows, one after the other, until the service is gone."""

    def __init__(self, running, headers, row, callers=4):
        self.answered: dict[str, float] = {}
        self.refused: list[int] = []
        self._threads = [
            threading.Thread(target=self._ask, args=[running.connect(), headers, row, caller])
            for caller in range(callers)
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, connection, headers, row, caller):
        body, number = json.dumps(row), 0
        while True:
            name = f"{caller}-{number}"
            try:
                connection.request("POST", "/predict", body, headers | {"x-request-id": name})
                response = connection.getresponse()
                response.read()
            except OSError:
                return
            except Exception:  # an answer that broke off
                return
            self.answered[name] = time.monotonic()
            if response.status != 200:
                self.refused.append(response.status)
            number += 1

    def wait(self):
        """Wait until all callers have found that it is gone."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def test_kill_9_of_all_processes_under_load_loses_no_request_that_is_older_than_the_interval(start, made, tmp_path):
    running, headers = start()
    row = json.loads((made.root / "bundle/probe.json").read_text())["rows"][0]
    load = Load(running, headers, row)
    time.sleep(2 * FLUSH)
    killed = time.monotonic()
    for process in [running.process.pid, *running.workers()]:
        os.kill(process, signal.SIGKILL)
    load.wait()
    kept = logged(tmp_path / "log")
    owed = {name for name, moment in load.answered.items() if moment <= killed - FLUSH}
    assert owed
    assert owed - set(kept) == set()
    assert len(set(kept)) == len(kept)
    assert load.refused == []


def test_sigterm_under_load_loses_no_request(start, made, tmp_path):
    running, headers = start()
    row = json.loads((made.root / "bundle/probe.json").read_text())["rows"][0]
    load = Load(running, headers, row)
    time.sleep(0.2)
    assert running.end() == 0
    load.wait()
    assert load.answered.keys() - set(logged(tmp_path / "log")) == set()
    assert load.refused == []


def test_a_key_is_added_and_revoked_while_the_service_runs(start, made, tmp_path):
    running, headers = start()
    row = json.loads((made.root / "bundle/probe.json").read_text())["rows"][0]
    assert running.post("/predict", row, **headers).status == 200
    new = add(tmp_path / "keys.json", "shop", ["predict"], replace=True)
    time.sleep(LOOK_EVERY)  # whichever worker is asked from now on has to look at the file first
    for _ in range(10):
        told = running.post("/predict", row, **headers)
        assert told.status == 401
        assert told.headers["www-authenticate"].startswith("Bearer")
        assert running.post("/predict", row, **{"x-api-key": new}).status == 200
    secrets = [headers["x-api-key"], new, hashlib.sha256(new.encode()).hexdigest()]
    assert not any(secret in running.errors.read_text() for secret in secrets)
