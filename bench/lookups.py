"""What looking features up costs the service: single rows without, from a file, and from a Redis server.

The store has the features of the flights; the rows ask for two values each. Redis has the core of the load, which
waits meanwhile, so it is measured with one connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .history_sets import FLIGHTS, with_history
from .load import Load, Settings, start
from .measure import Failed, run
from .options import Options
from .table import Line
from .workspace import PACKAGE, Workspace, tool

TITLE = "Look-ups of features with history"
HOST = "127.0.0.1"
LIMIT_MS = 1.0  # more than without, at the median
MATERIALIZE = ("-m", PACKAGE, "materialize", "--to")


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """The median latency of single rows over one connection, one service after the other in each round."""
    if shutil.which("redis-server") is None:
        raise Failed("an online store in Redis needs its server: install it, as in `apt-get install redis-server`")
    project = workspace.project.copy(workspace.folder / "lookups" / workspace.project.root.name)
    made = with_history(project, workspace.folder, FLIGHTS)
    python, beside = made.environment / "bin/python", workspace.folder / "redis"
    install = (tool("uv"), "pip", "install", "--quiet", "--python", python, "--target", beside, "redis>=7,<9")
    run(install, workspace.folder)
    row = json.loads((made.root / "bundle/probe.json").read_text())["rows"][7]
    bare = {key: value for key, value in row.items() if key not in ("arrivals_3h", "departures_1h")}
    environment = {"PYTHONPATH": str(beside)}
    with _redis(workspace.folder) as address, contextlib.ExitStack() as stack:
        stores = {"a file": "reports/online.sqlite", "Redis": address}
        for store in stores.values():
            run([python, *MATERIALIZE, store], made.root, environment)
        servers = {}
        for what, store in {"without": None, **stores}.items():
            settings = ("--bundle", "bundle", "--open", "--workers", "1", "--host", HOST)
            online = () if store is None else ("--online", store)
            command = (python, "-m", PACKAGE, "serve", *settings, *online)
            servers[what] = stack.enter_context(start(Settings(command, made.root, "/predict", "", environment)))
        rounds = [[server.load(Load(bare), 1).median_ms for server in servers.values()] for _ in range(options.repeats)]
        for server in servers.values():
            if any(server.errors):
                raise Failed("a service did not answer each request with 200")
    medians = [statistics.median(one) for one in zip(*rounds, strict=True)]
    lines = [Line("single rows, whose features are missing", f"{medians[0]:.3f} ms")]
    for what, found in zip(stores, medians[1:], strict=True):
        more = found - medians[0]
        told = f"single rows with two features looked up in {what}: how much more"
        lines.append(Line(told, f"{found:.3f} ms", f"{more:.3f} ms", f"{LIMIT_MS:g} ms", more <= LIMIT_MS))
    return lines


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """The address of a server with its data in memory."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    affinity = {max(os.sched_getaffinity(0))}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, affinity)
    ) as process:
        try:
            until = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                    break
                if process.poll() is not None or time.monotonic() > until:
                    raise Failed("redis-server does not start")
                time.sleep(0.05)
            yield f"redis://{HOST}:{port}"
        finally:
            process.kill()
