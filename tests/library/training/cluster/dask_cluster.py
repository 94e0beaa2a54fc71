"""A real Dask cluster on loopback for the tests, and a small search that runs on it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Client
from library.conftest import Workspace
from modelyard.training.tune import tune
from optuna.trial import TrialState

TRIALS = 8
SPACE = {"learning_rate": {"low": 0.01, "high": 0.5, "log": True}, "max_leaf_nodes": {"low": 4, "high": 32}}


def small_search(made: Workspace, root: Path) -> Workspace:
    """A copy of what ran, with a small search."""
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model", "evaluation"))
    workspace = dataclasses.replace(made, root=root)
    workspace.edit(
        model={"gradient_boosting": {"learning_rate": 0.001, "max_iter": 5}},
        split={"window": 2},
        tune={"trials": TRIALS, "batch": 4, "space": None},
    )
    workspace.edit(tune={"space": {"gradient_boosting": SPACE}})
    return workspace


def search(workspace: Workspace, cluster: str | None, trials: int = TRIALS) -> list[tuple[dict[str, Any], float]]:
    """What was tried, in order, and its value."""
    params = dataclasses.replace(workspace.params, cluster=cluster)
    study, _ = tune(workspace.project, workspace.root, workspace.contract, params, trials, 1)
    return [(trial.params, trial.value) for trial in study.get_trials(states=[TrialState.COMPLETE])]


def pids(address: str) -> dict[str, int]:
    """The process of each worker, and that of the scheduler, which is called so."""
    with Client(address, set_as_default=False) as client:
        return {**client.run(os.getpid), "scheduler": client.run_on_scheduler(os.getpid)}


@contextmanager
def in_the_first_trial(address: str, act: Callable[[str], None]) -> Iterator[None]:
    """Act on the address of the first worker that has a trial, while the block runs."""
    done = threading.Event()

    def watch() -> None:
        with Client(address, set_as_default=False) as client:
            while not done.wait(0.02):
                if busy := [worker for worker, keys in client.processing().items() if keys]:
                    act(busy[0])
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def dask(*words: str, env: Mapping[str, str] | None = None, library: bool = True) -> Iterator[None]:
    """A scheduler or a worker, from Dask's own command line; library: whether it could import the library."""
    program = ["-m", "dask"]
    if not library:
        program = ["-c", "import sys; sys.modules['modelyard'] = None; from dask.__main__ import main; main()"]
    command = [sys.executable, *program, *words, "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def scheduler(folder: Path, library: bool = True) -> Iterator[str]:
    """A scheduler without workers; its address."""
    told = folder / "scheduler.json"
    with dask("scheduler", "--port", "0", "--scheduler-file", str(told), library=library):
        yield json.loads(wait_for(told))["address"]


def wait_for(path: Path) -> str:
    """What a file says, once it is there."""
    end = time.monotonic() + 60
    while not (path.is_file() and path.read_text()):
        assert time.monotonic() < end, f"{path} is not there"
        time.sleep(0.05)
    return path.read_text()
