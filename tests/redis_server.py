"""A real Redis server on this machine, with a password."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

HOST = "127.0.0.1"
needs_redis = pytest.mark.skipif(
    not (shutil.which("redis-server") or os.environ.get("CI")), reason="needs Debian's redis-server"
)


class RedisServer:
    """A server: its process, a client of its own, and the password."""

    def __init__(self, folder: Path, *settings: str) -> None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.password = secrets.token_hex(8)
        given = {"bind": HOST, "port": str(self.port), "save": "", "dir": str(folder), "requirepass": self.password}
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(["redis-server", *words, *settings], stdout=subprocess.DEVNULL)
        self.client = redis.Redis(HOST, self.port, password=self.password, protocol=2)

    def address(self, prefix: str, database: int = 0) -> str:
        """An online store's address."""
        return f"redis://{HOST}:{self.port}/{database}?prefix={prefix}"

    def wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + 30
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert self.process.poll() is None, f"the server ended with {self.process.returncode}"
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.05)


@contextmanager
def redis_server(folder: Path, *settings: str) -> Iterator[RedisServer]:
    """A server whose data is in memory, with further settings of redis.conf as words."""
    server = RedisServer(folder, *settings)
    try:
        server.wait()
        yield server
    finally:
        server.client.close()
        server.process.kill()
        server.process.wait()
