"""How a response gets onto its connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import uvicorn
from modelyard.serving.process import cycle
from modelyard.serving.process.protocol import Protocol
from uvicorn.server import ServerState

REQUEST = b" / HTTP/1.1\r\nhost: x\r\n\r\n"


class Transport:
    """Remembers what is written by each call."""

    def __init__(self):
        self.writes, self.closed = [], False

    def get_extra_info(self, _name):
        return None

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def write(self, data):
        self.writes.append(data)

    def writelines(self, parts):
        self.writes.append(b"".join(parts))


def written(*sent, headers=(), more_body=False):
    """What is written for requests, by call."""

    async def app(_scope, _receive, send):
        given = [(b"content-length", b"2"), *headers]
        await send({"type": "http.response.start", "status": 200, "headers": given})
        await send({"type": "http.response.body", "body": b"ok", "more_body": more_body})

    async def run():
        state, transport = ServerState(), Transport()
        config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off")
        protocol = Protocol(config, state, {}, asyncio.get_running_loop())
        protocol.connection_made(transport)
        protocol.data_received(b"".join(sent))
        while state.tasks:
            await asyncio.sleep(0)
        return transport, protocol

    return asyncio.run(run())


def test_a_response_is_written_by_one_call_and_each_in_its_turn():
    transport, protocol = written(b"GET" + REQUEST, b"HEAD" + REQUEST, b"GET" + REQUEST)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    assert transport.writes == [head + b"ok", head, head + b"ok"]
    assert protocol.is_idle


def test_a_connection_is_closed_where_the_response_says_so():
    transport, _ = written(b"GET" + REQUEST, headers=[(b"connection", b"close")])
    assert transport.writes[0].count(b"close") == 1
    assert transport.closed


def test_whoever_speaks_http_1_0_is_told_that_the_connection_is_closed():
    transport, _ = written(b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in transport.writes[0]
    assert transport.closed


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\r", b"a\x00", b"\x7f"])
def test_no_header_of_a_response_can_hold_another(value):
    transport, _ = written(b"GET" + REQUEST, headers=[(b"x", value)])
    assert [write.split(b"\r\n")[0] for write in transport.writes] == [b"HTTP/1.1 500 Internal Server Error"]
    assert value not in transport.writes[0]


def test_a_response_in_parts_is_a_fault():
    transport, _ = written(b"GET" + REQUEST, more_body=True)
    assert transport.writes[0].startswith(b"HTTP/1.1 500 ")


def test_a_process_looks_for_the_next_request_only_where_the_last_one_came_soon(monkeypatch):
    now, waiting = SimpleNamespace(seconds=0.0), []
    monkeypatch.setattr(cycle.time, "perf_counter", lambda: now.seconds)
    loop = SimpleNamespace(call_soon=waiting.append)
    connection = Protocol(uvicorn.Config(lambda: None, log_config=None, ws="none"), ServerState(), {}, loop)
    connection.connection_made(Transport())

    def looks(pause):
        """How often it looks after an answer, to a client that pauses for so many hundredths of LOOK_SECONDS."""
        connection.on_response_complete()
        count = 0
        while waiting and count < pause:
            now.seconds += cycle.LOOK_SECONDS / 100
            count += 1
            waiting.pop()()
        now.seconds += cycle.LOOK_SECONDS / 100 * (pause - count)
        connection.data_received(b"\r\n")
        waiting.clear()
        return count

    assert [looks(pause) // 10 for pause in (50, 50, 1000, 1000, 50, 50)] == [0, 5, 10, 0, 0, 5]
