from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
import uvicorn
from modelyard.serving.process import connections as module
from modelyard.serving.process.connections import MOST, CountedProtocol, most_connections
from uvicorn.server import ServerState


def test_a_connection_that_is_one_too_many_is_told_and_counted(called, made, monkeypatch, capsys):
    app = called(made.root / "bundle")
    monkeypatch.setattr(CountedProtocol, "most", 2)

    async def run():
        config = uvicorn.Config(app.app, log_config=None, ws="none", lifespan="off")
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: CountedProtocol(config, state, {}), "127.0.0.1", 0)
        address = server.sockets[0].getsockname()

        async def ask(reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            return (await reader.readline()).split()[1]

        async with server:
            first, second = [await asyncio.open_connection(*address) for _ in range(2)]
            assert [await ask(*first), await ask(*second)] == [b"200"] * 2
            reader, _ = await asyncio.open_connection(*address)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"too many connections" in answer
            second[1].close()
            while len(state.connections) > 1:
                await asyncio.sleep(0.001)
            third = await asyncio.open_connection(*address)
            assert await ask(*third) == b"200"
            for _, writer in (first, third):
                writer.close()

    asyncio.run(run())
    assert "modelyard_refused_connections_total 1" in app.metrics.text().decode().splitlines()
    assert '"reason":"too many connections"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("soft", "most"), [(1024, 896), (2**20, MOST), (resource.RLIM_INFINITY, MOST), (100, 25)], ids=str
)
def test_a_worker_has_as_many_connections_as_it_has_descriptors_for(monkeypatch, soft, most):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert most_connections() == most


def test_the_limit_is_raised_to_the_hard_one():
    code = """
import resource
from modelyard.serving.process.connections import raise_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
raise_limit()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, 2**20), hard)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_the_kernel_has_a_lower_limit_the_service_starts_all_the_same(monkeypatch):
    def refuse(*_):
        raise ValueError("not allowed to raise maximum limit")

    limits = SimpleNamespace(RLIMIT_NOFILE=7, RLIM_INFINITY=-1, getrlimit=lambda _: (1024, -1), setrlimit=refuse)
    monkeypatch.setattr(module, "resource", limits)
    module.raise_limit()
    assert most_connections() == 896
