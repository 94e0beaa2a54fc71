"""The port of a stream."""

from __future__ import annotations

import http.client
import json

import pytest
from modelyard.errors import ContractError
from modelyard.serving.access.access import Access
from modelyard.serving.access.key import add
from modelyard.serving.config import AccessConfig
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared
from modelyard.serving.streaming.health import STUCK_SECONDS, StreamHealth


@pytest.fixture
def health():
    return StreamHealth(Metrics(Shared(1), 0), Access(None, None), {"flights": "0123456789ab"})


def ask(address, path, method="GET", **headers):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_the_port_tells_the_state_and_nothing_else(health):
    address = health.listen("127.0.0.1", 0)
    assert ask(address, "/healthz") == (200, b'{"status":"alive"}')
    for status, code in (("starting", 503), ("ready", 200), ("draining", 503)):
        health.status = status
        told, body = ask(address, "/readyz")
        assert (told, json.loads(body)) == (code, {"status": status, "models": {"flights": "0123456789ab"}})
    assert ask(address, "/readyz", "HEAD") == (503, b"")
    assert ask(address, "/predict")[0] == 404
    assert ask(address, "/predict", "POST")[0] == 501


def test_a_process_without_progress_is_not_alive(health):
    health.beat()
    health._beat -= STUCK_SECONDS + 1
    assert health.answer("/healthz", [])[0] == 503
    health.beat()
    assert health.answer("/healthz", [])[0] == 200


def test_metrics_need_a_key_where_the_service_needs_one(tmp_path):
    path = tmp_path / "keys.json"
    key = add(path, "scraper", ["read"])
    access = Access.from_config(AccessConfig(keys=str(path)), open_=False)
    address = StreamHealth(Metrics(Shared(1), 0), access, {}).listen("127.0.0.1", 0)
    assert ask(address, "/metrics")[0] == 401
    assert ask(address, "/metrics", **{"X-API-Key": key})[0] == 200
    assert ask(address, "/healthz")[0] == 200


def test_a_port_that_is_taken_is_an_error(health):
    port = int(health.listen("127.0.0.1", 0).rpartition(":")[2])
    with pytest.raises(ContractError, match=f"127.0.0.1:{port}: .*--port 0"):
        health.listen("127.0.0.1", port)
