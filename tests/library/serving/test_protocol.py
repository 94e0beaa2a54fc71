"""What comes on a connection: requests for an upgrade are answered without one, and all but a body has its limits."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import uvicorn
from modelyard.serving.process import protocol as module
from modelyard.serving.process.protocol import BYTES, CHUNK_BYTES, CHUNKS, LINES, SLICE, URL_BYTES, WAITING, Protocol
from uvicorn.server import ServerState

POST = b"POST /predict HTTP/1.1\r\nhost: x\r\n"
GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
AFTER_BODY = CHUNKED + b"2\r\n{}\r\n0\r\n"
UPGRADES = {
    "Java": b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n",
    "websocket": b"connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nsec-websocket-version: 13\r\n",
    "TLS": b"Upgrade: TLS/1.0, HTTP/2.0\r\nConnection: upgrade\r\n",
}


class Echo:
    """An application that answers with what it received, and with a refusal's status."""

    def __init__(self, early=False):
        self.early = early  # whether it answers before the body has come

    async def __call__(self, scope, receive, send):
        body, more = b"", not self.early and scope["method"] == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        names = [name.decode() for name, _ in scope["headers"]]
        await self._send(send, 200, {"path": scope["path"], "body": body.decode(), "headers": names})

    async def refuse(self, refusal, scope, receive, send):
        await self._send(send, refusal.status, {"path": scope["path"]}, refusal.headers)

    async def _send(self, send, status, content, headers=()):
        body = json.dumps(content).encode()
        given = [(b"content-length", b"%d" % len(body)), *headers]
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": body})


LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def served(app):
    """Connects to a server of one's own."""
    config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off")
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        yield lambda: asyncio.open_connection(*server.sockets[0].getsockname())


def exchange(*parts, app=None, wait=0.0, goes_on=()):
    """The responses (status, content) to bytes that are sent in parts, and then as long as the other side reads."""

    async def run():
        async with served(app or Echo()) as connect:
            reader, writer = await connect()
            reading = asyncio.create_task(read_all(reader))
            for part in parts:
                writer.write(part)
                await asyncio.sleep(wait)
            with contextlib.suppress(ConnectionError):
                for part in goes_on or [LAST]:
                    writer.write(part)
                    await writer.drain()
            answer = await asyncio.wait_for(reading, 20)
            writer.close()
            return answer

    return [one for one in responses(asyncio.run(run())) if one[1]["path"] != "/last"]


async def read_all(reader):
    answer = b""
    with contextlib.suppress(ConnectionError):
        while got := await reader.read(65536):
            answer += got
    return answer


def responses(answer):
    while answer:
        head, _, answer = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        length = next(int(line.split(": ")[1]) for line in lines if line.startswith("content-length"))
        yield int(lines[0].split()[1]), json.loads(answer[:length])
        answer = answer[length:]


def statuses(*parts, **options):
    return [status for status, _ in exchange(*parts, **options)]


def bodies(*parts, **options):
    return [content["body"] for _, content in exchange(*parts, **options)]


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_request_for_an_upgrade_is_answered_as_any_other(upgrade, in_chunks):
    body = b'{"a": 1}'
    head = POST + upgrade + (b"transfer-encoding: chunked\r\n" if in_chunks else b"content-length: 8\r\n") + b"\r\n"
    sent = head + (b"8\r\n" + body + b"\r\n0\r\n\r\n" if in_chunks else body)
    ((status, content),) = exchange(sent)
    assert (status, content["path"], content["body"]) == (200, "/predict", body.decode())
    assert {"host", "connection"} <= set(content["headers"])
    # cut anywhere, and between other requests
    for cut in (5, len(head) - len(upgrade) // 2, len(head) - 1, len(head), len(head) + 3):
        assert bodies(sent[:cut], sent[cut:], wait=0.01) == [body.decode()]
    assert bodies(GET + b"\r\n" + sent + sent + GET + b"\r\n") == ["", body.decode(), body.decode(), ""]
    assert bodies(*(sent[place : place + 1] for place in range(len(sent)))) == [body.decode()]


def test_a_large_body_after_a_request_for_an_upgrade_comes_whole():
    body = b"x" * (5 * SLICE + 7)
    sent = POST + UPGRADES["Java"] + b"content-length: %d\r\n\r\n" % len(body) + body
    assert bodies(sent + GET + b"\r\n") == [body.decode(), ""]


def test_who_asks_before_sending_is_told_to_go_on_with_an_upgrade_too():
    head = POST + UPGRADES["Java"] + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"

    async def run():
        async with served(Echo()) as connect:
            reader, writer = await connect()
            writer.write(head)
            told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            writer.write(b"{}" + LAST)
            return told, await asyncio.wait_for(reader.read(), 20)

    told, answer = asyncio.run(run())
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert next(responses(answer))[1]["body"] == "{}"


def test_a_tunnel_is_refused_and_nothing_in_it_is_answered():
    assert statuses(b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n" + GET + b"\r\n") == [405]


ENDLESS = {
    "one line": (GET + b"x: ", b"y" * 50_000),
    "a name": (GET, b"y" * 50_000),
    "lines": (GET, b"x: y\r\n" * 8_000),
    "a trailer": (AFTER_BODY + b"x: ", b"y" * 50_000),
    "trailers": (AFTER_BODY, b"x: y\r\n" * 8_000),
    "a chunk's extension": (CHUNKED + b"2;", b"y" * 50_000),
    "nothing": (b"", b"\r\n" * 25_000),
}


@pytest.mark.parametrize(("begin", "more"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("early", [False, True])
def test_what_never_ends_is_refused(begin, more, early):
    told = statuses(begin, goes_on=(more for _ in range(2_000)), app=Echo(early), wait=0.01)
    # a request that is answered already cannot be refused any more: then the connection is closed
    assert told == ([200] if early and begin.startswith(POST) else [431])


def test_a_long_url_is_refused():
    assert statuses(b"GET /" + b"x" * (URL_BYTES - 1) + b" HTTP/1.1\r\nhost: x\r\n\r\n") == [200]
    assert statuses(b"GET /" + b"x" * URL_BYTES + b" HTTP/1.1\r\nhost: x\r\n\r\n") == [414]
    assert statuses(b"GET /", goes_on=(b"x" * 50_000 for _ in range(2_000))) == [414]


def test_headers_and_trailers_share_their_limits():
    lines = b"".join(b"x%d: y\r\n" % number for number in range(LINES // 2 - 2))
    chunked = POST + b"transfer-encoding: chunked\r\n" + lines + b"\r\n2\r\n{}\r\n0\r\n"
    assert bodies(chunked + lines + b"\r\n") == ["{}"]
    assert statuses(chunked + lines * 2 + b"\r\n") == [431]
    assert statuses(GET + b"x: %s\r\n\r\n" % (b"y" * (BYTES - 100))) == [200]
    assert statuses(GET + b"x: %s\r\n\r\n" % (b"y" * BYTES)) == [431]
    # each request has its own
    assert statuses((GET + lines + b"\r\n") * 5) == [200] * 5


def test_trailers_do_not_become_headers():
    ((_, content),) = exchange(AFTER_BODY + b"x-api-key: secret\r\n\r\n")
    assert content["headers"] == ["host", "transfer-encoding"]


def test_many_tiny_chunks_are_refused_and_many_small_ones_taken():
    tiny, small = b"1\r\nx\r\n", b"%x\r\n%s\r\n" % (CHUNK_BYTES, b"x" * CHUNK_BYTES)
    assert bodies(CHUNKED + tiny * (CHUNKS - 1) + b"0\r\n\r\n") == ["x" * (CHUNKS - 1)]
    assert statuses(CHUNKED + tiny * CHUNKS * 2) == [413]
    assert bodies(CHUNKED + small * CHUNKS * 5 + b"0\r\n\r\n") == ["x" * (CHUNK_BYTES * CHUNKS * 5)]


def test_a_refusal_waits_for_its_turn():
    good = POST + b"content-length: 2\r\n\r\n{}"
    assert statuses(good + GET + b"x: %s\r\n\r\n" % (b"y" * BYTES)) == [200, 431]
    assert statuses(good + AFTER_BODY + b"x: y\r\n" * LINES) == [200, 431]
    assert statuses(good + b"no http\r\n\r\n" + good) == [200, 400]


def test_pipelined_requests_beyond_those_that_may_wait_are_left_to_another_connection():
    assert statuses((GET + b"\r\n") * 5_000) == [200] * (WAITING + 1)


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01 hello\r\n\r\n", CHUNKED + b"zz\r\n{}", POST + b"content-length: -5\r\n\r\n{}"]
)
def test_what_is_no_http_is_refused(sent):
    assert statuses(sent) == [400]


def test_unfinished_requests_together_have_a_limit_and_give_back_what_they_held(monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES", 20_000)
    before = Protocol.held

    async def run():
        async with served(Echo()) as connect:
            opened = []
            for _ in range(3):
                reader, writer = await connect()
                writer.write(GET + b"x: " + b"y" * 8_000)
                await asyncio.sleep(0.02)
                opened.append((reader, writer))
            refused = await asyncio.wait_for(opened[2][0].readline(), 20)
            for _, writer in opened[:2]:
                writer.write(b"\r\n\r\n")
            taken = [await asyncio.wait_for(reader.readline(), 20) for reader, _ in opened[:2]]
            for _, writer in opened:
                writer.close()
            await asyncio.sleep(0.05)
            return refused, taken

    refused, taken = asyncio.run(run())
    assert refused == b"HTTP/1.1 503 Service Unavailable\r\n"
    assert taken == [b"HTTP/1.1 200 OK\r\n"] * 2
    assert Protocol.held == before
