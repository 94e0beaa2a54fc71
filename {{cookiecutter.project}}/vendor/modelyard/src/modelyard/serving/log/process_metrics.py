"""What the operating system tells of the service's processes, under the names that all clients of Prometheus use."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Mapping
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")  # of a second
PAGE = os.sysconf("SC_PAGE_SIZE")
BEFORE_NAME = 2  # fields of /proc/<pid>/stat up to the name, which may have blanks


def _stat(pid: int, field: int) -> float:
    """A field of /proc/<pid>/stat, by its number in proc(5)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return float(after_name[field - BEFORE_NAME - 1])


def _booted() -> float:
    """When the machine was started, in seconds since 1970."""
    (line,) = (line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return float(line.split()[1])


CATALOGUE: Mapping[str, tuple[str, str, Callable[[int], float]]] = {
    "process_cpu_seconds_total": (
        "counter",
        "Processor time that the process has used",
        lambda pid: (_stat(pid, 14) + _stat(pid, 15)) / TICK,
    ),
    "process_resident_memory_bytes": (
        "gauge",
        "Memory of the process that is resident",
        lambda pid: _stat(pid, 24) * PAGE,
    ),
    "process_virtual_memory_bytes": ("gauge", "Address space of the process", lambda pid: _stat(pid, 23)),
    "process_open_fds": ("gauge", "Descriptors that are open", lambda pid: len(os.listdir(f"/proc/{pid}/fd"))),
    "process_max_fds": (
        "gauge",
        "Descriptors that may be open",
        lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE)[0],
    ),
    "process_start_time_seconds": (
        "gauge",
        "When the process was started, in seconds since 1970",
        lambda pid: _booted() + _stat(pid, 22) / TICK,
    ),
}


def process_lines(processes: Mapping[str, int]) -> bytes:
    """Prometheus's text format of these processes, by name.

    Nothing is told of a process that ends meanwhile, and nothing at all where the system is not Linux.
    """
    lines: list[str] = []
    for name, (kind, text, read) in CATALOGUE.items():
        samples = []
        for process, pid in processes.items():
            with contextlib.suppress(OSError, AttributeError):
                samples.append(f'{name}{{worker="{process}"}} {read(pid):.15g}')
        if samples:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples]
    return "".join(f"{line}\n" for line in lines).encode()
