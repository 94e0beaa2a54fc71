"""A server on one core, and the load that wrk puts on it from another one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .measure import Failed

SECONDS = 3  # of one load
PATIENCE = 60  # seconds until a server answers for the first time
# What wrk is told: the request, and to print its result as JSON
SCRIPT = """
wrk.method, wrk.path = "POST", %s
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = %s
wrk.body = %s
function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format('{"requests":%%d,"us":%%d,"p50":%%d,"p99":%%d,"mean":%%f,"errors":%%d}', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), latency.mean, failed))
end
"""


@dataclass(frozen=True)
class Load:
    """What is sent again and again."""

    body: Any

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.body)


@dataclass(frozen=True)
class Settings:
    """How to start a server, and how to ask it. `--port` is added to the command.

    cores: how many it may use; the load takes the last of all cores, shared where the server has that too.
    """

    command: Sequence[str | Path]
    folder: Path
    path: str
    key: str
    environment: Mapping[str, str] = field(default_factory=dict)
    cores: int = 1


@dataclass(frozen=True)
class Found:
    """What one load came to."""

    per_second: float
    median_ms: float
    p99_ms: float
    mean_ms: float


class Server:
    """A server that runs until the `with` block ends."""

    def __init__(self, settings: Settings, process: subprocess.Popen[bytes], port: int, began: float) -> None:
        self._settings, self._process, self._began = settings, process, began
        self.url = f"http://127.0.0.1:{port}"
        self._first_answer = 0.0
        self.errors: list[int] = []

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def memory_mb(self) -> float:
        """The resident memory of the process that answers, in 10^6 bytes; the largest where there are several."""
        found = [self._process.pid, *_children(self._process.pid)]
        sizes = [re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()) for pid in found]
        return max(int(size[1]) for size in sizes if size) * 1024 / 1e6

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of its processes so far."""
        return sum(map(cpu_seconds, [self._process.pid, *_children(self._process.pid)]))

    def load(self, load: Load, connections: int, seconds: int = SECONDS) -> Found:
        """Send the load over so many connections for so long; each answer must be a 200. Raises Failed."""
        self.wait(load)
        script = SCRIPT % tuple(map(_lua, (self._settings.path, f"Bearer {self._settings.key}", load.text)))
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as written:
            written.write(script)
            written.flush()
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", written.name, self.url]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=seconds + 30,
                check=False,
                preexec_fn=lambda: os.sched_setaffinity(0, {_cores()[-1]}),
            )
        if done.returncode:
            raise Failed(f"wrk failed:\n{done.stdout}{done.stderr}")
        told = json.loads(done.stdout.splitlines()[-1])
        self.errors.append(told["errors"])
        milliseconds = (told[key] / 1e3 for key in ("p50", "p99", "mean"))
        return Found(told["requests"] / told["us"] * 1e6, *milliseconds)

    def wait(self, load: Load) -> float:
        """Wait until the server answers; how many seconds after its start it did so for the first time."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._settings.key}"}
        request = urllib.request.Request(self.url + self._settings.path, load.text.encode(), headers)
        until = time.perf_counter() + PATIENCE
        while not self._first_answer:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    answer.read()
                self._first_answer = time.perf_counter() - self._began
            except urllib.error.HTTPError as error:
                raise Failed(f"{self.url} answered {error.code}: {error.read()[:500]!r}") from None
            except OSError:
                if self._process.poll() is not None or time.perf_counter() > until:
                    raise Failed(f"{self._settings.command} does not answer at {self.url}") from None
                time.sleep(0.005)
        return self._first_answer


def start(settings: Settings) -> Server:
    """A server that was just started on the first cores. Its environment says to numerical libraries: one thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | dict(settings.environment)
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in (*settings.command, "--port", port)],
        cwd=settings.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, _cores()[: settings.cores]),
    )
    return Server(settings, process, port, began)


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process so far, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lua(text: str) -> str:
    """A text as Lua writes it, whatever is in it."""
    level = "="
    while f"]{level}]" in text:
        level += "="
    return f"[{level}[{text}]{level}]"
