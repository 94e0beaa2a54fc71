"""kill -9 of the service and of what ships its log, again and again under load: each answer is in Parquet, once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
from modelyard.production.compact import compact
from modelyard.production.predictions import newest
from modelyard.production.ship import main as ship
from modelyard.production.store import Store

FLUSH = 0.4  # seconds
TURNS = 2
SHIP = "from modelyard.production.ship import main; main(__import__('sys').argv[1:], None)"


def ask(running: Any, row: dict[str, Any], caller: str, answered: dict[str, float], end: threading.Event) -> None:
    """Send rows with an id of their own until the service is gone."""
    connection = running.connect()
    for number in range(1_000_000):
        name = f"{caller}-{number}"
        with contextlib.suppress(Exception):  # it is gone
            connection.request("POST", "/predict", json.dumps({**row, "flight_id": name}))
            if connection.getresponse().read() and not end.is_set():
                answered[name] = time.monotonic()
                continue
        return


def test_answers_older_than_the_interval_are_in_parquet_once_each(service: Any, made: Any, tmp_path: Path) -> None:
    log, store = tmp_path / "log", Store(str(tmp_path / "store"))
    config = {
        "models": {"flights": {"bundle": str(made.root / "bundle")}},
        "workers": 2,
        # room for all that killed shippers leave
        "log": {"folder": str(log), "flush_seconds": FLUSH, "file_mb": 0.05, "files": 2000},
    }
    (tmp_path / "serving.json").write_text(json.dumps(config))
    given = [
        "--folder",
        str(log),
        "--store",
        str(store.folder),
        "--interval",
        "0.05",
        "--close-after",
        "0.3",
        "--port",
        "0",
    ]
    row = json.loads((made.root / "bundle/probe.json").read_text())["rows"][0]
    owed: set[str] = set()
    chance = random.Random(1)  # noqa: S311 - not secret
    for turn in range(TURNS):
        running = service("--config", tmp_path / "serving.json", "--open")
        answered: dict[str, float] = {}
        end = threading.Event()
        shippers = []
        callers = [
            threading.Thread(target=ask, args=[running, row, f"{turn}-{caller}", answered, end]) for caller in range(3)
        ]
        for caller in callers:
            caller.start()
        shipped = len(store.names("raw"))
        ends = time.monotonic() + 60
        for _ in range(2):  # the shipper is killed first, then both are
            shippers.append(subprocess.Popen([sys.executable, "-c", SHIP, *given], stderr=subprocess.DEVNULL))
            while len(store.names("raw")) < shipped + 4:
                assert time.monotonic() < ends
                time.sleep(chance.random() / 10)
            shipped = len(store.names("raw"))
            shippers[-1].send_signal(signal.SIGKILL)
            shippers[-1].wait()
        killed = time.monotonic()
        for process in [running.process.pid, *running.workers()]:
            os.kill(process, signal.SIGKILL)
        end.set()
        for caller in callers:
            caller.join(30)
        owed |= {name for name, moment in answered.items() if moment <= killed - FLUSH}
    ship([*given[:4], "--once"], None)  # type: ignore[arg-type]
    ledger = compact(store, made.contract)
    names = [f"{store.folder}/{name}" for name in newest(store).values()]
    kept = [name for (name,) in duckdb.read_parquet(names).project('"id.flight_id"').fetchall()]
    assert len(owed) > 50
    assert owed - set(kept) == set()
    assert len(kept) == len(set(kept))
    assert ledger.totals()["torn"] <= 2 * TURNS  # what each worker wrote when it was killed
    assert ledger.totals()["duplicates"] == 0
