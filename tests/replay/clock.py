"""The service with a clock of its own, so that it answers in the month whose rows it is asked."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PORT = re.compile(r"http://[^ ]+:(\d+) ")
# Python runs a module of this name before all else. The service asks for the time by `time.time()`
SHIFT = """import os, time
_now = time.time
def _shifted():
    with open(os.environ["REPLAY_CLOCK"]) as opened:
        return _now() + float(opened.read() or 0)
time.time = _shifted
"""


@dataclass(frozen=True)
class Service:
    """The real service of a bundle, that logs what it answers."""

    port: int
    log: Path
    clock: Path

    def at(self, moment: datetime.datetime) -> None:
        """Let the service's clock show this time (UTC)."""
        set_clock(self.clock, moment)

    def ask(self, rows: list[dict[str, Any]], request: str | None = None) -> list[Any]:
        """The predictions for rows, in one request."""
        headers = {"content-type": "application/json"} | ({"x-request-id": request} if request else {})
        body = json.dumps({"rows": rows}, default=str).encode()
        with urlopen(Request(f"http://127.0.0.1:{self.port}/predict", body, headers), timeout=60) as answer:
            return [one["prediction"] for one in json.load(answer)["predictions"]]


def set_clock(path: Path, moment: datetime.datetime) -> None:
    """Write by how much a clock differs from the real one; in one step, so that no reader sees half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(str(moment.replace(tzinfo=datetime.UTC).timestamp() - time.time()))
    fresh.replace(path)


@contextmanager
def serve(
    command: Sequence[str | Path], root: Path, bundle: Path, folder: Path, python_path: str = ""
) -> Iterator[Service]:
    """Serve a bundle with a project's command, such as `python -m flight_delays`, in its folder `root`.

    folder: where its log is, which is closed when the block ends. python_path: what Python imports from beside.
    """
    hook, log, clock = folder / "clock", folder / "log", folder / "clock/offset"
    hook.mkdir(parents=True, exist_ok=True)
    (hook / "sitecustomize.py").write_text(SHIFT)
    clock.write_text("0")
    config = folder / "serving.json"
    model = {"bundle": str(bundle)}
    told = {"models": {"model": model}, "workers": 1, "host": "127.0.0.1", "port": 0, "log": {"folder": str(log)}}
    config.write_text(json.dumps(told | {"deadline_ms": 10_000}))
    path = os.pathsep.join(filter(None, [str(hook), python_path]))
    env = {**os.environ, "PYTHONPATH": path, "REPLAY_CLOCK": str(clock)}
    with (folder / "serve.log").open("w") as errors:
        process = subprocess.Popen(
            [*map(str, command), "serve", "--config", str(config), "--open"],
            cwd=root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout
            line = process.stdout.readline()
            found = PORT.search(line)
            assert found, f"the service does not start: {line}{(folder / 'serve.log').read_text()}"
            yield Service(int(found[1]), log, clock)
        finally:
            process.terminate()
            process.wait(60)
