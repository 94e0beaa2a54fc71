"""Clients of the service: some keep their connections, some open one for each request; every answer is looked at."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENTS = 4  # every second of them opens a connection for each request
PAUSE = 0.02  # seconds that a client waits between two requests
LONGEST = 170.0  # seconds after which the clients stop by themselves, unless said


@dataclass
class Answers:
    """What the clients got: by variant, and what failed, by what it was."""

    good: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        good = ", ".join(f"{name} {count}" for name, count in sorted(self.good.items()))
        failed = ", ".join(f"{name} {count}" for name, count in sorted(self.failed.items())) or "none"
        return f"{self.good.total()} requests answered ({good}), {self.failed.total()} failed ({failed})"


@contextmanager
def load(
    port: int, body: Callable[[], object], headers: dict[str, str] | None = None, longest: float = LONGEST
) -> Iterator[Answers]:
    """Steady requests to /predict on a port of this machine, until the block ends."""
    answers, lock, stop = Answers(), threading.Lock(), threading.Event()
    sent = {"content-type": "application/json", **(headers or {})}

    def client(keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        end = time.monotonic() + longest
        while not stop.is_set() and time.monotonic() < end:
            kind, name = "good", "?"
            try:
                connection.request("POST", "/predict", json.dumps(body()), sent)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    kind, name = "failed", str(answer.status)
                else:
                    name = json.loads(text)["variant"]
            except (OSError, http.client.HTTPException) as fault:
                kind, name = "failed", type(fault).__name__
                connection.close()
            if not keeps:
                connection.close()
            with lock:
                getattr(answers, kind)[name] += 1
            stop.wait(PAUSE)
        connection.close()

    clients = [threading.Thread(target=client, args=(number % 2 == 0,), daemon=True) for number in range(CLIENTS)]
    for one in clients:
        one.start()
    try:
        yield answers
    finally:
        stop.set()
        for one in clients:
            one.join(15)
