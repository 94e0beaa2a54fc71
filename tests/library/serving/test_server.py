"""Connections that do not get on are closed, and others are left alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import uvicorn
from modelyard.serving.process import server as module
from modelyard.serving.process.server import HEAD_SECONDS, STUCK_SECONDS, Server


class Connection:
    """What uvicorn's connection shows of itself."""

    def __init__(self, cycle=None, idle=False):
        self.cycle, self.aborted = cycle, False
        self.timeout_keep_alive_task = object() if idle else None
        self.transport = SimpleNamespace(abort=self._abort)

    def _abort(self):
        self.aborted = True


@pytest.fixture
def clock(monkeypatch):
    """The time, which is moved by hand."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def server():
    return Server(uvicorn.Config(lambda *_: None, log_config=None), lambda _: None, lambda _: None)


def swept(server, connection):
    server.server_state.connections = {connection}
    server._sweep()
    return connection.aborted


def test_a_head_that_does_not_end_is_ended(server, clock):
    connection = Connection()
    assert not swept(server, connection)
    clock.seconds = HEAD_SECONDS - 1
    assert not swept(server, connection)
    clock.seconds = HEAD_SECONDS + 1
    assert swept(server, connection)


def test_a_connection_between_two_requests_may_lie_idle(server, clock):
    connection = Connection(SimpleNamespace(response_complete=True), idle=True)
    for clock.seconds in (0.0, 1000.0):
        assert not swept(server, connection)


def test_an_answer_that_nobody_takes_is_ended(server, clock):
    connection = Connection(SimpleNamespace(response_complete=False))
    assert not swept(server, connection)
    clock.seconds = STUCK_SECONDS + 1
    assert swept(server, connection)


def test_each_request_has_its_own_time(server, clock):
    connection = Connection(SimpleNamespace(response_complete=False))
    swept(server, connection)
    clock.seconds = STUCK_SECONDS - 1
    connection.cycle = SimpleNamespace(response_complete=False)
    assert not swept(server, connection)
    clock.seconds = STUCK_SECONDS + 1
    assert not swept(server, connection)
