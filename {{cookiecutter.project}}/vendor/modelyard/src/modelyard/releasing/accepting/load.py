"""Requests over several connections at once: each must be answered correctly."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from ...errors import ContractError
from .probe import Probe
from .service import RunningService


@dataclass
class Load:
    """The result of a load test. milliseconds: of each request answered with 200. faults: counted by kind."""

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


def load(service: RunningService, probe: Probe, requests: int, connections: int) -> Load:
    """Send the probe rows one by one, over and over, from as many clients as connections."""
    result, lock, numbers = Load(), threading.Lock(), count()

    def ask() -> None:
        client = service.connect()
        while (number := next(numbers)) < requests:  # next() of a count is atomic, so no number comes twice
            row = number % len(probe.rows)
            started = time.perf_counter()
            try:
                status, answer = client.ask("/predict", probe.rows[row])
            except (OSError, http.client.HTTPException) as error:
                with lock:
                    result.failed(type(error).__name__, f"probe row {row} got no answer: {error!r}")
                continue
            took = (time.perf_counter() - started) * 1e3
            with lock:
                if status == 200:
                    result.milliseconds.append(took)
                if failure := _fault(probe, row, status, answer):
                    result.failed(*failure)
        client.close()

    started = time.perf_counter()
    clients = [threading.Thread(target=ask, name=f"client {number}") for number in range(connections)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    result.seconds = time.perf_counter() - started
    return result


def _fault(probe: Probe, row: int, status: int, answer: Any) -> tuple[str, str] | None:
    """The kind of fault of an answer, and a sentence on it; None if the answer is right."""
    if status != 200:
        return str(status), f"probe row {row} was answered with {status}: {str(answer)[:300]}"
    try:
        (one,) = answer["predictions"]
        row_answer, fallback = (one["prediction"], one["decision"]), answer["fallback"]
    except (TypeError, KeyError, ValueError):
        return "of another form", f"probe row {row} was answered with {str(answer)[:300]}"
    if fallback:
        return f"answered by {fallback}", f"probe row {row} was answered by {fallback}, not by the model"
    fault = probe.fault(row, row_answer)
    return ("answered wrongly", fault) if fault else None


def check_load(service: RunningService, probe: Probe, requests: int, connections: int) -> str:
    """The measurements as a line. Raises ContractError with the same figures if a request failed."""
    result = load(service, probe, requests, connections)
    line = f"{requests} requests over {connections} connections: {result}"
    if result.faults:
        kinds = ", ".join(f"{what} ({times})" for what, times in result.faults.most_common())
        raise ContractError(f"{line}\n  {kinds}; the first: {result.first}")
    return line
