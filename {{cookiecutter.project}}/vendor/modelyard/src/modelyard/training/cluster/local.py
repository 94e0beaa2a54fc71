"""Start a Dask cluster on this machine, on which `make tune` and `make automl` then run their trials.

Its ports are on 127.0.0.1 only, where every user of the machine reaches them; Ctrl-C stops it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...errors import ContractError, counted
from ...runtime.project import Project
from .address import VARIABLE, import_distributed

PATIENCE = 120  # seconds until all workers must be there
HOST = "127.0.0.1"
# As deploy/cluster/dask.yaml has them
SETTINGS = {
    "SCHEDULER__ALLOWED_FAILURES": "2",  # so many workers may end under one trial before it is given up
    "SCHEDULER__NO_WORKERS_TIMEOUT": "40s",
    # what a trial needs is freed with it: to wait or to spill would not help, so a worker runs up to its limit
    "WORKER__MEMORY__TARGET": "False",
    "WORKER__MEMORY__SPILL": "False",
    "WORKER__MEMORY__PAUSE": "False",
}


@contextmanager
def local_cluster(workers: int, memory: int | None = None, port: int = 0) -> Iterator[str]:
    """A scheduler and so many workers as processes of this machine, until the block ends; its address.

    memory: bytes that each worker may use (None: its share of what this machine has).
    """
    import_distributed()
    if workers < 1:
        raise ContractError(f"WORKERS is {workers}: at least 1 is needed")
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        told = Path(folder) / "scheduler.json"
        here = ["--host", HOST, "--dashboard-address", f"{HOST}:0"]
        limit = str(memory or _memory() // workers)
        many = ["--nworkers", str(workers), "--nthreads", "1", "--memory-limit", limit, "--nanny"]
        commands = [
            ["scheduler", *here, "--port", str(port), "--scheduler-file", str(told)],
            ["worker", *here, *many, "--scheduler-file", str(told), "--local-directory", folder],
        ]
        running: list[subprocess.Popen[str]] = []
        try:
            for command in commands:
                running.append(_start(command, Path(folder)))
                address = _wait_for_scheduler(told, running[0])
            _wait_for_workers(address, workers, Path(folder) / "worker.log")
            yield address
        finally:
            for process in reversed(running):
                _end(process)


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    settings = {f"DASK_DISTRIBUTED__{name}": value for name, value in SETTINGS.items()}
    log = (folder / f"{command[0]}.log").open("w")
    # of its own group, so that Ctrl-C reaches this process only, which then stops them in order
    return subprocess.Popen(  # noqa: S603 - the words are ours
        [sys.executable, "-P", "-m", "dask", *command],
        env={**settings, **os.environ},
        stdout=log,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def _wait_for_scheduler(told: Path, process: subprocess.Popen[str]) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ContractError(f"the scheduler ended: {_log(told.parent / 'scheduler.log')}")
        if told.is_file() and (text := told.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise ContractError(f"the scheduler did not start within {PATIENCE} s: {_log(told.parent / 'scheduler.log')}")


def _wait_for_workers(address: str, workers: int, log: Path) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        try:
            client.wait_for_workers(workers, timeout=PATIENCE)
        except TimeoutError:
            raise ContractError(
                f"{counted(workers, 'worker')} did not start within {PATIENCE} s: {_log(log)}"
            ) from None


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it started and did not stop
    process.wait()


def _memory() -> int:
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_LIMIT * 0.9)


def _log(path: Path) -> str:
    """The first error in a log, or how it ends."""
    lines = path.read_text(errors="replace").splitlines()
    return next((line for line in lines if re.match(r"\w+Error: ", line)), "\n".join(lines[-5:]))


def main(arguments: Sequence[str], _: Project) -> None:
    """The verb `cluster`."""
    parser = argparse.ArgumentParser(
        prog="cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, help="processes, with a trial each at a time (default: 2)")
    parser.add_argument("--memory", type=float, help="GiB of each worker (default: its share of this machine's)")
    parser.add_argument("--port", type=int, default=0, help="of the scheduler (default: any that is free)")
    options = parser.parse_args(arguments)
    memory = int(options.memory * 2**30) if options.memory else None

    def stop(*_signal: Any) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):  # which a script's job in the background would ignore
        signal.signal(number, stop)
    try:
        with local_cluster(options.workers, memory, options.port) as address:
            print(f"{counted(options.workers, 'worker')} on this machine; Ctrl-C stops them. In another terminal:")
            print(f"export {VARIABLE}={address}", flush=True)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        print("stopped")
