"""Connections that do not get on are closed, and others are left alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import uvicorn
from modelyard.serving.process import server as module
from modelyard.serving.process.server import HEAD_SECONDS, STUCK_SECONDS, Server

IDLE_SECONDS = 75


class Cycle:
    """A request, and whether it is answered."""

    def __init__(self, response_complete):
        self.response_complete = response_complete


class Connection:
    """What a connection shows of itself."""

    def __init__(self, cycle=None, idle=False):
        self.cycle, self.is_idle, self.ended = cycle, idle, ""
        self.transport = SimpleNamespace(abort=lambda: self._end("aborted"), close=lambda: self._end("closed"))

    def _end(self, how):
        self.ended = how


@pytest.fixture
def clock(monkeypatch):
    """The time, which is moved by hand."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def server():
    config = uvicorn.Config(lambda *_: None, log_config=None, timeout_keep_alive=IDLE_SECONDS)
    return Server(config, lambda _: None, lambda _: None)


def swept(server, connection):
    server.server_state.connections = {connection}
    server._sweep()
    return connection.ended


def test_a_head_that_does_not_end_is_ended(server, clock):
    connection = Connection()
    assert not swept(server, connection)
    clock.seconds = HEAD_SECONDS - 1
    assert not swept(server, connection)
    clock.seconds = HEAD_SECONDS + 1
    assert swept(server, connection)


def test_a_connection_between_two_requests_may_lie_idle_for_a_while(server, clock):
    connection = Connection(Cycle(response_complete=False))
    assert not swept(server, connection)
    connection.cycle.response_complete = connection.is_idle = True
    for clock.seconds in (STUCK_SECONDS - 1, STUCK_SECONDS + IDLE_SECONDS - 2):
        assert not swept(server, connection)
    clock.seconds += 2
    assert swept(server, connection) == "closed"


def test_each_idle_time_is_counted_by_itself(server, clock):
    connection = Connection(Cycle(response_complete=True), idle=True)
    for clock.seconds in range(0, 1000, IDLE_SECONDS):
        assert not swept(server, connection)
        connection.cycle = Cycle(response_complete=True)


def test_an_answer_that_nobody_takes_is_ended(server, clock):
    connection = Connection(Cycle(response_complete=False))
    assert not swept(server, connection)
    clock.seconds = STUCK_SECONDS + 1
    assert swept(server, connection)


def test_each_request_has_its_own_time(server, clock):
    connection = Connection(Cycle(response_complete=False))
    swept(server, connection)
    clock.seconds = STUCK_SECONDS - 1
    connection.cycle = Cycle(response_complete=False)
    assert not swept(server, connection)
    clock.seconds = STUCK_SECONDS + 1
    assert not swept(server, connection)
