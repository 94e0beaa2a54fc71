"""Requests over several connections at once: each must be answered, and rightly."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from ...runtime.contract import ContractError
from .probe import Probe
from .service import Service


@dataclass
class Load:
    """What clients got. milliseconds: of each request that was answered with 200; faults: by what they were."""

    milliseconds: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    first: str = ""
    seconds: float = 0.0

    def failed(self, what: str, detail: str) -> None:
        """Count a request that failed; the first is kept in full."""
        self.first = self.first or detail
        self.faults[what] += 1

    def __str__(self) -> str:
        middle, slow = np.percentile(self.milliseconds, [50, 99]) if self.milliseconds else (np.nan, np.nan)
        return f"{self.faults.total()} failed, p50 {middle:.1f} ms, p99 {slow:.1f} ms, in {self.seconds:.1f} s"


def load(service: Service, probe: Probe, requests: int, connections: int) -> Load:
    """Ask for the probe rows one by one, over and over, by so many clients that each keep a connection."""
    done, lock, numbers = Load(), threading.Lock(), count()

    def ask() -> None:
        client = service.connect()
        while (number := next(numbers)) < requests:  # next() of a count is one step, so no number comes twice
            place = number % len(probe.rows)
            started = time.perf_counter()
            try:
                status, said = client.ask("/predict", probe.rows[place])
            except (OSError, http.client.HTTPException) as error:
                with lock:
                    done.failed(type(error).__name__, f"probe row {place} got no answer: {error!r}")
                continue
            took = (time.perf_counter() - started) * 1e3
            with lock:
                if status == 200:
                    done.milliseconds.append(took)
                if wrong := _wrong(probe, place, status, said):
                    done.failed(*wrong)
        client.close()

    started = time.perf_counter()
    clients = [threading.Thread(target=ask, name=f"client {number}") for number in range(connections)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    done.seconds = time.perf_counter() - started
    return done


def _wrong(probe: Probe, place: int, status: int, said: Any) -> tuple[str, str] | None:
    """What is wrong with an answer, in a word and in full."""
    if status != 200:
        return str(status), f"probe row {place} was answered with {status}: {str(said)[:300]}"
    try:
        (one,) = said["predictions"]
        found, instead = (one["prediction"], one["decision"]), said["fallback"]
    except (TypeError, KeyError, ValueError):
        return "of another form", f"probe row {place} was answered with {str(said)[:300]}"
    if instead:
        return f"answered by {instead}", f"probe row {place} was answered by {instead}, not by the model"
    fault = probe.fault(place, found)
    return ("answered wrongly", fault) if fault else None


def check_load(service: Service, probe: Probe, requests: int, connections: int) -> str:
    """What was measured, as a line. Raises ContractError where a request failed, with the figures all the same."""
    done = load(service, probe, requests, connections)
    line = f"{requests} requests over {connections} connections: {done}"
    if done.faults:
        kinds = ", ".join(f"{what} ({times})" for what, times in done.faults.most_common())
        raise ContractError(f"{line}\n  {kinds}; the first: {done.first}")
    return line
