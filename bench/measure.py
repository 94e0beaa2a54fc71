"""Processes that are timed, and what is made of the times."""

from __future__ import annotations

import math
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 30 * 60  # seconds
KIB = 1024


class Failed(RuntimeError):
    """A process that did not end with status 0, with all that it said."""


@dataclass(frozen=True)
class Run:
    """A process that ended well: its wall time, its CPU time, its peak memory, its output.

    Both include its children that it waited for; the peak is the highest of one process.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command in a folder, with these variables beside our own.

    Raises Failed where it does not end with status 0, or not within TIMEOUT.
    """
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        late = threading.Timer(TIMEOUT, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        why = f"ended with status {process.returncode} after {seconds:.0f} s"
        raise Failed(f"{' '.join(map(str, command))} {why} in {folder}:\n{output}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB, output)


def interleaved(repeats: int, *actions: Callable[[], float]) -> list[float]:
    """The median of what each action gives, in seconds; they take turns, so that a slow minute slows them all."""
    rounds = [[action() for action in actions] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def exponent(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """How time grows with rows: the least-squares slope of log time on log rows (1: in proportion)."""
    return statistics.linear_regression([math.log(n) for n in rows], [math.log(s) for s in seconds]).slope
